"""What is promised and what is seen: intervals of forecasts on public data, per step and for whole paths.

    DLKIT_BENCH_DATA=... python scripts/study_coverage.py --sets ETTh1 weather --epochs 3

Each set trains DLinear three times for a few epochs, for a point, a normal distribution and quantiles. Intervals are
fitted on validation and counted on the test. A table tells the share of values (of whole paths, where the promise is
joint) inside with its 95 % interval and how many independent ones that is worth, the step of the horizon with the
lowest share, the share of whole paths inside, and the mean width in deviations of the targets on validation. Adaptive
intervals follow the test, each truth known when its window is over.
"""

import argparse
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch
from forecasting_recipes import SETS
from torch.optim import Adam

from dlkit.confidence.adaptive import Adaptive
from dlkit.confidence.answers import Values, contained
from dlkit.confidence.coverage import coverage
from dlkit.confidence.exchangeability import exchangeability
from dlkit.confidence.fitted_intervals import Intervals
from dlkit.confidence.intervals import CQR, Scaled, Split
from dlkit.confidence.joint import Joint, usual
from dlkit.confidence.weighted import Weighted
from dlkit.core.runfolder import atomic_file
from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.sources.files import Files
from dlkit.losses.base import Loss
from dlkit.losses.likelihood import Gaussian
from dlkit.losses.pointwise import MSE
from dlkit.losses.quantile import Pinball
from dlkit.models.dlinear import DLinear
from dlkit.tasks.forecast import Forecast
from dlkit.train.quiet import quiet_lightning

HEADS: dict[str, tuple[Loss, Intervals]] = {
    "point": (MSE(), Split()),
    "gaussian": (Gaussian(level=0.9), Scaled()),
    "quantiles": (Pinball(quantiles=(0.05, 0.5, 0.95)), CQR()),
}
LEVELS = (0.8, 0.9, 0.95, 0.99)
QUIET: dict[str, Any] = {
    "accelerator": "auto", "devices": 1, "logger": False, "enable_progress_bar": False, "enable_model_summary": False,
    "num_sanity_val_steps": 0, "enable_checkpointing": False,
}  # fmt: skip
HEADER = (
    "| set | head | intervals | promised | seen | 95 % interval | independent | lowest step | whole paths "
    "| width |\n|-|-|-|-|-|-|-|-|-|-|"
)


class Answered(NamedTuple):
    """Answers of a trained network, and the rows at which the windows start."""

    val: Values
    test: Values
    starts: np.ndarray


def answered(name: str, head: str, arguments: argparse.Namespace) -> Answered:
    """Train a network for a few epochs and return its answers; those that are kept already are read."""
    kept = arguments.answers / f"{name}_{head}_{arguments.horizon}.pt"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(kept) as work:
            torch.save(train(name, HEADS[head][0], arguments), work)
    saved = torch.load(kept)
    return Answered(Values(*saved["val"]), Values(*saved["test"]), saved["starts"].numpy())


def train(name: str, loss: Loss, arguments: argparse.Namespace) -> dict[str, Any]:
    pl.seed_everything(0, verbose=False)
    source = Files(path=f"$DLKIT_BENCH_DATA/forecasting/{name}.parquet", time="date", duplicates="keep", gaps="keep")
    data = TimeSeriesDataModule(
        source=source, targets=["*"], look_back=96, look_forward=arguments.horizon, split=SETS[name], batch_size=128,
        eval_batch_size=512,
    )  # fmt: skip
    task = Forecast(spec=data.spec, net=DLinear, loss=loss, optimizer=partial(Adam, lr=5e-3))
    trainer = pl.Trainer(max_epochs=arguments.epochs, limit_val_batches=0, **QUIET)
    trainer.fit(task, datamodule=data)
    found: dict[str, Any] = {}
    for role in ("val", "test"):
        data.predicted = role
        parts = trainer.predict(task, datamodule=data)
        columns = [[part[k] for part in parts] for k in range(5)]  # start, point, lower, upper, truth
        joined = [None if column[0] is None else torch.cat(column) for column in columns]
        found |= {role: tuple(joined[1:]), "starts": joined[0]}
    return found


def rows_of(name: str, head: str, answers: Answered, horizon: int) -> Iterator[str]:
    """Yield the lines of the table."""
    val, test, starts = answers
    base, deviation = HEADS[head][1], val.truth.flatten(0, 1).std(0)

    def row(method: str, level: float, lower: torch.Tensor, upper: torch.Tensor) -> str:
        inside = contained(test.truth, lower, upper)
        counted = inside.amin(1) if method == "Joint" else inside
        found = coverage(counted.flatten(1).nanmean(1)[:, None].double().numpy(), overlap=horizon)
        widths = (upper - lower) / deviation
        endless = f" ({share:.1%} infinite)" if (share := float(widths.isinf().double().mean())) else ""
        cells = [name, head, method, f"{level:.0%}", f"{found.seen[0]:.1%}",
                 f"{found.low[0]:.1%} - {found.high[0]:.1%}", f"{found.effective[0]:.0f}",
                 f"{inside.nanmean((0, 2)).min():.1%}", f"{inside.amin(1).nanmean():.1%}",
                 f"{widths[widths.isfinite()].mean():.2f}{endless}"]  # fmt: skip
        return "| " + " | ".join(cells) + " |"

    if test.lower is not None:
        yield row("as trained", 0.9, test.lower, test.upper)
    methods = {type(base).__name__: base, "Joint": Joint(method=base), "Weighted": Weighted(decay=0.999, method=base)}
    for level in LEVELS:
        for method, intervals in methods.items():
            yield row(method, level, *intervals.fit(val, level).bounds(test.point, test.lower, test.upper))
        followed = Adaptive(method=base).follow(val, test, level, starts, horizon)
        yield row("adaptive", level, followed.lower, followed.upper)


def exchangeable(answers: Answered, base: Intervals, horizon: int) -> str:
    """Return what the test of exchangeability says."""
    before, after = base.scores(answers.val), base.scores(answers.test)
    unit = usual(before)
    means = [(scores / unit).flatten(1).nanmean(1).double().numpy() for scores in (before, after)]
    found = exchangeability(*means, overlap=horizon)
    verdict = "refuted" if found.refuted else "too few windows to tell" if found.few else "not refuted"
    return (
        f"exchangeability {verdict}: p = {found.p_value:.3f}, log martingale {found.log_martingale:.1f}, "
        f"{found.blocks} blocks of {found.block} windows"
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["ETTh1", "ETTm1", "weather"])
    parser.add_argument("--heads", nargs="+", choices=HEADS, default=list(HEADS))
    parser.add_argument("--horizon", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--answers", type=Path, default=Path("study_coverage"), help="folder that keeps the answers")
    parser.add_argument("--output", type=Path, default=Path("study_coverage.md"), help="the Markdown table")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    quiet_lightning()
    torch.set_flush_denormal(True)
    lines, notes = [HEADER], []
    for name in arguments.sets:
        for head in arguments.heads:
            answers = answered(name, head, arguments)
            lines += rows_of(name, head, answers, arguments.horizon)
            notes.append(f"{name}, {head}: {exchangeable(answers, HEADS[head][1], arguments.horizon)}")
            print("\n".join(lines[-20:]), notes[-1], sep="\n", flush=True)
    with atomic_file(arguments.output) as work:
        work.write_text("\n".join([*lines, "", *notes]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("DLKIT_BENCH_DATA", "data")
    main()
