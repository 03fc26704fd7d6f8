"""What an explanation of several sources leaves in the run folder: shares, best lags, maps and figures by source."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from dlkit.core.packing import presence, unpack
from dlkit.core.specs import Part
from dlkit.explain.sources import best_lags, channel_shares, lag_profile, source_shares
from dlkit.report.maps import Legend
from dlkit.report.source_maps import SourceView, source_maps_figure
from dlkit.report.source_overview import SourceProfile, misalignment_figure, overview_figure
from dlkit.train.explain_inputs import Inputs
from dlkit.train.explain_question import Question
from dlkit.train.explain_result import Explained

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
def source_summary(found: Explained) -> dict[str, Any]:
    """Return the shares and best lags of each source over all samples and scores, and what shifts of it do."""
    parts, relevance = found.inputs.parts, found.relevance
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
    told: dict[str, Any] = {"sources": sources}
    exact = exact_values(found).get("shapley_baseline")
    if exact is not None:
        gap = (source_shares(relevance, parts) - exact).abs().sum() / exact.abs().sum().clamp_min(1e-300)
        told["difference_to_shapley"] = float(gap)
    if found.whole is not None and found.whole.shifted is not None:
        told["misalignment"] = found.whole.shifted.as_dict()
    return told


def exact_values(found: Explained) -> dict[str, Tensor]:
    """Return the exact Shapley values of methods that can be compared with them, (batch, wanted, parts)."""
    if found.whole is None or not found.method.in_unit:
        return {}
    both = {"shapley_baseline": found.whole.exact, "shapley_absent": found.whole.absent}
    return {name: values for name, values in both.items() if values is not None}


def channel_summary(found: Explained, part: Part) -> list[dict[str, Any]]:
    """Return the mean share, its mean size and the best lag of each channel of a source."""
    parts, relevance = found.inputs.parts, found.relevance
    shares = channel_shares(relevance, parts)[part.name]
    mean, size = shares.mean((0, 1)).tolist(), shares.abs().mean((0, 1)).tolist()
    lags = best_lags(relevance.flatten(0, 1), part, parts)
    return [
        {"channel": part.channels[k], "share_mean": mean[k], "share_mean_size": size[k], "best_lag_s": lags[k]}
        for k in range(measured(part))
    ]


def source_sample(found: Explained, number: int) -> list[dict[str, Any]]:
    """Return for each score of a sample the shares of its sources and of their channels."""
    parts, names = found.inputs.parts, [part.name for part in found.inputs.parts]
    shares = source_shares(found.relevance[number], parts).tolist()
    channels = channel_shares(found.relevance[number], parts)
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
    yield "overview", overview_figure(profiles_of(found), legend, samples=samples)
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
            views = views_of(inputs, relevance[number, k], number)
            figure = source_maps_figure(views, legend, title=title, answer=inputs.times[number])
            yield (name if len(scores) == 1 else f"{name}_{k + 1}"), figure


def views_of(inputs: Inputs, relevance: np.ndarray, number: int) -> list[SourceView]:
    """Return what each source gave to one score of one sample, whose relevance is (values,)."""
    parts = inputs.parts
    maps, values = by_source(relevance, parts), by_source(inputs.values[number], parts)
    there = (presence(inputs.batch.x[number], parts) > 0).tolist()
    return [
        SourceView(
            name=part.name,
            channels=part.channels[: measured(part)],
            units=part.units[: measured(part)] or ("",) * measured(part),
            times=inputs.source_times[part.name][number],
            values=values[part.name],
            relevance=maps[part.name],
            share=float(maps[part.name].sum(dtype=np.float64)),
            there=there[k],
        )
        for k, part in enumerate(parts)
    ]


def profiles_of(found: Explained) -> list[SourceProfile]:
    """Return what each source gave in the mean over samples and scores."""
    parts, exact = found.inputs.parts, exact_values(found)
    flat = found.relevance.flatten(0, 1)
    sizes = source_shares(flat, parts).abs().mean(0).tolist()

    def mean_size(name: str, number: int) -> float | None:
        return float(exact[name][..., number].abs().mean()) if name in exact else None

    return [
        SourceProfile(
            name=part.name,
            channels=part.channels[: measured(part)],
            times=np.array(part.times),
            profile=lag_profile(flat, part, parts).mean(0)[: measured(part)].cpu().numpy(),
            share=sizes[number],
            exact=mean_size("shapley_baseline", number),
            absent=mean_size("shapley_absent", number),
        )
        for number, part in enumerate(parts)
    ]
