"""Lightning data modules of labelled images and traces: from a source to batches."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.data.base import Augment, SampleSource
from dlkit.data.batches.batching import KNOWN_SPEC
from dlkit.data.batches.sample_batching import Placement, SampleBatching
from dlkit.data.cleaning.base import Clean, Step
from dlkit.data.cleaning.images import CleanedPictures, as_pictures, image_steps, learn_pictures, of_pictures, told
from dlkit.data.cleaning.learning import must_learn, recalled
from dlkit.data.cleaning.leave_out import leave_out
from dlkit.data.cleaning.traces import clean_traces, learn_traces, trace_steps
from dlkit.data.labelled.describe import describe_samples, spec_of
from dlkit.data.labelled.lengths import fit_lengths
from dlkit.data.labelled.pictures import SameSize, load_pictures, placed_pictures
from dlkit.data.labelled.prepare import PreparedSamples, prepare_new_samples, prepare_samples
from dlkit.data.normalize import ChannelScaling, Normalizer, Standard
from dlkit.data.records import Samples
from dlkit.data.sample_splits import SampleSplit, Stratified
from dlkit.data.samples.problems import Policy


class SampleDataModule(SampleBatching, ABC):
    """Labelled samples, split without leaks, normalized with what the training samples say.

    Args:
        source: Where the samples come from.
        clean: Steps that mend the samples once they are read, see docs/cleaning.md.
        split: Which samples train, validate and test; None is stratified by class.
        normalizer: How the channels are brought to a common scale.
        augment: What changes training batches at random, one after the other; what works on stored values comes first.
        batch_size: Samples a training batch.
        eval_batch_size: Samples a batch in validation, test and prediction; None takes ``batch_size``.
        placement: Where the samples lie: "device" (GPU memory), "host" (memory), "files" (images are decoded when
            their batch is made), or "auto".
        num_workers: Processes that decode files.
        batches_per_step: Batches that Lightning sees as one step; "auto" measures, see docs/performance.md.
        seed: Seed of the order of samples and of their changes.
    """

    def __init__(
        self,
        *,
        source: SampleSource,
        clean: Sequence[Step] | None = None,
        split: SampleSplit | None = None,
        normalizer: Normalizer | None = None,
        augment: list[Augment] | None = None,
        batch_size: int = 32,
        eval_batch_size: int | None = None,
        placement: Placement = "auto",
        num_workers: int = 0,
        batches_per_step: int | Literal["auto"] = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__(
            augment=augment or [],
            placement=placement,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            batches_per_step=batches_per_step,
            seed=seed,
        )
        self.source, self.split, self.normalizer = source, split or Stratified(), normalizer or Standard()
        self.clean, self.cleaned = self.steps(clean or ()), list[dict[str, Any]]()
        self._prepared: PreparedSamples | None = None

    @abstractmethod
    def steps(self, given: Sequence[Step]) -> list[Any]:
        """Return the steps of ``clean``, which fit this kind of samples."""

    @abstractmethod
    def tidy(self, samples: Samples, train: np.ndarray | None) -> Samples:
        """Return the samples cleaned, and keep what was done in :attr:`cleaned`.

        Args:
            samples: The samples as they were loaded.
            train: Numbers of those that train, from which steps learn; None where they have learnt.
        """

    @abstractmethod
    def load(self, samples: Samples, spec: Spec | None) -> Samples:
        """Return the samples of the source as they go into batches; ``spec`` is what a trained network takes."""

    @property
    def prepared(self) -> PreparedSamples:
        """The samples with their split and scaling; made when first asked for."""
        if self._prepared is None:
            samples = self.load(self.source.read(), None)
            self._refuse_placement(samples)
            ready = prepare_samples(samples, self.split, self.normalizer, self.tidy)
            for change in self.augment:
                change.start(spec_of(ready.samples))
            self._prepared = ready
        return self._prepared

    def _refuse_placement(self, samples: Samples) -> None:
        require(
            self.placement != "files" or not isinstance(samples.values, np.ndarray),
            "placement: files needs images that lie in files, the source gives an array: set `placement: host`.",
        )

    @property
    def spec(self) -> Spec:
        """What a network must take and return."""
        known = KNOWN_SPEC.get()
        return spec_of(self.prepared.samples) if known is None else known

    def missing(self, role: str) -> str:
        """Return the sentence that says what to do when a role is empty."""
        return self.split.missing(role)

    def describe(self) -> dict[str, Any]:
        """Return fingerprint, split, classes, what was left out and the audit, as plain types for ``data.json``."""
        found = describe_samples(self.prepared, self.source) | {"placement": self.placed}
        return {"clean": self.cleaned} | found if self.cleaned else found

    def recall(self, known: Mapping[str, Any]) -> None:
        """Take over what the steps of ``clean`` learnt when a run was trained, from its ``data.json``."""
        self.clean = recalled(self.clean, known)

    def for_new_data(
        self,
        source: SampleSource,
        scaling: ChannelScaling,
        *,
        spec: Spec | None = None,
        target_scaling: ChannelScaling | None = None,
    ) -> "SampleDataModule":
        """Return a data module that predicts every sample of ``source`` with a scaling fitted before.

        Args:
            source: The new samples; their labels may be missing or unknown: then they are -1 or NaN.
            scaling: Of the training data.
            spec: Of the network; by default that of the training data.
            target_scaling: Of the targets of the training data; by default that of the training data.
        """
        if must_learn(self.clean):
            assert self.prepared
        spec = self.spec if spec is None else spec
        targets = self.prepared.target_scaling if target_scaling is None else target_scaling
        other = copy.copy(self)
        samples = other.tidy(self.load(source.read(), spec), None)
        ready = prepare_new_samples(samples, spec, scaling, targets)
        vars(other).update(source=source, _prepared=ready, _batches=None, _placed=None)
        return other


class ImageDataModule(SampleDataModule):
    """Labelled images.

    Args:
        size: Height and width that every image is resized to, its middle cut out; None takes them as they are.
        clean: Steps that mend the images before they are resized, see docs/cleaning_images.md.
        source: Where the samples come from; the rest is as in :class:`SampleDataModule`.
    """

    def __init__(
        self,
        *,
        source: SampleSource,
        clean: list[Step] | None = None,
        split: SampleSplit | None = None,
        normalizer: Normalizer | None = None,
        augment: list[Augment] | None = None,
        size: tuple[int, int] | None = None,
        batch_size: int = 32,
        eval_batch_size: int | None = None,
        placement: Placement = "auto",
        num_workers: int = 0,
        batches_per_step: int | Literal["auto"] = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__(
            source=source, clean=clean, split=split, normalizer=normalizer, augment=augment, batch_size=batch_size,
            eval_batch_size=eval_batch_size, placement=placement, num_workers=num_workers,
            batches_per_step=batches_per_step, seed=seed,
        )  # fmt: skip
        require(
            size is None or min(size) > 0, f"size={size} must be a positive height and width: set `size: [224, 224]`."
        )
        self.size = size

    def steps(self, given: Sequence[Step]) -> list[Step]:
        """Return the steps, which are for images."""
        return image_steps(given)

    def load(self, samples: Samples, spec: Spec | None) -> Samples:
        """Resize the images, and decode those that fit into memory; what is to be cleaned is cleaned before."""
        size = self.size or (None if spec is None else (spec.size[0], spec.size[1]))
        if not self.clean:
            return load_pictures(samples, size, self.placement)
        samples = leave_out(self.clean, samples) if spec is None else samples
        return replace(samples, values=SameSize(as_pictures(samples.values), list(samples.names), size))

    def tidy(self, samples: Samples, train: np.ndarray | None) -> Samples:
        """Return the images cleaned and resized, and decode those that fit into memory."""
        if not self.clean:
            return samples
        loaded = samples.values
        assert isinstance(loaded, SameSize)
        if train is not None:
            self.clean = learn_pictures(self.clean, loaded.pictures, train)
        looked_at = np.arange(len(samples)) if train is None else train
        self.cleaned = told(self.clean, samples, loaded.pictures, looked_at)
        found = CleanedPictures(loaded.pictures, of_pictures(self.clean))
        return placed_pictures(samples, SameSize(found, list(samples.names), loaded.size), self.placement)


class TraceDataModule(SampleDataModule):
    """Labelled traces; those of unequal length are padded, and a channel says where they are."""

    def steps(self, given: Sequence[Step]) -> list[Clean]:
        """Return the steps, which leave the samples of a trace where they are."""
        return trace_steps(given)

    def tidy(self, samples: Samples, train: np.ndarray | None) -> Samples:
        """Return the traces cleaned, each by itself."""
        if train is not None and self.clean:
            self.clean = learn_traces(self.clean, samples, train)
        cleaned, self.cleaned = clean_traces(self.clean, samples)
        return cleaned

    def load(self, samples: Samples, spec: Spec | None) -> Samples:
        """Return the traces, padded to the length that a trained network takes."""
        require(
            isinstance(samples.values, np.ndarray) and samples.values.ndim == 3,
            "The source gives images, not traces: use dlkit.data.sample_modules.ImageDataModule.",
        )
        policy: Policy = getattr(getattr(self.source, "settings", None), "bad", "fail")
        return samples if spec is None else fit_lengths(samples, spec, policy)
