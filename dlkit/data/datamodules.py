"""Lightning data modules: from a source to batches."""

import copy
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.core.durations import samples
from dlkit.core.specs import Spec
from dlkit.data.arrange import Arranged, Columns
from dlkit.data.base import Source
from dlkit.data.gather import WindowGather
from dlkit.data.loader import Batches, BatchOrder, WindowBatches, WindowLoader
from dlkit.data.normalize import ChannelScaling, Normalizer, Standard
from dlkit.data.prepare import (
    Prepared,
    describe,
    normalize_in_place,
    prepare_new,
    prepare_table,
    read_only_tensor,
    standard_constants,
)
from dlkit.data.splits import ByFraction, Split
from dlkit.data.tables import Table, choose_placement, map_table, read_table
from dlkit.data.windows import Geometry

DAY = 86_400 * 10**9
BLOCK_BYTES = 8 * 2**20


class TimeSeriesDataModule(pl.LightningDataModule):
    """Windows of one or many series, split without leaks, normalized with what the training rows say.

    Args:
        source: Where the rows come from.
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
        super().__init__()
        require(len(targets) > 0, "targets=[] is empty: name at least one channel to predict in `targets`.")
        require(batch_size > 0, f"batch_size={batch_size} must be positive.")
        require(stride > 0 and dilation > 0, f"stride={stride} and dilation={dilation} must be positive.")
        self.source, self.split, self.normalizer = source, split or ByFraction(), normalizer or Standard()
        self.extent = (look_back, look_forward, gap)
        self.stride, self.dilation, self.embargo, self.season = stride, dilation, embargo, season
        self.roles = {"inputs": inputs, "targets": targets, "future": future or [], "calendar": tuple(calendar or [])}
        self.mask_channels, self.placement, self.cache = mask_channels, placement, Path(cache).expanduser()
        self.batch_size, self.eval_batch_size, self.num_workers = batch_size, eval_batch_size or batch_size, num_workers
        self.batches_per_step, self.seed = batches_per_step, seed
        self._prepared: Prepared | None = None
        self._gather: WindowGather | None = None

    @property
    def prepared(self) -> Prepared:
        """The table with its split, windows and scaling; made when first asked for."""
        if self._prepared is None:
            step = (table := self._read()).step
            self._prepared = prepare_table(
                table, self._columns(table), self._geometry(step), split=self.split, normalizer=self.normalizer,
                embargo=samples(self.embargo, step, setting="embargo"), season=self._season(step),
            )  # fmt: skip
        return self._prepared

    @property
    def geometry(self) -> Geometry:
        """Extent of a window in rows."""
        return self._geometry(self.prepared.table.step)

    @property
    def columns(self) -> Columns:
        """The part that each column plays."""
        return self._columns(self.prepared.table)

    @property
    def spec(self) -> Spec:
        """What a network must take and return."""
        table, columns, geometry = self.prepared.table, self.columns, self.geometry
        first, last = columns.targets
        inputs, units = table.columns[: columns.inputs], table.units[: columns.inputs]
        if self.mask_channels:
            inputs, units = (*inputs, *(f"{name} observed" for name in inputs)), (*units, *("" for _ in inputs))
        return Spec(
            channels=inputs,
            size=(geometry.look_back,),
            output=(geometry.look_forward, last - first, 1),
            targets=table.columns[first:last],
            units=units,
            target_units=table.units[first:last],
            future=tuple(table.columns[i] for i in columns.future),
            static=table.static_names,
            season=self._season(table.step),
            step=table.step / 1e9,
            gap=geometry.gap,
            masks=columns.inputs if self.mask_channels else 0,
        )

    def describe(self) -> dict[str, Any]:
        """Return fingerprint, split, windows and what they cost, and the audit, as plain types for ``data.json``."""
        return describe(self.prepared, self.geometry, self.source) | {"placement": self._placement()}

    def for_new_data(self, source: Source, scaling: ChannelScaling) -> "TimeSeriesDataModule":
        """Return a data module that predicts every window of ``source`` with a scaling fitted before.

        Rows without values are added after the end of each series, so that the last window predicts what comes next
        (unless inputs other than the calendar must be known over the horizon).
        """
        other = copy.copy(self)
        other.source, other._gather = source, None
        step = next(iter(source.chunks())).step
        geometry = self._geometry(step)
        table = other._read(extend=0 if self.roles["future"] else geometry.gap + geometry.look_forward)
        other._prepared = prepare_new(table, self._columns(table), geometry, scaling)
        return other

    def _columns(self, table: Table) -> Columns:
        return Columns.arrange(table.columns, **self.roles)

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

    def _placement(self) -> str:
        return choose_placement(self.source.size) if self.placement == "auto" else self.placement

    def _read(self, *, extend: int = 0) -> Table:
        source = Arranged(self.source, self.roles, extend=extend)
        return map_table(source, self.cache) if self._placement() == "disk" else read_table(source)

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002 - Lightning's name
        """Read, split, fit, audit and place the table."""
        if self._gather is None:
            self._gather = self._place()

    def _place(self) -> WindowGather:
        ready, placement = self.prepared, self._placement()
        table, on_disk = ready.table, placement == "disk"
        device = torch.device("cuda" if placement == "device" and torch.cuda.is_available() else "cpu")
        observed = None if on_disk else normalize_in_place(table.values, ready.scaling)
        static = standard_constants(table)
        return WindowGather(
            values=read_only_tensor(table.values).to(device),
            observed=None if observed is None else observed.to(device),
            geometry=self.geometry,
            columns=self.columns,
            segments=torch.from_numpy(table.segments[:, 0]).to(device),
            static=None if static is None else static.to(device),
            scaling=ready.scaling if on_disk else None,
            mask_channels=self.mask_channels,
        )

    def _loader(self, role: str) -> WindowLoader:
        self.setup()
        assert self._gather is not None
        train, windows = role == "train", self.prepared.windows[role]
        several = self.batches_per_step if train and isinstance(self.batches_per_step, int) else 1
        later = several > 1 or self._gather.values.is_cuda
        row_bytes = 4 * self._gather.values.shape[1] * self.stride
        order = BatchOrder(
            len(windows),
            (self.batch_size if train else self.eval_batch_size) * several,
            shuffle=train,
            seed=self.seed,
            block=max(BLOCK_BYTES // row_bytes, 1) if self._placement() == "disk" else None,
            rank=self.trainer.global_rank if self.trainer else 0,
            world=self.trainer.world_size if self.trainer else 1,
        )
        options: dict[str, Any] = {}
        if not later and (self.num_workers > 0 or torch.cuda.is_available()):
            options = {"num_workers": self.num_workers, "persistent_workers": self.num_workers > 0, "pin_memory": True}
        return WindowLoader(WindowBatches(windows, None if later else self._gather), order, **options)

    def first_starts(self) -> Tensor:
        """Return the starts of the first training windows, a batch of them."""
        windows = self.prepared.windows["train"]
        return windows.starts(torch.arange(min(self.batch_size, len(windows))))

    def make_batch(self, starts: Tensor) -> Batch:
        """Return the windows that begin at these rows of the table."""
        self.setup()
        assert self._gather is not None
        return self._gather(starts)

    def series_of(self, row: int) -> str:
        """Return the name of the series that a row of the table belongs to."""
        table = self.prepared.table
        return table.names[table.series[np.searchsorted(table.segments[:, 0], row, side="right") - 1]]

    def train_dataloader(self) -> WindowLoader:
        """Return the shuffled training batches."""
        return self._loader("train")

    def val_dataloader(self) -> WindowLoader | list[Any]:
        """Return every validation window once, in order."""
        return self._loader("val") if len(self.prepared.windows["val"]) else []

    def test_dataloader(self) -> WindowLoader:
        """Return every test window once, in order."""
        return self._loader("test")

    def predict_dataloader(self) -> WindowLoader:
        """Return every test window once, in order."""
        return self._loader("test")

    def on_after_batch_transfer(self, batch: Batch | Tensor, dataloader_idx: int) -> Batch | Batches:  # noqa: ARG002
        """Make the batch on the device where the table lies."""
        if isinstance(batch, Batch):
            return batch
        assert self._gather is not None
        if self.trainer is not None and self.trainer.training and isinstance(self.batches_per_step, int):
            return Batches(self._gather, batch, self.batch_size)
        return self._gather(batch)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run must not choose anew."""
        return {"batches_per_step": self.batches_per_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what the interrupted run chose."""
        self.batches_per_step = state_dict["batches_per_step"]
