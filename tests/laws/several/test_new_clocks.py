"""Clocks of new recordings: settings that are given count, and a clock that was set anew is told, never mended."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder, write_json
from dlkit.data.clock import Regular
from dlkit.data.inputs import StreamInput, Timing
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.data.sources.recording import Recording
from dlkit.train import new_recordings

OFFSET, NEW = 0.35, 0.9


def written(folder, offset, seed=0, seconds=120.0):
    """Write two recordings of one signal; ``b`` is stamped too early."""
    random, fine = np.random.default_rng(seed), np.arange(-5, seconds + 5, 0.01)
    signal = np.convolve(random.normal(size=len(fine)), np.exp(-np.arange(200) / 40), "same")
    folder.mkdir()
    for name, step, shift in (("a", 0.02, 0.0), ("b", 0.05, offset)):
        times = np.arange(1, seconds, step)
        pd.DataFrame({"t": times - shift, "x": np.interp(times, fine, signal)}).to_csv(
            folder / f"{name}.csv", index=False
        )
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run's folder as far as clocks go, its data module, and a new recording with another clock."""
    place = tmp_path_factory.mktemp("clocks")
    folder, new = written(place / "old", OFFSET), written(place / "new", NEW, seed=1)
    sources = {
        name: StreamInput(
            source=Recording(path=folder / f"{name}.csv", time="t", time_format="relative", channels=["x"]),
            timing=Timing(like="a.x=x" if name == "b" else "", max_offset=3.0),
        )
        for name in ("a", "b")
    }  # fmt: skip
    data = MultimodalDataModule(clock=Regular(step="50ms"), sources=sources, targets=["b.x"], placement="host")
    kept = RunFolder(place)
    write_json(kept.data, {"source": data.source.fingerprint(), "fitted": data.source.fitted})
    return kept, data, data.source, new


def read(run, monkeypatch, *arguments, files="ab", **given):
    """Return the timing of ``b`` in new recordings and what was said, with settings as the parser hands them over."""
    kept, data, trained, new = run
    said = []
    monkeypatch.setattr(new_recordings, "warn_once", said.append)
    timing = replace(trained.sources["b"].timing, **given)
    source = trained.with_sources({})
    source.sources["b"] = replace(source.sources["b"], timing=timing)
    monkeypatch.setattr(data, "source", source)
    monkeypatch.setattr(new_recordings, "sources_of", lambda *_: ())
    paths = [f"{name}={new / name}.csv" for name in files]
    return new_recordings.source_of(data, paths, kept, data.spec, arguments).timings["b"], said


def test_a_clock_that_was_set_anew_is_told_with_the_settings_that_correct_it(run, monkeypatch):
    used, (said,) = read(run, monkeypatch)
    assert used.offset == pytest.approx(OFFSET, abs=0.005)  # the answers stay as they are
    named = dict(re.findall(r"--data\.sources\.b\.timing\.(\w+) (\S+?)[` ]", said + " "))
    assert float(named["offset"]) == pytest.approx(NEW, abs=0.005)
    after, silent = read(
        run, monkeypatch, "--data.sources.b.timing.offset", offset=float(named["offset"]), drift=float(named["drift"])
    )
    assert after.offset == float(named["offset"])
    assert not silent


def test_without_the_source_it_is_like_nothing_is_told(run, monkeypatch):
    used, said = read(run, monkeypatch, files="b")
    assert used.offset == pytest.approx(OFFSET, abs=0.005)
    assert not said


@pytest.mark.parametrize("word", ["--data.sources.b.timing.offset", "--data.init_args.sources.b.timing.offset=0"])
def test_an_offset_that_is_given_counts_even_where_it_is_the_one_of_the_training_settings(run, monkeypatch, word):
    drift = read(run, monkeypatch)[0].drift
    assert read(run, monkeypatch, word)[0] == Timing(offset=0.0, drift=drift, max_offset=3.0)
    assert read(run, monkeypatch, offset=0.7)[0] == Timing(offset=0.7, drift=drift, max_offset=3.0)


def test_no_likeness_takes_what_is_given_and_a_likeness_that_is_given_is_followed(run, monkeypatch):
    assert read(run, monkeypatch, like="")[0] == Timing(max_offset=3.0)
    followed, said = read(run, monkeypatch, "--data.sources.b.timing.like")
    assert followed.offset == pytest.approx(NEW, abs=0.005)
    assert not said
    with pytest.raises(InputError, match="there is no source 'a'"):
        read(run, monkeypatch, "--data.sources.b.timing.like", files="b")


def test_settings_of_other_sources_change_nothing(run, monkeypatch):
    assert read(run, monkeypatch, "--data.sources.a.timing.offset")[0] == read(run, monkeypatch)[0]
