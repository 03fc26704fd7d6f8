"""What a study leaves: the best configuration, a table of all trials, figures, and settings for TensorBoard."""

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pytorch_lightning.loggers import TensorBoardLogger

from dlkit.core.checks import counted
from dlkit.core.runfolder import RunFolder, atomic_file, write_json
from dlkit.report.canvas import save_figure
from dlkit.report.tables import number_text
from dlkit.report.tune_figures import history_figure, importance_figure, parallel_figure, slice_figure
from dlkit.report.tune_view import Axis, StudyView, TrialView, short_names
from dlkit.tune.space import names_of
from dlkit.tune.study import Book, quiet_optuna

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
ENOUGH = 5  # complete trials from which it is worth asking what matters


def best_trial(book: Book) -> "FrozenTrial | None":
    """Return the best trial that was trained to its end; of equal ones the first."""
    done = [trial for trial in book.finished() if trial.state.name == "COMPLETE"]
    sign = -1 if book.space.direction == "maximize" else 1
    return min(done, key=lambda trial: (sign * float(trial.value or 0.0), trial.number)) if done else None


def write_results(book: Book) -> None:
    """Write what is known so far: ``best.yaml``, ``trials.csv`` and ``study.json``."""
    best = best_trial(book)
    if best is not None:
        write_best(book, best)
    write_table(book)
    ended = book.finished()
    counts = {name: sum(STATES[trial.state.name] == name for trial in ended) for name in STATES.values()}
    found = None if best is None else {"number": best.number, "value": best.value, "parameters": best.params,
                                       "run": str(run_of(book, best).path)}  # fmt: skip
    write_json(
        book.folder.summary,
        {
            "metric": book.space.metric, "direction": book.space.direction, "sampler": book.space.sampler.name,
            "pruner": book.space.pruner.name, "seed": book.space.seed, "folds": book.space.folds,
            "wanted": book.wanted, "trials": counts, "best": found, "importance": importance_of(book),
        },
    )  # fmt: skip


def run_of(book: Book, trial: "FrozenTrial") -> RunFolder:
    """Return the run folder of a trial."""
    return RunFolder(book.folder.trials / str(trial.user_attrs.get("run", "")))


def write_best(book: Book, best: "FrozenTrial") -> None:
    """Write the configuration of the best trial, ready for `dlkit fit`."""
    config = yaml.safe_load(run_of(book, best).config.read_text(encoding="utf-8"))
    config["runs"] = book.config["runs"]
    told = f"# Trial {best.number} of {book.folder.path}: {book.space.metric} {best.value:.6g}"
    told += f", the mean over {book.space.folds} folds" if book.space.folds else ""
    with atomic_file(book.folder.best) as work:
        work.write_text(f"{told}\n{yaml.safe_dump(config, sort_keys=False)}", encoding="utf-8")


def write_table(book: Book) -> None:
    """Write all trials as a table."""
    names = names_of(book.space)
    with atomic_file(book.folder.table) as work, work.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["number", "state", "value", "validations", "seconds", "run", "why", *names])
        for trial in book.finished():
            noted = trial.user_attrs
            table.writerow(
                [trial.number, STATES[trial.state.name], trial.value, len(trial.intermediate_values),
                 noted.get("seconds"), noted.get("run"), noted.get("why"), *(trial.params.get(name) for name in names)]
            )  # fmt: skip


def importance_of(book: Book) -> dict[str, float]:
    """Return the share of each parameter; empty where too few trials ended well to ask."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    done = [trial for trial in book.finished() if trial.state.name == "COMPLETE"]
    varied = [name for name in names_of(book.space) if len({str(trial.params.get(name)) for trial in done}) > 1]
    if len(done) < ENOUGH or len(varied) < 2:
        return {}
    with quiet_optuna():
        evaluator = PedAnovaImportanceEvaluator(target_quantile=max(0.1, 2 / len(done)))
        found = get_param_importances(book.study, evaluator=evaluator)
    return {name: round(float(share), 4) for name, share in found.items() if math.isfinite(share)}


def write_hparams(run: RunFolder, parameters: dict[str, Any], metric: str, value: float | None) -> None:
    """Write the parameters and the result of a trial for TensorBoard's HParams tab."""
    logger = TensorBoardLogger(run.path, name="tensorboard", version="", default_hp_metric=False)
    settings = {
        name: given if isinstance(given, int | float | str) else str(given) for name, given in parameters.items()
    }
    measured = {} if value is None else {f"hp/{metric.replace('/', '_')}": value}
    logger.log_hyperparams(settings, measured)
    logger.experiment.flush()
    logger.experiment.close()


# ---------------------------------------------------------------------- figures and the table of the best
def view_of(book: Book) -> StudyView:
    """Return what is drawn of a study."""
    ended = book.finished()
    kinds: dict[str, BaseDistribution] = {}
    for trial in ended:
        kinds |= trial.distributions
    return StudyView(
        metric=book.space.metric, maximize=book.space.direction == "maximize",
        trials=[TrialView(t.number, STATES[t.state.name], t.value, worded(t.params)) for t in ended],
        axes=[axis_of(name, kinds[name]) for name in names_of(book.space) if name in kinds],
        importance=importance_of(book),
    )  # fmt: skip


def worded(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters with an empty choice as a word."""
    return {name: "None" if value is None else value for name, value in parameters.items()}


def axis_of(name: str, kind: "BaseDistribution") -> Axis:
    """Return the axis of a parameter."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(kind, CategoricalDistribution):
        return Axis(name, labels=tuple(str(choice) for choice in kind.choices))
    assert isinstance(kind, FloatDistribution | IntDistribution)
    return Axis(name, low=float(kind.low), high=float(kind.high), log=kind.log)


def draw(book: Book) -> Path | None:
    """Draw the figures of a study; None where no trial ended well."""
    view = view_of(book)
    if not view.complete:
        return None
    figures = {"history": history_figure, "parallel": parallel_figure, "slices": slice_figure}
    if view.importance:
        figures["importance"] = importance_figure
    for name, figure in figures.items():
        save_figure(figure(view), book.folder.figures / f"{name}.png")
    return book.folder.figures


def table_text(book: Book, most: int = 5) -> str:
    """Return the best trials as a table, each with its parameters."""
    best = view_of(book).complete[::-1][:most]
    names = short_names(names_of(book.space))
    rows = [f"{'trial':>5}  {book.space.metric:>10}  parameters"]
    for trial in best:
        told = "  ".join(f"{names[name]}={value_text(value)}" for name, value in trial.parameters.items())
        rows.append(f"{trial.number:>5}  {number_text(float(trial.value or 0.0)):>10}  {told}")
    ended = book.finished()
    counts = [f"{sum(STATES[t.state.name] == name for t in ended)} {name}" for name in STATES.values()]
    return "\n".join([f"{counted(len(ended), 'trial')}: {', '.join(counts)}", *rows])


def value_text(value: Any) -> str:
    """Return a value of a parameter as it is read."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
