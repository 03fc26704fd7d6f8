"""Whether data are what a network was trained on: times that were measured need only be near."""

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

from dlkit.core.specs import Answer, Part, Spec

KEYS = ("channels", "size", "output", "targets", "future", "static", "classes", "padded")
OF_A_SOURCE = ("frames", "channels", "units", "helpers", "size")
OF_A_HEAD = tuple(field.name for field in fields(Answer) if field.name != "name")
SHOWN = 8


def with_times_of(now: Spec, trained: Spec, *, regular: bool) -> Spec:
    """Return a spec with the measured times of another one where they are near, within half an interval.

    Measured are the times of frames; on a clock of stamps also its step and the times of all samples.

    Args:
        now: Of the data.
        trained: Of the network.
        regular: Whether the clock has a constant step.
    """
    known = {part.name: part for part in trained.parts}
    parts = tuple(
        replace(part, times=known[part.name].times)
        if part.name in known and (part.frames or not regular) and _near(part, known[part.name])
        else part
        for part in now.parts
    )
    same_step = not regular and abs(now.step - trained.step) <= trained.step / 2
    return replace(now, parts=parts, step=trained.step if same_step else now.step)


def _near(part: Part, known: Part) -> bool:
    steps = [later - earlier for earlier, later in pairwise(known.times)]
    pairs = zip(part.times, known.times, strict=False)
    same = len(part.times) == len(known.times) and part.frames == known.frames
    return same and all(abs(one - other) <= min(steps, default=0.0) / 2 for one, other in pairs)


def difference(trained: Spec, now: Spec) -> str | None:
    """Return the first thing in which two specs differ, as "WHAT IT WAS, the data give WHAT IT IS"; None where none."""
    for what, before, found in _compared(trained, now):
        if before != found:
            return f"{what}{_short(before, found)}, the data give {_short(found, before)}"
    return None


def _compared(trained: Spec, now: Spec) -> Iterator[tuple[str, Any, Any]]:
    yield "the sources ", [part.name for part in trained.parts], [part.name for part in now.parts]
    for before, found in zip(trained.parts, now.parts, strict=False):
        for key in OF_A_SOURCE:
            yield f"the {key} of the source '{before.name}' ", getattr(before, key), getattr(found, key)
        thing = "frames" if before.frames else "samples"
        yield f"a number of {thing} of the source '{before.name}' of ", len(before.times), len(found.times)
        yield f"{thing} of the source '{before.name}' at the seconds ", before.times, found.times
    yield "the heads ", [head.name for head in trained.heads], [head.name for head in now.heads]
    for one, other in zip(trained.heads, now.heads, strict=False):
        for key in OF_A_HEAD:
            yield f"the {key} of the head '{one.name}' ", getattr(one, key), getattr(other, key)
    for key in KEYS:
        yield f"{key}=", getattr(trained, key), getattr(now, key)


def _short(value: Any, other: Any) -> str:
    """Return a value as text; of a long list what is not in the other one, or else its beginning."""
    if not isinstance(value, tuple | list):
        return str(value)
    found = list(value)
    if len(found) > SHOWN:
        found = [one for one in found if one not in other] or found
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    left_out = f" among {len(value)}" if len(value) > len(found) else ""
    return f"{found[:SHOWN]}{more}{left_out}"
