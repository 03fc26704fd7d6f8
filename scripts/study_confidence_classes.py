"""Are the probabilities of networks that tell classes true, do sets of classes hold what they promise, and how far can
inputs be changed? Digits, simulated cavity faults, and the trace problems in $DLKIT_BENCH_DATA/traces.

A network learns from half of the samples for a fixed number of steps; nothing is chosen by the other half. That half is
dealt again and again: a quarter of it fits the scaling, a quarter the sets, and one half checks both.

Usage: python scripts/study_confidence_classes.py [digits cavity CBF ...] [--deals 100] [--steps 400] [--radii]
"""

import argparse
import logging
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from dlkit.confidence.calibration import expected_error, noise_floor
from dlkit.confidence.class_sets import APS, LAC, RAPS, covered
from dlkit.confidence.scaling import Isotonic, Temperature, Vector
from dlkit.confidence.smoothing import ABSTAIN, certified_accuracy, certify
from dlkit.core.batch import Batch
from dlkit.data.augment import Noise
from dlkit.data.sample_modules import ImageDataModule, SampleDataModule, TraceDataModule
from dlkit.data.sample_splits import Grouped, Stratified
from dlkit.data.sources.cavity import CavityFaults
from dlkit.data.sources.digits import Digits
from dlkit.data.sources.ucr import UCR
from dlkit.models.resnet import ResNet
from dlkit.tasks.classify import Classify

STEPS, BATCH, RATE = 400, 32, 0.002
LEVELS = (0.8, 0.9, 0.95, 0.99)
SCALINGS = {"temperature": Temperature(), "vector": Vector(), "isotonic": Isotonic()}
SETS = {
    "LAC": LAC(allow_empty=True), "APS": APS(allow_empty=True), "RAPS": RAPS(allow_empty=True),
    "LAC per class": LAC(per_class=True, allow_empty=True),
}  # fmt: skip
RADII = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
QUIET: dict[str, Any] = {
    "logger": False, "enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False,
}  # fmt: skip


def module_of(name: str, seed: int, augment: list[Any]) -> SampleDataModule:
    """Return samples of which half trains."""
    kind = Grouped if name == "cavity" else Stratified
    settings: dict[str, Any] = {
        "split": kind(train=0.5, val=0.25, test=0.25, seed=seed), "batch_size": BATCH, "eval_batch_size": 256,
        "batches_per_step": 1, "seed": seed, "augment": augment,
    }  # fmt: skip
    if name == "digits":
        return ImageDataModule(source=Digits(), **settings)
    source = CavityFaults(samples=2400) if name == "cavity" else UCR(path=f"$DLKIT_BENCH_DATA/traces/{name}.npz")
    return TraceDataModule(source=source, **settings)


def trained(name: str, steps: int, augment: list[Any] | None = None) -> tuple[Classify, SampleDataModule]:
    """Return a network after a fixed number of steps, and its data."""
    pl.seed_everything(0, verbose=False)
    data = module_of(name, 0, augment or [])
    net = partial(ResNet, width=16, blocks=[1, 1, 1], **{} if name == "digits" else {"kernel_size": 7})
    task = Classify(spec=data.spec, net=net, optimizer=partial(torch.optim.AdamW, lr=RATE))
    pl.Trainer(max_steps=steps, max_epochs=-1, limit_val_batches=0, accelerator="auto", devices=1, **QUIET).fit(
        task, datamodule=data
    )
    return task.eval(), data


def batches(data: SampleDataModule, role: str) -> Iterator[Batch]:
    places = data.places(role)
    for some in torch.arange(len(places)).split(256):
        yield data.make_batch(places.starts(some), role)


@torch.no_grad()
def answers(task: Classify, data: SampleDataModule) -> tuple[Tensor, Tensor]:
    """Return probabilities and classes of everything that did not train."""
    found = [task.predict_step(batch, 0) for role in ("val", "test") for batch in batches(data, role)]
    return torch.cat([one.probabilities for one in found]), torch.cat([one.truth for one in found])


