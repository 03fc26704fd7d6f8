"""Labelled images or traces, without those that cannot be used."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from dlkit.core.finding import MOST, Cure, Finding, Place
from dlkit.data.raw.layout import Layout
from dlkit.data.raw.of_source import OfSource, class_path
from dlkit.data.records import Samples
from dlkit.data.samples.left_out import NO_IMAGE, causes_text, share_text, unusable
from dlkit.data.samples.pictures import EncodedPictures


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
    def size(self) -> int:
        """Bytes of all files; once they have been read, of the images that a table lists too."""
        values = vars(self)["_samples"].values if "_samples" in vars(self) else None
        return max(self._size, values.bytes if isinstance(values, EncodedPictures) else 0)

    @property
    def source(self) -> tuple[str, Mapping[str, Any]]:
        """Class path and settings."""
        skips = {"bad": "skip"} if self.settings and set(self._samples.skipped) - {NO_IMAGE} else {}
        return class_path(self.given), {**self.settings, **skips}

    def samples(self) -> Samples:
        """Return the samples that can be used; why others cannot is in ``skipped``."""
        return self._samples

    def findings(self) -> list[Finding]:
        """Return what was left out of traces; of images it is told with what is wrong with the others."""
        samples = self._samples
        found = unusable(samples.skipped) if isinstance(samples.values, np.ndarray) and samples.values.ndim == 3 else {}
        names = [name for every in found.values() for name in every]
        if not names:
            return list(self.notes)
        share = share_text(len(samples), found, "trace")
        return [
            *self.notes,
            Finding(
                kind="unusable samples", level="error" if self.refuses and not self.settings else "warning",
                source=self.name, count=len(names), share=len(names) / (len(names) + len(samples)),
                what=f"{share} cannot be used ({causes_text(found)}), such as '{names[0]}'; left out here.",
                why="A sample without a value or a label teaches nothing, and a run refuses it unless told to skip.",
                places=tuple(Place(sample=one) for one in names[:MOST]),
                cures=(Cure(place="source", line="bad: skip"),),
            ),
        ]  # fmt: skip
