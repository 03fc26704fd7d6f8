"""Labelled images or traces, without those that cannot be used."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from dlkit.core.checks import counted
from dlkit.core.finding import MOST, Cure, Finding, Place
from dlkit.data.raw.layout import Layout
from dlkit.data.raw.of_source import OfSource, class_path
from dlkit.data.records import Samples


class SamplesRaw(OfSource):
    """Labelled images or traces; where the source refuses those that cannot be used, they are left out."""

    kind = "samples"
    notes: Sequence[Finding] = ()
    """What had to be guessed."""

    @cached_property
    def _samples(self) -> Samples:
        found: Samples = self.forgiving().read()
        return found

    @cached_property
    def layout(self) -> Layout:  # type: ignore[override]  # known once the samples have been read
        """Channels and their units."""
        return Layout(self.name, tuple(self._samples.channels), tuple(self._samples.units), dated=False)

    @property
    def source(self) -> tuple[str, Mapping[str, Any]]:
        """Class path and settings."""
        skips = {"bad": "skip"} if self.settings and self._samples.skipped else {}
        return class_path(self.given), {**self.settings, **skips}

    def samples(self) -> Samples:
        """Return the samples that can be used; why others cannot is in ``skipped``."""
        return self._samples

    def findings(self) -> list[Finding]:
        """Return what was left out of traces; of images it is told with what is wrong with the others."""
        skipped = self._samples.skipped if isinstance(self._samples.values, np.ndarray) else {}
        unusable = [
            Finding(
                kind="unusable samples", level="error" if self.refuses and not self.settings else "warning",
                source=self.name, count=len(names), share=len(names) / (len(names) + len(self._samples)),
                what=f"{counted(len(names), 'sample')} cannot be used ({cause}), e.g. {names[0]}; left out here.",
                why="A sample without a value or a label teaches nothing, and a run refuses it unless told to skip.",
                places=tuple(Place(sample=one) for one in names[:MOST]),
                cures=(Cure(place="source", line="bad: skip"),),
            )
            for cause, names in skipped.items()
        ]  # fmt: skip
        return [*self.notes, *unusable]
