"""The data module of windows of a table that are to be given back: autoencoders, anomalies, embeddings."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from torch import Tensor

from dlkit.core.checks import require
from dlkit.core.durations import samples
from dlkit.core.specs import Spec
from dlkit.data.base import EventSource, Source
from dlkit.data.batches.batching import KNOWN_SPEC
from dlkit.data.cleaning.base import Clean, sparing
from dlkit.data.cleaning.cleaned import cleaned
from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.normalize import ChannelScaling, Normalizer
from dlkit.data.row_labels import Unlabelled, column_labels, interval_labels, mask_of, ranges_of
from dlkit.data.splits import ROLES, Split
from dlkit.data.table.arrange import Arranged, Columns
from dlkit.data.table.disk import map_table
from dlkit.data.table.prepare import Prepared, split_rows
from dlkit.data.table.reconstruction_prepare import (
    Anomalies,
    asked_of,
    covering_starts,
    normal_rows,
    prepare_new_reconstruction,
    prepare_reconstruction,
    reconstruction_spec,
)
from dlkit.data.table.rows import count_shared
from dlkit.data.table.tables import Table, read_table
from dlkit.data.table.windows import Geometry


class ReconstructionDataModule(TimeSeriesDataModule):
    """Windows of one or many series that a network gives back; what it cannot give back is unusual.

    Labels of anomalies, where there are some, only decide which rows do not train and how a result is scored.

    Args:
        source: Where the rows come from.
        clean: Steps that mend the rows before anything else, see docs/cleaning.md; ``labels`` stay as they are.
        inputs: Names or globs of the channels; None takes all but ``labels``.
        look_back: Samples of a window, or a duration such as "1min".
        stride: Rows between the starts of neighbouring windows in training and validation.
        dilation: Rows between neighbouring samples of a window.
        labels: Column of the source that is 1 where it is anomalous, else 0; it is no input.
        intervals: List of the times that are anomalous, whatever their label, instead of ``labels``.
        anomalies: Labelled anomalies among the training or validation rows: "refuse", "drop" the windows that hold
            them, or "keep" them with a warning.
        split: Which rows train, validate and test.
        embargo: Rows next to validation and test rows that do not train, or a duration.
        normalizer: How channels are brought to a common scale.
        mask_channels: Give "was it measured" to the network as further channels.
        batch_size: Windows a training batch.
        eval_batch_size: Windows a batch in validation, test and scoring; None takes ``batch_size``.
        placement: Where the table lies, as in :class:`dlkit.data.datamodules.TimeSeriesDataModule`.
        cache: Folder of the memory maps.
        num_workers: Processes that read batches ahead; only useful with "disk".
        batches_per_step: Batches that Lightning sees as one step; "auto" measures, see docs/performance.md.
        seed: Seed of the order of windows.
    """

    def __init__(
        self,
        *,
        source: Source,
        clean: list[Clean] | None = None,
        inputs: list[str] | None = None,
        look_back: int | str,
        stride: int = 1,
        dilation: int = 1,
        labels: str | None = None,
        intervals: EventSource | None = None,
        anomalies: Anomalies = "refuse",
        split: Split | None = None,
        embargo: int | str = 0,
        normalizer: Normalizer | None = None,
        mask_channels: bool = False,
        batch_size: int = 32,
        eval_batch_size: int | None = None,
        placement: Literal["auto", "device", "host", "disk"] = "auto",
        cache: str = "~/.cache/dlkit",
        num_workers: int = 0,
        batches_per_step: int | Literal["auto"] = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__(
            source=source, clean=clean, targets=["*"], inputs=inputs, look_back=look_back,
            look_forward=0, stride=stride, dilation=dilation, split=split, embargo=embargo, normalizer=normalizer,
            mask_channels=mask_channels, batch_size=batch_size, eval_batch_size=eval_batch_size, placement=placement,
            cache=cache, num_workers=num_workers, batches_per_step=batches_per_step, seed=seed,
        )  # fmt: skip
        require(
            labels is None or intervals is None, "`labels` and `intervals` both say what is anomalous: set one of them."
        )
        require(anomalies in ("refuse", "drop", "keep"), f"anomalies='{anomalies}' must be 'refuse', 'drop' or 'keep'.")
        self.roles["targets"] = []  # what is asked for is the window itself; batches hold no copy of it
        self.clean = [sparing(step, () if labels is None else (labels,)) for step in self.clean]
        self.label, self.intervals, self.anomalies = labels, intervals, anomalies
        self._labels: np.ndarray | None = None

    @property
    def prepared(self) -> Prepared:
        """The table with its split, windows and scaling; made when first asked for."""
        if self._prepared is None:
            self._learn()
            table = self._read()
            self._prepared = prepare_reconstruction(
                table,
                Columns.arrange(table.columns, **self.roles),
                self._geometry(table.step),
                split=self.split,
                normalizer=self.normalizer,
                embargo=samples(self.embargo, table.step, setting="embargo"),
                labels=self._labels,
                anomalies=self.anomalies,
            )
        return self._prepared

    @property
    def labels(self) -> np.ndarray | None:
        """True at the rows of the table that are labelled anomalous, bool, (rows,); None where nothing is labelled."""
        return self._labels if self.prepared else None

    @property
    def spec(self) -> Spec:
        """What a network must take and return."""
        if (known := KNOWN_SPEC.get()) is not None:
            return known
        return reconstruction_spec(self.prepared, mask_channels=self.mask_channels)

    def segments(self, role: str) -> list[tuple[int, int]]:
        """Return the first and the past-the-last row of each uninterrupted run of rows of a role."""
        return [(first, stop) for first, stop in self.prepared.ranges[role].tolist()]

    def rows_of(self, role: str) -> np.ndarray:
        """Return True at the rows of a role, bool, (rows,)."""
        return mask_of(self.prepared.ranges[role], len(self.prepared.table.times))

    def scoring_starts(self, role: str, stride: int) -> Tensor:
        """Return the starts of windows every ``stride`` rows that together hold every row of each segment of a role.

        The last window of a segment ends with it; segments shorter than a window get none.
        """
        longest = self.geometry.look_back
        require(0 < stride <= longest, f"stride={stride} must be 1 to {longest} (look_back), or rows are left out.")
        return covering_starts(self.prepared.ranges[role], self.geometry, stride)

    def describe(self) -> dict[str, Any]:
        """Return what the base class says, and how many rows of each role are labelled anomalous."""
        found = super().describe()
        if self.labels is not None:
            known = ranges_of(self.labels)
            found["anomalous rows"] = {role: count_shared(self.prepared.ranges[role], known) for role in ROLES}
            found["anomalies in training and validation"] = self.anomalies
        return found

    def for_new_data(
        self,
        source: Source,
        scaling: ChannelScaling,
        *,
        spec: Spec | None = None,
        static_scaling: ChannelScaling | None = None,
        target_scaling: ChannelScaling | None = None,  # noqa: ARG002 - there are no targets
    ) -> "ReconstructionDataModule":
        """Return a data module that scores every row of ``source`` with a scaling fitted before.

        Args:
            source: The new data; channels are found by name, further ones are left out. The column of labels is used
                where there is one.
            scaling: Of the training data.
            spec: Of the network; by default that of the training data.
            static_scaling: Not used; windows hold no constants.
            target_scaling: Not used; what is asked for is the window itself.
        """
        other = super().for_new_data(source, scaling, spec=spec, static_scaling=static_scaling or ChannelScaling(0))
        assert isinstance(other, ReconstructionDataModule)
        return other

    def prepare_new(self, spec: Spec, scaling: ChannelScaling, static_scaling: ChannelScaling) -> Prepared:  # noqa: ARG002
        """Read the source and make every window a test window, with a scaling fitted before."""
        self.intervals, self._labels = None, None  # they are of the training data
        table = self._read()
        geometry = Geometry(spec.size[0], 0, 0, self.stride, self.dilation)
        return prepare_new_reconstruction(table, Columns.arrange(table.columns, **self.roles), geometry, spec, scaling)

    def _training_rows(self, table: Table) -> np.ndarray:
        """Return the ranges of rows that train, (n, 2), as they are known once anomalies are left out."""
        embargo = samples(self.embargo, table.step, setting="embargo")
        ranges = split_rows(table, self.split, embargo, asked_of(self._geometry(table.step)))
        if self._labels is not None and self.anomalies == "drop":
            ranges = normal_rows(ranges, self._labels, self.anomalies)
        return ranges["train"]

    def _read(self, *, extend: int = 0, steps: Sequence[Clean] | None = None) -> Table:  # noqa: ARG002 - no horizon
        """Return the table and keep the labels of its rows, which new data need not have."""
        rows = cleaned(self.source, self.clean if steps is None else steps, strict=self._strict)
        source = rows if self.label is None else Unlabelled(rows, self.label, optional=not self._strict)
        arranged = Arranged(source, self.roles)
        table = map_table(arranged, self.cache) if self._placement() == "disk" else read_table(arranged)
        if isinstance(source, Unlabelled):
            self._labels = column_labels(source, table, self.cache)
        if self.intervals is not None:
            self._labels = interval_labels(self.intervals, table)
        return table

    def _geometry(self, step: int) -> Geometry:
        back = samples(self.extent[0], step, setting="look_back", least=1)
        return Geometry(look_back=back, look_forward=0, stride=self.stride, dilation=self.dilation)
