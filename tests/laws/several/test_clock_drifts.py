"""Clocks that drift against each other are told without being asked, and nothing else is."""

from dataclasses import replace

import numpy as np
import pytest

from dlkit.data.clock import Regular
from dlkit.data.inputs import StreamInput, Timing
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sources.beamline import BeamlineSensors
from dlkit.data.sync.estimate import Sync
from dlkit.data.sync.screen import Coarse, screened
from dlkit.data.sync.signals import Asked
from dlkit.quality.checked import SourceFacts
from dlkit.train.check.blame import Difference, camps
from dlkit.train.check.clocks import pace
from dlkit.train.check.drifts import Apart, drift_findings, why_of
from dlkit.train.check.seen import Wanted
from dlkit.train.check.sources import see_source

RUN = {"duration": 200.0, "difficulty": "easy", "seed": 3}


def line(devices=("magnets", "bpms", "target"), timing=None, **run):
    """Return devices of a simulated beam line, whose monitors and camera have clocks of their own."""
    sources = {name: StreamInput(source=BeamlineSensors(device=name, **RUN | run)) for name in devices}
    if timing is not None:
        sources["bpms"] = StreamInput(source=BeamlineSensors(device="bpms", **RUN | run), timing=timing)
    return Aligned(clock=Regular(step="10ms"), sources=sources)


def told(source):
    quick = Wanted(quick=True)
    seen = {
        name: see_source(given.source, SourceFacts(name=name), quick, lambda *_: None, source).signals
        for name, given in source.sources.items() if isinstance(given, StreamInput)
    }  # fmt: skip
    return list(drift_findings(source, seen))


def test_the_clock_of_the_monitors_is_found_within_its_error():
    source = line()
    (one,) = [found for found in told(source) if found.level == "warning"]
    assert (one.kind, one.source) == ("clock drift", "bpms")
    truth = source.sources["bpms"].source.truth.clocks["bpms"]
    words = one.what.replace("(+-", "").replace(")", "").split()
    offset, offset_error = (float(words[words.index("s") + k]) for k in (-1, 1))
    drift, error = (float(words[words.index("ppm") + k].rstrip(":")) for k in (-1, 1))
    assert abs(offset - abs(truth.offset)) < 4 * offset_error + 5e-4
    assert abs(drift - abs(truth.drift)) < 4 * error
    assert ("slow by" if truth.drift > 0 else "fast by") in one.what
    assert one.cures[0].line.startswith("timing: {like: magnets.beam_current=sum}  # of the source 'bpms'")
    assert one.count > 1000


@pytest.mark.parametrize("devices", [("bpms", "magnets", "target"), ("target", "magnets", "bpms")])
def test_the_clock_that_the_others_contradict_is_off_whichever_comes_first(devices):
    (one,) = [found for found in told(line(devices)) if found.level == "warning"]
    assert one.source == "bpms"
    assert "no other source tells" not in one.why


def test_of_two_sources_alone_the_pair_is_told():
    for devices in (("magnets", "bpms"), ("bpms", "magnets")):
        (one,) = [found for found in told(line(devices)) if found.level == "warning"]
        assert one.source == devices[1]
        assert "Which of 'bpms' and 'magnets' is off, no other source tells" in one.why or (
            "Which of 'magnets' and 'bpms' is off, no other source tells" in one.why
        )
        assert "timing: {like: " in one.why


def test_a_weak_likeness_is_told_with_the_delay_that_it_may_swallow():
    nothing = np.zeros(3)
    sync = Sync(0.4, 117.0, 0.003, 6.0, True, 0.34, 0.2, "value", nothing, nothing)
    one = Apart(Asked("target", "y"), Asked("bpm", "x"), sync, 900.0)
    assert "true delay" in why_of(one, decided=True)
    assert "true delay" not in why_of(replace(one, sync=replace(sync, correlation=-0.98)), decided=True)


@pytest.mark.parametrize("seed", range(5))
def test_planted_clocks_fall_into_the_camps_they_were_planted_in(seed):
    random = np.random.default_rng(seed)
    order = random.permutation(7)
    truth = np.array([0.0, 0.0, 0.0, 90.0, 90.0, 0.0, 40.0])[order]  # the last two share no pair with the others
    alone = {int(np.flatnonzero(order == number)[0]) for number in (5, 6)}
    errors = random.uniform(0.5, 5.0, (7, 7))
    pairs = [
        Difference(i, j, truth[i] - truth[j] + errors[i, j] * random.normal(), errors[i, j])
        for i in range(7) for j in range(i) if (i in alone) == (j in alone)
    ]  # fmt: skip
    found = {frozenset(one.members): one for one in camps(7, pairs)}
    right = frozenset(np.flatnonzero((truth == 0) & ~np.isin(np.arange(7), list(alone))).tolist())
    assert found[right].decided
    assert set(found[right].others) == set(np.flatnonzero(truth == 90).tolist())
    (pair,) = [one for members, one in found.items() if members != right]
    assert not pair.decided
    assert pair.members == (min(alone),)


def test_the_cure_leaves_nothing_to_tell():
    assert not [one for one in told(line(timing=Timing(like="magnets.beam_current=sum"))) if one.source == "bpms"]
    truth = line().sources["bpms"].source.truth.clocks["bpms"]
    known = line(("magnets", "bpms"), timing=Timing(offset=truth.offset, drift=truth.drift))
    assert not [one for one in told(known) if one.level == "warning"]


def test_exact_clocks_stay_silent_and_delays_are_no_drift():
    assert not [one for one in told(line(difficulty="clean")) if one.level == "warning"]
    assert not [one for one in told(line(("magnets", "target"))) if one.level == "warning"]


def smooth(random, count, memory):
    """Return noise with a memory of so many samples."""
    return np.convolve(random.normal(size=count + 4 * memory), np.exp(-np.arange(4 * memory) / memory), "valid")[:count]


def test_independent_sources_stay_silent():
    passed = 0
    for seed in range(20):
        random, times = np.random.default_rng(seed), np.arange(1500) * 0.2
        parts = [
            Coarse(("a", "b", "c"), times + shift, np.stack([smooth(random, 1500, m) for m in (1, 4, 30)]), 0.2)
            for shift in (0.0, 0.07)
        ]
        passed += screened(*parts, 10.0) is not None
    assert passed <= 1


def test_sources_that_saw_the_same_pass_by_the_pair_that_did():
    random, times = np.random.default_rng(0), np.arange(1500) * 0.2
    seen = smooth(random, 1520, 3)
    one = Coarse(("a", "b"), times, np.stack([random.normal(size=1500), seen[:1500]]), 0.2)
    two = Coarse(
        ("c", "d"), times, np.stack([-seen[20:] + 0.3 * random.normal(size=1500), random.normal(size=1500)]), 0.2
    )
    assert screened(one, two, 10.0) == ("b", "c")


def test_a_pace_is_another_one_from_four_standard_errors_on():
    assert pace(1.459e4, 5.6e3 * 4 / 3) == "at the same pace to within 1.5e+04 ppm"  # 3.9 standard errors
    assert pace(-20.0, 5.0) == "20 ppm slower (to within 5 ppm)"
    assert pace(1.0, 5.0) == "at the same pace to within 5 ppm"
