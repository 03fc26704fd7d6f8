"""Data that the next trial finds as the last one left them: read and prepared once, unless their settings change."""

from contextlib import nullcontext
from typing import Any

import pytorch_lightning as pl
import yaml

from dlkit.data.batches.batching import Batching
from dlkit.train.cli import RunCLI
from dlkit.train.stages import known_spec


class Kept:
    """The data module of the last trial of a worker."""

    def __init__(self) -> None:
        self._data: Batching | None = None
        self._settings = ""

    def of(self, settings: Any) -> Batching | None:
        """Return the data module that these settings made, as new."""
        if self._data is None or yaml.safe_dump(settings) != self._settings:
            self._data = None  # lets go of the memory before others are read
            return None
        self._data.trainer = None
        self._data.load_state_dict({"batches_per_step": settings["init_args"]["batches_per_step"]})
        return self._data

    def take(self, settings: Any, data: Any) -> None:
        """Keep a data module of dlkit; what others change while they train is not known."""
        own = type(data).__module__.startswith("dlkit.") and isinstance(data, Batching)
        self._data, self._settings = data if own else None, yaml.safe_dump(settings)


def keeping(kept: Kept) -> type[RunCLI]:
    """Return a command line that makes a task for data that are there already."""

    class Keeping(RunCLI):
        """Takes the data module that is kept, if its settings are the same."""

        def instantiate_classes(self) -> None:
            """Make the task without reading the data once more."""
            self.there = kept.of(self.config.as_dict()["data"])
            with nullcontext() if self.there is None else known_spec(self.there.spec):
                super().instantiate_classes()

        def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
            """Put the data that are there in place of those that were not read."""
            if self.there is not None:
                self.datamodule = self.there
            made = super().instantiate_trainer(**kwargs)
            kept.take(self.config.as_dict()["data"], self.datamodule)
            return made

    return Keeping