def deal(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the numbers of those that fit the scaling, fit the sets, and check."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    quarter = count // 4
    return order[:quarter], order[quarter : 2 * quarter], order[2 * quarter :]


def calibration(p: Tensor, truth: Tensor, deals: int) -> list[float]:
    """Return the mean errors, in percent: as it is, after each scaling, by chance alone, and its 95th percentile."""
    rows = []
    for seed in range(deals):
        first, _, last = deal(len(p), seed)
        after = [one.fit(p[first], truth[first]).probabilities(p[last]) for one in SCALINGS.values()]
        floor = noise_floor(after[0], 200)
        errors = [expected_error(one, truth[last]) for one in (p[last], *after)]
        rows.append([100 * value for value in (*errors, *floor)])
    return torch.tensor(rows).mean(0).tolist()


def coverages(p: Tensor, truth: Tensor, deals: int) -> dict[str, list[tuple[float, float]]]:
    """Return for each method and level the mean coverage in percent and the mean size of the sets."""
    seen: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in SETS}
    for seed in range(deals):
        first, second, last = deal(len(p), seed)
        scaled = Temperature().fit(p[first], truth[first]).probabilities(p)
        generator = torch.Generator().manual_seed(seed)
        for name, method in SETS.items():
            row = []
            for level in LEVELS:
                sets = method.fit(scaled[second], truth[second], level, generator).sets(scaled[last], generator)
                row.append(
                    (100 * float(covered(sets, truth[last]).double().mean()), float(sets.sum(1).double().mean()))
                )
            seen[name].append(row)
    means = {name: torch.tensor(rows).mean(0).tolist() for name, rows in seen.items()}
    return {name: [(one, other) for one, other in rows] for name, rows in means.items()}


def study(name: str, deals: int, steps: int) -> tuple[str, list[str]]:
    """Return the rows of a problem: calibration, and one for each method of sets."""
    task, data = trained(name, steps)
    p, truth = answers(task, data)
    right = 100 * float((p.argmax(-1) == truth).double().mean())
    errors = " | ".join(f"{value:.2f}" for value in calibration(p, truth, deals))
    sets = [
        f"| {name} | {method} | {len(p) // 4} | " + " | ".join(f"{one:.1f} ({size:.2f})" for one, size in row) + " |"
        for method, row in coverages(p, truth, deals).items()
    ]
    return f"| {name} | {len(p) - len(p) // 4 * 2} | {right:.1f} | {errors} |", sets


def radii(steps: int, samples: int = 100, draws: int = 1000) -> None:
    """Print the certified accuracy of digits over the radius, for networks that trained with and without noise."""
    print(f"\n| noise in training | sigma | no noise | {' | '.join(f'{one:g}' for one in RADII)} | open |")
    print("|---" * (len(RADII) + 4) + "|")
    for sigma, in_training in ((0.25, 0.0), (0.25, 0.5), (0.5, 1.0), (1.0, 2.0)):
        task, data = trained("digits", steps, augment=[Noise(std=in_training)] if in_training else None)
        batch = data.pick_batch("test", samples)
        said = task.predict_step(batch, 0).probabilities.argmax(-1)
        found = certify(task.net, batch.x, sigma, 100, draws)
        curve = certified_accuracy(found, batch.y, torch.tensor(RADII, dtype=torch.float64))
        cells = " | ".join(f"{100 * value:.1f}" for value in curve.tolist())
        plain, unsure = (said == batch.y).double().mean(), (found.predicted == ABSTAIN).double().mean()
        print(f"| {in_training:g} | {sigma:g} | {100 * plain:.1f} | {cells} | {100 * unsure:.1f} |", flush=True)


def problems() -> list[str]:
    """Return the names of the trace problems that tell classes."""
    folder = Path(os.environ.get("DLKIT_BENCH_DATA", "data")) / "traces"
    return sorted(path.stem for path in folder.glob("*.npz") if not path.stem.endswith("regression"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--deals", type=int, default=100)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--radii", action="store_true")
    chosen = parser.parse_args()
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    tables: list[str] = []
    print(
        "| data | check | accuracy, % | ECE before, % | " + ", % | ".join(SCALINGS) + ", % | chance, % | its p95, % |"
    )
    print("|---" * (6 + len(SCALINGS)) + "|")
    for one in chosen.names or ([] if chosen.radii else ["digits", "cavity", *problems()]):
        line, sets = study(one, chosen.deals, chosen.steps)
        print(line, flush=True)
        tables += sets
    print("\n| data | sets | calibrated on | " + " | ".join(f"{100 * level:g} %" for level in LEVELS) + " |")
    print("|---" * (3 + len(LEVELS)) + "|")
    print("\n".join(tables), flush=True)
    if chosen.radii:
        radii(chosen.steps)
