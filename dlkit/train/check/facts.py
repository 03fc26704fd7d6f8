"""What is known of a source besides what is wrong with it: its clock, its channels, its samples."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from dlkit.core.checks import InputError
from dlkit.data.cleaning.images import as_pictures
from dlkit.data.raw.layout import Layout
from dlkit.data.records import Samples
from dlkit.quality.checked import SourceFacts
from dlkit.quality.labels.balance import class_counts
from dlkit.quality.signals.all import Signals
from dlkit.quality.signals.facts import ChannelFacts
from dlkit.quality.words import when
from dlkit.train.check.series import together

SECOND = 1e9
MILLISECOND = 1_000_000
CLOCK = ("jitter", "longest_gap", "gap_time", "span")
"""Facts of a clock in nanoseconds."""
MOST_MEASURED = 64  # images whose values are measured


def tell_rows(facts: SourceFacts, signals: Signals, series: str = "") -> None:
    """Write down clock and channels; ``series`` is the column that names the series, "" where none does."""
    clock, layout = signals.clock(), signals.layout
    facts.rows = clock.rows
    known: dict[str, Any] = {
        "series": clock.series if clock.series > 1 else None,
        "series_column": series if clock.series > 1 and series else None,
        "from": span_text(clock.first, layout),
        "to": span_text(clock.last, layout),
        "step_s": clock.step / SECOND if clock.step else None,
    }
    plain = clock.plain()
    known |= {f"{name}_s": plain[name] / SECOND for name in CLOCK if plain[name]}
    if together(clock):
        known |= {"span_s": (plain["last"] - plain["first"]) / SECOND, "span_of_all_series_s": clock.span / SECOND}
    counts = ("gaps", "missing_rows", "duplicates", "disorder", "bursts")
    known |= {name: plain[name] for name in counts if plain[name]}
    facts.facts = {name: value for name, value in known.items() if value is not None}
    tell_channels(facts, signals.channels())


def tell_channels(facts: SourceFacts, channels: Sequence[ChannelFacts]) -> None:
    """Write down what was measured of each channel."""
    for channel in channels:
        numbers = channel.plain()
        share = channel.missing / max(channel.n + channel.missing + channel.infinite, 1)
        numbers |= {"missing_share": round(share, 6)} | named_quantiles(channel.quantiles)
        facts.channels[channel.name] = numbers


def span_text(time: int | None, layout: Layout) -> str | None:
    """Return a time in words."""
    return None if time is None else when(time - time % MILLISECOND, dated=layout.dated)


def named_quantiles(quantiles: dict[float, float]) -> dict[str, float]:
    """Return the quantiles that a table shows."""
    names = {0.05: "q05", 0.5: "median", 0.95: "q95"}
    return {names[share]: value for share, value in quantiles.items() if share in names}


def tell_pixels(facts: SourceFacts, samples: Samples) -> None:
    """Write down the values of each channel in some images, evenly spaced, in the units of their files."""
    pictures = as_pictures(samples.values)
    chosen = np.unique(np.linspace(0, len(samples) - 1, min(MOST_MEASURED, len(samples))).astype(np.int64))
    parts = []
    for number in chosen.tolist():
        with suppress(InputError, OSError):  # told as a finding
            parts.append(np.asarray(pictures.decode(number)).reshape(len(samples.channels), -1))
    if not parts:
        return
    values = np.concatenate(parts, axis=1).astype(np.float32)
    quantiles = np.nanquantile(values, [0, 0.05, 0.5, 0.95, 1], axis=1).T.tolist()
    for name, row, mean, std in zip(
        samples.channels, quantiles, np.nanmean(values, 1).tolist(), np.nanstd(values, 1).tolist(), strict=True
    ):
        numbers = dict(zip(("min", "q05", "median", "q95", "max"), row, strict=True)) | {"mean": mean, "std": std}
        facts.channels[name] |= numbers
    facts.facts["values_measured_in"] = f"{len(parts):,} {'image' if len(parts) == 1 else 'images'}"


def sample_facts(samples: Samples) -> dict[str, Any]:
    """Return what is known of samples besides their channels."""
    known: dict[str, Any] = {"labels": samples.kind, "classes": len(samples.classes) or None}
    if samples.classes:
        known["class_counts"] = dict(zip(samples.classes, class_counts(samples).tolist(), strict=True))
    if isinstance(samples.values, np.ndarray):
        known["size"] = " x ".join(map(str, samples.values.shape[2:]))
        known["value_step_s"] = samples.step if samples.values.ndim == 3 and samples.step != 1 else None
    if samples.lengths is not None:
        known["shortest"], known["longest"] = int(samples.lengths.min()), int(samples.lengths.max())
    if samples.groups is not None:
        known["groups"] = len(np.unique(samples.groups))
    if samples.roles is not None:
        names, counts = np.unique(samples.roles, return_counts=True)
        known["roles"] = {str(name): int(count) for name, count in zip(names, counts, strict=True)}
    known["left_out"] = {cause: len(names) for cause, names in samples.skipped.items()} or None
    return {name: value for name, value in known.items() if value is not None}
