"""Laws of `clean:` where there are several sources, which are cleaned at their own rate, and of traces."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dlkit.core.checks import InputError
from dlkit.data.align.pieces import cut_record
from dlkit.data.base import SampleSource
from dlkit.data.batches.batching import KNOWN_SPEC
from dlkit.data.cleaning.base import CleanPictures, CleanValues
from dlkit.data.cleaning.cleaned import Cleaned
from dlkit.data.cleaning.clip import Clip
from dlkit.data.cleaning.detrend import Detrend
from dlkit.data.cleaning.drop import DropChannels, DropRows
from dlkit.data.cleaning.filter import Filter
from dlkit.data.cleaning.mask import Mask
from dlkit.data.clock import Regular
from dlkit.data.inputs import StreamInput, Timing
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.data.normalize import Identity
from dlkit.data.records import Samples
from dlkit.data.sample_modules import TraceDataModule
from dlkit.data.sample_splits import Official
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sources.files import Files
from dlkit.data.splits import ByFraction
from tests.made_cleaning import STEPS, name, stream, taught
from tests.made_multimodal import sampled
from tests.made_tables import Parts

OFFSET = 0.5
STEPS_OF_A = [Mask(channels=["c0"], above=2.0), Clip(channels=["*"], quantiles=[0.1, 0.9])]


def several(fast, slow, steps, **fields):
    """Two sources on a clock of 100 ms; the first is half a second behind."""
    sources = {
        "a": StreamInput(source=fast, clean=steps, timing=Timing(offset=OFFSET), look_back=4),
        "b": StreamInput(source=slow, look_back=2),
    }
    return MultimodalDataModule(
        clock=Regular(step="100ms"), sources=sources, targets=["b.c0"], normalizer=Identity(), placement="host",
        split=ByFraction(train=0.5, val=0.25, test=0.25), batch_size=16, **fields,
    )  # fmt: skip


def values_of(data):
    table = data.prepared.table
    return dict(zip(table.columns, table.values.T, strict=True)), table.times


def test_sources_are_cleaned_before_they_are_aligned():
    fast, slow = sampled(50, 2), sampled(10, 1, seed=1)
    steps = [Mask(channels=["c0"], above=1.0), DropRows(during=[[3.0, 4.0]])]
    one = several(fast, slow, steps)
    other = several(Parts(list(Cleaned(fast, steps).chunks())), slow, [])
    (found, times), (wanted, again) = values_of(one), values_of(other)
    np.testing.assert_array_equal(times, again)
    for column, values in found.items():
        np.testing.assert_array_equal(values, wanted[column])
    raw, _ = values_of(several(fast, slow, []))
    assert np.nanmax(raw["a.c0"]) > 1 >= np.nanmax(found["a.c0"])
    record = one.describe()["clean"]
    assert [step["source"] for step in record] == ["a", "a"]
    assert record[0]["values changed"]["c0"] > 0
    json.dumps(record)


def test_a_source_learns_from_its_samples_in_the_training_time_alone():
    fast, slow = sampled(50, 2), sampled(10, 1, seed=1)
    data = several(fast, slow, STEPS_OF_A)
    assert data.prepared
    first, last = data.prepared.ranges["train"][0]
    table = data.prepared.table
    [samples] = fast.streams
    times = samples.times + round(OFFSET * 1e9)
    inside = (times >= table.times[first]) & (times <= table.times[last - 1])
    kept = np.where(samples.values[inside, 0] > 2.0, np.nan, samples.values[inside, 0]).astype(np.float64)
    bounds = data.source.sources["a"].clean[1].learnt
    wanted = np.nanquantile(kept, [0.1, 0.9])
    np.testing.assert_allclose([bounds["lower"]["c0"], bounds["upper"]["c0"]], wanted)
    other = samples.values.copy()
    other[~inside] = 77
    poisoned = several(Parts([replace(samples, values=other)]), slow, STEPS_OF_A)
    assert poisoned.prepared
    assert poisoned.source.sources["a"].clean[1].learnt == bounds


def test_new_recordings_are_cleaned_with_what_was_learnt():
    data = several(sampled(50, 2), sampled(10, 1, seed=1), STEPS_OF_A)
    record, known = json.loads(json.dumps(data.describe())), data.prepared
    new = {"a": sampled(50, 2, seed=5), "b": sampled(10, 1, seed=6)}
    one = data.for_new_data(data.source.with_sources(new), known.scaling)
    fresh = several(Parts([]), Parts([]), STEPS_OF_A)
    fresh.recall(record)
    token = KNOWN_SPEC.set(data.spec)
    other = fresh.for_new_data(fresh.source.with_sources(new), known.scaling, spec=data.spec)
    KNOWN_SPEC.reset(token)
    (found, _), (wanted, _) = values_of(one), values_of(other)
    for column, values in found.items():
        np.testing.assert_array_equal(values, wanted[column])
    bound = data.source.sources["a"].clean[1].learnt["upper"]["c0"]
    assert np.nanmax(found["a.c0"]) <= np.float32(bound) < np.nanmax(new["a"].streams[0].values[:, 0])


def files_of(folder, count=4):
    random = np.random.default_rng(0)
    for part in range(count):
        lines = [f"{(part * 200 + row) / 50:.3f},{random.normal():.5f}" for row in range(200)]
        (folder / f"part{part}.csv").write_text("t,c0\n" + "\n".join(lines) + "\n")
    return Files(path=str(folder), time="t", time_format="relative")


def test_pieces_of_a_record_are_the_record_when_a_step_remembers(tmp_path):
    record = Aligned(
        clock=Regular(step="100ms"),
        sources={
            "a": StreamInput(source=files_of(tmp_path), clean=[Filter(channels=["*"], cutoff=0.5)], max_age="1s"),
            "b": StreamInput(source=files_of(tmp_path), max_age="1s"),
        },
    )
    pieces = cut_record(record, 4)
    assert len(pieces) > 1
    found = np.concatenate([part.values for piece in pieces for part in piece.streams()])
    np.testing.assert_array_equal(found, np.concatenate([part.values for part in record.chunks()]))


class Traces(SampleSource):
    """Samples in memory."""

    def __init__(self, samples):
        self.samples = samples

    def read(self):
        return self.samples

    def fingerprint(self):
        return {"samples": len(self.samples)}


def traces(count=24, length=60, *, seed=0, unequal=True):
    random = np.random.default_rng(seed)
    values = random.normal(size=(count, 3, length)).astype(np.float32)
    values[random.random(values.shape) < 0.1] = np.nan
    lengths = random.integers(40, length + 1, count) if unequal else None
    if lengths is not None:
        lengths[0] = length
        values.transpose(0, 2, 1)[np.arange(length) >= lengths[:, None]] = np.nan
    return Samples(
        [f"n{number}" for number in range(count)], values, ("a", "b", "c"), ("V", "V", "V"), "class",
        np.arange(count) % 2, classes=("no", "yes"), lengths=lengths,
        roles=np.resize(["train"] * 4 + ["val", "test"], count),
    )  # fmt: skip


def trace_module(samples, steps):
    return TraceDataModule(
        source=Traces(samples), clean=steps, normalizer=Identity(), split=Official(), placement="host"
    )


@pytest.mark.parametrize("step", [one for one in STEPS if isinstance(one, CleanValues)], ids=name)
def test_a_trace_is_cleaned_as_by_itself_and_its_padding_stays(step):
    samples = traces()
    step = taught(step, [stream(samples.values[0].T.copy())])
    data = trace_module(samples, [step])
    found = data.prepared.samples.values
    for number in range(len(samples)):
        length = int(samples.lengths[number])
        alone = stream(samples.values[number, :, :length].T.copy())
        [wanted] = Cleaned(Parts([alone]), [step]).chunks()
        np.testing.assert_array_equal(found[number, :, :length].T, wanted.values)
        assert np.isnan(found[number, :, length:]).all()


def test_traces_teach_by_those_that_train_alone_and_new_ones_are_cleaned_the_same_way():
    steps = [DropChannels(channels=["b"]), Clip(channels=["*"], quantiles=[0.1, 0.9]), Detrend(channels=["c"])]
    samples = traces()
    trains = (samples.roles == "train")[:, None, None]
    other = replace(samples, values=np.where(trains, samples.values, samples.values * 99))
    one, two = trace_module(samples, steps), trace_module(other, steps)
    assert one.prepared.samples.channels == ("a", "c")
    assert two.prepared
    assert [step.learnt for step in one.clean] == [step.learnt for step in two.clean]
    record = json.loads(json.dumps(one.describe()))
    assert record["clean"][1]["values changed"]["a"] > 0
    new, known = traces(9, seed=4), one.prepared
    found = one.for_new_data(Traces(new), known.scaling).prepared.samples.values
    fresh = trace_module(traces(2), steps)
    fresh.recall(record)
    again = fresh.for_new_data(Traces(new), known.scaling, spec=one.spec, target_scaling=known.target_scaling)
    np.testing.assert_array_equal(found, again.prepared.samples.values)
    assert np.nanmax(found[:, 0]) <= np.float32(one.clean[1].learnt["upper"]["a"]) < np.nanmax(new.values[:, 0])


def test_traces_refuse_steps_that_make_other_rows_or_are_for_images():
    class Sharpen(CleanPictures):
        def change(self, pictures):
            return pictures

    for step, said in ((DropRows(during=[[0, 1]]), "makes other rows"), (Sharpen(), "for images")):
        with pytest.raises(InputError, match=said):
            trace_module(traces(), [step])
