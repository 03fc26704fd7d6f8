"""Which frames belong to which series, in the order of time."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dlkit.core.checks import InputError
from dlkit.data.samples.problems import Problems
from dlkit.data.tabular.stamps import Disorder


def in_order(
    times: np.ndarray, series: Sequence[str] | np.ndarray, problems: Problems, disorder: Disorder
) -> dict[str, np.ndarray]:
    """Return the numbers of the frames of each series by rising time; stamps that come again are marked.

    Args:
        times: Nanoseconds of each frame, in the order of the files.
        series: Name of the series of each frame.
        problems: What is known to be wrong so far.
        disorder: Whether stamps may go back, and are then sorted.

    Raises:
        InputError: A stamp goes back, or frames cannot be used and ``bad`` is ``fail``.
    """
    codes, names = pd.factorize(np.asarray(series, dtype=object))
    found = {}
    for code, name in enumerate(names):
        numbers = np.flatnonzero((codes == code) & problems.good)
        back = np.flatnonzero(np.diff(times[numbers]) < 0)
        if len(back) and disorder == "refuse":
            before, after = (problems.names[number] for number in numbers[back[0] : back[0] + 2])
            raise InputError(
                f"{after} is stamped {(times[numbers[back[0]]] - times[numbers[back[0] + 1]]) / 1e9:g} s before "
                f"{before}, but time must not go back; set `disorder: sort` to sort the frames."
            )
        numbers = numbers[np.argsort(times[numbers], kind="stable")]
        again = np.append(False, np.diff(times[numbers]) == 0) if len(numbers) else np.zeros(0, bool)
        problems.mark("a stamp that another frame has", numbers[again])
        found[str(name)] = numbers[~again]
    problems.settle()
    return {name: numbers for name, numbers in found.items() if len(numbers)}
