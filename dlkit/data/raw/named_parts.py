"""Which array of a file holds traces and which their labels, told by their shapes where no usual name tells it."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlkit.core.checks import InputError
from dlkit.core.finding import Finding
from dlkit.data.samples.array_files import array_kinds, load_array
from dlkit.data.samples.files import role_of
from dlkit.data.samples.layout import FEW

ROLE, GROUP = re.compile(r"(?i)roles?|splits?|subsets?"), re.compile(r"(?i)groups?|devices?|shots?|runs?")
LABEL = re.compile(r"(?i)labels?|class(es)?|targets?|y|faults?|kinds?|types?|categor(y|ies)|states?")
SHORTEST = 16  # values of a trace; fewer in a row may be the channels of a table
DEEP = (3, 4)  # axes of traces and images that no table has


def deep_arrays(file: Path, group: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays of numbers that are no columns of a table: traces, images or frames."""
    try:
        kinds = array_kinds(file, group=group)
    except InputError:  # told by whoever reads it
        return {}
    return {name: shape for name, (shape, kind) in kinds.items() if len(shape) in DEEP and kind.kind in "fiub"}


def named_parts(file: Path, group: str = "/") -> dict[str, str]:
    """Return ``inputs``, ``labels`` and what else is known of the arrays of a file.

    The inputs are the only array of numbers with three or four axes; of files without, the only one with two, beside
    which each array has one entry a sample. The labels are the only one of these that is neither roles nor groups, or
    the only one with words or a usual name.

    Returns:
        Names by setting; empty where it is not clear.
    """
    try:
        kinds = array_kinds(file, group=group)
        arrays = {name: load_array(file, name, group=group) for name in kinds if len(kinds[name][0]) == 1}
    except InputError:  # told by whoever reads it
        return {}
    deep = deep_arrays(file, group)
    flat = {name: shape for name, (shape, kind) in kinds.items() if len(shape) == 2 and kind.kind in "fiu"}
    inputs = deep or flat
    if len(inputs) != 1:
        return {}
    ((name, shape),) = inputs.items()
    last = len(shape) == 3 and kinds[name][1].kind == "f" and shape[2] <= FEW < shape[1]
    if shape[1 if last else -1] < SHORTEST:
        return {}
    fits = {one: each for one, each in arrays.items() if _tells(each, shape[0])}
    if not deep and len(fits) < len(kinds) - 1:
        return {}
    found = {"inputs": name} | ({"axes": "time channels"} if last else {})
    for part, says in (("roles", ROLE), ("groups", GROUP)):
        those = [one for one in fits if says.fullmatch(one) and (part != "roles" or _are_roles(fits[one]))]
        if len(those) == 1 and len(fits) > 1:
            found[part] = those[0]
            del fits[those[0]]
    labels = _labels(fits)
    return {**found, "labels": labels} if labels else {}


def guess_note(named: dict[str, str], file: Path, group: str) -> Finding:
    """Return the note that says which array was taken for what, and which were left out."""
    taken = ", ".join(f"`{part}: {name}`" for part, name in named.items())
    others = [name for name in array_kinds(file, group=group) if name not in named.values()]
    left = f"; left out: {', '.join(others)}" if others else ""
    why = "Which array is which was told by shapes and names: say it with these settings where it is otherwise."
    return Finding(kind="arrays by shape", level="note", what=f"Taken as {taken}{left}.", why=why)


def deep_words(arrays: dict[str, tuple[int, ...]]) -> str:
    """Return names and shapes in words."""
    return ", ".join(f"'{name}' ({_times(shape)})" for name, shape in list(arrays.items())[:3])


def _times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _tells(values: np.ndarray, count: int) -> bool:
    """Tell whether values are one a sample, and neither all the same nor all different."""
    return values.shape == (count,) and len(np.unique(values)) not in (1, count)


def _labels(beside: dict[str, np.ndarray]) -> str:
    """Return the array of the labels; "" where it is not clear."""
    words = [name for name, each in beside.items() if each.dtype.kind in "USO"]
    named = [name for name in beside if LABEL.fullmatch(name)]
    return next((some[0] for some in (list(beside), named, words) if len(some) == 1), "")


def _are_roles(values: np.ndarray) -> bool:
    words = [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in np.unique(values).tolist()]
    return all(isinstance(one, str) and role_of(one) for one in words)
