"""What a reviewer asks of several sources, for ``data.json``."""

from typing import Any

from dlkit.data.inputs import EventInput, StreamInput
from dlkit.data.several.camera import Camera
from dlkit.data.several.lay import Wanted
from dlkit.data.several.prepare import SourcesPrepared
from dlkit.data.several.series import Series
from dlkit.data.sources.aligned import Aligned
from dlkit.data.table.describe import describe


def describe_sources(ready: SourcesPrepared, source: Aligned, wanted: Wanted) -> dict[str, Any]:
    """Return what is said of one source, and what windows hold of each of several and are asked for."""
    found, timings = describe(ready, source), source.timings
    geometry = ready.geometry
    found["window"] = {"rows": geometry.length, "rows of the inputs": ready.laid.span, "stride": geometry.stride}
    found["sources"] = {
        name: {"offset_seconds": timings[name].offset, "drift_ppm": timings[name].drift}
        | ({} if isinstance(one, EventInput) else {"max_age": one.max_age, "missing": one.missing})
        | ({"method": one.method} if isinstance(one, StreamInput) else {})
        for name, one in wanted.sources.items()
    }
    for held in ready.laid.sources:
        found["sources"][held.part.name] |= (
            _describe_camera(held) if isinstance(held, Camera) else _describe_series(held)
        )
    found["heads"] = {
        one.name: {"kind": one.kind, "rows": one.rows, "rows after the inputs": one.first, "targets": list(one.targets)}
        | (
            {"classes": dict(zip(ready.laid.classes[one.events], _counts(ready, one.name), strict=True))}
            if one.events
            else {}
        )
        for one in ready.laid.asked
    }
    return found


def _counts(ready: SourcesPrepared, head: str) -> list[int]:
    counts: list[int] = ready.heads[head].class_counts.tolist()
    return counts


def _describe_series(held: Series) -> dict[str, Any]:
    return {
        "channels": dict(zip(held.part.channels, held.part.units, strict=True)),
        "samples in a window": held.cut.rows,
        "rows between them": held.cut.every,
    }


def _describe_camera(held: Camera) -> dict[str, Any]:
    shown = int((held.newest >= 0).sum())
    return {
        "channels": dict(zip(held.part.channels, held.part.units, strict=True)),
        "size": list(held.part.size),
        "frames": len(held.stamps),
        "frames in a window": len(held.part.times),
        "rows with a frame": shown,
    }
