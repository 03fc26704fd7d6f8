"""Laws of the costs of classes: equal to closed forms, fair to soft targets, monotone where classes have an order."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dlkit.core.checks import InputError
from dlkit.core.discover import discover
from dlkit.losses.classification import BinaryCrossEntropy, ClassLoss, CrossEntropy, Focal, Ordinal, balanced_weights

CLASSES, BATCH = 5, 64
RANDOM = torch.Generator().manual_seed(0)
LOGITS = 3 * torch.randn(BATCH, CLASSES, generator=RANDOM)
TARGET = torch.randint(0, CLASSES, (BATCH,), generator=RANDOM)
COUNTS = torch.tensor([50, 30, 10, 9, 1])
ONE_HOT = F.one_hot(TARGET, CLASSES).float()


def weighed(loss):
    loss.weigh(COUNTS)
    return loss


LOSSES = [
    CrossEntropy(), CrossEntropy(label_smoothing=0.1), weighed(CrossEntropy(class_weights=True)),
    weighed(CrossEntropy(class_weights=True, label_smoothing=0.2)), Focal(), weighed(Focal(class_weights=True)),
]  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
def test_a_certain_soft_target_costs_what_the_class_number_costs(loss):
    torch.testing.assert_close(loss(LOGITS, ONE_HOT), loss(LOGITS, TARGET))


@pytest.mark.parametrize("loss", [CrossEntropy(), CrossEntropy(label_smoothing=0.1), Focal(), Ordinal()])
def test_mixing_two_targets_mixes_their_costs(loss):
    """Unweighted, the cost is linear in the probabilities of the target; that is what mixup relies on."""
    logits = LOGITS[:, : loss.outputs(CLASSES)]
    other = ONE_HOT.roll(1, 0)
    mixed = loss(logits, 0.3 * ONE_HOT + 0.7 * other)
    torch.testing.assert_close(mixed, 0.3 * loss(logits, ONE_HOT) + 0.7 * loss(logits, other))


def test_every_loss_is_looked_at():
    assert {type(loss) for loss in (*LOSSES, Ordinal(), BinaryCrossEntropy())} == set(
        discover("dlkit.losses", ClassLoss)
    )


@pytest.mark.parametrize("loss", [*LOSSES, Ordinal(), BinaryCrossEntropy()])
@pytest.mark.parametrize("some", [False, True])
@pytest.mark.parametrize("soft", [False, True])
def test_costs_of_parts_averaged_by_what_they_are_over_are_that_of_the_whole(loss, some, soft):
    order = TARGET.argsort()  # parts hold other classes
    logits = LOGITS[order, : loss.outputs(CLASSES)]
    labels = isinstance(loss, BinaryCrossEntropy)
    target = (0.9 * ONE_HOT + 0.02)[order] if soft or labels else TARGET[order]
    known = torch.rand(target.shape if labels else (BATCH,), generator=RANDOM) > 0.3 if some else None
    costs, counts = [], []
    for part in (slice(0, 10), slice(10, 17), slice(17, BATCH)):
        seen = None if known is None else known[part]
        costs.append(loss(logits[part], target[part], seen))
        counts.append(loss.count(target[part], seen))
    whole = loss(logits, target, known).double()
    torch.testing.assert_close(
        (torch.stack(costs) * torch.stack(counts)).sum() / sum(counts), whole, rtol=1e-5, atol=1e-6
    )
    if getattr(loss, "weight", None) is None:
        assert sum(counts) == (known.sum() if some else BATCH * (CLASSES if labels else 1))


@pytest.mark.parametrize("loss", [*LOSSES, Ordinal()])
def test_samples_of_unknown_class_do_not_count(loss):
    logits, known = LOGITS[:, : loss.outputs(CLASSES)].clone().requires_grad_(), torch.arange(BATCH) % 3 > 0
    torch.testing.assert_close(loss(logits, TARGET, known), loss(logits[known], TARGET[known]))
    slope = torch.autograd.grad(loss(logits, TARGET, known), logits)[0]
    assert (slope[~known] == 0).all()
    assert (slope[known] != 0).any()
    nothing = loss(logits, TARGET, torch.zeros(BATCH, dtype=torch.bool))
    assert float(nothing) == 0
    assert (torch.autograd.grad(nothing, logits)[0] == 0).all()


def test_cross_entropy_is_minus_the_mean_log_probability_in_float64():
    p = np.exp(LOGITS.double().numpy())
    p /= p.sum(1, keepdims=True)
    expected = -np.log(p[np.arange(BATCH), TARGET.numpy()])
    assert float(CrossEntropy()(LOGITS, TARGET)) == pytest.approx(expected.mean(), rel=1e-6)
    weights = balanced_weights(COUNTS.double()).numpy()[TARGET.numpy()]
    found = float(weighed(CrossEntropy(class_weights=True))(LOGITS, TARGET))
    assert found == pytest.approx((weights * expected).sum() / weights.sum(), rel=1e-6)


def test_balanced_weights_make_every_class_count_the_same():
    shares = balanced_weights(COUNTS.double()) * COUNTS
    torch.testing.assert_close(shares, torch.full((CLASSES,), float(COUNTS.sum()) / CLASSES, dtype=torch.float64))
    assert torch.isfinite(balanced_weights(torch.tensor([3.0, 0.0]))).all()


def test_focal_loss_without_focus_is_cross_entropy_and_forgives_what_is_right():
    torch.testing.assert_close(Focal(gamma=0.0)(LOGITS, TARGET), CrossEntropy()(LOGITS, TARGET))
    p = LOGITS.double().softmax(-1)[torch.arange(BATCH), TARGET]
    torch.testing.assert_close(Focal(gamma=2.0)(LOGITS.double(), TARGET), (-((1 - p) ** 2) * p.log()).mean())


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_the_slope_of_the_focal_loss_is_finite_where_the_answer_is_certain(gamma):
    logits = torch.tensor([[200.0, 0.0], [0.0, 200.0]], requires_grad=True)
    Focal(gamma=gamma)(logits, torch.tensor([0, 0])).backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("scale", [0.1, 1.0, 100.0])
def test_ordinal_probabilities_are_a_distribution_whose_sums_fall(scale):
    loss = Ordinal()
    p = loss.probabilities(scale * LOGITS[:, : loss.outputs(CLASSES)])
    assert p.shape == (BATCH, CLASSES)
    assert (p >= 0).all()
    torch.testing.assert_close(p.sum(-1), torch.ones(BATCH))


def test_ordered_ordinal_answers_are_differences_of_their_probabilities():
    logits = LOGITS[:, :4].sort(-1, descending=True).values
    above = logits.sigmoid()
    p = Ordinal().probabilities(logits)
    torch.testing.assert_close(1 - p.cumsum(-1)[:, :-1], above, rtol=0, atol=1e-6)


def test_the_best_ordinal_answer_is_the_share_of_the_classes():
    target = torch.repeat_interleave(torch.arange(3), torch.tensor([5, 3, 2]))
    logits = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-10)

    def close():
        optimizer.zero_grad()
        cost = Ordinal()(logits.expand(10, -1), target)
        cost.backward()
        return cost

    optimizer.step(close)
    found = Ordinal().probabilities(logits.detach())[0]
    torch.testing.assert_close(found, torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64), rtol=0, atol=1e-5)


def test_an_unknown_label_moves_nothing():
    target = (LOGITS > 0).float()
    observed = torch.rand(BATCH, CLASSES, generator=RANDOM) > 0.3
    found = []
    for filler in (0.0, torch.nan):
        logits = LOGITS.clone().requires_grad_()
        BinaryCrossEntropy()(logits, target.where(observed, torch.tensor(filler)), observed).backward()
        found.append(logits.grad)
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)
    assert (found[0][~observed] == 0).all()


@pytest.mark.parametrize("loss", [*LOSSES, Ordinal(), BinaryCrossEntropy()])
def test_half_precision_answers_cost_what_their_float32_values_cost(loss):
    target = ONE_HOT if isinstance(loss, BinaryCrossEntropy) else TARGET
    half = LOGITS[:, : loss.outputs(CLASSES)].bfloat16()
    assert loss(half, target).dtype == torch.float32
    torch.testing.assert_close(loss(half, target), loss(half.float(), target), rtol=0, atol=0)


def test_settings_that_make_no_sense_are_refused():
    for wrong in (lambda: CrossEntropy(label_smoothing=1.0), lambda: Focal(gamma=-1.0)):
        with pytest.raises(InputError, match="set `"):
            wrong()
