"""Laws of sets of classes: they hold the truth as often as promised, exactly where they are drawn, small where sure."""

import json
import warnings

import numpy as np
import pytest
import torch
from scipy.stats import betabinom

from dlkit.confidence.class_sets import APS, LAC, RAPS, FittedSets, covered
from dlkit.core.checks import InputError
from dlkit.export.calibrated import sets_of

K = 6
EXACT = [APS(allow_empty=True), RAPS(penalty=0.05, allow_empty=True), LAC(allow_empty=True)]
ALL = [*EXACT, APS(), RAPS(), LAC(), APS(randomized=False), RAPS(randomized=False), LAC(per_class=True)]


def drawn(n, seed=0, factor=2.0, k=K):
    """Return probabilities of a model that is too sure of itself, and classes."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(n, k, generator=generator)
    truth = torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze(1)
    return (factor * logits).softmax(-1), truth


def coverage(method, level, n, trials, seed=0, **chosen):
    """Return the mean coverage over calibrations of n samples each."""
    generator, seen = torch.Generator().manual_seed(1000 + seed), []
    p, truth = drawn(trials * (n + 20), seed)
    for some, number in zip(p.split(n + 20), truth.split(n + 20), strict=True):
        fitted = method.fit(some[:n], number[:n], level, generator)
        seen.append(covered(fitted.sets(some[n:], generator), number[n:]).double().mean())
    return torch.stack(seen)


@pytest.mark.parametrize("method", EXACT)
@pytest.mark.parametrize(("level", "n"), [(0.9, 19), (0.8, 50)])
def test_coverage_lies_between_the_promise_and_one_sample_above(method, level, n):
    seen = coverage(method, level, n, 250)
    error = 3 * float(seen.std()) / 250**0.5
    assert level - error <= seen.mean() <= level + 1 / (n + 1) + error


@pytest.mark.parametrize("method", ALL)
def test_every_method_keeps_its_promise_whatever_the_network(method):
    seen = coverage(method, 0.9, 199 if method.per_class else 49, 100)
    assert seen.mean() >= 0.9 - 3 * float(seen.std()) / 10


def test_coverage_of_one_calibration_follows_the_beta_binomial_law():
    """Vovk 2012: given the calibration, coverage is Beta(rank, n + 1 - rank); of 20 tests BetaBinomial."""
    n, level, trials = 29, 0.9, 400
    hits = (20 * coverage(LAC(allow_empty=True), level, n, trials)).round().long().numpy()
    expected = betabinom(20, 27, 3)
    assert hits.mean() == pytest.approx(expected.mean(), abs=3 * expected.std() / trials**0.5)
    assert hits.var() == pytest.approx(expected.var(), rel=0.25)


def test_each_class_keeps_the_promise_by_itself():
    generator = torch.Generator().manual_seed(0)
    p, truth = drawn(40_000)
    shifted = (p.log() + torch.tensor([2.0, 0, 0, 0, 0, -2.0])).softmax(-1)  # one class is said too often
    for_all = LAC().fit(shifted[:20_000], truth[:20_000], 0.9)
    for_each = LAC(per_class=True).fit(shifted[:20_000], truth[:20_000], 0.9, generator)
    rates = {}
    for name, fitted in {"all": for_all, "each": for_each}.items():
        held = covered(fitted.sets(shifted[20_000:]), truth[20_000:]).double()
        rates[name] = torch.stack([held[truth[20_000:] == k].mean() for k in range(K)])
    assert rates["all"].min() < 0.8
    assert (rates["each"] - 0.9).abs().max() < 0.025


def test_adaptive_scores_are_those_of_the_paper():
    """Brute force: total probability of the likelier classes, a share of its own, and the penalty of its rank."""
    p = drawn(20)[0].double()
    p = p / p.sum(-1, keepdim=True)  # 1 in float64 too
    u = torch.rand(20, 1, dtype=torch.float64)
    found = RAPS(penalty=0.1, free=2).score.of(p, u)
    for row in range(20):
        for k in range(K):
            likelier = p[row] > p[row, k]
            rank = int(likelier.sum()) + 1
            expected = float(p[row][likelier].sum() + u[row] * p[row, k]) + 0.1 * max(rank - 2, 0)
            assert float(found[row, k]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", [APS(randomized=False), APS(), RAPS(penalty=0.0)])
@pytest.mark.parametrize("level", [0.96, 0.97])
def test_sets_of_a_sure_network_do_not_hang_on_the_rounding_of_its_probabilities(method, level):
    """Thresholds near 1 are told from 1 by what is left, which float32 holds; sums of float32 hold it to 1e-7 only."""
    generator = torch.Generator().manual_seed(5)
    logits = 12 * torch.randn(4000, K, generator=generator).double()
    truth = torch.multinomial((logits / 6).softmax(-1), 1, generator=generator).squeeze(1)
    exact = logits.softmax(-1)
    rounded = logits.float().softmax(-1)
    fitted = method.fit(exact[:2000], truth[:2000], level)
    assert 1 - 1e-4 < fitted.thresholds < 1
    torch.testing.assert_close(1 - fitted.thresholds, 1 - method.fit(rounded[:2000], truth[:2000], level).thresholds)
    wanted, found = fitted.sets(exact[2000:]), fitted.sets(rounded[2000:])
    assert 0 < wanted.double().mean() < 1
    assert torch.equal(found, wanted)
    assert torch.equal(sets_of(fitted, rounded[2000:]), sets_of(fitted, exact[2000:]))


def test_a_threshold_of_one_lets_every_class_in():
    fitted = FittedSets(APS().score, torch.tensor([1.0], dtype=torch.float64), 0.9)
    assert fitted.sets(drawn(2000, factor=5.0)[0]).all()


def test_sets_grow_with_the_level_and_a_set_holds_whatever_is_likelier():
    p, truth = drawn(2000)
    before = None
    for level in (0.5, 0.8, 0.95, 0.99):
        sets = APS(randomized=False).fit(p[:1000], truth[:1000], level).sets(p[1000:])
        ordered = sets.gather(1, p[1000:].argsort(1, descending=True)).int()
        assert (ordered.diff(dim=1) <= 0).all()
        assert before is None or (sets >= before).all()
        before = sets


def test_a_penalty_makes_large_sets_rare():
    p, truth = drawn(6000, k=30, factor=0.5)
    sizes = {
        name: method.fit(p[:3000], truth[:3000], 0.9).sets(p[3000:]).sum(1)
        for name, method in {"APS": APS(), "RAPS": RAPS(penalty=0.1, free=5)}.items()
    }
    assert sizes["RAPS"].max() < sizes["APS"].max()


def test_lac_is_that_of_mapie():
    pytest.importorskip("mapie")
    from mapie.classification import SplitConformalClassifier

    p, truth = drawn(600)

    class Given:
        """A classifier whose answer is its input."""

        classes_ = np.arange(K)
        is_fitted_ = True

        def fit(self, x, y):
            return self

        def __sklearn_is_fitted__(self):
            return True

        def predict_proba(self, x):
            return x

        def predict(self, x):
            return x.argmax(1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = SplitConformalClassifier(Given(), confidence_level=0.9, conformity_score="lac", prefit=True)
        oracle.conformalize(p[:300].double().numpy(), truth[:300].numpy())
        _, expected = oracle.predict_set(p[300:].double().numpy())
    found = LAC(allow_empty=True).fit(p[:300].double(), truth[:300], 0.9).sets(p[300:].double())
    np.testing.assert_array_equal(found.numpy(), expected[:, :, 0])


@pytest.mark.parametrize("method", ALL)
def test_sets_are_never_empty_unless_they_may(method):
    p, truth = drawn(3000, factor=0.2)
    sets = method.fit(p[:1000], truth[:1000], 0.1).sets(p[1000:])
    assert bool((sets.sum(1) == 0).any()) == method.allow_empty or method.per_class


def test_too_few_samples_give_whole_sets_and_a_sentence():
    p, truth = drawn(8)
    fitted = LAC().fit(p, truth, 0.9)
    assert fitted.sets(p).all()
    assert fitted.note.startswith("8 samples are too few to promise 0.9, at least 9 are needed")
    assert LAC().fit(*drawn(9), 0.9).note == ""
    rare = LAC(per_class=True).fit(p, truth, 0.5)
    assert "classes or labels are too few to promise 0.5, at least 1" in rare.note
    assert rare.sets(p)[:, ~torch.isin(torch.arange(K), truth)].all()


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 2.0])
def test_a_level_lies_between_0_and_1(level):
    with pytest.raises(InputError, match="between 0 and 1"):
        LAC().fit(*drawn(50), level)


def test_a_level_is_not_rounded():
    p, truth = drawn(2000)
    fitted = LAC().fit(p, truth, 0.9973)
    scores = (1 - p.double()).gather(1, truth[:, None]).squeeze(1).sort().values
    assert float(fitted.thresholds[0]) == float(scores[1996 - 1])  # ceil(2001 * 0.9973) = 1996


@pytest.mark.parametrize("method", [LAC(allow_empty=True), APS(allow_empty=True), LAC(per_class=True)])
def test_each_label_keeps_the_promise(method):
    generator = torch.Generator().manual_seed(3)
    logits = 2 * torch.randn(8000, 3, generator=generator)
    truth = (torch.rand(8000, 3, generator=generator) < logits.sigmoid()).float()
    truth[::7, 1] = torch.nan
    p = (2 * logits).sigmoid()
    fitted = method.fit(p[:4000], truth[:4000], 0.9, generator)
    sets = fitted.sets(p[4000:], generator)
    assert sets.shape == (4000, 3, 2)
    known = ~truth[4000:].isnan()
    held = covered(sets, truth[4000:])
    for label in range(3):
        assert held[known[:, label], label].double().mean() == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("method", ALL)
def test_json_keeps_sets_with_infinite_thresholds_too(method):
    for n in (6, 300):
        p, truth = drawn(n)
        fitted = method.fit(p, truth, 0.9)
        saved = json.loads(json.dumps(fitted.to_dict(), allow_nan=False))
        again = FittedSets.from_dict(saved)
        assert torch.equal(again.sets(p), fitted.sets(p))
        assert again.note == fitted.note


def test_unknown_classes_do_not_count():
    p, truth = drawn(200)
    more = LAC().fit(torch.cat([p, p[:99]]), torch.cat([truth, torch.full((99,), -1)]), 0.9)
    assert torch.equal(more.thresholds, LAC().fit(p, truth, 0.9).thresholds)
