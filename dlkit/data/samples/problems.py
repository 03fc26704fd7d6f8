"""Samples that cannot be used: all of them in one message, or left out and recorded."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from dlkit.core.checks import InputError, counted, require, setting_error

Policy = Literal["fail", "skip"]
SHOWN = 10


class Problems:
    """Gathers what is wrong with which sample, to say it at once.

    Args:
        names: Name of every sample.
        policy: ``fail`` refuses the data set, ``skip`` leaves the samples out and records them.
        what: What a sample is called in the message, in the plural.
    """

    def __init__(self, names: Sequence[str], policy: Policy, *, what: str = "samples") -> None:
        require(policy in ("fail", "skip"), f"`bad: {policy}` is not known; set it to 'fail' or 'skip'.")
        self.names, self.policy, self.what = names, policy, what
        self.good = np.ones(len(names), dtype=bool)
        self.found: dict[str, list[str]] = {}
        self.others = 0

    def note(self, cause: str, what: Iterable[str]) -> None:
        """Note what is wrong beside the samples, such as a class without any."""
        names = list(what)
        if names:
            self.found.setdefault(cause, []).extend(names)
            self.others += len(names)

    def mark(self, cause: str, wrong: np.ndarray | Iterable[int]) -> None:
        """Note that samples cannot be used; one that is known to be bad keeps its first cause.

        Args:
            cause: What is wrong, in a few words.
            wrong: True for each bad sample, or the numbers of the bad samples.
        """
        given = np.asarray(wrong if isinstance(wrong, np.ndarray) else list(wrong))
        numbers = np.flatnonzero(given) if given.dtype == bool else given.astype(np.int64)
        new = [int(number) for number in numbers if self.good[number]]
        if new:
            self.found.setdefault(cause, []).extend(self.names[number] for number in new)
            self.good[new] = False

    def settle(self) -> np.ndarray:
        """Return the numbers of the samples that can be used.

        Raises:
            InputError: There are bad ones and the policy is to fail, or nothing is left.
        """
        if self.found and (self.policy == "fail" or not self.good.any()):
            count = int((~self.good).sum())
            total = (
                f"{count} of {len(self.names)} {self.what}" if count else f"{counted(self.others, 'part')} of the data"
            )
            causes = "; ".join(f"{cause}: {_listed(names)}" for cause, names in self.found.items())
            fact = f"{total} cannot be used ({causes})"
            if self.policy == "fail":
                raise setting_error(fact, "mend them, or set `bad: skip` to leave them out", "bad")
            raise InputError(f"{fact}; give better ones.")
        return np.flatnonzero(self.good)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
