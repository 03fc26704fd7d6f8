"""Lightning data modules: from a source to batches."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dlkit.core.checks import InputError, require
from dlkit.core.durations import samples
from dlkit.core.specs import Spec
from dlkit.data.base import Source
from dlkit.data.batches.batching import KNOWN_SPEC
from dlkit.data.batches.placement import Placement, choose_placement
from dlkit.data.batches.window_batching import WindowBatching
from dlkit.data.cleaning.base import Clean
from dlkit.data.cleaning.cleaned import cleaned
from dlkit.data.cleaning.learning import learn, must_learn, recalled, spans_of, without_learning
from dlkit.data.normalize import ChannelScaling, Normalizer, Standard
from dlkit.data.splits import ByFraction, Split
from dlkit.data.table.arrange import Arranged, Columns, Roles, make_spec, roles_of
from dlkit.data.table.describe import describe
from dlkit.data.table.disk import map_table
from dlkit.data.table.prepare import Prepared, prepare_new, prepare_table, split_rows
from dlkit.data.table.tables import Table, read_table
from dlkit.data.table.windows import Geometry

DAY = 86_400 * 10**9


class TimeSeriesDataModule(WindowBatching):
    """Windows of one or many series, split without leaks, normalized with what the training rows say.

    Args:
        source: Where the rows come from.
        clean: Steps that mend the rows before anything else, see docs/cleaning.md.
        targets: Names or globs of the channels to predict.
        inputs: Names or globs of the channels to predict from; None takes all.
        look_back: Samples that go in, or a duration such as "3d".
        look_forward: Samples to predict, or a duration.
        gap: Samples between the last input and the first prediction, or a duration.
        stride: Rows between the starts of neighbouring windows.
        dilation: Rows between neighbouring input samples.
        future: Channels that are known over the horizon, such as set-points.
        calendar: Periods ("day", "week", "year") whose sine and cosine are given over the horizon.
        split: Which rows train, validate and test.
        embargo: Rows next to validation and test rows that do not train, or a duration.
        normalizer: How channels are brought to a common scale.
        mask_channels: Give "was it measured" to the network as further channels.
        season: Main season in samples or as a duration, for the seasonal baseline and MASE; None takes a day.
        batch_size: Windows a training batch.
        eval_batch_size: Windows a batch in validation, test and prediction; None takes ``batch_size``.
        placement: Where the table lies: "device" (GPU memory), "host" (memory), "disk" (memory map), or "auto".
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
        targets: list[str],
        inputs: list[str] | None = None,
        look_back: int | str,
        look_forward: int | str,
        gap: int | str = 0,
        stride: int = 1,
        dilation: int = 1,
        future: list[str] | None = None,
        calendar: list[Literal["day", "week", "year"]] | None = None,
        split: Split | None = None,
        embargo: int | str = 0,
        normalizer: Normalizer | None = None,
        mask_channels: bool = False,
        season: int | str | None = None,
        batch_size: int = 32,
        eval_batch_size: int | None = None,
        placement: Literal["auto", "device", "host", "disk"] = "auto",
        cache: str = "~/.cache/dlkit",
        num_workers: int = 0,
        batches_per_step: int | Literal["auto"] = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__(
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            mask_channels=mask_channels,
            num_workers=num_workers,
            batches_per_step=batches_per_step,
            seed=seed,
        )
        _check(targets=targets, inputs=inputs, future=future)
        require(stride > 0 and dilation > 0, f"stride={stride} and dilation={dilation} must be positive.")
        self.source, self.split, self.normalizer = source, split or ByFraction(), normalizer or Standard()
        self.clean, self._strict = list(clean or []), True
        self.extent = (look_back, look_forward, gap)
        self.stride, self.dilation, self.embargo, self.season = stride, dilation, embargo, season
        self.roles: Roles = {
            "inputs": inputs, "targets": targets, "future": future or [], "calendar": tuple(calendar or []),
        }  # fmt: skip
        self.placement, self.cache = placement, Path(cache).expanduser()
        self._prepared: Prepared | None = None
        self._placed: Placement | None = None

    @property
    def prepared(self) -> Prepared:
        """The table with its split, windows and scaling; made when first asked for.

        Once batches can be made, a table in memory has no rows any more: they were normalized where they lay.
        """
        if self._prepared is None:
            self._learn()
            table = self._read()
            self._prepared = prepare_table(
                table, Columns.arrange(table.columns, **self.roles), self._geometry(table.step), split=self.split,
                normalizer=self.normalizer, embargo=samples(self.embargo, table.step, setting="embargo"),
                season=self._season(table.step),
            )  # fmt: skip
        return self._prepared

    @property
    def geometry(self) -> Geometry:
        """Extent of a window in rows."""
        return self.prepared.geometry

    @property
    def columns(self) -> Columns:
        """The part that each column plays."""
        return self.prepared.columns

    @property
    def on_device(self) -> bool:
        """Whether the table should lie where the network is."""
        return self._placement() == "device"

    @property
    def on_disk(self) -> bool:
        """Whether the table should lie on disk."""
        return self._placement() == "disk"

    @property
    def spec(self) -> Spec:
        """What a network must take and return."""
        if (known := KNOWN_SPEC.get()) is not None:
            return known
        ready = self.prepared
        season = self._season(ready.table.step)
        return make_spec(ready.table, ready.columns, ready.geometry, season=season, mask_channels=self.mask_channels)

    def recall(self, known: Mapping[str, Any]) -> None:
        """Take over what the steps of ``clean`` learnt when a run was trained, from its ``data.json``."""
        self.clean = recalled(self.clean, known)

    def describe(self) -> dict[str, Any]:
        """Return fingerprint, split, windows and what they cost, and the audit, as plain types for ``data.json``."""
        return describe(self.prepared, self.source) | {"placement": self._placement()}

    def clock(self, times: np.ndarray) -> np.ndarray:
        """Return int64 nanoseconds as dates, or as seconds where the source counts from a start."""
        return times.astype("datetime64[ns]") if self.source.dated else times / 1e9

    def for_new_data(
        self,
        source: Source,
        scaling: ChannelScaling,
        *,
        spec: Spec | None = None,
        static_scaling: ChannelScaling | None = None,
    ) -> "TimeSeriesDataModule":
        """Return a data module that predicts every window of ``source`` with a scaling fitted before.

        Rows without values are added after the end of each series, so that the last window predicts what comes next
        (unless inputs other than the calendar must be known over the horizon).

        Args:
            source: The new data; channels are found by name, further ones are left out.
            scaling: Of the training data.
            spec: Of the network; by default that of the training data.
            static_scaling: Of the constants of the training series; by default that of the training data.
        """
        if must_learn(self.clean):
            self._learn()
        spec = self.spec if spec is None else spec
        static = self.prepared.static_scaling if static_scaling is None else static_scaling
        other = copy.copy(self)
        roles = roles_of(spec, self.roles["calendar"])
        vars(other).update(source=source, roles=roles, _placed=None, _gather=None, _strict=False)
        vars(other)["_prepared"] = other.prepare_new(spec, scaling, static)
        return other

    def prepare_new(self, spec: Spec, scaling: ChannelScaling, static_scaling: ChannelScaling) -> Prepared:
        """Read the source and make every window a test window, with scalings fitted before."""
        geometry = Geometry(spec.size[0], spec.output[0], spec.gap, self.stride, self.dilation)
        table = self._read(extend=0 if self.roles["future"] else geometry.gap + geometry.look_forward)
        return prepare_new(table, Columns.arrange(table.columns, **self.roles), geometry, spec, scaling, static_scaling)

    def _geometry(self, step: int) -> Geometry:
        back, forward, gap = self.extent
        return Geometry(
            look_back=samples(back, step, setting="look_back", least=1),
            look_forward=samples(forward, step, setting="look_forward", least=1),
            gap=samples(gap, step, setting="gap"),
            stride=self.stride,
            dilation=self.dilation,
        )

    def _season(self, step: int) -> int:
        if self.season is not None:
            return samples(self.season, step, setting="season", least=1)
        return DAY // step if step < DAY and DAY % step == 0 else 1

    def _placement(self) -> Placement:
        if self._placed is None:  # decided once: free memory changes
            self._placed = choose_placement(self.source.size) if self.placement == "auto" else self.placement
        return self._placed

    def _learn(self) -> None:
        """Let the steps that learn see the training rows, which the others leave in place."""
        if must_learn(self.clean):
            table = self._read(steps=without_learning(self.clean))
            spans, kept = spans_of(table, self._training_rows(table)), self.cache if self.on_disk else None
            self.clean = learn(self.clean, self.source, spans, kept=kept)

    def _training_rows(self, table: Table) -> np.ndarray:
        """Return the ranges of rows that train, (n, 2)."""
        embargo = samples(self.embargo, table.step, setting="embargo")
        return split_rows(table, self.split, embargo, self._geometry(table.step))["train"]

    def _read(self, *, extend: int = 0, steps: Sequence[Clean] | None = None) -> Table:
        rows = cleaned(self.source, self.clean if steps is None else steps, strict=self._strict)
        source = Arranged(rows, self.roles, extend=extend)
        return map_table(source, self.cache) if self.on_disk else read_table(source)


def _check(**names: list[str] | None) -> None:
    """Refuse names that are no list, or name nothing."""
    for setting, value in names.items():
        if isinstance(value, str):
            raise InputError(f"{setting}='{value}' must be a list of names: write {setting}: [{value}].")
        empty = value is not None and len(value) == 0 and setting != "future"
        require(not empty, f"{setting}=[] is empty: name at least one channel in `{setting}`.")
