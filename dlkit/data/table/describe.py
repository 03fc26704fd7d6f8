"""What a reviewer asks of the data, for ``data.json``."""

from typing import Any

import numpy as np

from dlkit.data.base import Source
from dlkit.data.splits import ROLES
from dlkit.data.table.prepare import Prepared
from dlkit.data.table.rows import count_rows


def describe(ready: Prepared, source: Source) -> dict[str, Any]:
    """Return fingerprint, rows, split, windows and what they cost, and the audit, as plain types."""
    table, geometry = ready.table, ready.geometry
    cleaned = {"clean": table.cleaned} if table.cleaned else {}
    return cleaned | {
        "source": source.fingerprint(),
        "fitted": source.fitted,
        "rows": len(table.times),
        "rows lost": table.lost,
        "series": len(table.names),
        "segments": len(table.segments),
        "step_seconds": table.step / 1e9,
        "columns": dict(zip(table.columns, table.units, strict=True)),
        "window": vars(geometry) | {"rows": geometry.length},
        "split": {role: _describe_part(ready, role) for role in ROLES},
        "missing in training rows": ready.missing,
        "audit": ready.audit,
    }


def _describe_part(ready: Prepared, role: str) -> dict[str, Any]:
    ranges, windows, times = ready.ranges[role], ready.windows[role], ready.table.times
    part = {"rows": count_rows(ranges), "windows": len(windows), "windows lost": windows.lost}
    if len(ranges):
        edges = (times[ranges[:, 0]].min(), times[ranges[:, 1] - 1].max())
        part["from"], part["to"] = (str(np.datetime64(int(edge), "ns")) for edge in edges)
    return part
