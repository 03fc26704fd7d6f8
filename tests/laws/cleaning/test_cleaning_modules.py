"""Laws of `clean:` in data modules of one table: nothing leaks, nothing is cleaned twice, everything is told."""

import json

import numpy as np
import pytest
import torch

from dlkit.core.checks import InputError
from dlkit.data.batches.batching import KNOWN_SPEC
from dlkit.data.cleaning.base import Clean
from dlkit.data.cleaning.cleaned import Cleaned, cleaned
from dlkit.data.cleaning.clip import Clip
from dlkit.data.cleaning.detrend import Detrend
from dlkit.data.cleaning.drop import DropChannels, DropRows
from dlkit.data.cleaning.filter import Filter
from dlkit.data.cleaning.interpolate import Interpolate
from dlkit.data.cleaning.learning import spans_of
from dlkit.data.cleaning.live import LiveSteps
from dlkit.data.cleaning.mask import Mask
from dlkit.data.cleaning.resample import Resample
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.data.splits import ByFraction, BySeries
from tests.made_cleaning import STEPS, name, rows, taught
from tests.made_modules import module
from tests.made_tables import HOUR, Parts, noise, stream, table

LEARNING: list[Clean] = [
    Mask(channels=["c1"], above=1e3),
    Clip(channels=["c0", "c1"], quantiles=[0.05, 0.95]),
    Detrend(channels=["c0", "c2"]),
]


def learnt(data):
    assert data.prepared
    return [step.learnt for step in data.clean]


@pytest.mark.parametrize("placement", ["host", "disk"])
def test_what_steps_learn_ignores_validation_and_test_rows(placement, tmp_path):
    values = noise(200, 3, missing=0.1)
    other = values.copy()
    other[100:] = noise(100, 3, seed=9) * 50 + 7
    found = [
        learnt(module(some, clean=LEARNING, placement=placement, cache=f"{tmp_path}/{number}"))
        for number, some in enumerate((values, other))
    ]
    assert found[0] == found[1]
    assert found[0] != learnt(module(other[::-1].copy(), clean=LEARNING))


def test_series_that_do_not_train_teach_nothing():
    series = [stream(noise(40, 3, seed=seed), name=f"s{seed}") for seed in range(4)]
    other = [*series[:3], stream(noise(40, 3, seed=8) * 99, name="s3")]
    split = BySeries(val=["s2"], test=["s3"])
    one, two = (learnt(module(source=Parts(some), clean=LEARNING, split=split)) for some in (series, other))
    assert one == two
    assert one != learnt(module(source=Parts(series), clean=LEARNING, split=BySeries(val=["s1"], test=["s2"])))


def test_bounds_are_the_quantiles_of_the_training_rows():
    values = noise(200, 3)
    [step] = learnt(module(values, clean=[Clip(channels=["c1"], quantiles=[0.05, 0.95])]))
    wanted = np.quantile(values[:100, 1].astype(np.float64), [0.05, 0.95])
    np.testing.assert_allclose([step["lower"]["c1"], step["upper"]["c1"]], wanted)


def test_a_line_is_that_of_least_squares():
    values, hours = noise(200, 2, missing=0.2), np.arange(200)
    values[:, 1] += 0.3 * hours
    data = module(values, clean=[Detrend(channels=["c1"])], targets=["c0"])
    known = ~np.isnan(values[:100, 1])
    slope, level = np.polyfit(hours[:100][known], values[:100, 1][known].astype(np.float64), 1)
    new = data.prepared.table.values[:, data.prepared.table.columns.index("c1")]
    np.testing.assert_allclose(new, values[:, 1] - (level + slope * hours), rtol=1e-4, atol=1e-3)


def test_a_target_changes_only_where_it_is_named():
    values = noise(200, 3)
    raw, named, other = (
        module(values, clean=steps).prepared.table.values[:, 2]  # the target stands last
        for steps in ([], [Filter(channels=["c*"], cutoff="9h")], [Filter(channels=["c1", "c2"], cutoff="9h")])
    )
    np.testing.assert_array_equal(raw, other)
    assert (raw != named).mean() > 0.9


