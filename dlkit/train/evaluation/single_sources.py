"""Each source alone as a rival: the same network with the branch of one source, trained with the same settings."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from torch import Tensor

from dlkit.core.checks import require
from dlkit.core.packing import borders, packed_size
from dlkit.core.processes import leads
from dlkit.core.runfolder import RunFolder, atomic_file, read_json, write_json
from dlkit.core.specs import Spec
from dlkit.models.base import Net, NetFactory
from dlkit.models.fusion import Fusion
from dlkit.report.sample_tables import rivals_table_text
from dlkit.tasks.base import DivergedError
from dlkit.tasks.network import NetTask
from dlkit.train.evaluation.base import evaluation_of, plain, quiet_trainer
from dlkit.train.evaluation.evaluate import load_weights
from dlkit.train.stages import known_spec
from dlkit.train.together import its_devices

KEPT = (
    "max_epochs", "max_steps", "gradient_clip_val", "gradient_clip_algorithm", "precision", "limit_train_batches",
    "limit_val_batches", "limit_test_batches", "check_val_every_n_epoch", "accumulate_grad_batches", "deterministic",
)  # fmt: skip
"""Settings of the trainer that decide what is learned."""


def asked_for(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """Return the arguments without ``--alone``, and whether sources are to be compared: unless it says false.

    Raises:
        InputError: It says neither.
    """
    rest = list(arguments)
    if "--alone" not in rest:
        return rest, True
    place = rest.index("--alone")
    said = rest[place + 1].lower() if len(rest) > place + 1 else ""
    require(said in ("true", "false"), f"--alone '{said}' must be true or false: does each source train alone as well?")
    del rest[place : place + 2]
    return rest, said == "true"


class OneSource(Net):
    """A network that looks at one of several sources.

    Args:
        spec: Of all sources.
        source: Name of the one.
        net: Makes the network of this source alone.
    """

    several: ClassVar[bool] = True

    def __init__(self, spec: Spec, *, source: str, net: NetFactory) -> None:
        super().__init__(spec)
        names = [part.name for part in spec.parts]
        self.number, part = names.index(source), spec.parts[names.index(source)]
        self.where = borders(spec.parts)[source]
        channels = tuple(f"{source}.{channel}" for channel in part.channels)
        self.net = net(replace(spec, parts=(part,), channels=channels, units=part.units, size=(packed_size((part,)),)))

    def features(self, x: Tensor) -> Tensor:
        """Return what the network found in the source."""
        there = x.shape[1] - len(self.spec.parts) + self.number
        found: Tensor = self.net.features(torch.cat([x[:, self.where], x[:, there : there + 1]], 1))
        return found

    def head(self, z: Tensor) -> Tensor:
        """Return the answer."""
        return self.net.head(z)


def alone(cli: Any, source: str) -> tuple[NetTask, list[pl.Callback]]:
    """Return the task of a run, made anew, with a network that looks at one source, and what may stop it early."""
    fused = cli.model.net
    assert isinstance(fused, Fusion)
    with known_spec(cli.datamodule.spec):  # the data are there already
        made = cli.parser.instantiate_classes(cli.config)
    task: NetTask = made["model"]
    task.net = OneSource(task.spec, source=source, net=fused.recipe.of_one(source))
    callbacks = made["trainer"].get("callbacks") or []
    given = callbacks if isinstance(callbacks, list) else [callbacks]
    return task, [one for one in given if isinstance(one, EarlyStopping)]


@contextmanager
def nothing_left_out(data: Any) -> Iterator[None]:
    """Leave no source out of training windows: it may be the only one that is looked at."""
    data.setup()
    gather = data.gather
    kept, gather.rates = gather.rates, torch.zeros_like(gather.rates)
    try:
        yield
    finally:
        gather.rates = kept


def train_alone(cli: Any, source: str) -> NetTask:
    """Return a task that was trained on one source as the run was on all, with its best weights."""
    settings = {name: cli.config["trainer"].get(name) for name in KEPT}
    together = cli.trainer.world_size > 1
    with torch.random.fork_rng(), tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(int(cli.config.get("seed_everything") or 0))
        task, stops = alone(cli, source)
        task.stops_at_once = not together  # of several processes one would stop and the others wait: all look later
        best = ModelCheckpoint(folder, monitor="val/loss" if cli.datamodule.count("val") else None)
        trainer = pl.Trainer(
            **its_devices(cli.trainer) | {name: value for name, value in settings.items() if value is not None},
            logger=False, callbacks=[best, *stops], num_sanity_val_steps=0,
            enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(task, datamodule=cli.datamodule)
        if leads():  # Lightning gives them to the other processes when they are tested
            load_weights(task, Path(best.best_model_path))
    return task


def compare_sources(cli: Any, run: RunFolder) -> str | None:
    """Train and test each source alone; return the table beside the network of all, None where there is one source.

    The measures go into ``metrics.json``, the table is added to the summary.
    """
    task, data = cli.model, cli.datamodule
    if len(task.spec.parts) < 2 or not isinstance(task.net, Fusion):
        return None
    evaluation, names = evaluation_of(task, data), [part.name for part in task.spec.parts]
    found = {"all sources": evaluation.brief(task)}
    with nothing_left_out(data):
        for name in names:
            print(f"training {name} alone, with the same settings ...", flush=True)
            try:
                one = train_alone(cli, name)
            except DivergedError:  # that, too, is an answer
                found[f"{name} alone"] = {key: (math.nan, better) for key, (_, better) in found["all sources"].items()}
                continue
            quiet_trainer(cli.trainer).test(one, datamodule=data, verbose=False)
            found[f"{name} alone"] = evaluation.brief(one)
    if not leads():
        return None
    plain_measures = {name: {key: plain(value) for key, (value, _) in each.items()} for name, each in found.items()}
    write_json(run.metrics, read_json(run.metrics) | {"single_sources": plain_measures})
    table = rivals_table_text(found)
    before = run.summary.read_text(encoding="utf-8")
    with atomic_file(run.summary) as work:
        work.write_text(f"{before}\n{table}\n", encoding="utf-8")
    return table
