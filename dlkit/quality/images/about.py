"""What findings about images have in common: names, how many, and the line that leaves them out."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import SupportsIndex

import numpy as np

from dlkit.core.finding import MOST, Cure, Finding, Level, Place

FEW = 0.01  # share from which single bad images change the answer


@dataclass(frozen=True, eq=False)
class About:
    """What is looked at.

    Attributes:
        names: What each image is called.
        source: Name of the source.
        noun: What one of them is called: "image" or "frame".
        unit: Unit of the brightness, with a space before it, or "".
    """

    names: Sequence[str]
    source: str = ""
    noun: str = "image"
    unit: str = ""

    def of_all(self, count: int) -> str:
        """Return ``3 of 1,797 images are`` with its verb."""
        verb = "is" if count == 1 else "are"
        return f"{count:,} of {len(self.names):,} {self.noun}s {verb}"

    def called(self, number: SupportsIndex) -> str:
        """Return the name of an image in quotes, of a frame as it is."""
        name = self.names[index(number)]
        return f"'{name}'" if self.noun == "image" else name

    def finding(
        self,
        kind: str,
        numbers: np.ndarray,
        what: str,
        why: str,
        *,
        level: Level | None = None,
        cures: Sequence[Cure] | None = None,
        handled: str = "",
    ) -> Finding:
        """Return a finding about some of the images.

        Args:
            kind: What it is.
            numbers: Which images, the worst first.
            what: What was found.
            why: Why it matters.
            level: By default a warning from ``FEW`` on, else a note.
            cures: By default a step that leaves them out by name, where they are few.
            handled: The setting that takes care of it.
        """
        share = len(numbers) / max(len(self.names), 1)
        return Finding(
            kind=kind,
            level=level or ("warning" if share >= FEW else "note"),
            what=what,
            why=why,
            cures=tuple(self.leaving_out(numbers) if cures is None else cures),
            source=self.source,
            count=len(numbers),
            of=f"{self.noun}s",
            share=share,
            places=tuple(Place(sample=self.names[number]) for number in numbers[:MOST].tolist()),
            handled=handled,
        )

    def leaving_out(self, numbers: np.ndarray) -> list[Cure]:
        """Return the step that leaves images out by name; none where they are many, or frames, which have no names."""
        if self.noun != "image" or not 0 < len(numbers) <= MOST:
            return []
        names = ", ".join(f'"{self.names[number]}"' for number in numbers.tolist())
        line = f"{{class_path: dlkit.data.cleaning.leave_out.LeaveOut, init_args: {{names: [{names}]}}}}"
        return [Cure(place="clean", line=line)]


def number(value: float) -> str:
    """Return a number in three digits, whole from 100 on, with commas."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
