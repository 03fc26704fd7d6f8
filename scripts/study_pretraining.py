"""How many labels does pretraining without labels save? Classes of digits and of traces from 1 %, 10 % and all labels.

An autoencoder learns from all training samples without their labels. A linear map behind its encoder then learns from a
part of the labels: with an encoder that starts from nothing, with the pretrained one, and with that one frozen. All
three take the same number of steps and the weights after the last; validation samples are not looked at.

Usage: python scripts/study_pretraining.py [digits] [CBF] [--seeds 3]; traces lie in $DLKIT_BENCH_DATA/traces.
"""

import argparse
import logging
import tempfile
from functools import partial
from typing import Any

import numpy as np
import pytorch_lightning as pl

from dlkit.data.sample_modules import ImageDataModule, SampleDataModule, TraceDataModule
from dlkit.data.sample_splits import FewLabels, Stratified
from dlkit.data.sources.anomaly_samples import AnomalySamples
from dlkit.data.sources.digits import Digits
from dlkit.data.sources.ucr import UCR
from dlkit.models.autoencoder import ConvAutoencoder
from dlkit.models.base import NetFactory
from dlkit.models.pretrained import Pretrained
from dlkit.tasks.classify import Classify
from dlkit.tasks.reconstruct import Reconstruct

FRACTIONS = (0.01, 0.1, 1.0)
STEPS, BATCH = 300, 32
QUIET: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
AUTOENCODER = partial(ConvAutoencoder, width=16, depth=2, bottleneck=32, kernel_size=3)


def module_of(name: str, *, labels: bool, split: Any) -> SampleDataModule:
    """Return the samples with or without their labels."""
    source = Digits() if name == "digits" else UCR(path=f"$DLKIT_BENCH_DATA/traces/{name}.npz")
    kind = ImageDataModule if name == "digits" else TraceDataModule
    asked = source if labels else AnomalySamples(source=source)
    return kind(source=asked, split=split, batch_size=BATCH, eval_batch_size=512, batches_per_step=1)


def trained(task: Any, data: SampleDataModule, steps: int, **settings: Any) -> pl.Trainer:
    """Train for a number of steps and return the trainer."""
    trainer = pl.Trainer(max_steps=steps, max_epochs=-1, limit_val_batches=0, accelerator="cpu", **QUIET, **settings)
    trainer.fit(task, datamodule=data)
    return trainer


def pretrain(name: str, split: Stratified, path: str) -> str:
    """Train the autoencoder without labels and return its checkpoint."""
    pl.seed_everything(split.seed, verbose=False)
    data = module_of(name, labels=False, split=split)
    task = Reconstruct(spec=data.spec, net=AUTOENCODER)
    trained(task, data, 3 * STEPS, enable_checkpointing=False).save_checkpoint(path)
    return path


def accuracy(name: str, split: FewLabels, net: NetFactory) -> float:
    """Train on the labels of a split and return the share of test samples that are named right."""
    data = module_of(name, labels=True, split=split)
    task = Classify(spec=data.spec, net=net)
    trainer = trained(task, data, STEPS, enable_checkpointing=False)
    return float(trainer.test(task, datamodule=data, verbose=False)[0]["test/accuracy"])


def study(name: str, seeds: int) -> None:
    """Print a row of the table for each fraction."""
    splits = [Stratified(seed=seed) for seed in range(seeds)]
    with tempfile.TemporaryDirectory() as folder:
        runs = [pretrain(name, split, f"{folder}/{split.seed}.ckpt") for split in splits]
        for fraction in FRACTIONS:
            cells = []
            for pretrained, freeze in ((False, False), (True, False), (True, True)):
                found = []
                for split, run in zip(splits, runs, strict=True):
                    pl.seed_everything(split.seed, verbose=False)
                    net = partial(Pretrained, net=AUTOENCODER, run=run if pretrained else None, freeze=freeze)
                    found.append(100 * accuracy(name, FewLabels(split, fraction, seed=split.seed), net))
                cells.append(f"{np.mean(found):.1f} ± {np.std(found):.1f}")
            print(f"| {name} | {100 * fraction:g} % | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", default=["digits", "CBF"])
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    print("| data | labels | from nothing, % | pretrained, % | frozen, % |\n|---|---|---|---|---|")
    for one in chosen.names:
        study(one, chosen.seeds)
