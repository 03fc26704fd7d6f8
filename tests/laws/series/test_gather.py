"""A batch equals plain slices of the normalized table, wherever the table lies."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.core.batch import Batch
from dlkit.data.batches.gather import WindowGather
from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.splits import ByFraction
from dlkit.data.table.arrange import Columns
from dlkit.data.table.windows import Geometry
from tests.made_tables import Parts, noise, stream

PLACEMENTS = ("host", "disk", "device")


def source(missing=0.0, seed=0):
    """Two series of four channels, the first with a gap."""
    values = noise(180, 4, missing=missing, seed=seed)
    return Parts(
        [stream(values[:70], static={"depth": 1.0, "size": 5.0}),
         stream(values[70:100], first=90, static={"depth": 1.0, "size": 5.0}),
         stream(values[100:], name="b", static={"depth": 3.0, "size": float("nan")})],
        mark=(missing, seed),
    )  # fmt: skip


def module(tmp_path, missing=0.0, **fields):
    settings = {"targets": ["c1"], "look_back": 5, "look_forward": 3, "batch_size": 8, "cache": str(tmp_path)} | fields
    settings.setdefault("split", ByFraction(train=0.6, val=0.2, test=0.2))
    return TimeSeriesDataModule(source=source(missing), **settings)


def by_slicing(data, starts, names, made):
    """Batches made one window and one channel at a time from the raw table, as the definition says."""
    ready, geometry = data.prepared, data.prepared.geometry
    scaling = ready.scaling
    scaled = scaling(torch.from_numpy(made))
    column = {name: i for i, name in enumerate(ready.table.columns)}

    def pick(first, count, step, name):
        part = scaled[first : first + count * step : step, column[name]]
        return part.nan_to_num(nan=0.0), ~part.isnan()

    x, y, future = [], [], []
    for start in starts.tolist():
        lead = start + (geometry.look_back - 1) * geometry.dilation + 1 + geometry.gap
        x.append([pick(start, geometry.look_back, geometry.dilation, name) for name in names["inputs"]])
        y.append([pick(lead, geometry.look_forward, 1, name) for name in names["targets"]])
        future.append([pick(lead, geometry.look_forward, 1, name) for name in names["future"]])

    def stack(parts, k, axes):
        return torch.stack([torch.stack([one[k] for one in window]) for window in parts]).permute(axes)

    return {
        "x": stack(x, 0, (0, 1, 2)), "x_observed": stack(x, 1, (0, 1, 2)), "y": stack(y, 0, (0, 2, 1)),
        "y_observed": stack(y, 1, (0, 2, 1)), "future": stack(future, 0, (0, 1, 2)) if names["future"] else None,
    }  # fmt: skip


CASES = {
    "plain": {},
    "inputs a subset": {"inputs": ["c3", "c1"]},
    "targets are no inputs": {"inputs": ["c0", "c2"], "targets": ["c3", "c1"]},
    "some targets are inputs": {"inputs": ["c0", "c1"], "targets": ["c1", "c2"]},
    "all channels": {"targets": ["*"]},
    "set-points and calendar": {"future": ["c3", "c0"], "calendar": ["day", "year"]},
    "future that is no input": {"inputs": ["c1"], "future": ["c2"], "calendar": ["week"]},
    "dilation, gap, stride": {"dilation": 3, "gap": 2, "stride": 4},
    "mask channels": {"mask_channels": True, "targets": ["c0", "c1"]},
    "one sample each": {"look_back": 1, "look_forward": 1},
}


@pytest.mark.parametrize(("missing", "placement"), list(product([0.0, 0.2], PLACEMENTS)))
@pytest.mark.parametrize("fields", CASES.values(), ids=CASES)
def test_batches_equal_plain_slices(tmp_path, fields, missing, placement):
    data = module(tmp_path, missing, placement=placement, **fields)
    spec, raw = data.spec, np.array(data.prepared.table.values)
    names = {
        "inputs": spec.channels[: len(spec.channels) - spec.masks],
        "targets": spec.targets,
        "future": spec.future,
    }
    for role in ("train", "val", "test"):
        windows = data.prepared.windows[role]
        starts = windows.starts(torch.arange(len(windows)))
        batch, expected = data.make_batch(starts), by_slicing(data, starts, names, raw)
        channels = len(names["inputs"])
        torch.testing.assert_close(batch.x[:, :channels], expected["x"])
        torch.testing.assert_close(batch.y, expected["y"])
        torch.testing.assert_close(batch.future, expected["future"])
        assert batch.start is starts
        if missing:
            assert torch.equal(batch.x_observed[:, :channels], expected["x_observed"])
            assert torch.equal(batch.y_observed, expected["y_observed"])
        else:
            assert batch.x_observed is None
            assert batch.y_observed is None
        if spec.masks:
            assert torch.equal(batch.x[:, channels:].bool(), expected["x_observed"])
        assert batch.x.shape == (len(starts), len(spec.channels), *spec.size)
        assert batch.x_observed is None or batch.x_observed.shape == batch.x.shape
        assert batch.y.shape == (len(starts), *spec.output[:2])


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_static_values_are_those_of_the_series_of_each_window(tmp_path, placement):
    data = module(tmp_path, placement=placement)
    batch = next(iter(data.test_dataloader()))
    assert data.spec.static == ("depth", "size")
    for start, static in zip(batch.start.tolist(), batch.static, strict=True):
        assert static.tolist() == [-1.0 if data.series_of(start) == "a" else 1.0, 0.0]


@pytest.mark.parametrize(("placement", "missing"), [("host", 0.0), ("host", 0.3), ("disk", 0.3)])
def test_a_batch_that_is_held_is_never_written_over(tmp_path, placement, missing):
    data = module(tmp_path, missing, placement=placement, batch_size=7)
    kept = list(data.train_dataloader())
    views = [batch.x[:, 0, :2] for batch in data.train_dataloader()]  # a view alone holds the memory
    copies = [data.make_batch(batch.start) for batch in kept]
    for batch, view, again in zip(kept, views, copies, strict=True):
        torch.testing.assert_close(batch, Batch(*again))
        assert torch.equal(view, again.x[:, 0, :2])


def test_memory_is_used_again_when_no_batch_holds_it(tmp_path):
    data = module(tmp_path)
    addresses = {batch.x.data_ptr() for batch in data.train_dataloader()}
    assert len(data.train_dataloader()) > len(addresses)
    assert len(addresses) <= 3


def test_workers_change_nothing(tmp_path):
    alone, helped = (
        list(module(tmp_path, 0.1, placement="disk", num_workers=workers).train_dataloader()) for workers in (0, 2)
    )
    for one, other in zip(alone, helped, strict=True):
        torch.testing.assert_close(one, other)


def test_a_column_major_table_is_refused():
    values = torch.zeros(4, 30).T
    columns = Columns.arrange(("a", "b", "c", "d"), inputs=None, targets=["a"])
    with pytest.raises(AssertionError, match="row-major"):
        WindowGather(values, None, Geometry(2, 1), columns, torch.tensor([0]))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(0, 20), st.data())
def test_any_starts_in_any_order_are_gathered(channels, more, data):
    geometry = Geometry(look_back=3, look_forward=2, gap=1)
    values = torch.arange((geometry.length + more) * channels, dtype=torch.float32).view(-1, channels)
    columns = Columns.arrange([f"c{i}" for i in range(channels)], inputs=None, targets=["*"])
    starts = torch.tensor(data.draw(st.lists(st.integers(0, more), min_size=1, max_size=9)))
    batch = WindowGather(values, None, geometry, columns, torch.tensor([0]))(starts)
    for k, start in enumerate(starts.tolist()):
        assert torch.equal(batch.x[k].T, values[start : start + 3])
        assert torch.equal(batch.y[k], values[start + 4 : start + 6])
