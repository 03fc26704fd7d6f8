"""How far are images that are none of the training's, and what is an answer worth there?

python scripts/study_novelty.py RUN    with the run of configs/experiment/digits_classify.yaml, or of other images
"""

import sys

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from dlkit.train import stages
from dlkit.train.confidence.novelty import fit_novelty
from dlkit.train.confidence.novelty_looks import batches_of

cli, _ = stages.load(sys.argv[1:2])
task, data = cli.model.eval(), cli.datamodule
batches = list(batches_of(task, data, "test", data.count("test")))
x, truth = (torch.cat([getattr(one, name) for one in batches]) for name in ("x", "y"))
generator = torch.Generator().manual_seed(0)
noise = torch.randn(x.shape, generator=generator)
order = torch.randperm(x[0, 0].numel(), generator=generator)
altered = {
    "noise alone": noise, "pixels shuffled": x.flatten(2)[:, :, order].view_as(x), "inverted": -x,
    "turned by 90 degrees": x.rot90(1, (-2, -1)), "half the contrast": x / 2, "noise of 0.5 sd added": x + noise / 2,
    "mean of two": (x + x.flip(0)) / 2,
}  # fmt: skip


def answer(novelty, inputs):
    """Return the distances, and which answers are right."""
    batch = batches[0]._replace(x=inputs, x_observed=None)
    with torch.no_grad():
        right = task.net(inputs).argmax(-1) == truth
    return novelty.of(task, batch).distance.numpy(), right.numpy()


for method in ("nearest", "mahalanobis"):
    novelty = fit_novelty(task, data, method=method)
    own, _ = answer(novelty, x)
    print(f"{method}: own test {100 * (own > 1).mean():.1f} % beyond 1")
    for name, inputs in altered.items():
        far, _ = answer(novelty, inputs)
        area = roc_auc_score(np.repeat([0, 1], [len(own), len(far)]), np.r_[own, far])
        print(f"  {name:24} area under ROC {area:.3f}   beyond 1 {100 * (far > 1).mean():5.1f} %")
    strength = 2 * torch.rand(len(x), 1, 1, 1, generator=generator)
    far, right = answer(novelty, x + strength * noise)
    for name, some in (("up to 1", far <= 1), ("beyond 1", far > 1)):
        print(f"  noise of 0 to 2 sd added, {name:8}: {some.sum():4} answers, {100 * right[some].mean():.1f} % right")
