"""A survey of sources counts what was planted in them, in one pass and in bounded memory."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from dlkit.core.checks import InputError
from dlkit.data.clock import Regular
from dlkit.data.inputs import EventInput, FrameInput, StreamInput, Timing
from dlkit.data.records import Stream
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sync.health import Health
from dlkit.data.sync.kept import Coverage, Kept
from dlkit.data.sync.resolve import parse_like, resolve
from dlkit.data.sync.signals import Thinned
from dlkit.data.sync.survey import survey
from dlkit.data.sync.ticks import AtTicks
from dlkit.report.sync_tables import losses_text, missing_text, sources_text
from dlkit.train.align.views import clocks_words, draw, uncertain
from tests.made_multimodal import filmed, logged
from tests.made_pairs import pair
from tests.made_tables import Parts

MS = 1_000_000


def stream(times, values, *, name="a", channels=("x",), step=10 * MS, continues=False):
    table = np.asarray(values, np.float32).reshape(len(times), -1)
    return Stream(name, np.asarray(times, np.int64), table, channels, ("",) * len(channels), step, continues=continues)


def planted():
    """Regular stamps with 3 drops of 2 samples, 2 gaps, a burst of 4 and one stamp that comes twice."""
    steps = np.full(1000, 10 * MS)
    steps[[100, 300, 500]] = 30 * MS
    steps[[200, 700]] = 2000 * MS
    steps[400:404] = 2 * MS
    steps[600] = 0
    return np.cumsum(steps)


@pytest.mark.parametrize("size", [7, 100, 1000])
def test_what_was_planted_is_counted_however_the_stream_is_cut(size):
    times, health = planted(), None
    for first in range(0, len(times), size):
        if health is None:
            health = Health(times)
            health.begin()
        health.add(times[first : first + size])
    said = health.plain()
    counts = {"drops": 3, "samples dropped": 6, "gaps": 2, "bursts": 4, "duplicates": 1, "disorder": 0}
    assert {name: said[name] for name in counts} == counts
    assert said["gap_seconds"] == 4.0
    assert [gap["seconds"] for gap in said["longest_gaps"]] == [2.0, 2.0]
    assert said["rate_hz"] == 100
    assert said["jitter_seconds"] == 0
    assert said["samples"] == 1000


def test_jitter_is_that_of_the_intervals_whatever_the_gaps_are():
    random = np.random.default_rng(0)
    intervals = 10 * MS * (1 + 0.05 * random.normal(size=20_000))
    intervals[::50] *= 30
    times = np.cumsum(intervals).astype(np.int64)
    health = Health(times)
    health.add(times)
    assert health.jitter == pytest.approx(0.05 * 0.01, rel=0.05)


def test_what_is_kept_stays_small_and_spread_over_the_stream():
    kept = Kept(most=100)
    for first in range(0, 10_000, 37):
        kept.add(np.arange(first, min(first + 37, 10_000), dtype=float))
    assert len(kept.values) <= 100
    np.testing.assert_array_equal(np.diff(kept.values), kept.stride)
    assert kept.quantile(0.5) == pytest.approx(5000, rel=0.03)


def test_coverage_loses_no_sample_when_its_spans_double():
    times = np.sort(np.random.default_rng(0).integers(0, 10**9, 5000))
    coverage = Coverage(0, 1000, most=64)
    for part in np.array_split(times, 13):
        coverage.add(part)
    edges = np.arange(65) * coverage.width
    np.testing.assert_array_equal(coverage.counts, np.histogram(times, edges)[0])


def test_ages_and_samples_used_at_ticks_equal_those_of_a_loop():
    random = np.random.default_rng(0)
    samples = np.sort(random.integers(0, 10**10, 300))
    ticks = np.arange(-(10**9), 10**10, 37 * MS)
    last = np.array([max((i for i, t in enumerate(samples) if t <= tick), default=-1) for tick in ticks])
    ages = np.where(last < 0, np.nan, (ticks - samples[last]) / 1e9)
    at = AtTicks.of("50ms")
    for part, age in zip(np.array_split(ticks, 7), np.array_split(ages, 7), strict=True):
        at.add(part, age.astype(np.float32).astype(np.float64))
    assert at.before == (last < 0).sum()
    assert at.stale == (ages > 0.05).sum()
    assert at.used == len(np.unique(last[last >= 0]))
    assert at.oldest == pytest.approx(np.nanmax(ages))


def test_samples_that_are_too_many_become_means_that_stay_in_place():
    times = 5 * MS * np.arange(20_000) + 123
    thinned = Thinned(123, 10, most=1000)
    for first in range(0, 20_000, 777):
        thinned.add(times[first : first + 777], 2e-9 * (times[first : first + 777] - 123))
    signal = thinned.signal(Timing(offset=1.0))
    assert 400 < len(signal.times) <= 1000
    assert signal.first == 123 + 10**9
    np.testing.assert_allclose(signal.values, 2e-9 * (signal.times - signal.first), atol=1e-8)


def sources(like="", events=False):
    times, values, others, seen = pair(1, rate=15, other=60, offset=0.4, drift=0.0, seconds=60)
    seen[2000:] = np.nan
    held = {
        "slow": StreamInput(
            source=Parts([stream(times, values, step=66 * MS)]), timing=Timing(like=like), max_age="1s"
        ),
        "fast": StreamInput(source=Parts([stream(others, np.stack([seen, seen * 0], 1), channels=("x", "flat"))])),
        "camera": FrameInput(source=filmed(15, names=("a",), seconds=60), max_age="200ms"),
    }
    return held | ({"state": EventInput(source=logged(names=("a",), seconds=60))} if events else {})


def test_a_survey_of_several_sources_is_plain_and_can_be_drawn(tmp_path):
    aligned = Aligned(clock=Regular(step="20ms"), sources=sources("fast.x=x", events=True))
    found = survey(aligned)
    report = json.loads(json.dumps(found.report))
    assert list(report["sources"]) == ["slow", "fast", "camera"]
    assert report["sources"]["slow"]["clock"]["offset"] == pytest.approx(0.4, abs=0.01)
    assert report["sources"]["fast"]["missing"]["x"] > 0.1
    assert report["clock"]["ticks"] == sum(len(one.times) for one in aligned.chunks())
    assert draw(found, found.syncs, tmp_path / "sync.png", dated=aligned.dated).stat().st_size > 10_000
    assert "fast.x" in missing_text(report)
    assert all(name in sources_text(report) for name in report["sources"])
    assert {"gaps in s", "same stamp", "no value yet", "too old", "never last"} <= set(
        re.split("  +", sources_text(report).splitlines()[0])
    )
    assert "slow: offset +4" in clocks_words(found.syncs)
    assert "ticks" in losses_text(report)


def test_offsets_that_were_found_are_added_to_those_that_were_given_along_a_chain():
    given = sources()
    given["camera"] = StreamInput(
        source=given["slow"].source, timing=Timing(offset=0.1, like="fast.x=x", max_offset=2.0)
    )
    given["slow"] = StreamInput(source=given["slow"].source, timing=Timing(like="camera.x=x", max_offset=2.0))
    timings = resolve(given)
    assert timings["camera"].offset == pytest.approx(0.4, abs=0.01)
    assert timings["slow"].offset == pytest.approx(timings["camera"].offset, abs=0.01)
    assert all(timing.like == "" for timing in timings.values())
    assert timings["fast"] == given["fast"].timing


def test_a_value_that_hides_all_others_is_named_not_the_likeness():
    given = sources("fast.x=x")
    (whole,) = given["fast"].source.streams
    values = whole.values.copy()
    values[700, 0] = 1e38
    given["fast"] = StreamInput(source=Parts([replace(whole, values=values)]))
    with pytest.raises(InputError, match=r"'fast\.x' holds 1e\+38 .* `clean` of the source 'fast'"):
        resolve(given)


@pytest.mark.parametrize(
    ("like", "words"),
    [
        ("fsat.x=x", "there is no source 'fsat'; did you mean 'fast'"),
        ("fast.y=x", "Source 'fast' has no channel 'y'"),
        ("fast.x=y", "Source 'slow' has no channel 'y'"),
        ("fast.x", "names no two channels"),
        ("slow.x=x", "compares a source with itself"),
        ("state.x=x", "holds events"),
        ("fast.flat=x", "'fast.flat' is constant at 0"),
        ("camera.colour=x", "Camera 'camera' has no 'colour'"),
        ("camera.change=x", "did not see the same"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_in_one_sentence(like, words):
    with pytest.raises(InputError, match=words) as refused:
        resolve(sources(like, events=True))
    assert "\n" not in str(refused.value)


def test_clocks_that_wait_for_each_other_are_refused():
    given = sources("fast.x=x")
    given["fast"] = StreamInput(source=given["fast"].source, timing=Timing(like="slow.x=x"))
    with pytest.raises(InputError, match="in a circle"):
        resolve(given)


def test_a_wish_names_both_sources_on_the_command_line():
    like = parse_like("slow.x=fast.x", None, sources(), setting="--like")
    assert (like.own.source, like.other.source) == ("slow", "fast")
    with pytest.raises(InputError, match=r"write source\.channel=source\.channel"):
        parse_like("slow.x=x", None, sources(), setting="--like")


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(-470.512, 0.0532, "-470.512 ± 0.053"), (12.8, 3.1, "+12.8 ± 3.1"), (-3.4, 512.0, "-3 ± 512")],
)
def test_a_value_is_said_to_two_digits_of_its_error(value, error, text):
    assert uncertain(value, error) == text
