"""When one of several sources counts as absent, as the data module has it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dlkit.core.durations import nanoseconds
from dlkit.data.inputs import AHEAD, FrameInput, StreamInput
from dlkit.data.several.dropout import dropout_rates
from dlkit.data.several.series import Series
from dlkit.export.ports import Port, masks_of


def with_absence(data: Any, ports: Sequence[Port]) -> list[Port]:
    """Return the inputs with what makes a source absent, and whether training had windows without it.

    Args:
        data: The data module; one of a single source has nothing to say.
        ports: The inputs.
    """
    laid = getattr(getattr(data, "prepared", None), "laid", None)
    if laid is None:
        return list(ports)
    held = {one.part.name: one for one in laid.sources}
    rates = dict(zip(held, dropout_rates(data.modality_dropout, list(held)).tolist(), strict=True))
    return [
        said_of(port, held[port.name], data.wanted.sources[port.name], rates[port.name]) if port.name in held else port
        for port in ports
    ]


def said_of(port: Port, held: Any, wanted: StreamInput | FrameInput, rate: float) -> Port:
    """Return the port of a source with what makes it absent."""
    limit = None if wanted.max_age is None else nanoseconds(wanted.max_age, setting="max_age") / 1e9
    known = replace(port, fresh=1, max_age=limit, optional=wanted.missing == "mask" or rate > 0)
    if not isinstance(held, Series) or isinstance(wanted, FrameInput):
        return known
    aged = held.part.helpers > masks_of(held.part)
    return replace(known, fresh=held.fresh, telling=held.telling, aged=aged, max_age=None if ahead(wanted) else limit)


def ahead(wanted: StreamInput) -> bool:
    """Tell whether a source takes samples after the tick, which its age says nothing of."""
    methods = [wanted.method] if isinstance(wanted.method, str) else list(wanted.method.values())
    return any(one in AHEAD for found in methods for one in ([found] if isinstance(found, str) else found))
