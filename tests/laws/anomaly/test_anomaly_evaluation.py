"""Laws of the way from a reconstruction to scores and events: what merges, what moves along, what must not matter."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from dlkit.anomaly.detector import Detector
from dlkit.anomaly.fitted import FittedDetector
from dlkit.anomaly.thresholds import Quantile
from dlkit.core.batch import Batch
from dlkit.core.checks import InputError
from dlkit.core.specs import Spec
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.data.sources.arrays import Arrays
from dlkit.data.splits import ByRows
from dlkit.losses.base import weighted_mean
from dlkit.losses.pointwise import MAE, MSE
from dlkit.models.autoencoder import ConvAutoencoder
from dlkit.models.base import Net
from dlkit.models.variational import VariationalAutoencoder
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.train.anomalies.events import judge, merged_errors, row_errors
from dlkit.train.anomalies.tables import events_text, shares_text
from dlkit.train.evaluation.pca_rival import PrincipalComponents

ROWS, BACK = 400, 10
DETECTOR = Detector(threshold=Quantile(level=0.99), min_duration=3)
ONSET, END = 300, 330


def values(seed=0, missing=0.0):
    random = np.random.default_rng(seed)
    found = random.standard_normal((ROWS, 3)).astype(np.float32) * [1, 10, 100] + [0, 5, -50]
    found[random.random(found.shape) < missing] = np.nan
    return found.astype(np.float32)


def data_of(table, *, labels=(ONSET, END), times=None, channels=("u", "v", "w"), **settings):
    marked = np.zeros(ROWS, np.float32)
    marked[slice(*labels)] = 1
    source = Arrays(np.column_stack([table, marked]), channels=[*channels, "fault"], step="1s", times=times)
    return ReconstructionDataModule(
        source=source, look_back=BACK, labels="fault", split=ByRows(train=150, val=100, test=150), placement="host",
        batch_size=16, eval_batch_size=13, **settings,
    )  # fmt: skip


class Damped(Net):
    """Gives back 0.7 of its input, and a little of the sample before."""

    def features(self, x):
        return x

    def head(self, z):
        return (0.7 * z + 0.1 * z.roll(1, -1)).unsqueeze(-1)


def task_of(data, net=Damped, **options):
    task = Reconstruct(spec=data.spec, net=net, **options)
    task.take_scaling(data)
    return task


def made_errors(data, size=30.0, seed=3):
    """Return errors of validation and test as a fault in the first channel would make them."""
    errors = (np.random.default_rng(seed).standard_normal((ROWS, 3)) ** 2).astype(np.float32)
    errors[ONSET:END, 0] += size
    return [np.where(data.rows_of(role)[:, None], errors, np.nan).astype(np.float32) for role in ("val", "test")]


# ------------------------------------------------------------------ errors of rows
@pytest.mark.parametrize("merge", ["overlap", "causal"])
def test_errors_of_rows_are_those_of_every_window_in_float64(merge):
    data = data_of(values(missing=0.1), mask_channels=True)
    task, stride = task_of(data), 4
    found = row_errors(task, data, "test", merge=merge, stride=stride)
    raw = values(missing=0.1).astype(np.float64)
    train = raw[:150]
    z = (raw - np.nanmean(train, 0)) / np.nanstd(train, 0)
    total, count = np.zeros((ROWS, 3)), np.zeros((ROWS, 3))
    for start in data.scoring_starts("test", stride).tolist():
        rows = np.arange(start, start + BACK)
        filled = np.nan_to_num(z[rows])
        squares = (0.7 * filled + 0.1 * np.roll(filled, 1, 0) - filled) ** 2
        fresh = rows >= 250 if merge == "overlap" else count[rows].sum(1) + np.isnan(z[rows]).sum(1) == 0
        known = ~np.isnan(z[rows]) & (fresh[:, None] if merge == "causal" else True)
        total[rows] += np.where(known, squares, 0)
        count[rows] += known
    assert task.training
    if merge == "overlap":
        expected = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-6)
    assert np.isnan(found[:250]).all()
    assert np.array_equal(np.isnan(found[250:]), np.isnan(raw[250:]))


def test_units_do_not_matter():
    one, other = data_of(values()), data_of(values() * np.float32(1000) + 7)
    first, second = (row_errors(task_of(data), data, "test") for data in (one, other))
    np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-5)


def test_principal_components_leave_what_the_singular_vectors_leave():
    data = data_of(values())
    rival = PrincipalComponents.of(data, 3, 5)
    windows = data.pick_batch("train", 4096).x.flatten(1).double().numpy()
    center = windows.mean(0)
    vectors = np.linalg.svd(windows - center, full_matrices=False)[2][:5]
    batch = data.pick_batch("test", 6)
    off = batch.x.flatten(1).double().numpy() - center
    expected = (off - off @ vectors.T @ vectors) ** 2
    found, counts = rival.squares(batch)
    np.testing.assert_allclose(found.flatten(1), expected, rtol=1e-3, atol=1e-5)
    assert counts is None
    merged = merged_errors(rival.squares, data, "test")
    assert np.isfinite(merged[250:]).all()


# ------------------------------------------------------------------ from errors to events
def test_a_fault_is_one_event_with_its_onset_end_and_channel():
    data = data_of(values())
    found = judge(*made_errors(data), data, DETECTOR, look_back=BACK)
    event = found.events.iloc[int(found.events["severity"].argmax())]
    first, last = (data.prepared.table.times[row] / 1e9 for row in (ONSET, END - 1))
    assert abs(event["start"].timestamp() - first) <= 2
    assert abs(event["end"].timestamp() - last) <= 2
    assert event["channels"].startswith("u ")
    assert event["share_u"] > 0.8
    assert event["labelled"] > 0.9
    assert event["duration_s"] == (event["end"] - event["start"]).total_seconds() + 1
    assert found.measures["detected"] == 1
    assert found.measures["events"] == len(found.events)


def test_what_tests_and_its_labels_never_move_the_threshold():
    data, other = data_of(values()), data_of(values(), labels=(260, 280))
    val, test = made_errors(data)
    one = judge(val, test, data, DETECTOR, look_back=BACK)
    two = judge(val, test[::-1].copy() * 50, data, DETECTOR, look_back=BACK)
    three = judge(val, test, other, DETECTOR, look_back=BACK)
    assert one.fitted.to_dict() == two.fitted.to_dict() == three.fitted.to_dict()
    np.testing.assert_array_equal(one.scores, three.scores)
    np.testing.assert_array_equal(one.alarms, three.alarms)
    assert one.measures["detected"] > three.measures["detected"]


def test_events_move_with_the_clock():
    start = np.datetime64("2024-01-01T00:00:00", "ns")
    clocks = [start + np.timedelta64(shift, "s") + np.arange(ROWS) * np.timedelta64(1, "s") for shift in (0, 86_400)]
    modules = [data_of(values(), times=times) for times in clocks]
    one, two = (judge(*made_errors(data), data, DETECTOR, look_back=BACK).events for data in modules)
    for name in ("start", "end", "peak"):
        assert (two[name] - one[name] == pd.Timedelta(days=1)).all()
    same = [name for name in one.columns if name not in ("start", "end", "peak")]
    pd.testing.assert_frame_equal(one[same], two[same])


def test_the_order_of_channels_does_not_matter():
    one, two = data_of(values()), data_of(values()[:, ::-1].copy(), channels=("w", "v", "u"))
    errors = made_errors(one)
    first = judge(*errors, one, DETECTOR, look_back=BACK)
    second = judge(*(part[:, ::-1].copy() for part in errors), two, DETECTOR, look_back=BACK)
    np.testing.assert_allclose(first.scores, second.scores, rtol=1e-9)
    names = ["share_u", "share_v", "share_w", "channels", "start", "severity"]
    pd.testing.assert_frame_equal(first.events[names], second.events[names])


def test_without_labels_nothing_is_measured_by_them():
    data = data_of(values())
    data.prepared  # noqa: B018 - the labels are read now
    data._labels = None
    found = judge(*made_errors(data), data, DETECTOR, look_back=BACK)
    assert set(found.measures) == {"events", "threshold", "alarmed_share"}
    assert "labelled" not in found.events


def test_a_fitted_detector_survives_its_way_to_a_file():
    data = data_of(values())
    val, test = made_errors(data)
    fitted = judge(val, test, data, DETECTOR, look_back=BACK).fitted
    again = FittedDetector.from_dict(fitted.to_dict())
    np.testing.assert_array_equal(fitted.scores(test), again.scores(test))


def test_the_ten_most_severe_events_are_told_in_lines_that_fit_the_screen():
    when = pd.Timestamp("2024-05-01") + pd.to_timedelta(np.arange(13) * 61.5, unit="s")
    channels = "a long name of a channel 40 %, another long name 30 %, a third 20 %"
    events = pd.DataFrame({
        "series": "one", "start": when, "end": when + pd.Timedelta(seconds=1), "severity": np.arange(13.0) + 2,
        "confidence": 0.995, "channels": channels,
    })  # fmt: skip
    lines = events_text(events, "events.csv").splitlines()
    assert len(lines) == 2 + 10 + 1 and max(len(line) for line in lines) <= 120
    assert lines[0] == "13 events, the most severe first; table of events: events.csv"
    assert lines[2].startswith("2024-05-01 00:12:18      2024-05-01 00:12:19 ") and "99.5%" in lines[2]
    assert lines[3].startswith("2024-05-01 00:11:16.500")
    assert lines[-1] == "and 3 more"
    seconds = events_text(events.assign(start=1.5, end=2.5)[:1], "events.csv").splitlines()
    assert seconds[2].startswith("1.5 s ") and len(seconds) == 3
    assert events_text(events[:0], "events.csv") == "0 events found; table of events: events.csv"


def test_the_text_names_what_makes_most_of_an_event():
    assert shares_text(np.array([0.1, 0.6, 0.3]), ["a", "b", "c"]) == "b 60 %, c 30 %"
    assert shares_text(np.array([1.0, 0.0]), ["a", "b"]) == "a 100 %"


# ------------------------------------------------------------------ what is learned
SPEC = Spec(("u", "v", "u observed", "v observed"), (6,), (4, 6, 1), masks=2, kind="reconstruct")
NET = partial(ConvAutoencoder, width=4, depth=1, bottleneck=3)


def test_masks_and_missing_values_do_not_count():
    task = Reconstruct(spec=SPEC, net=NET).eval()
    x = torch.randn(5, 4, 6)
    seen = torch.rand(5, 4, 6) > 0.3
    step = task.step(Batch(x, torch.empty(5, 0), x_observed=seen, start=torch.arange(5)))
    point = step.prediction[..., 0]
    torch.testing.assert_close(step.loss, (point - x)[:, :2][seen[:, :2]].square().mean())
    other = torch.where(seen, x, 99.0)
    again = task.judge(step.prediction, Batch(other, torch.empty(5, 0), x_observed=seen, start=torch.arange(5)))
    torch.testing.assert_close(step.loss, again.loss)
    said = task.predict_step(Batch(x, torch.empty(5, 0), x_observed=seen, start=torch.arange(5)), 0)
    assert torch.equal(said.truth[:, :2].isnan(), ~seen[:, :2])
    assert said.truth[:, 2:].isnan().all()


def test_what_lies_behind_the_end_of_a_trace_does_not_count():
    task = Reconstruct(spec=Spec(("u", "valid"), (6,), (2, 6, 1), padded=True, kind="reconstruct"), net=NET).eval()
    x = torch.randn(4, 2, 6)
    x[:, 1] = (torch.arange(6) < torch.tensor([6, 4, 2, 5])[:, None]).float()
    step = task.step(Batch(x, torch.empty(4, 0), start=torch.arange(4)))
    inside = x[:, 1] > 0
    torch.testing.assert_close(step.loss, (step.prediction[:, 0, :, 0] - x[:, 0])[inside].square().mean())
    assert not task.squares(Batch(x, torch.empty(4, 0), start=torch.arange(4)))[1][:, 0][~inside].any()


@pytest.mark.parametrize("loss", [MSE(), MAE()])
def test_weights_are_those_of_a_weighted_mean_and_their_size_does_not_matter(loss):
    torch.manual_seed(0)
    tasks = [
        Reconstruct(spec=SPEC, net=NET, loss=loss, channel_weights={"u": u, "v": v})
        for u, v in ((1.0, 3.0), (2.0, 6.0))
    ]
    x, seen = torch.randn(5, 4, 6), torch.rand(5, 4, 6) > 0.3
    batch = Batch(x, torch.empty(5, 0), x_observed=seen, start=torch.arange(5))
    answer = torch.randn(5, 4, 6, 1)
    costs = loss.elementwise(answer, x)[:, :2]
    each = torch.tensor([1.0, 3.0])[:, None].expand(5, 2, 6)[seen[:, :2]]
    expected = (costs[seen[:, :2]] * each).sum() / each.sum()
    for task in tasks:
        torch.testing.assert_close(task.judge(answer, batch).loss, expected)
    torch.testing.assert_close(weighted_mean(costs, None, torch.ones(2, 1)), costs.mean())


@pytest.mark.parametrize(
    ("weights", "says"),
    [({"q": 1.0}, "no input"), ({"u": -1.0}, "negative"), ({"u": 0.0, "v": 0.0}, "nothing would be learned")],
)
def test_weights_that_make_no_sense_are_refused(weights, says):
    with pytest.raises(InputError, match=says):
        Reconstruct(spec=SPEC, net=NET, channel_weights=weights)


def test_what_features_cost_is_added_and_no_graph_hides_it():
    net = partial(VariationalAutoencoder, net=NET, beta=2.0)
    spec = replace(SPEC, masks=0)
    task = Reconstruct(spec=spec, net=net).eval()
    batch = Batch(torch.randn(5, 4, 6), torch.empty(5, 0), start=torch.arange(5))
    z = task.net.features(batch.x)
    plain = task.judge(task.net.head(z), batch).loss
    torch.testing.assert_close(task.step(batch).loss, plain + task.net.cost(z))
    assert task.net.cost(z) > 0
    with pytest.raises(InputError, match="graph"):
        Reconstruct(spec=spec, net=net, graph=True)
    assert isinstance(task.net, nn.Module)
    assert not Reconstruct(spec=spec, net=NET).costly


def test_a_row_where_nothing_validates_is_no_ground_for_a_threshold():
    data = data_of(values())
    empty = np.full((ROWS, 3), np.nan, np.float32)
    with pytest.raises(InputError, match="No normal row validates"):
        judge(empty, made_errors(data)[1], data, DETECTOR, look_back=BACK)


def test_a_role_without_a_window_is_refused():
    data = data_of(values())
    made = SimpleNamespace(**{name: getattr(data, name) for name in ("geometry", "eval_batch_size", "missing")})
    made.scoring_starts = lambda role, stride: torch.empty(0, dtype=torch.int64)
    with pytest.raises(InputError, match="There is no test window"):
        merged_errors(lambda batch: (batch.x, None), made, "test")
