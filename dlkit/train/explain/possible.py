"""Which methods a network allows: what suits it, and a refusal before the others have worked."""

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from dlkit.core.checks import InputError
from dlkit.explain.base import Explainer, still
from dlkit.explain.methods import make_method, short_name
from dlkit.explain.rows import scores_and_gradients
from dlkit.train.explain.inputs import Inputs
from dlkit.train.explain.question import Question

PASSES = 550
"""About as many gradients of all samples as integrated gradients with their verdict take: 33 for maps, 70 for curves
that have no gradient, 17 for each of 26 networks."""


def require_possible(methods: Sequence[Explainer], inputs: Inputs, question: Question) -> None:
    """Try all methods but the first, which begins anyway, on one sample.

    Raises:
        InputError: One of them cannot explain this network or this input.
    """
    for method in methods[1:]:
        try:
            method.quick()(question.net, inputs.batch.x[:1], question.targets[:1, :1])
        except InputError as error:
            name = short_name(type(method))
            raise InputError(f"{name} cannot explain this run, and nothing was computed: {error}") from error


def default_method(net: torch.nn.Module, inputs: Inputs, question: Question) -> Explainer:
    """Return Grad-CAM for classes where the features of one source have positions, else integrated gradients.

    Grad-CAM shows only what raises a score; a value falls as well. Where there is no gradient, occlusion is left.
    """
    x = inputs.batch.x[:1]
    if question.rises and not inputs.parts and has_maps(net, x):
        return make_method("gradcam")
    return make_method("integrated_gradients" if has_gradient(net, x) else "occlusion")


@torch.no_grad()
def has_maps(net: torch.nn.Module, x: Tensor) -> bool:
    """Say whether the features of a network are maps over the input."""
    try:
        make_method("gradcam")(net, x[:1])
    except InputError:
        return False
    return True


def has_gradient(net: torch.nn.Module, x: Tensor) -> bool:
    """Say whether the scores of a network have a gradient at its inputs."""
    try:
        with still(net):
            scores_and_gradients(net, x[:1], None)
    except InputError:
        return False
    return True


def seconds_of_gradients(net: torch.nn.Module, x: Tensor) -> float:
    """Return about how long integrated gradients of these samples take with their verdict, from a few passes."""
    targets, times = torch.zeros(len(x), 1, dtype=torch.int64, device=x.device), []
    with still(net):
        for _ in range(3):  # the first is slower
            began = time.perf_counter()
            scores_and_gradients(net, x, targets)[1].sum().item()  # waits for the device
            times.append(time.perf_counter() - began)
    return PASSES * min(times)
