"""Which array of a file holds traces and which their labels, told by their shapes where no usual name tells it."""

import re
from pathlib import Path

import numpy as np

from dlkit.core.checks import InputError
from dlkit.data.samples.array_files import array_names, load_array
from dlkit.data.samples.files import role_of

ROLE, GROUP = re.compile(r"(?i)roles?|splits?|subsets?"), re.compile(r"(?i)groups?|devices?|shots?|runs?")
LABEL = re.compile(r"(?i)labels?|class(es)?|targets?|y|faults?|kinds?|types?|categor(y|ies)|states?")
SHORTEST = 16  # values of a trace; fewer in a row may be the channels of a table


def named_parts(file: Path) -> dict[str, str]:
    """Return ``inputs``, ``labels`` and what else is known of the arrays of an NPZ file.

    The inputs are the only array of numbers with two or three axes; beside it each array has one entry a sample. The
    labels are the only one of them that is neither roles nor groups, or the only one with words or a usual name.

    Returns:
        Names by setting; empty where it is not clear.
    """
    try:
        arrays = {name: load_array(file, name) for name in array_names(file)}
    except InputError:  # told by whoever reads it
        return {}
    inputs = [name for name, each in arrays.items() if each.ndim in (2, 3) and each.dtype.kind in "fiu"]
    if len(inputs) != 1 or len(arrays) < 2 or arrays[inputs[0]].shape[-1] < SHORTEST:
        return {}
    beside = {name: each for name, each in arrays.items() if name != inputs[0]}
    count = len(arrays[inputs[0]])
    if any(each.shape != (count,) or len(np.unique(each)) in (1, count) for each in beside.values()):
        return {}
    found = {"inputs": inputs[0]}
    for part, says in (("roles", ROLE), ("groups", GROUP)):
        fits = [name for name, each in beside.items() if says.fullmatch(name) and (part != "roles" or _are_roles(each))]
        if len(fits) == 1 and len(beside) > 1:
            found[part] = fits[0]
            del beside[fits[0]]
    labels = _labels(beside)
    return {**found, "labels": labels} if labels else {}


def _labels(beside: dict[str, np.ndarray]) -> str:
    """Return the array of the labels; "" where it is not clear."""
    words = [name for name, each in beside.items() if each.dtype.kind in "US"]
    named = [name for name in beside if LABEL.fullmatch(name)]
    return next((some[0] for some in (list(beside), named, words) if len(some) == 1), "")


def _are_roles(values: np.ndarray) -> bool:
    return values.dtype.kind in "US" and all(role_of(str(one)) for one in np.unique(values))
