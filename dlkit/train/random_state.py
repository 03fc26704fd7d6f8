"""Random numbers of a run that was stopped go on where they were, in every process."""

from typing import Any

import pytorch_lightning as pl
import torch

from dlkit.core.processes import count, gather_objects, rank


class RandomState(pl.Callback):
    """Keeps the state of the random numbers in the checkpoint, so that a resumed run draws what it would have drawn."""

    content_with_several_batches = True

    def __init__(self) -> None:
        self._restored: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return the state of every generator that a network draws from, in every process."""
        cuda = torch.cuda.get_rng_state_all if count() == 1 else lambda: [torch.cuda.get_rng_state()]
        on_gpu = torch.cuda.is_available() and torch.cuda.is_initialized()
        own = {"torch": torch.get_rng_state(), "cuda": cuda() if on_gpu else []}
        return own if count() == 1 else {"processes": gather_objects(own)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Remember the state until the first batch; with more or fewer processes than before only the first has one."""
        states = state_dict.get("processes", [state_dict])
        known = len(states) == count() or rank() == 0
        self._restored = states[rank()] if known else None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Let every process draw other numbers: what they train on differs, and so should what is dropped."""
        if rank() > 0:
            torch.manual_seed(torch.initial_seed() + rank())

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Put the state back before the first batch draws."""
        self._put_back()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the state back where the run goes on with a validation."""
        self._put_back()

    def _put_back(self) -> None:
        if self._restored is not None:
            torch.set_rng_state(self._restored["torch"].cpu())
            states = [state.cpu() for state in self._restored["cuda"]]
            if count() > 1 and states:
                torch.cuda.set_rng_state(states[0])
            elif len(states) == torch.cuda.device_count() > 0:
                torch.cuda.set_rng_state_all(states)
            self._restored = None
