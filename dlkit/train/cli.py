"""The command line of all stages: one parser, one YAML for each of them."""

import contextlib
import io
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from jsonargparse import ArgumentError
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from torch.serialization import add_safe_globals

from dlkit.core.checks import InputError
from dlkit.core.processes import leads
from dlkit.core.runfolder import RunFolder, atomic_file, fresh_run, write_json
from dlkit.core.specs import Answer, Part, Spec
from dlkit.data.batches.batching import Batching
from dlkit.data.sample_modules import SampleDataModule
from dlkit.tasks.base import Task
from dlkit.tasks.network import NetTask
from dlkit.train import tracking
from dlkit.train.callbacks import ShortSummary, run_callbacks
from dlkit.train.checkpoints import AtomicCheckpointIO
from dlkit.train.cli_checks import check_monitors, check_test, its_settings, require_training
from dlkit.train.confidence.wish import Wish, require_possible, wish_of
from dlkit.train.environment import write_environment
from dlkit.train.evaluation.evaluate import load_weights
from dlkit.train.left_out import left_out_text
from dlkit.train.log_lines import progress_bar
from dlkit.train.messages import check_config
from dlkit.train.parser_errors import one_sentence, what_is_wrong
from dlkit.train.parser_null import know_null
from dlkit.train.quiet import quiet_lightning
from dlkit.train.slurm import cluster_plugins, require_srun
from dlkit.train.together import require_all, require_processes

add_safe_globals([Answer, Part, Spec])


