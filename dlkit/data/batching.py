"""The half of a data module that makes batches, whatever its windows are made of."""

from abc import ABC, abstractmethod
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.data.gather import WindowGather
from dlkit.data.loader import Batches, BatchOrder, WindowBatches, WindowLoader
from dlkit.data.placement import place_table
from dlkit.data.prepare import Prepared

BLOCK_BYTES = 8 * 2**20


class WindowBatching(pl.LightningDataModule, ABC):
    """Hands out batches of the windows that a subclass prepares.

    Args:
        batch_size: Windows a training batch.
        eval_batch_size: Windows a batch in validation, test and prediction; None takes ``batch_size``.
        mask_channels: Give "was it measured" to the network as further channels.
        num_workers: Processes that read batches ahead; only useful with a table on disk.
        batches_per_step: Batches that Lightning sees as one step; "auto" measures.
        seed: Seed of the order of windows.
    """

    def __init__(
        self,
        *,
        batch_size: int,
        eval_batch_size: int | None,
        mask_channels: bool,
        num_workers: int,
        batches_per_step: int | Literal["auto"],
        seed: int,
    ) -> None:
        super().__init__()
        for setting, value in {"batch_size": batch_size, "eval_batch_size": eval_batch_size or 1}.items():
            require(value > 0, f"{setting}={value} must be positive: change `{setting}`.")
        at_once = batches_per_step == "auto" or (isinstance(batches_per_step, int) and batches_per_step > 0)
        require(at_once, f"batches_per_step={batches_per_step} must be positive, or 'auto'.")
        self.batch_size, self.eval_batch_size, self.num_workers = batch_size, eval_batch_size or batch_size, num_workers
        self.mask_channels, self.batches_per_step, self.seed = mask_channels, batches_per_step, seed
        self._gather: WindowGather | None = None

    @property
    @abstractmethod
    def prepared(self) -> Prepared:
        """The table with its split, windows and scaling."""

    @property
    @abstractmethod
    def on_device(self) -> bool:
        """Whether the table should lie where the network is."""

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002 - Lightning's name
        """Place the table; one in memory is normalized where it lies."""
        if self._gather is None:
            self._gather = place_table(self.prepared, mask_channels=self.mask_channels)
        self._gather = self._gather.to(self._device())

    def _device(self) -> torch.device:
        if not self.on_device:
            return torch.device("cpu")
        if self.trainer is not None:
            return self.trainer.strategy.root_device
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def _several(self) -> int:
        """Return how many batches make a training step."""
        return self.batches_per_step if isinstance(self.batches_per_step, int) else 1

    def _order(self, role: str, gather: WindowGather) -> BatchOrder:
        train, row_bytes = role == "train", 4 * gather.values.shape[1] * self.prepared.geometry.stride
        return BatchOrder(
            len(self.prepared.windows[role]),
            self.batch_size if train else self.eval_batch_size,
            several=self._several() if train else 1,
            shuffle=train,
            seed=self.seed,
            block=max(BLOCK_BYTES // row_bytes, 1) if self.prepared.on_disk else None,
            rank=self.trainer.global_rank if self.trainer else 0,
            world=self.trainer.world_size if self.trainer else 1,
        )

    def _loader(self, role: str) -> WindowLoader:
        self.setup()
        assert self._gather is not None
        windows = self.prepared.windows[role]
        require(
            len(windows) > 0, f"There is no {role} window: give {role} more rows in `split`, or shorten the window."
        )
        later = self._gather.values.is_cuda or (role == "train" and self._several() > 1)
        pin, options = torch.cuda.is_available(), {}
        if not later and (self.num_workers > 0 or pin):
            options = {"num_workers": self.num_workers, "persistent_workers": self.num_workers > 0, "pin_memory": pin}
        batches = WindowBatches(windows, None if later else self._gather)
        return WindowLoader(batches, self._order(role, self._gather), **options)

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
        segment = int(np.searchsorted(table.segments[:, 0], row, side="right")) - 1
        return table.names[int(table.series[segment])]

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
        if self.trainer is not None and self.trainer.training and self._several() > 1:
            return Batches(self._gather, batch, self.batch_size)
        return self._gather(batch)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run must not choose anew."""
        return {"batches_per_step": self.batches_per_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what the interrupted run chose."""
        self.batches_per_step = state_dict["batches_per_step"]
