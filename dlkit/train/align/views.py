"""From a survey of several sources to its figure and its words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.checks import counted
from dlkit.data.inputs import Timing
from dlkit.data.sync.estimate import Sync
from dlkit.data.sync.health import Health
from dlkit.data.sync.survey import Survey
from dlkit.report.canvas import save_figure
from dlkit.report.sync_figures import LagView, SourceView, sync_figure

LOST = 0.02  # share of missing values of a channel from which on the figure says so
USUAL = 4  # intervals in the shortest span of time that is drawn


def draw(found: Survey, syncs: Mapping[str, Sync], path: Path, *, dated: bool) -> Path:
    """Draw the figure of a survey.

    Args:
        found: The survey.
        syncs: What was found of clocks, by what the figure calls them.
        path: Of the PNG.
        dated: Whether times are dates.
    """
    said = found.report["sources"]
    views = [source_view(name, health, said[name], dated=dated) for name, health in found.healths.items()]
    return save_figure(
        sync_figure(views, [lag_view(f"clock of {name}", sync) for name, sync in syncs.items() if sync.found]), path
    )


def source_view(name: str, health: Health, said: dict[str, Any], *, dated: bool) -> SourceView:
    """Return the row of a source, moved by the offset of its clock."""
    coverage = health.coverage
    several = max(int(np.ceil(USUAL * health.step / coverage.width)), 1)
    used = (health.last - coverage.start) // coverage.width + 1
    counts = np.pad(coverage.counts[:used], (0, -used % several)).reshape(-1, several).sum(1)
    stamps = coverage.start + np.arange(len(counts) + 1) * coverage.width * several
    stamps[-1] = max(health.last, int(stamps[-2]) + 1)
    expected = np.maximum(np.diff(stamps) / health.step, 1.0)
    stamps += round(1e9 * said["clock"]["offset_seconds"])
    jitter = 100 * said["jitter_seconds"] / said["interval_seconds"]
    odd = {"drop": said["samples dropped"], "gap": said["gaps"], "burst": said["bursts"]}
    note = ", ".join(counted(count, what) for what, count in odd.items())
    note += lost_words(said.get("missing", {}))
    return SourceView(
        name=name,
        note=f"{said['rate_hz']:.4g} Hz, jitter {jitter:.1f} %, {note}",
        edges=stamps.astype("datetime64[ns]") if dated else stamps / 1e9,
        shares=counts / expected,
        intervals=health.intervals.values,
    )


def lost_words(missing: Mapping[str, float]) -> str:
    """Say which channels have no value in many of the samples that came, the worst first; "" where none has."""
    most = sorted((pair for pair in missing.items() if pair[1] >= LOST), key=lambda pair: -pair[1])
    shown = [f"{name}: {100 * lost:.0f} % missing" for name, lost in most[:3]]
    return "".join(f"; {one}" for one in shown + [f"{len(most) - 3} more"] * (len(most) > 3))


def lag_view(title: str, sync: Sync) -> LagView:
    """Return what is drawn of a clock that was compared with another one."""
    order = np.argsort(sync.times)
    times = sync.times[order]
    away = 1e-6 * sync.drift_error * (times - times.mean())
    at_middle = max(sync.offset_error**2 - (1e-6 * sync.drift_error * times.mean()) ** 2, 0.0)
    line = sync.offset + 1e-6 * sync.drift * times
    return LagView(title, times, sync.lags[order], line, np.sqrt(at_middle + away**2))


def sync_words(sync: Sync) -> str:
    """Say what was found of a clock."""
    if not sync.found:
        return f"saw nothing in common ({sync.why_not})"
    offset = uncertain(1e3 * sync.offset, 1e3 * sync.offset_error)
    drift = uncertain(sync.drift, sync.drift_error)
    return f"offset {offset} ms, drift {drift} ppm (correlation {sync.correlation:.2f})"


def uncertain(value: float, error: float) -> str:
    """Return a value and its standard error to two digits of the error."""
    digits = int(np.clip(1 - np.floor(np.log10(error)), 0, 9)) if error > 0 else 6
    return f"{value:+.{digits}f} ± {error:.{digits}f}"


def clocks_words(syncs: Mapping[str, Sync]) -> str:
    """Say in one line how well the clocks fit."""
    said = "; ".join(f"{name}: {sync_words(sync)}" for name, sync in syncs.items())
    return f"clocks: {said or 'taken as they are; `timing: {like: source.channel=channel}` compares them'}"


def pieces_words(data: Any) -> str:
    """Say in one line what the cluster of a data module did, "" where it has none."""
    pieces: int | None = getattr(data, "pieces", None)
    if pieces is None:
        return ""
    if pieces == 0:
        return "the table was on disk already: nothing was aligned"
    if pieces == 1:
        return "one piece: aligned in this process"
    return f"aligned in {pieces} pieces by {counted(data.cluster.workers, 'worker')}"


def yaml_line(source: str, timing: Timing) -> str:
    """Return the setting of the clock of a source."""
    return f"{source}: {{timing: {{offset: {timing.offset:.6f}, drift: {timing.drift:.3f}}}}}"