class RunCLI(LightningCLI):
    """Builds data, task and trainer from YAML and dotted overrides; what trains gets a run folder.

    Args:
        args: Command-line arguments.
        trains: Make a run folder and write into it.
        tests: Refuse data of which nothing is left to test on.
        run: Existing run folder to train in.
        checkpoint: What to go on from there.
    """

    def __init__(
        self,
        args: list[str],
        *,
        trains: bool,
        tests: bool = False,
        run: RunFolder | None = None,
        checkpoint: Path | None = None,
    ) -> None:
        self.trains, self.tests, self.run_folder, self.checkpoint = trains, tests, run, checkpoint
        self.arguments = list(args)
        self.tested: Any = None  # evaluation that made the test
        self.members: list[str] | None = None  # folders of the runs that answer too, once it is known
        self.followed: Any = None  # bounds that followed the test in time, by head
        know_null()
        super().__init__(
            model_class=Task,
            datamodule_class=pl.LightningDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            run=False,
            auto_configure_optimizers=False,
            save_config_callback=None,
            seed_everything_default=0,
            trainer_defaults={"accelerator": "auto", "devices": 1, "log_every_n_steps": 50, "num_sanity_val_steps": 0},
            parser_kwargs={"exit_on_error": False, "allow_abbrev": False},
            args=args,
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the name of the run; link the data to the network."""
        parser.add_argument(
            "--name", type=str, default="run", help="Name of the run; its folder is RUNS/NAME-001, -002, ..."
        )
        parser.add_argument("--runs", type=str, default="runs", help="Folder of the run folders.")
        parser.add_argument(
            "--confidence",
            type=dict[str, Any] | None,
            default=asdict(Wish()),
            help="How sure answers shall be, see docs/confidence.md; null calibrates nothing.",
        )
        parser.add_argument(
            "--check",
            type=bool | None,
            default=True,
            help="Look at the data before training and stop on errors, see docs/check.md; false or null goes on.",
        )
        parser.link_arguments("data.spec", "model.init_args.spec", apply_on="instantiate")

    def _dump_config(self) -> None:
        """Keep the settings for classes that save them; as Lightning does, which checks them again and writes YAML."""
        if not hasattr(self, "config_dump"):
            said = self.parser.dump(
                self.config, format="json", skip_unset=False, skip_link_targets=False, skip_validation=True
            )
            self.config_dump = json.loads(said)

    def instantiate_classes(self) -> None:
        """Make data, task and trainer; a setting that one of them refuses is the user's to mend."""
        self.wish = wish_of(self.config["confidence"])
        if self.trains:
            require_training(self.config["trainer"])
        try:
            super().instantiate_classes()
        except ValueError as error:
            raise what_is_wrong(error) from error

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
        """Give the trainer its run folder, made only now that data and network have been accepted."""
        if not self.trains:
            given = self.config["trainer"].get("plugins") or []
            kwargs["plugins"] = [*cluster_plugins(given), *given]
            with its_settings("trainer", self._machine()):
                return super().instantiate_trainer(logger=False, enable_checkpointing=False, **kwargs)
        with its_settings("optimizer or its scheduler", "`model.optimizer` and `model.scheduler`"):
            self.model.configure_optimizers()
        check_monitors(self.model, self.config_init["trainer"].get("callbacks") or [], validates=self._validates())
        if self.tests:
            check_test(self.model, self.datamodule)
        if self.wish is not None and isinstance(self.model, NetTask):
            days = not isinstance(self.datamodule, SampleDataModule)
            require_possible(self.wish, self.model.spec, self.model.net, days=days)
        if self.checkpoint is not None:
            load_weights(self.model, self.checkpoint)  # refused here, nothing has been written yet
        if self.run_folder is not None:
            return self._trainer_of(self.run_folder, **kwargs)
        with fresh_run(Path(self.config["runs"]), self.config["name"]) as path:
            self.run_folder = RunFolder(path)
            return self._trainer_of(self.run_folder, **kwargs)

    def _trainer_of(self, run: RunFolder, **kwargs: Any) -> pl.Trainer:
        extra = run_callbacks(run, monitored=self._validates(), command="run" if self.tests else "fit")
        given = self.config["trainer"].get("plugins") or []
        plugins = [AtomicCheckpointIO(), *cluster_plugins(given), *given]
        if self.config["trainer"].get("enable_progress_bar") is not False and not self._own(pl.callbacks.ProgressBar):
            extra.append(progress_bar())
        if self.config["trainer"].get("enable_model_summary") is not False and not self._own(pl.callbacks.ModelSummary):
            extra.append(ShortSummary())
        kwargs.setdefault("logger", tracking.loggers_of(self.config_init["trainer"].get("logger"), run))
        self.trainer_defaults["callbacks"] = extra
        with its_settings("trainer", self._machine()):
            trainer = super().instantiate_trainer(plugins=plugins, **kwargs)
            require_srun(trainer.num_devices, trainer.num_nodes)
        require_all(trainer)
        if isinstance(self.datamodule, Batching):
            require_processes(self.datamodule, trainer, self.checkpoint)
        if leads():
            self._write_run(run)
        tracking.begin(self, run)
        return trainer

    def _own(self, kind: type[pl.Callback]) -> bool:
        callbacks = self.config_init["trainer"].get("callbacks") or []
        given = callbacks if isinstance(callbacks, list) else [callbacks]
        return any(isinstance(callback, kind) for callback in given)

    def _machine(self) -> str:
        settings = self.config["trainer"]
        return ", ".join(f"{name}: {settings[name]}" for name in ("accelerator", "devices", "strategy", "precision"))

    def _validates(self) -> bool:
        return not isinstance(self.datamodule, Batching) or self.datamodule.count("val") > 0

    def _write_run(self, run: RunFolder) -> None:
        with atomic_file(run.config) as work:
            settings = {"skip_unset": False, "skip_validation": True}  # they were checked when they came
            self.parser.save(self.config, work, overwrite=True, multifile=False, **settings)
        describe = getattr(self.datamodule, "describe", None)
        if describe is not None:
            write_json(run.data, describe())
            if told := left_out_text(self.datamodule, run.data):
                print(told, flush=True)
        write_environment(run)


def build(
    args: list[str],
    *,
    trains: bool,
    tests: bool = False,
    run: RunFolder | None = None,
    checkpoint: Path | None = None,
    kind: type[RunCLI] = RunCLI,
) -> RunCLI:
    """Return data, task and trainer made from the arguments, see :class:`RunCLI`.

    Raises:
        InputError: A setting is wrong; one sentence says which.
    """
    quiet_lightning()
    check_config(args)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            cli = kind(args, trains=trains, tests=tests, run=run, checkpoint=checkpoint)
    except ArgumentError as error:
        raise InputError(one_sentence(str(error))) from error
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise InputError(one_sentence(said.getvalue())) from stop
    sys.stderr.write(said.getvalue())
    return cli


def with_config(arguments: list[str]) -> tuple[list[str], RunFolder | None]:
    """Return arguments for the parser: YAML files and a run folder may stand without ``--config`` at the front."""
    configs: list[str] = []
    run = None
    rest = list(arguments)
    while rest and not rest[0].startswith("-"):
        first = Path(rest.pop(0))
        if first.suffix in (".yaml", ".yml"):
            configs += ["--config", str(first)]
        else:
            if run is not None:
                raise InputError(
                    f"'{run.path}' and '{first}' are two run folders, and this command takes one: give one of them; "
                    "`dlkit compare` sets runs side by side."
                )
            run = RunFolder.open(first)
            configs += ["--config", str(run.config)]
    if not configs and not any(part.startswith(("--config", "--print_config", "--help", "-h")) for part in rest):
        raise InputError(
            "Nothing to do: give a YAML file such as configs/experiment/weather_forecast.yaml, or a run folder, before "
            "all options."
        )
    return configs + rest, run
