"""New files of several sources: each by its name, read with what was found in the training files."""

import numpy as np
import pandas as pd
import pytest
import torch

from dlkit.core.checks import InputError
from dlkit.data.clock import OfSource, Regular
from dlkit.data.heads import Head
from dlkit.data.inputs import StreamInput, Timing
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.data.sources.recording import Recording
from dlkit.train.new_recordings import new_recordings
from tests.made_multimodal import sampled


def written(path, seed, rate=50, **columns):
    random, times = np.random.default_rng(seed), np.arange(0, 10, 1 / rate)
    pd.DataFrame({"t": times, **{name: random.normal(size=len(times)) for name in ("x", "y")}, **columns}).to_csv(
        path, index=False
    )
    return path


def module(folder, clock=None, **timing):
    given = {
        name: StreamInput(
            source=Recording(path=written(folder / f"{name}.csv", k, 50 - 20 * k), time="t", time_format="relative",
                             channels=["x", "y"]),
            look_back=4, timing=Timing(**(timing if name == "b" else {})),
        )
        for k, name in enumerate(("a", "b"))
    }  # fmt: skip
    target = Head(kind="values", channels=["b.y"])
    return MultimodalDataModule(
        clock=clock or Regular(step="20ms"), sources=given, targets=target, inputs=["a.*"], placement="host"
    )


def test_new_files_of_the_inputs_are_enough(tmp_path):
    data = module(tmp_path)
    scalings = {"target_scaling": data.prepared.target_scaling}
    before = data.make_batch(data.places("test").starts(torch.arange(9)))
    same = new_recordings(data.source, [f"a={tmp_path / 'a.csv'}"], data.source.fitted)
    new = data.for_new_data(same, data.prepared.scaling, **scalings)
    assert list(same.sources) == ["a"]
    last = data.prepared.table.times[before.start + 3]
    starts = torch.from_numpy(np.searchsorted(new.prepared.table.times, last)) - 3
    batch = new.make_batch(starts)
    torch.testing.assert_close(batch.x, before.x)
    assert not batch.y_observed.any()


def test_the_clocks_of_new_files_are_those_of_the_training_files(tmp_path):
    data = module(tmp_path, offset=0.5)
    other = written(tmp_path / "other.csv", 7)
    found = new_recordings(data.source, [f"b={other}"], {"timings": {"b": {"offset": 0.25, "drift": 3.0}}})
    assert found.timings["b"] == Timing(offset=0.25, drift=3.0)
    assert new_recordings(data.source, [f"b={other}"], {}).timings["b"] == Timing(offset=0.5)


@pytest.mark.parametrize(
    ("given", "text"),
    [("new.csv", "write NAME=FILE for each"), ("c=new.csv", "write NAME=FILE for each"), ("a=none.csv", "none.csv")],
)
def test_files_of_no_source_are_refused(tmp_path, given, text):
    data = module(tmp_path)
    with pytest.raises(InputError, match=text):
        list(new_recordings(data.source, [given], {}).chunks())


def test_the_source_that_is_the_clock_is_needed(tmp_path):
    data = module(tmp_path, clock=OfSource(source="b"))
    with pytest.raises(InputError, match="The clock is that of 'b'"):
        new_recordings(data.source, [f"a={tmp_path / 'a.csv'}"], {})


def test_a_source_that_reads_no_files_is_named(tmp_path):
    data = MultimodalDataModule(
        clock=Regular(step="20ms"), sources={"a": StreamInput(source=sampled(50, 2))}, targets=["a.c0"]
    )
    with pytest.raises(InputError, match="the source Parts takes no other files"):
        new_recordings(data.source, ["a=new.csv"], {})
