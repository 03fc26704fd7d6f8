"""What is compared: finished runs, and cross-validations, each with its settings, measures and answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from dlkit.compare.sources import source_words
from dlkit.core.checks import require
from dlkit.core.runfolder import RunFolder
from dlkit.train.evaluation.measures import Values
from dlkit.train.report.known import json_of
from dlkit.train.report.measures import measures_of
from dlkit.train.settings import compared

FOLDS, EXPERIMENT = "crossval.json", "experiment.yaml"


@dataclass(frozen=True)
class Contender:
    """A run or a cross-validation.

    Attributes:
        name: Of its folder.
        path: The folder.
        kind: "forecast", "class" and so on, "" of folds.
        settings: What can differ in its results, by flat name.
        measures: Of the test by name, the mean of folds.
        data: What is known of its data.
        folds: Measures of each fold by name, None of a run.
        ratio: Test windows or samples over those of training, of folds.
        cost: Seconds of training and number of parameters, where known.
    """

    name: str
    path: Path
    kind: str
    settings: dict[str, Any]
    measures: Values
    data: dict[str, Any]
    folds: dict[str, list[float]] | None = None
    ratio: float = 0.0
    cost: tuple[float | None, int | None] = (None, None)

    @property
    def seed(self) -> Any:
        """The seed of its training."""
        return self.settings.get("seed_everything")

    @property
    def without_seed(self) -> dict[str, Any]:
        """Its settings but for the seed."""
        return {name: value for name, value in self.settings.items() if name != "seed_everything"}


def contenders(paths: Sequence[Path]) -> list[Contender]:
    """Read what is compared.

    Raises:
        InputError: There are fewer than two, one is named twice or was not tested, or runs and folds are mixed.
    """
    require(len(paths) > 1, f"{len(paths)} run is no comparison: give two or more folders of finished runs.")
    real = [path.resolve() for path in paths]
    twice = [str(path) for k, path in enumerate(paths) if real[k] in real[:k]]
    require(not twice, f"'{(twice or [''])[0]}' is given twice: leave one out.")
    found = [fold_contender(path) if (path / FOLDS).is_file() else run_contender(path) for path in paths]
    mixed = len({one.folds is None for one in found}) > 1
    require(not mixed, "A cross-validation cannot be compared with a single run: give folders of one sort.")
    names = [one.name for one in found]
    if len(set(names)) < len(names):  # of several folders of runs
        found = [renamed(one, str(path)) for one, path in zip(found, paths, strict=True)]
    return found


def renamed(one: Contender, name: str) -> Contender:
    """Return a contender with another name."""
    return replace(one, name=name)


def run_contender(path: Path) -> Contender:
    """Read a run.

    Raises:
        InputError: It is no run, or was not tested.
    """
    run = RunFolder.open(path)
    metrics = json_of(run.metrics)
    measures = measures_of(metrics)
    require(bool(measures), f"'{path}' was not tested: `dlkit test {path}` measures it.")
    config = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    data = json_of(run.data)
    cost = (metrics.get("fit", {}).get("seconds"), metrics.get("parameters"))
    task = str(config.get("model", {}).get("class_path", "")).rpartition(".")[2]
    return Contender(run.path.name, run.path, task, compared(config), measures["model"], data, cost=cost)


def fold_contender(path: Path) -> Contender:
    """Read a cross-validation.

    Raises:
        InputError: Its folds were not gathered.
    """
    metrics = json_of(path / "metrics.json")
    require("metrics" in metrics, f"'{path}' was not gathered: `dlkit crossval --gather {path}` does it.")
    own = metrics["metrics"]["model"]
    config = yaml.safe_load((path / EXPERIMENT).read_text(encoding="utf-8"))
    folds = {name: [float("nan") if x is None else float(x) for x in one["folds"]] for name, one in own.items()}
    means = {name: float(one["mean"]) for name, one in own.items()}
    dealt = json_of(path / FOLDS)
    count = max((len(values) for values in folds.values()), default=0)
    dealt["tested"] = [json_of(path / f"fold-{number}" / "data.json") for number in range(1, count + 1)]
    ratio = float(metrics.get("interval", {}).get("test/train", 0.0))
    return Contender(path.name, path, "folds", compared(config), means, dealt, folds, ratio)


def differing(found: Sequence[Contender]) -> dict[str, list[Any]]:
    """Return the settings that differ, by name, one value a contender; None where one has no such setting."""
    names = list(dict.fromkeys(name for one in found for name in one.settings))
    each = {name: [one.settings.get(name) for one in found] for name in names}
    return {name: values for name, values in each.items() if any(value != values[0] for value in values)}


def require_same_test(found: Sequence[Contender]) -> None:
    """Refuse runs on different test data.

    Raises:
        InputError: Sources, split or folds differ.
    """
    first = found[0]
    for other in found[1:]:
        what = difference(first, other)
        require(
            not what,
            f"'{first.name}' and '{other.name}' were tested on other data ({what} differs): their errors cannot be "
            "compared; --metrics-only puts their measures side by side all the same.",
        )


def difference(first: Contender, other: Contender) -> str:
    """Return what of the test data differs, "" where nothing does."""
    if first.kind != other.kind:
        return f"the task, {first.kind} and {other.kind},"
    if first.folds is not None:
        if first.data.get("plan") != other.data.get("plan"):
            return "the plan of the folds"
        pairs = zip(first.data["tested"], other.data["tested"], strict=False)
        found = [(number, other_test(*pair)) for number, pair in enumerate(pairs, 1)]
        return next((f"{what}, in fold {number}," for number, what in found if what), "")
    return other_test(first.data, other.data)


def other_test(first: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Return what differs of the data that two runs were tested on, by their data.json; "" where nothing does."""
    if first.get("source") != other.get("source"):
        return source_words(first.get("source"), other.get("source"))
    mine, its = (one.get("split", {}).get("test", {}) for one in (first, other))
    moments = [key for key in ("rows", "from", "to", "samples", "per class") if mine.get(key) != its.get(key)]
    return f"{', '.join(moments)} of the test" if moments else ""