def test_without_steps_the_source_is_read_as_it_is():
    source = Parts([stream(noise(200, 3))])
    assert cleaned(source, []) is source
    data = module(source=source)
    assert data.prepared
    assert source.read == 1
    assert "clean" not in data.describe()


def test_the_table_on_disk_is_that_in_memory_and_is_made_once_for_each_list_of_steps(tmp_path):
    values = noise(200, 3, missing=0.1)
    steps = [*LEARNING, Interpolate(channels=["*"], limit="3h"), DropRows(during=[[40 * 3600, 44 * 3600]])]
    source = Parts([stream(values)])
    host = module(source=source, clean=steps)
    disk = module(source=source, clean=steps, placement="disk", cache=str(tmp_path))
    for one, other in zip(host.test_dataloader(), disk.test_dataloader(), strict=True):
        torch.testing.assert_close(one.x, other.x, rtol=1e-5, atol=1e-5)
    tables = len(list(tmp_path.glob("*/layout.json")))
    reads = source.read
    again = module(source=source, clean=steps, placement="disk", cache=str(tmp_path))
    assert again.describe()["clean"] == disk.describe()["clean"]
    assert source.read == reads, "what was learnt and made lies on disk"
    assert len(list(tmp_path.glob("*/layout.json"))) == tables
    assert module(source=source, clean=steps[:1], placement="disk", cache=str(tmp_path)).prepared
    assert len(list(tmp_path.glob("*/layout.json"))) == tables + 1


def test_new_data_are_cleaned_with_what_was_learnt_also_by_one_who_never_saw_the_training_data():
    data = module(noise(200, 3), clean=LEARNING)
    record = json.loads(json.dumps(data.describe()))
    new = Parts([stream(noise(50, 3, seed=3) * 9, first=500)])
    known = data.prepared
    one = data.for_new_data(new, known.scaling)
    fresh = module(source=Parts([]), clean=LEARNING)
    fresh.recall(record)
    token = KNOWN_SPEC.set(data.spec)
    other = fresh.for_new_data(new, known.scaling, spec=data.spec, static_scaling=known.static_scaling)
    KNOWN_SPEC.reset(token)
    np.testing.assert_array_equal(one.prepared.table.values, other.prepared.table.values)
    bounds = data.clean[1].learnt
    manual = np.clip(new.streams[0].values[:, 1], bounds["lower"]["c1"], bounds["upper"]["c1"])
    column = one.prepared.table.columns.index("c1")
    inside = new.streams[0].values[:, 1] <= 1e3
    np.testing.assert_allclose(one.prepared.table.values[:50, column][inside], manual[inside], rtol=1e-6)
    assert data.prepared is known


def test_no_window_crosses_rows_that_were_dropped():
    data = module(noise(200, 3), clean=[DropRows(during=[[30 * 3600, 33 * 3600]])])
    times = data.prepared.table.times
    assert len(times) == 196
    for batch in data.train_dataloader():
        span = times[batch.start.numpy() + 5] - times[batch.start.numpy()]
        assert (span == 5 * HOUR).all()
    [step] = data.describe()["clean"]
    assert step["rows"] == {"before": 200, "after": 196}


def test_rows_at_another_rate_make_the_step_of_the_spec():
    data = module(noise(200, 3), clean=[Resample(step="2h")], look_forward="4h")
    assert data.spec.step == 7200
    assert data.prepared.table.step == 2 * HOUR


def test_a_step_that_names_nothing_or_what_was_dropped_is_refused():
    with pytest.raises(InputError, match=r"clean: Filter.channels: no channel is named 'c9'"):
        assert module(clean=[Filter(channels=["c9"], cutoff="9h")]).prepared
    with pytest.raises(InputError, match=r"clean: Filter.channels: no channel is named 'c1'"):
        assert module(clean=[DropChannels(channels=["c1"]), Filter(channels=["c1"], cutoff="9h")]).prepared


