"""What `dlkit certify` found: a row a sample, the curve, and both in words."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from dlkit.confidence.smoothing import ABSTAIN, Certificate, certified_accuracy
from dlkit.core.checks import counted, require
from dlkit.metrics.confusion import wilson_interval
from dlkit.tasks.classify import Classify
from dlkit.train.evaluation.base import plain
from dlkit.train.evaluation.samples import text_column

CURVE = 61  # radii of the curve
TOLD = (0.0, 0.5, 1.0, 2.0)  # radii of the table, in sigma


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Attributes:
        sigma: Standard deviation of the noise, in those of the training inputs.
        samples: Most test samples.
        draws: Noisy copies that measure an answer; a tenth as many choose the class.
        alpha: Probability that the certificate of a sample is wrong.
        seed: Of the noise.
    """

    sigma: float = 0.25
    samples: int = 100
    draws: int = 1000
    alpha: float = 0.001
    seed: int = 0


@dataclass(frozen=True)
class Certified:
    """Certificates beside the plain answers and the truth, on the host.

    Attributes:
        start: Number of each sample, or first row of each window.
        truth: Class numbers, negative where unknown.
        said: Class that the network gives without noise.
        certificate: What is certain under noise.
        values: Inputs of each channel that noise is added to, float64, (samples, channels).
    """

    start: Tensor
    truth: Tensor
    said: Tensor
    certificate: Certificate
    values: Tensor


def scales(task: Classify, found: Certified) -> dict[str, tuple[int, float, str]]:
    """Return number, standard deviation and unit of each channel with noise; those on a logarithmic scale have none."""
    scaling, spec = task.scaling, task.spec
    units = spec.units or ("",) * len(spec.channels)
    every = zip(spec.channels, units, scaling.scale.tolist(), scaling.log.tolist(), strict=False)
    noisy = (found.values.sum(0) > 0).tolist()
    return {name: (k, scale, unit) for k, (name, unit, scale, log) in enumerate(every) if noisy[k] and not log}


def columns(task: Classify, identity: dict[str, np.ndarray], found: Certified) -> pa.Table:
    """Return a row for each sample: truth, answers without and under noise, the radius also in physical units."""
    classes, sure = task.spec.classes, found.certificate
    shown = {
        "truth": text_column([None if k < 0 else classes[k] for k in found.truth.tolist()]),
        "prediction": text_column([classes[k] for k in found.said.tolist()]),
        "smoothed": text_column([None if k == ABSTAIN else classes[k] for k in sure.predicted.tolist()]),
        "share": sure.share.numpy(),
        "radius": sure.radius.numpy(),
    }
    physical = {f"radius_{name}": sure.radius.numpy() * scale for name, (_, scale, _) in scales(task, found).items()}
    return pa.table(identity | shown | physical)


def summary_of(task: Classify, found: Certified, wish: Wish) -> dict[str, Any]:
    """Return the accuracy certified up to each radius, its interval, and the radius in physical units.

    Of each channel: the noise, the median length of a change of this channel alone that changes no answer, and by how
    much each of its values may change then, as the root of the mean square.
    """
    known = found.truth >= 0
    require(bool(known.any()), "No test sample has a known class: give a test set with labels.")
    certificate = Certificate(*(part[known] for part in found.certificate))
    sure = certificate.predicted != ABSTAIN
    farthest = max(float(certificate.radius.max()), 2 * wish.sigma)
    radii = torch.linspace(0, farthest, CURVE, dtype=torch.float64)
    every = torch.cat([radii, wish.sigma * torch.tensor(TOLD, dtype=torch.float64)])
    accuracy = certified_accuracy(certificate, found.truth[known], every)
    count = torch.full_like(accuracy, float(known.sum()))
    low, high = wilson_interval((accuracy * count).round(), count)
    rows = {"radius": every, "accuracy": accuracy, "low": low.clamp_min(0), "high": high.clamp_max(1)}
    median = float(certificate.radius.median())
    sizes = found.values.median(0).values.clamp_min(1).sqrt().tolist()
    channels = {
        name: {"unit": unit, "sigma": wish.sigma * scale, "median_radius": median * scale,
               "each_value": median * scale / sizes[k]}
        for name, (k, scale, unit) in scales(task, found).items()
    }  # fmt: skip
    summary = {
        "settings": asdict(wish),
        "samples": int(known.sum()),
        "inputs": int(found.values.sum(1).median()),
        "plain_accuracy": float((found.said == found.truth)[known].double().mean()),
        "abstained": float((~sure).double().mean()),
        "median_radius": median,
        "curve": {name: values[:CURVE] for name, values in rows.items()},
        "table": {name: values[CURVE:] for name, values in rows.items()},
        "channels": channels,
    }
    return {name: plain(value) for name, value in summary.items()}


def text_of(summary: dict[str, Any]) -> str:
    """Return the table of certified accuracy, and what it means."""
    wish, table = summary["settings"], summary["table"]
    lines = [
        f"{counted(summary['samples'], 'test sample')}, noise of {wish['sigma']:g} standard deviations, "
        f"{wish['draws']} draws each; a certificate is wrong with probability {wish['alpha']:g} at most",
        f"{'radius':>10}  {'certified accuracy':>18}  95 % interval",
    ]
    for radius, accuracy, low, high in zip(
        *(table[name] for name in ("radius", "accuracy", "low", "high")), strict=True
    ):
        lines.append(f"{radius:>10.4g}  {accuracy:>18.3f}  {low:.3f} to {high:.3f}")
    lines.append(
        f"without noise {summary['plain_accuracy']:.3f}; noise leaves {summary['abstained']:.1%} of the answers open"
    )
    if summary["plain_accuracy"] - table["accuracy"][0] > 0.1:
        lines.append(
            "the network does not stand this noise: train with it (`augment`: dlkit.data.augment.Noise for images, "
            "dlkit.data.augment_traces.Jitter for traces), or set --sigma lower"
        )
    return "\n".join(lines)
