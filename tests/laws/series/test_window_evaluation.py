"""Windows of several sources are measured, compared and written down on their own time axis."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import pytorch_lightning as pl
import torch

from dlkit.core.packing import pack
from dlkit.core.runfolder import RunFolder
from dlkit.core.specs import Part, Spec
from dlkit.data.clock import Regular
from dlkit.data.heads import Head
from dlkit.data.inputs import EventInput, FrameInput, StreamInput
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.data.sources.beamline import BeamlineCamera, BeamlineEvents, BeamlineSensors
from dlkit.models.cnn import CNN
from dlkit.models.fusion import Fusion
from dlkit.models.mlp import MLP
from dlkit.report.canvas import save_figure
from dlkit.report.sample_tables import rivals_table_text
from dlkit.report.time_axis import Course, busiest, course_figure
from dlkit.tasks.combined import Combined
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.tasks.regress import Regress
from dlkit.train.evaluation.base import evaluation_of
from dlkit.train.evaluation.naive_sources import LastOfParts
from dlkit.train.evaluation.single_sources import OneSource
from dlkit.train.views.panels import past_of
from tests.made_multimodal import MS, recording
from tests.made_tables import Parts

RUN = {"duration": 40.0, "difficulty": "easy", "seed": 3}
VALUES = Head(kind="values", channels=["target.x", "target.y"], gap="50ms")
QUIET = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False)


def data_of(targets):
    """Return a data module of the simulated beam line at 20 Hz."""
    sources = {
        "magnets": StreamInput(source=BeamlineSensors(device="magnets", **RUN), look_back=4),
        "camera": FrameInput(source=BeamlineCamera(**RUN), look_back=2),
        "target": StreamInput(source=BeamlineSensors(device="target", **RUN)),
        "events": EventInput(source=BeamlineEvents(**RUN)),
    }
    inputs = ["magnets.*", "camera"]
    return MultimodalDataModule(
        clock=Regular("50ms"), sources=sources, targets=targets, inputs=inputs, stride=2, batch_size=32
    )


def fusion(spec):
    return Fusion(spec, branches={"series": MLP, "frames": lambda part: CNN(part, width=4)}, width=8)


def ready(task_class, data, **settings):
    torch.manual_seed(0)
    task = task_class(spec=data.spec, net=fusion, **settings)
    data.setup()
    task.take_scaling(data)
    return task


def predicted(task, data):
    return evaluation_of(task, data), QUIET.predict(task.eval(), datamodule=data)


def test_each_row_says_series_time_and_truth_of_the_moment_that_is_asked_for():
    data = data_of(VALUES)
    times = data.prepared.table.times.copy()
    values = data.prepared.table.values[:, data.prepared.laid.chosen.place("target.x")].copy()
    evaluation, batches = predicted(ready(Regress, data), data)
    columns = evaluation.columns(batches[0])
    x = columns["target"] == "target.x"
    rows = batches[0].start.numpy() + data.prepared.laid.span - 1 + 1  # 50 ms are one row
    np.testing.assert_array_equal(columns["time"][x], times[rows].astype("datetime64[ns]"))
    np.testing.assert_allclose(columns["truth"][x], values[rows], atol=1e-4)
    assert set(columns["series"]) == {"beamline"}
    assert set(columns["unit"]) == {"mm"}


def test_heads_share_a_table_in_which_each_has_its_rows():
    heads = {
        "spot": VALUES,
        "state": Head(kind="class", events="events"),
        "ahead": Head(kind="forecast", channels=["magnets.h1"], look_forward=3),
    }
    data = data_of(heads)
    task = ready(Combined, data)
    evaluation, batches = predicted(task, data)
    table = pa.table(evaluation.columns(batches[0])).to_pandas()
    windows = len(batches[0]["spot"].start)
    counts = table["head"].value_counts()
    assert counts.to_dict() == {"spot": 2 * windows, "state": windows, "ahead": 3 * windows}
    alone = evaluation_of(task.task("spot"), evaluation.heads["spot"].data).columns(batches[0]["spot"])
    np.testing.assert_array_equal(table[table["head"] == "spot"]["prediction"], alone["prediction"])
    assert table[table["head"] == "state"]["prediction class"].isin(["quiet", "instability", "trip"]).all()
    tested = evaluation.test(QUIET)
    assert list(tested.measures["heads"]) == list(heads)
    assert all(name in tested.table for name in heads)


def test_a_forecast_is_set_beside_the_last_value_and_its_window_shows_what_went_in():
    data = data_of(Head(kind="forecast", channels=["magnets.h1"], look_forward=2))
    task = ready(Forecast, data)
    evaluation = evaluation_of(task, data)
    tested = evaluation.test(QUIET)
    assert set(tested.measures["baselines"]) == {"repeat last", "training mean"}
    batch = data.pick_batch("test", 2)
    rows, past = past_of(task, batch, 0, 0, 1)
    assert rows.tolist() == [-3, -2, -1, 0]
    last = LastOfParts(data.spec)(batch.x)[0, :, 0, 0]
    np.testing.assert_allclose(task.target_scaling.inverse(last[:, None])[:, 0].numpy(), past[-1], rtol=1e-5)


def walk_of(heads, *, missing=0.0, placement="host", tmp_path="", **wanted):
    """Return windows of a random walk and of noise that does not go in."""
    random = np.random.default_rng(5)
    times = np.arange(4000, dtype=np.int64) * 10 * MS
    values = np.stack([3 + random.normal(size=4000).cumsum(), random.normal(size=4000)], 1)
    values[random.random(values.shape) < missing] = np.nan
    source = Parts([recording(times, values)], mark=(missing, str(wanted)))
    return MultimodalDataModule(
        clock=Regular("10ms"), sources={"s": StreamInput(source=source, look_back=6, **wanted)}, targets=heads,
        inputs=["s.c0"], batch_size=64, placement=placement, cache=str(tmp_path), batches_per_step=1,
    )  # fmt: skip


@pytest.mark.parametrize("placement", ["host", "disk"])
@pytest.mark.parametrize("missing", [0.0, 0.6])
def test_values_are_set_beside_the_last_observed_value_of_the_window(missing, placement, tmp_path):
    head = Head(kind="values", channels=["s.c0"], gap=3)
    data = walk_of(head, missing=missing, placement=placement, tmp_path=tmp_path, every=2, max_age="10ms")
    table = data.prepared.table.values[:, data.prepared.laid.chosen.place("s.c0")].copy()
    assert np.isnan(table).any() == (missing > 0)
    evaluation, batches = predicted(ready(Regress, data), data)
    tested = evaluation.test(QUIET)
    starts = torch.cat([batch.start for batch in batches]).numpy()
    mean = np.nanmean(table[: int(data.prepared.ranges["train"][-1, 1])])
    errors = []
    for start in starts:
        window = table[start : start + data.prepared.laid.span : 2]
        seen = window[~np.isnan(window)]
        errors.append((seen[-1] if len(seen) else mean) - table[start + data.prepared.laid.span - 1 + 3])
    found = {name: one["physical"]["overall"] for name, one in tested.measures["baselines"].items()}
    assert list(found) == ["training mean", "training median", "last value"]
    assert found["last value"]["mae"] == pytest.approx(np.nanmean(np.abs(errors)), rel=1e-4)
    assert found["last value"]["rmse"] == pytest.approx(np.sqrt(np.nanmean(np.square(errors))), rel=1e-4)
    assert found["last value"]["rmse"] < 0.3 * found["training mean"]["rmse"]
    assert "last value" in tested.table


def test_on_a_random_walk_nothing_that_was_learnt_beats_the_last_value():
    data = walk_of(Head(kind="values", channels=["s.c0"], gap=3))
    evaluation, _ = predicted(ready(Regress, data), data)
    found = evaluation.test(QUIET).measures["baselines"]["last value"]["physical"]["overall"]
    assert found["rmse"] == pytest.approx(np.sqrt(3), rel=0.15)  # three steps of variance 1, which nothing foretells


def test_a_target_that_is_no_input_has_no_last_value_alone_or_beside_one_that_is():
    alone = walk_of(Head(kind="values", channels=["s.c1"], gap=3))
    evaluation, _ = predicted(ready(Regress, alone), alone)
    assert list(evaluation.test(QUIET).measures["baselines"]) == ["training mean", "training median"]
    heads = {
        "both": Head(kind="values", channels=["s.c0", "s.c1"], gap=3),
        "ahead": Head(kind="forecast", channels=["s.c0"]),
    }
    data = walk_of(heads)
    evaluation, _ = predicted(ready(Combined, data), data)
    found = evaluation.test(QUIET).measures["heads"]["both"]["baselines"]["last value"]["physical"]
    assert found["overall"]["mae"] is None
    assert found["per_target"]["s.c1"]["mae"] is None
    assert found["per_target"]["s.c0"]["rmse"] == pytest.approx(np.sqrt(3), rel=0.15)


def test_a_reconstruction_is_measured_source_by_source():
    data = data_of(Head(kind="reconstruct"))
    task = ready(Reconstruct, data)
    evaluation, batches = predicted(task, data)
    columns = evaluation.columns(batches[0])
    windows, parts = len(batches[0].start), ("magnets", "camera")
    assert len(columns["error"]) == 2 * windows
    tested = evaluation.test(QUIET)
    found = tested.measures["test"]["standardized"]["per_source"]
    for number, name in enumerate(parts):
        errors = np.concatenate([evaluation.columns(batch)["error"][number::2] for batch in batches])
        assert np.sqrt(np.nanmean(errors**2)) == pytest.approx(found[name], rel=1e-3)


def test_errors_of_sources_become_scores_on_their_own_time_axis(tmp_path):
    data = data_of(Head(kind="reconstruct"))
    task = ready(Reconstruct, data)
    evaluation, batches = predicted(task, data)
    evaluation.test(QUIET)
    evaluation.write(RunFolder(tmp_path))
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    every = [pd.DataFrame(evaluation.columns(batch)) for batch in batches]
    camera = pd.concat(every).query("source == 'camera'")
    np.testing.assert_allclose(scores["error_camera"], camera["error"], rtol=1e-4)
    assert (scores["time"].to_numpy() == camera["time"].to_numpy()).all()
    events = pd.read_parquet(tmp_path / "events.parquet")
    assert {"share_magnets", "share_camera", "severity"} <= set(events)
    assert scores["alarm"].sum() == sum(event.last - event.first + 1 for event in evaluation.judged.found)
    ends = [end for segment in evaluation.moments.segments("test") for end in segment]
    assert (ends[0], ends[-1]) == evaluation.moments.lengths["test"]
    assert [name for name, _ in evaluation.figures()] == ["overview"]


def two_parts():
    parts = (
        Part("a", ("u", "v"), (3,), (-2.0, -1.0, 0.0)),
        Part("b", ("light",), (4, 4), (0.0,), frames=True),
    )
    return parts, Spec(("a.u", "a.v", "b.light"), (24,), (1, 1), targets=("a.v",), kind="values", parts=parts)


def test_one_source_sees_nothing_of_the_others():
    parts, spec = two_parts()
    torch.manual_seed(0)
    net = OneSource(spec, source="a", net=fusion(spec).recipe.of_one("a")).eval()
    values = {"a": torch.randn(5, 2, 3), "b": torch.randn(5, 1, 1, 4, 4)}
    before = net(pack(values, torch.ones(5, 2), parts))
    other = net(pack(values | {"b": torch.randn(5, 1, 1, 4, 4)}, torch.ones(5, 2), parts))
    absent = net(pack(values, torch.tensor([[1.0, 0.0]] * 5), parts))
    torch.testing.assert_close(before, other)
    torch.testing.assert_close(before, absent)
    moved = net(pack(values | {"a": torch.randn(5, 2, 3)}, torch.ones(5, 2), parts))
    assert not torch.allclose(before, moved)


def test_the_best_of_each_column_is_marked():
    text = rivals_table_text(
        {"all": {"R2": (0.9, "high"), "MAE": (2.0, "low")}, "one": {"R2": (0.5, "high"), "MAE": (1.0, "low")}}
    )
    lines = text.splitlines()
    assert lines[2].split() == ["all", "0.9000*", "2.000"]
    assert lines[3].split() == ["one", "0.5000", "1.000*"]


def test_the_part_that_is_drawn_larger_is_where_the_most_happens():
    truth = np.zeros(100)
    truth[60:70] = [0, 5] * 5
    found = busiest(truth, 20)
    assert found.start <= 60
    assert found.stop >= 70
    assert busiest(truth[:10], 20) == slice(0, 20)


@pytest.mark.parametrize("dated", [True, False])
def test_courses_are_drawn_with_gaps_and_missing_values(dated, tmp_path):
    seconds = np.concatenate([np.arange(0, 50, 0.2), np.arange(80, 100, 0.2)])
    times = (seconds * 1e9).astype("datetime64[ns]") if dated else seconds
    truth = np.sin(seconds)
    truth[20:30] = np.nan
    course = Course("x", "mm", truth, truth + 0.1, (truth - 1, truth + 1))
    path = save_figure(course_figure(times, [course, course], title="a"), Path(tmp_path) / "course.png")
    assert path.stat().st_size > 10_000