def test_a_channel_without_a_training_value_teaches_nothing():
    values = noise(200, 3)
    values[:100, 1] = np.nan
    with pytest.raises(InputError, match="cannot learn from the channels"):
        assert module(values, inputs=["c0"], clean=[Clip(channels=["c1"], quantiles=[0.1, 0.9])]).prepared


def test_a_source_alone_cannot_learn():
    with pytest.raises(InputError, match="only known to a data module"):
        list(Cleaned(Parts([stream(noise(9, 1))]), [Clip(channels=["*"], quantiles=[0.1, 0.9])]).chunks())


def test_training_spans_leave_out_stamps_that_are_shared_with_other_rows():
    made = table([[10]])
    made.times[5] = made.times[4]
    assert spans_of(made, np.array([[0, 5]]))["s0"].tolist() == [[0, 4 * HOUR - 1]]
    assert spans_of(made, np.array([[5, 8]]))["s0"].tolist() == [[4 * HOUR + 1, 7 * HOUR]]
    assert spans_of(made, np.array([[0, 3]]))["s0"].tolist() == [[0, 2 * HOUR]]


def labelled(values, **fields):
    return ReconstructionDataModule(
        source=Parts([stream(values)]), look_back=4, labels="c2", anomalies="drop", placement="host",
        split=ByFraction(train=0.5, val=0.25, test=0.25), batch_size=16, **fields,
    )  # fmt: skip


def test_labels_are_no_values_that_are_cleaned_but_go_with_their_rows():
    values = noise(200, 3)
    values[:, 2] = 0
    values[[60, 61, 150], 2] = 1
    values[60:62, 0] = 500
    steps = [
        Mask(above=400), Clip(channels=["*"], quantiles=[0.1, 0.9]), DropRows(during=[[10 * 3600, 19 * 3600]])
    ]  # fmt: skip
    data = labelled(values, clean=steps)
    np.testing.assert_array_equal(data.labels, np.delete(values[:, 2], slice(10, 20)) == 1)
    assert set(data.clean[1].learnt["lower"]) == {"c0", "c1"}


def test_rows_that_are_anomalous_teach_nothing():
    values = noise(200, 3)
    values[:, 2] = 0
    values[[60, 61], 2] = 1
    other = values.copy()
    other[60:62, :2] = 1e6
    steps = [Clip(channels=["*"], quantiles=[0.0, 1.0])]
    assert learnt(labelled(values, clean=steps)) == learnt(labelled(other, clean=steps))


@pytest.mark.parametrize("step", [one for one in STEPS if not (one.look_ahead or one.changes_rows)], ids=name)
def test_rows_that_come_in_are_cleaned_as_a_whole_file(step):
    values = rows()
    one = taught(step, [stream(values, channels=("a", "b", "c"), step=10**9)])
    live = LiveSteps([one], ("a", "b", "c"), step=10**9, name="x")
    times, found = np.arange(60) * 10**9, []
    for begin, end in ((0, 1), (1, 2), (2, 9), (9, 9), (9, 25), (25, 40), (40, 60)):
        found.append(live.push(times[begin:end], values[begin:end], follows=begin not in (0, 25)))
    parts = [stream(values[:25], channels=("a", "b", "c")), stream(values[25:], channels=("a", "b", "c"), first=25)]
    seconds = [type(part)(**vars(part) | {"times": part.times // 3600, "step": 10**9}) for part in parts]
    wanted = np.concatenate([part.values for part in Cleaned(Parts(seconds), [one]).chunks()])
    if not step.drops_channels:
        np.testing.assert_array_equal(np.concatenate(found), wanted)


def test_rows_that_come_in_cannot_look_ahead_or_become_other_rows():
    for step, said in (
        (Filter(channels=["a"], cutoff=0.1, look_ahead=True), "looks ahead"),
        (Resample(step="3s"), "makes other rows"),
        (DropRows(during=[[0, 1]]), "makes other rows"),
    ):
        with pytest.raises(InputError, match=said):
            LiveSteps([step], ("a",), step=10**9, name="x")
