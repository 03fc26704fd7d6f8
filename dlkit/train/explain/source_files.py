"""What an explanation of several sources leaves in the run folder: shares, best lags, maps and figures by source."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from dlkit.core.packing import presence, unpack
from dlkit.core.specs import Part
from dlkit.explain.sources import best_lags, channel_shares, lag_profile, proportions, size_of, source_shares
from dlkit.report.maps import Legend
from dlkit.report.source_maps import source_maps_figure
from dlkit.report.source_overview import SourceProfile, misalignment_figure, overview_figure
from dlkit.report.source_view import SourceView
from dlkit.train.explain.figures import RELATIVE_SHARES
from dlkit.train.explain.inputs import Inputs
from dlkit.train.explain.question import Question
from dlkit.train.explain.result import Explained
from dlkit.train.explain.times import later_text

if TYPE_CHECKING:
    import matplotlib.figure


def measured(part: Part) -> int:
    """Return the number of channels that are no helpers."""
    return len(part.channels) - part.helpers


def measured_of(values: np.ndarray, part: Part) -> np.ndarray:
    """Return values of a source, (..., *part.shape), without helper channels."""
    return values[..., : measured(part), :, :] if part.frames else values[..., : measured(part), :]


def by_source(values: np.ndarray, parts: tuple[Part, ...]) -> dict[str, np.ndarray]:
    """Return packed values, (..., values), of each source without helper channels."""
    unpacked = unpack(torch.from_numpy(values), parts)
    return {part.name: measured_of(unpacked[part.name].numpy(), part) for part in parts}


def source_arrays(found: Explained, relevance: np.ndarray) -> dict[str, Any]:
    """Return maps, inputs, times, channels and units of each source, named ``kind/source``."""
    inputs = found.inputs
    arrays: dict[str, Any] = {}
    for kind, values in (("relevance", relevance), ("inputs", inputs.values)):
        arrays |= {f"{kind}/{name}": own for name, own in by_source(values, inputs.parts).items()}
    for part in inputs.parts:
        arrays[f"times/{part.name}"] = inputs.source_times[part.name]
        arrays[f"channels/{part.name}"] = np.array(part.channels[: measured(part)])
        arrays[f"units/{part.name}"] = np.array(part.units[: measured(part)])
    return arrays


# ------------------------------------------------------------------ summary
def additive(found: Explained) -> Tensor:
    """Return relevance whose sums are shares: parts of the change of the score, else proportions of all sources."""
    relevance = found.relevance
    return relevance if found.method.complete else relevance / size_of(source_shares(relevance, found.inputs.parts))


def source_summary(found: Explained) -> dict[str, Any]:
    """Return the shares and best lags of each source over all samples and scores, and what shifts of it do."""
    parts, relevance = found.inputs.parts, additive(found)
    sizes = source_shares(relevance, parts).abs().mean((0, 1))
    share_of_all = sizes / sizes.sum().clamp_min(1e-300)
    there = (presence(found.inputs.batch.x, parts) > 0).sum(0)
    sources = []
    for number, part in enumerate(parts):
        one = {"source": part.name, "samples_there": int(there[number])}
        one |= {"share_mean_size": float(sizes[number]), "share_of_all": float(share_of_all[number])}
        for name, values in exact_values(found).items():
            one[name] = float(values[..., number].abs().mean())
        sources.append(one | {"channels": channel_summary(found, part)})
    kind = f"parts of the {found.question.score}" if found.method.complete else RELATIVE_SHARES
    told: dict[str, Any] = {"shares": kind, "sources": sources}
    off = difference_to_shapley(found)
    told |= {} if off is None else {"difference_to_shapley": off}
    if found.whole is not None and found.whole.shifted is not None:
        told["misalignment"] = found.whole.shifted.as_dict()
    return told


def exact_values(found: Explained) -> dict[str, Tensor]:
    """Return the exact Shapley values of methods that can be compared with them, (batch, wanted, parts).

    They are proportions as well where the shares of the method are no more than that.
    """
    if found.whole is None or not found.method.in_unit:
        return {}
    both = {"shapley_baseline": found.whole.exact, "shapley_absent": found.whole.absent}
    known = {name: values for name, values in both.items() if values is not None}
    return known if found.method.complete else {name: proportions(values) for name, values in known.items()}


def difference_to_shapley(found: Explained) -> float | None:
    """Return by how much the shares differ from the exact Shapley values, as a part of these; None where unknown."""
    exact = exact_values(found).get("shapley_baseline")
    if exact is None:
        return None
    gap = (source_shares(additive(found), found.inputs.parts) - exact).abs().sum()
    return float(gap / exact.abs().sum().clamp_min(1e-300))


def channel_summary(found: Explained, part: Part) -> list[dict[str, Any]]:
    """Return the mean share, its mean size and the best lag of each channel of a source."""
    parts = found.inputs.parts
    shares = channel_shares(additive(found), parts)[part.name]
    mean, size = shares.mean((0, 1)).tolist(), shares.abs().mean((0, 1)).tolist()
    lags = best_lags(found.relevance.flatten(0, 1), part, parts)
    return [
        {"channel": part.channels[k], "share_mean": mean[k], "share_mean_size": size[k], "best_lag_s": lags[k]}
        for k in range(measured(part))
    ]


def source_sample(found: Explained, number: int) -> list[dict[str, Any]]:
    """Return for each score of a sample the shares of its sources and of their channels."""
    parts, names = found.inputs.parts, [part.name for part in found.inputs.parts]
    relevance = additive(found)[number]
    shares, channels = source_shares(relevance, parts).tolist(), channel_shares(relevance, parts)
    told = []
    for k, score in enumerate(found.question.scores[number]):
        one: dict[str, Any] = {"score": score, "shares": dict(zip(names, shares[k], strict=True))}
        for name, values in exact_values(found).items():
            one[name] = dict(zip(names, values[number, k].tolist(), strict=True))
        one["relevance_per_channel"] = {
            f"{part.name}.{part.channels[i]}": float(channels[part.name][k, i])
            for part in parts
            for i in range(measured(part))
        }
        told.append(one)
    return told


# ------------------------------------------------------------------ figures
def source_figures(
    found: Explained, relevance: np.ndarray, legend: Legend
) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
    """Yield the name and the figure of the overview, of what shifts do, and of each score of each sample."""
    inputs, samples = found.inputs, len(found.inputs.names)
    yield (
        "overview",
        overview_figure(profiles_of(found), legend, samples=samples, later=later_text(found.question.ahead)),
    )
    shifted = None if found.whole is None else found.whole.shifted
    if shifted is not None:
        title = f"{found.question.score} when one source alone is shifted in time, {shifted.windows} windows"
        yield (
            "misalignment",
            misalignment_figure(shifted.curves, title=title, unit=shifted.unit, error=shifted.error),
        )
    yield from sample_figures(inputs, found.question, relevance, legend)


def sample_figures(
    inputs: Inputs, question: Question, relevance: np.ndarray, legend: Legend
) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
    """Yield the name and the figure of each score of each sample."""
    assert inputs.times is not None
    for number, name in enumerate(inputs.names):
        lines, scores = question.lines[number], question.scores[number]
        for k, score in enumerate(scores):
            known = any(score in line for line in lines)
            title = ", ".join([name, *lines] + ([] if known else [f"explained: {score}"]))
            views = views_of(inputs, relevance[number, k], number, complete=legend.complete)
            later = later_text(question.ahead[k : k + 1])
            figure = source_maps_figure(views, legend, title=title, last=inputs.times[number], later=later)
            yield (name if len(scores) == 1 else f"{name}_{k + 1}"), figure


def views_of(inputs: Inputs, relevance: np.ndarray, number: int, *, complete: bool) -> list[SourceView]:
    """Return what each source gave to one score of one sample, whose relevance is (values,); shares else in %."""
    parts, sums = inputs.parts, source_shares(torch.from_numpy(relevance), inputs.parts)
    shares = (sums if complete else 100 * proportions(sums)).tolist()
    own, values = by_source(relevance, parts), by_source(inputs.values[number], parts)
    there = (presence(inputs.batch.x[number], parts) > 0).tolist()
    return [
        SourceView(
            name=part.name,
            channels=part.channels[: measured(part)],
            units=part.units[: measured(part)] or ("",) * measured(part),
            times=inputs.source_times[part.name][number],
            values=values[part.name],
            relevance=own[part.name],
            share=shares[k],
            there=there[k],
        )
        for k, part in enumerate(parts)
    ]


def profiles_of(found: Explained) -> list[SourceProfile]:
    """Return what each source gave in the mean over samples and scores."""
    parts, exact = found.inputs.parts, exact_values(found)
    flat, scale = additive(found).flatten(0, 1), 1 if found.method.complete else 100  # parts of the change, else %
    sizes = (scale * source_shares(flat, parts).abs().mean(0)).tolist()
    known = by_source(np.isfinite(found.inputs.values).any(0).astype(np.float32), parts)

    def mean_size(name: str, number: int) -> float | None:
        return scale * float(exact[name][..., number].abs().mean()) if name in exact else None

    return [
        SourceProfile(
            name=part.name,
            channels=channels_said(part, known[part.name]),
            times=np.array(part.times),
            profile=lag_profile(flat, part, parts).mean(0)[: measured(part)].cpu().numpy(),
            share=sizes[number],
            exact=mean_size("shapley_baseline", number),
            absent=mean_size("shapley_absent", number),
        )
        for number, part in enumerate(parts)
    ]


def channels_said(part: Part, known: np.ndarray) -> list[str]:
    """Return the names of the channels of a source; those without a value in any sample say so.

    Args:
        part: The source.
        known: 1 where there is a value in any sample, else 0, (channels, times) or (frames, channels, height, width).
    """
    there = np.atleast_1d(known.any(axis=(0, 2, 3) if part.frames else (1,)))
    names = part.channels[: measured(part)]
    return [name if one else f"{name}: no value" for name, one in zip(names, there.tolist(), strict=True)]
