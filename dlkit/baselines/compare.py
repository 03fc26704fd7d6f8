"""From a configuration or a run to the table of classical methods beside its network."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from dlkit.baselines.anomaly_contest import AnomalyContest
from dlkit.baselines.contest import Contest, Limits, Result
from dlkit.baselines.question import Measures, Question
from dlkit.core.checks import require, suggest
from dlkit.core.processes import started_together
from dlkit.core.runfolder import RunFolder, atomic_file, fresh_run, read_json, write_json
from dlkit.models.base import weights_come_later
from dlkit.report.baseline_figures import baselines_figure
from dlkit.report.baseline_tables import Entry, baseline_table_text
from dlkit.report.canvas import save_figure
from dlkit.train import stages
from dlkit.train.cli import build, with_config
from dlkit.train.evaluation.base import evaluation_of, plain, quiet_trainer

MODEL = "model"
KINDS = ("forecast", "values", "class", "ordinal", "labels")


@dataclass(frozen=True)
class Compared:
    """Methods that were measured on one question.

    Attributes:
        head: Which of several heads was asked; "" where there is one.
        results: By the name of the method, the network first where there is one.
        notes: What all methods have in common.
        count: Number of training windows or samples.
    """

    head: str
    results: dict[str, Result]
    notes: tuple[str, ...]
    count: int

    @property
    def entries(self) -> list[Entry]:
        """Lines of the table."""
        return [
            Entry(one.title, one.measures, one.fit_s, one.predict_s, "-" if one.rows is None else f"{one.rows:,}")
            for one in self.results.values()
        ]

    @property
    def text(self) -> str:
        """The table with its notes."""
        said = [f"{one.title}: {text}" for one in self.results.values() if (text := self.said(one))]
        head = [self.head] if self.head else []
        return "\n".join([*head, baseline_table_text(self.entries, [*self.notes, *said])])

    def said(self, result: Result) -> str:
        """Say how many of the training windows or samples a method learned from, where not all, and what was chosen."""
        few = result.rows is not None and result.rows < self.count
        cut = [f"trained on {result.rows:,} of {self.count:,}"] if few else []
        return "; ".join([*cut, result.said] if result.said else cut)

    def as_dict(self) -> dict[str, Any]:
        """Return plain types for ``baselines.json``."""
        methods = {
            name: asdict(one) | {"measures": {key: plain(value) for key, (value, _) in one.measures.items()}}
            for name, one in self.results.items()
        }
        return {"training windows or samples": self.count, "notes": list(self.notes), "methods": methods}


def compare(arguments: Sequence[str], *, only: Sequence[str], limits: Limits) -> str:
    """Fit and measure classical methods beside the network of a run; write and return the table.

    Args:
        arguments: Run folder or YAML file, then overrides.
        only: Names of the methods; none means all.
        limits: Rows and features at most.

    Raises:
        InputError: The data leave nothing to learn from or to test on, or a name is no method.
    """
    require(started_together() == 1, "`dlkit baselines` works in one process: start it without torchrun or srun.")
    cli, run = opened(arguments)
    data = cli.datamodule
    for role in ("train", "test"):
        require(data.count(role) > 0, data.missing(role))
    contests = contests_of(cli.model, data, limits)
    names = wanted(only, contests)
    network = {} if run is None else tested(cli, run, contests)
    found = [measured(contest, names, network.get(contest.head or ""), data.count("train")) for contest in contests]
    return kept(cli, run, found)


def opened(arguments: Sequence[str]) -> tuple[Any, RunFolder | None]:
    """Return data and task, with the weights of a run where there is one."""
    rest, run = with_config(list(arguments))
    if run is not None:
        return stages.load(arguments)
    with weights_come_later():
        return build(rest, trains=False), None


def contests_of(task: Any, data: Any, limits: Limits) -> list[Contest | AnomalyContest]:
    """Return the methods for what is asked of the data, for each head alone where there are several."""
    spec = data.spec
    if spec.kind == "reconstruct":
        return [AnomalyContest(task, data, limits)]
    for one in spec.heads or (spec,):
        require(one.kind in KINDS, f"There are no baselines for a head of the kind '{one.kind}': leave it out.")
    return [Contest(Question(data, one.name if spec.heads else None), limits) for one in spec.heads or (spec,)]


def wanted(only: Sequence[str], contests: Sequence[Contest | AnomalyContest]) -> list[str]:
    """Return the names of the methods that are asked for."""
    known = list(dict.fromkeys(name for contest in contests for name in contest.names))
    for name in only:
        require(name in known, f"--only {name} is no method for these data; {suggest(name, known)}")
    return [name for name in known if not only or name in only]


def tested(cli: Any, run: RunFolder, contests: Sequence[Contest | AnomalyContest]) -> dict[str, Result]:
    """Return the result of the network of a run on everything that tests now, by the name of the head."""
    task, data = cli.model, cli.datamodule
    print(f"{MODEL}: testing {run.path} ...", flush=True)
    began = time.perf_counter()
    first = contests[0]
    found = {"": first.network(cli.trainer)} if isinstance(first, AnomalyContest) else answered(cli.trainer, task, data)
    seconds = time.perf_counter() - began
    known = read_json(run.metrics) if run.metrics.exists() else {}
    title, fit_s = f"{MODEL}: {type(task.net).__name__}", known.get("fit", {}).get("seconds")
    return {name: Result(title, one, fit_s, seconds, data.count("train")) for name, one in found.items()}


def answered(trainer: pl.Trainer, task: Any, data: Any) -> dict[str, Measures]:
    """Return the measures of a network by the name of the head, "" where there is one."""
    quiet_trainer(trainer).test(task, datamodule=data, verbose=False)
    evaluation: Any = evaluation_of(task, data)
    heads = getattr(evaluation, "heads", {"": evaluation})
    return {name: one.brief(task.task(name) if name else task) for name, one in heads.items()}


def measured(contest: Contest | AnomalyContest, names: Sequence[str], network: Result | None, count: int) -> Compared:
    """Return the results of methods on a question; ``count`` training windows or samples are there."""
    results = {} if network is None else {MODEL: network}
    for name in (name for name in names if name in contest.names):
        print(f"{name} ...", flush=True)
        results[name] = contest.run(name)
    return Compared(contest.head or "", results, tuple(contest.notes()), count)


def kept(cli: Any, run: RunFolder | None, found: Sequence[Compared]) -> str:
    """Write numbers, table and figures into the run, or into a new folder; return the table."""
    text = "\n\n".join(one.text for one in found)
    if run is not None:
        write(run.path, run.figures, found, text)
        return f"{text}\nbaselines: {run.path / 'baselines.json'}"
    with fresh_run(Path(cli.config["runs"]), f"{cli.config['name']}_baselines") as folder:
        write(folder, folder, found, text)
    return f"{text}\nbaselines: {folder / 'baselines.json'}"


def write(folder: Path, figures: Path, found: Sequence[Compared], text: str) -> None:
    """Write what was found."""
    write_json(folder / "baselines.json", {one.head or "all": one.as_dict() for one in found})
    with atomic_file(folder / "baselines.txt") as work:
        work.write_text(text + "\n", encoding="utf-8")
    for one in found:
        model = one.results[MODEL].title if MODEL in one.results else None
        name = f"baselines_{one.head}" if one.head else "baselines"
        save_figure(baselines_figure(one.entries, model=model), figures / f"{name}.png")
