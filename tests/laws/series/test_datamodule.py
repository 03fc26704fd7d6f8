"""The data module leaks nothing, reads once, and gives Lightning every window in the order of the epoch."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from dlkit.core.checks import InputError
from dlkit.data.folds import KFold
from dlkit.data.normalize import MinMax
from dlkit.data.splits import ROLES, ByFraction, ByRows, BySeries, Split
from tests.made_modules import module
from tests.made_tables import Parts, noise, stream


# ---------------------------------------------------------------------- no leaks
def test_scaling_knows_the_training_rows_only():
    values = noise(200, 3)
    other = values.copy()
    other[100:] = 1e3 * noise(100, 3, missing=0.5, seed=9)
    one, changed = module(values).prepared, module(other).prepared
    for key, value in one.scaling.state_dict().items():
        assert torch.equal(value, changed.scaling.state_dict()[key])
    np.testing.assert_array_equal(one.seasonal_error, changed.seasonal_error)
    order = [one.table.columns.index(name) for name in ("c0", "c1", "c2")]
    np.testing.assert_allclose(one.scaling.shift[order], values[:100].mean(0, dtype=np.float64), rtol=1e-5)


def test_static_scaling_knows_the_series_that_train_only():
    def of(last):
        parts = [stream(noise(30, 1), name=n, static={"k": k}) for n, k in zip("abc", (1.0, 3.0, last), strict=True)]
        return module(source=Parts(parts), split=BySeries(val=0.0, test=["c"])).prepared.static_scaling

    assert of(5.0).shift.tolist() == of(500.0).shift.tolist() == [2.0]
    assert of(float("nan")).scale.tolist() == [1.0]


def test_embargoed_rows_do_not_fit_the_normalizer():
    values = noise(200, 1)
    values[90:100] = 1e6
    assert module(values, embargo="10h").prepared.scaling.shift.abs().max() < 10


@dataclass(frozen=True)
class Wrong(Split):
    """A split that someone wrote in haste."""

    parts: dict

    def ranges(self, table):
        return {role: np.array(self.parts[role], np.int64).reshape(-1, 2) for role in ROLES}


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [({"train": [[0, 120]], "val": [[110, 150]], "test": [[150, 200]]}, "Leak: 10 rows"),
     ({"train": [[0, 50], [120, 160]], "val": [], "test": [[159, 200]]}, "Leak: 1 rows"),
     ({"train": [[0, 50]], "val": [], "test": [[50, 200]]}, "test window crosses a gap"),
     ({"train": [[0, 150]], "val": [], "test": [[150, 200]]}, "train window crosses a gap")],
)  # fmt: skip
def test_a_split_that_leaks_or_spans_a_gap_is_refused(parts, sentence):
    values = noise(200, 2)
    source = Parts([stream(values[:100]), stream(values[100:], first=150)])
    with pytest.raises(InputError, match=sentence):
        assert module(source=source, split=Wrong(parts)).prepared


def test_every_fold_passes_the_audit_and_tells_what_windows_cost():
    for fold in range(4):
        about = module(split=KFold(folds=4, fold=fold), embargo=3).describe()
        assert about["audit"]["shared rows"] == 0
        for part in about["split"].values():
            assert part["rows"] == part["windows"] + sum(part["windows lost"].values())
        assert json.loads(json.dumps(about)) == about | {"window": about["window"]}


# ---------------------------------------------------------------------- read once, change in place once
def test_the_source_is_read_once():
    data = module()
    for _ in range(2):
        data.setup()
        assert data.spec == data.spec
        list(data.train_dataloader())
        assert len(data.prepared.windows["test"]) > 0
    assert data.source.read == 1


def test_normalized_rows_cannot_be_mistaken_for_raw_ones():
    data = module()
    assert len(data.prepared.table.values) == 200
    batch = data.make_batch(torch.tensor([0]))
    assert len(data.prepared.table.values) == 0
    assert torch.equal(batch.x, data.make_batch(torch.tensor([0])).x)
    with pytest.raises(AssertionError, match="handed over"):
        list(data.prepared.table.chunks(data.prepared.table.segments))


def test_the_seasonal_error_is_that_of_the_plain_formula(monkeypatch):
    values = noise(200, 2, missing=0.1)
    expected = [np.nanmean(np.abs(values[24:100, k].astype(float) - values[:76, k])) for k in (0, 1)]
    monkeypatch.setattr("dlkit.data.table.tables.CHUNK", 30)
    ready = module(values, targets=["c0", "c1"]).prepared
    np.testing.assert_allclose(ready.seasonal_error, expected, rtol=1e-6)
    assert module(values, targets=["c0"], season=150).prepared.seasonal_error.tolist() != expected


def test_missing_values_are_zero_and_not_observed():
    values = noise(200, 2)
    values[150:, 0] = np.nan  # a target that is entirely missing in the test
    data = module(values)
    for batch in data.test_dataloader():
        assert not batch.y_observed.any()
        assert (batch.y == 0).all()
    batch = next(iter(data.val_dataloader()))
    assert batch.y_observed.all()
    assert data.describe()["missing in training rows"] == {}


# ---------------------------------------------------------------------- loaders under Lightning
class Watch(pl.LightningModule):
    """Learns nothing and remembers which windows came."""

    def __init__(self):
        super().__init__()
        self.seen, self.automatic_optimization = {"train": [], "val": [], "test": []}, False
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def training_step(self, batch, batch_idx):
        batches = [batch] if hasattr(batch, "x") else batch
        self.seen["train"] += [one.start.tolist() for one in batches]

    def validation_step(self, batch, batch_idx):
        self.seen["val"] += batch.start.tolist()

    def test_step(self, batch, batch_idx):
        self.seen["test"] += batch.start.tolist()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def run(data, epochs=2):
    net = Watch()
    trainer = pl.Trainer(
        max_epochs=epochs, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu",
        enable_model_summary=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(net, datamodule=data)
    trainer.test(net, datamodule=data, verbose=False)
    return net.seen


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("several", "placement"), [(1, "host"), (3, "host"), (1, "device"), (4, "disk")])
def test_lightning_gets_every_window_in_the_order_of_the_epoch(several, placement, tmp_path):
    fields = {"cache": str(tmp_path), "seed": 3}
    seen = run(module(batches_per_step=several, placement=placement, **fields))
    plain = module(**fields)
    expected = []
    for epoch in range(2):
        loader = plain.train_dataloader()
        loader.sampler.set_epoch(epoch)
        expected += [batch.start.tolist() for batch in loader]
    assert seen["train"] == expected
    windows = plain.prepared.windows
    assert seen["val"] == 2 * windows["val"].starts(torch.arange(len(windows["val"]))).tolist()
    assert seen["test"] == windows["test"].starts(torch.arange(len(windows["test"]))).tolist()


def test_no_validation_windows_make_no_validation():
    data = module(split=ByFraction(train=0.7, val=0.0, test=0.3))
    assert data.val_dataloader() == []


def test_no_test_windows_are_said():
    data = module(split=ByFraction(train=0.8, val=0.2, test=0.0))
    assert len(data.train_dataloader()) > 0
    with pytest.raises(InputError, match="There is no test window: give test more rows in `split`"):
        data.test_dataloader()


def test_what_was_chosen_for_a_run_is_kept_for_its_resumption():
    data, other = module(batches_per_step=5), module()
    other.load_state_dict(data.state_dict())
    assert other.batches_per_step == 5


# ---------------------------------------------------------------------- settings
def test_durations_and_seasons_are_counted_in_rows():
    data = module(look_back="1d", gap="3h", calendar=["day"])
    assert (data.geometry.look_back, data.geometry.gap, data.spec.season) == (24, 3, 24)
    assert module(season="12h").spec.season == 12


def test_a_target_named_twice_is_one_target():
    assert module(targets=["c0", "c0", "c?"]).spec.targets == ("c0", "c1", "c2")


def test_windows_stay_the_same_with_another_normalizer():
    one, other = module(), module(normalizer=MinMax())
    assert len(one.prepared.windows["train"]) == len(other.prepared.windows["train"])
    assert next(iter(other.train_dataloader())).x.min() >= 0


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"look_back": 500}, "No training window fits: a window is 502 rows long .*shorten `look_back`"),
        ({"look_back": "90min"}, "look_back='90min' is 1.5 samples of 3600 s"),
        ({"look_back": 0}, "look_back=0 is 0 samples; it must be at least 1"),
        ({"look_forward": "0h"}, "look_forward=0h is 0 samples"),
        ({"targets": ["d*"]}, r"targets: no channel is named 'd\*'"),
        ({"targets": ["c9"]}, "targets: no channel is named 'c9'; there is c0"),
        ({"split": ByRows(train=500, val=1, test=1)}, "ByRows needs 502 rows, series 'a' has 200"),
        ({"embargo": 150}, "No training window fits"),
        ({"embargo": "1 month"}, "embargo='1 month' is not a duration"),
    ],
)
def test_settings_that_do_not_fit_the_data_are_refused(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        assert module(**fields).prepared


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"targets": []}, r"targets=\[\] is empty: name at least one channel"),
        ({"inputs": []}, r"inputs=\[\] is empty"),
        ({"batch_size": 0}, "batch_size=0 must be positive"),
        ({"eval_batch_size": -1}, "eval_batch_size=-1 must be positive"),
        ({"batches_per_step": 0}, "batches_per_step=0 must be positive"),
        ({"stride": 0}, "stride=0"),
        ({"dilation": 0}, "dilation=0"),
    ],
)
def test_settings_that_make_no_sense_are_refused_at_once(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        module(**fields)


def test_a_channel_without_a_training_value_is_named():
    values = noise(200, 3)
    values[:120, 1] = np.nan
    with pytest.raises(InputError, match=r"The channels \['c1'\] have no value in the training rows"):
        assert module(values).prepared
