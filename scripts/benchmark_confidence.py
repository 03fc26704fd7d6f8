"""What confidence costs: a conformal fit beside a sort of the same residuals, bounds beside the plain forward pass.

    OMP_NUM_THREADS=1 python scripts/benchmark_confidence.py --residuals 10000000

Contestants take turns, so that what else the machine does meets all of them; the ratio is the median over rounds.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch

from dlkit.confidence.answers import Values
from dlkit.confidence.fitted_intervals import FittedIntervals
from dlkit.confidence.intervals import CQR, Split
from dlkit.confidence.joint import Joint
from dlkit.confidence.quantile import conformal_quantile
from dlkit.confidence.scaling import Temperature
from dlkit.core.batch import Batch
from dlkit.core.specs import Spec
from dlkit.losses.quantile import Pinball
from dlkit.models.dlinear import DLinear
from dlkit.models.lstm import LSTM
from dlkit.models.series_resnet import SeriesResNet
from dlkit.tasks.classify import Classify
from dlkit.tasks.forecast import Forecast

NAMES = tuple(f"channel_{k}" for k in range(7))


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def turns(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> str:
    """Return both medians and the median of their ratios, as cells of a table."""
    for call in (ours, theirs):
        call()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    one, other = (statistics.median(pair[k] for pair in pairs) for k in (0, 1))
    return f"{one:.4f} | {other:.4f} | {statistics.median(a / b for a, b in pairs):.2f}"


def fits(residuals: int, rounds: int) -> None:
    print("| residuals (windows, horizon, targets) | quantile, s | torch.sort, s | ratio |\n|-|-|-|-|")
    draw = torch.Generator().manual_seed(0)
    for horizon, targets in ((1, 1), (96, 7), (720, 1)):
        scores = torch.rand((residuals // (horizon * targets), horizon, targets), generator=draw)
        ours, theirs = partial(conformal_quantile, scores, 0.9), partial(torch.sort, scores, 0)
        cells = turns(ours, theirs, rounds)
        print(f"| {tuple(scores.shape)} | {cells} |", flush=True)
    print("\n| method | fit, s | torch.sort, s | ratio |\n|-|-|-|-|")
    point = torch.rand((residuals // 672, 96, 7), generator=draw)
    answers = Values(point, point - 1, point + 1, point + torch.randn(point.shape, generator=draw))
    for method in (Split(), CQR(), Joint()):
        cells = turns(partial(method.fit, answers, 0.9), partial(torch.sort, point, 0), rounds)
        print(f"| {type(method).__name__} | {cells} |", flush=True)


@torch.inference_mode()
def predictions(rounds: int) -> None:
    print("\n| answers of a batch of 256 | calibrated, s | plain, s | ratio |\n|-|-|-|-|")
    x = torch.randn(256, 7, 336)
    batch = Batch(x=x, y=torch.randn(256, 96, 7), start=torch.arange(256))
    spec = Spec(channels=NAMES, size=(336,), output=(96, 7, 1), targets=NAMES)
    for net in (DLinear, LSTM):
        task = Forecast(spec=spec, net=net, loss=Pinball()).eval()
        intervals = CQR().fit(task.predict_step(batch, 0), 0.9)

        def bounded(task: Forecast = task, intervals: FittedIntervals = intervals) -> object:
            answers = task.predict_step(batch, 0)
            return intervals.bounds(answers.point, answers.lower, answers.upper)

        cells = turns(bounded, partial(task.predict_step, batch, 0), rounds)
        print(f"| {net.__name__}, quantiles, CQR | {cells} |", flush=True)
    classes = Spec(channels=NAMES, size=(336,), output=(10,), classes=tuple("abcdefghij"), kind="class")
    task = Classify(spec=classes, net=partial(SeriesResNet, width=16)).eval()
    labelled = Batch(x=x, y=torch.randint(10, (256,)), start=torch.arange(256))
    scaling = Temperature().fit(task.predict_step(labelled, 0).probabilities, labelled.y)
    cells = turns(
        lambda: scaling.probabilities(task.predict_step(labelled, 0).probabilities),
        lambda: task.predict_step(labelled, 0),
        rounds,
    )
    print(f"| SeriesResNet, 10 classes, temperature | {cells} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--residuals", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    fits(arguments.residuals, arguments.rounds)
    predictions(arguments.rounds)


if __name__ == "__main__":
    main()
