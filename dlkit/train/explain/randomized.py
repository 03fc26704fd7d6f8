"""How maps change when the weights become random: of how many samples, and over which of their values."""

import itertools
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from dlkit.core.packing import borders
from dlkit.core.specs import Part
from dlkit.explain.base import Explainer
from dlkit.explain.sanity import Sanity, sanity_check
from dlkit.train.explain.inputs import Inputs
from dlkit.train.explain.progress import Progress
from dlkit.train.explain.question import Question

FEW_VALUES = 8
"""Values of a source below which a rank correlation says nothing."""
FIRST_SAMPLES = 8
"""Samples of which maps are made for randomized networks at first."""
MOST_SAMPLES = 32
"""Most samples of which they are made where the first ones do not decide."""
RANDOM_NETS = 11
"""About as many maps as a sanity check makes; where these do not decide it makes more."""


def sanity_of(
    method: Explainer, question: Question, inputs: Inputs, baseline: Tensor, relevance: Tensor, told: Progress
) -> Sanity:
    """Return how maps change with the weights: of some samples, or of more of them where that may decide."""
    number, most = itertools.count(), min(len(inputs.names), MOST_SAMPLES)
    found = sanity_of_some(method, question, inputs, baseline, relevance[:FIRST_SAMPLES], told, number)
    if most > FIRST_SAMPLES and more_samples_help(found):
        found = sanity_of_some(method, question, inputs, baseline, relevance[:most], told, number)
    return found


def more_samples_help(found: Sanity) -> bool:
    """Say whether it is for the samples, more than for the random networks, that nothing is decided."""
    return found.decision == "not decided" and found.by_networks <= 0.5


def sanity_of_some(
    method: Explainer,
    question: Question,
    inputs: Inputs,
    baseline: Tensor,
    relevance: Tensor,
    told: Progress,
    number: Iterator[int],
) -> Sanity:
    """Return how the maps of the first samples change; those of the network itself are known already."""
    some, quick = slice(len(relevance)), method.quick()
    x, targets, start = inputs.batch.x[some], question.targets[some, :1], baseline[:, some]
    known = relevance[:, 0] if method.quick() is method else None  # else precision would differ

    def explain(net: nn.Module) -> Tensor:
        done = next(number)
        told("random weights", done, max(RANDOM_NETS, done + 1))
        found = known if known is not None and net is question.net else quick(net, x, targets, start)[:, 0]
        return found.nan_to_num()

    valid = inputs.valid[some]
    if inputs.parts:
        return sanity_of_sources(explain, question, valid, inputs.parts)
    valid = valid[:, :1] if method.spatial else valid
    return sanity_check(explain, question.net, valid=None if bool(valid.all()) else valid)


def sanity_of_sources(
    explain: Callable[[nn.Module], Tensor], question: Question, valid: Tensor, parts: Sequence[Part]
) -> Sanity:
    """Return the mean similarity within each source: how they compare is set by their extents, not by what was learned.

    Sources of few values count together.
    """
    places = borders(parts).values()
    many = [where for where in places if where.stop - where.start >= FEW_VALUES]
    masks = [torch.zeros_like(valid[0]) for _ in many]
    for mask, where in zip(masks, many, strict=True):
        mask[where] = True
    rest = ~torch.stack(masks).any(0) if masks else torch.ones_like(valid[0])
    kept = torch.stack([*masks, rest])[:, None] & valid
    told = kept.flatten(2).sum(2) >= FEW_VALUES
    told = told if bool(told.any()) else torch.ones_like(told)
    sample = torch.arange(len(valid), device=valid.device).expand_as(told)[told]
    return sanity_check(lambda net: explain(net)[sample], question.net, valid=kept[told], sample=sample)
