"""The half of a data module that hands out batches, whatever they are made of."""

from abc import ABC, abstractmethod
from contextvars import ContextVar
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.core.processes import of_first
from dlkit.core.specs import Spec
from dlkit.core.spread import evenly
from dlkit.data.batches.loader import Batches, BatchLoader, Fetch, PlacedBatches
from dlkit.data.batches.order import BatchOrder, Places

# A trained network knows what it takes: with this set, a data module is built without reading what it was trained on.
KNOWN_SPEC: ContextVar[Spec | None] = ContextVar("KNOWN_SPEC", default=None)
# With this set, the data are read, and times that were measured in them are those that the network was trained with.
TRAINED_SPEC: ContextVar[Spec | None] = ContextVar("TRAINED_SPEC", default=None)


def require_enough(count: int, role: str, processes: int) -> None:
    """Refuse a role with fewer windows or samples than processes, one of which would get none."""
    require(
        not 0 < count < processes,
        f"{count} windows or samples of `split` {role} cannot be dealt out to {processes} processes: give it a larger "
        "part, or use fewer processes (trainer.devices, trainer.num_nodes).",
    )


class Batching(pl.LightningDataModule, ABC):
    """Hands out batches of what a subclass prepares, by the number of each window or sample.

    Args:
        batch_size: Windows or samples a training batch, of each process where there are several.
        eval_batch_size: The same in validation, test and prediction; None takes ``batch_size``.
        num_workers: Processes that read batches ahead.
        batches_per_step: Batches that Lightning sees as one step; "auto" measures, see docs/performance.md.
        seed: Seed of the order.
    """

    def __init__(
        self,
        *,
        batch_size: int,
        eval_batch_size: int | None,
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
        self.batches_per_step, self.seed = batches_per_step, seed
        self._training_order: BatchOrder | None = None
        self.predicted = "test"  # role that prediction goes through

    # ------------------------------------------------------------------ to be written by a subclass
    @property
    @abstractmethod
    def spec(self) -> Spec:
        """What a network must take and return."""

    @abstractmethod
    def setup(self, stage: str | None = None) -> None:
        """Get ready to make batches, where :meth:`device` says; called again it only moves what must move."""

    @abstractmethod
    def places(self, role: str) -> Places:
        """Return the windows or samples of a role."""

    @abstractmethod
    def maker(self, role: str) -> Fetch:
        """Return what makes a batch of places."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return where the data come from and what became of them, as plain types for ``data.json``."""

    @property
    @abstractmethod
    def on_device(self) -> bool:
        """Whether batches are made where the network is."""

    @property
    def made_later(self) -> bool:
        """Whether batches are made, or finished, by Lightning's hook where the network is."""
        return self.device().type == "cuda"

    def stages(self, role: str, *, later: bool) -> tuple[Fetch | None, Fetch | None]:
        """Return what the loader makes of places, in its workers if it has any, and what this process makes of that.

        Args:
            role: "train", "val" or "test".
            later: Lightning's hook makes the batches of what the loader gives.
        """
        return None if later else self.maker(role), None

    def block(self) -> int | None:
        """Return the length of the blocks of a block shuffle, or None for a full shuffle."""
        return None

    def missing(self, role: str) -> str:
        """Return the sentence that says what to do when a role is empty."""
        return f"There is no {role} sample: give {role} a larger part in `split`."

    # ------------------------------------------------------------------ for tasks and drawings
    def count(self, role: str) -> int:
        """Return the number of windows or samples of a role."""
        return len(self.places(role))

    def make_batch(self, places: Tensor, role: str = "test") -> Batch:
        """Return the batch of these places, without augmentation unless ``role`` is "train"."""
        self.setup()
        batch: Batch = self.maker(role)(places)
        return batch

    def first_batch(self) -> Batch:
        """Return a training batch of the first windows or samples."""
        places = self.places("train")
        return self.make_batch(places.starts(torch.arange(min(self.batch_size, len(places)))), "train")

    def pick_batch(self, role: str, wanted: int) -> Batch:
        """Return a batch that is spread evenly over a role."""
        places = self.places(role)
        numbers = torch.from_numpy(evenly(len(places), wanted))
        return self.make_batch(places.starts(numbers))

    # ------------------------------------------------------------------ loaders
    def device(self) -> torch.device:
        """Return where batches are made."""
        if not self.on_device:
            return torch.device("cpu")
        if self.trainer is not None:
            return self.trainer.strategy.root_device
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def _several(self) -> int:
        """Return how many batches make a training step."""
        return self.batches_per_step if isinstance(self.batches_per_step, int) else 1

    @property
    def processes(self) -> int:
        """Number of processes that share the batches."""
        return self.trainer.world_size if self.trainer else 1

    def _order(self, role: str) -> BatchOrder:
        train, processes = role == "train", self.processes
        require_enough(self.count(role), role, processes)
        return BatchOrder(
            self.places(role),
            self.batch_size if train else self.eval_batch_size,
            several=self._several() if train else 1,
            shuffle=train,
            seed=self.seed,
            block=of_first(self.block()) if processes > 1 else self.block(),  # free memory decides it
            rank=self.trainer.global_rank if self.trainer else 0,
            world=processes,
        )

    def share(self, number: int) -> float:
        """Return what the loss of a training batch counts in the mean over all processes.

        Args:
            number: Of the batch in its epoch.
        """
        return 1.0 if self._training_order is None else self._training_order.share(number)

    def _loader(self, role: str) -> BatchLoader:
        self.setup()
        require(self.count(role) > 0, self.missing(role))
        fetch, finish = self.stages(role, later=self.made_later or (role == "train" and self._several() > 1))
        pin, options = torch.cuda.is_available(), {}
        if fetch is not None and (self.num_workers > 0 or pin):
            options = {"num_workers": self.num_workers, "persistent_workers": self.num_workers > 0, "pin_memory": pin}
        order = self._order(role)
        self._training_order = order if role == "train" else self._training_order
        return BatchLoader(PlacedBatches(fetch), order, finish, **options)

    @property
    def epoch(self) -> int:
        """Number of the epoch whose training batches are given."""
        return 0 if self._training_order is None else self._training_order.epoch

    def train_dataloader(self) -> BatchLoader:
        """Return the shuffled training batches."""
        return self._loader("train")

    def val_dataloader(self) -> BatchLoader | list[Any]:
        """Return everything that validates once, in order."""
        return self._loader("val") if self.count("val") else []

    def test_dataloader(self) -> BatchLoader:
        """Return everything that tests once, in order."""
        return self._loader("test")

    def predict_dataloader(self) -> BatchLoader:
        """Return everything that tests once, in order; another role where ``predicted`` names it."""
        return self._loader(self.predicted)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Batch | Batches:  # noqa: ARG002
        """Make the batch of places, or of what was read there, where the network is."""
        if isinstance(batch, Batch):
            return batch
        training = self.trainer is not None and self.trainer.training
        maker = self.maker("train" if training else "test")
        made: Batch | Batches = (
            Batches(maker, batch, self.batch_size) if training and self._several() > 1 else maker(batch)
        )
        return made

    # ------------------------------------------------------------------ resumed runs
    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run must not choose anew."""
        return {"batches_per_step": self.batches_per_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what the interrupted run chose."""
        self.batches_per_step = state_dict["batches_per_step"] if self.processes == 1 else 1
