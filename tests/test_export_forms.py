"""All kinds of answers leave the house, also as programs and in 8 bits; what would answer otherwise does not."""

from functools import partial

import numpy as np
import pytest
import torch

from dlkit.confidence.answers import Values
from dlkit.confidence.class_sets import RAPS
from dlkit.confidence.grouped import Mondrian
from dlkit.confidence.intervals import Split
from dlkit.core.checks import InputError
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.data.splits import ByFraction
from dlkit.export import agreement
from dlkit.export.calibrated import sets_of, widest
from dlkit.export.exporting import export, require_best
from dlkit.export.int8 import require_small, said_of
from dlkit.export.left_out import left_out
from dlkit.export.windows import physical_inputs
from dlkit.export.wish import Wish
from dlkit.models.autoencoder import ConvAutoencoder
from dlkit.models.cnn import CNN
from dlkit.models.linear import Linear
from dlkit.models.masked_autoencoder import MaskedAutoencoder
from dlkit.models.mlp import MLP
from dlkit.tasks.classify import Classify
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.members import Ensemble
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.tasks.regress import Regress
from dlkit.train.confidence.confidence import Confidence, HeadConfidence
from dlkit.train.confidence.wish import Wish as Calibration
from tests.made_exports import exported, ready, run_folder
from tests.made_modules import module
from tests.made_sample_modules import image_module, images
from tests.made_tables import Parts, noise, stream

SMALL = partial(MLP, hidden_size=8, layers=1)
KS = (1.0, 3.0, 8.0, 2.0)


def given(task, data, model, count=6):
    """Return inputs by name and what the run answers."""
    batch = data.pick_batch("train", count)
    with torch.no_grad():
        inputs, answer = physical_inputs(task, batch), task.predict_step(batch, 0)
    return {name: one.numpy() for name, one in zip(model.inputs, inputs, strict=True)}, answer


def compare(found, wanted):
    np.testing.assert_allclose(found, wanted.detach().numpy(), rtol=2e-4, atol=2e-5)


def test_values_of_images_and_labels_leave_as_programs(tmp_path):
    values = images(kind="values", labels=np.random.default_rng(0).normal(50, 9, (60, 2)).astype(np.float32),
                    classes=(), targets=("size", "mass"), target_units=("mm", "kg"))  # fmt: skip
    labels = images(kind="labels", labels=(np.arange(180).reshape(60, 3) % 2).astype(np.float32))
    for number, (samples, kind) in enumerate(((values, Regress), (labels, Classify))):
        data = image_module(samples)
        task = kind(spec=data.spec, net=SMALL)
        model, about = exported(tmp_path / str(number), task, data, form="torch")
        inputs, answer = given(task, data, model)
        name = "point" if kind is Regress else "probabilities"
        compare(model.predict(inputs)[name], getattr(answer, name))
        wanted = ["mm", "kg"] if kind is Regress else [""] * 3
        assert list(about["outputs"][0]["units"]) == wanted


def test_a_reconstruction_comes_back_in_physical_units(tmp_path):
    values = noise(200, 2, missing=0.1) * 5 + 300
    data = ReconstructionDataModule(source=Parts([stream(values)]), look_back=8, mask_channels=True, dilation=3,
                                    split=ByFraction(train=0.5, val=0.25, test=0.25), placement="host")  # fmt: skip
    task = Reconstruct(spec=data.spec, net=partial(ConvAutoencoder, width=4, depth=1, bottleneck=4))
    model, about = exported(tmp_path / "run", task, data, form="torch")
    inputs, answer = given(task, data, model)
    compare(model.predict(inputs)["point"], answer.point)
    assert np.isnan(inputs["x"]).any() and about["inputs"][0]["times"][0] == -21 * data.spec.step


@pytest.mark.parametrize("hidden", [0.75, 0.25])
def test_a_masked_autoencoder_leaves_for_any_number_of_windows(tmp_path, hidden):
    data = ReconstructionDataModule(source=Parts([stream(noise(200, 2))]), look_back=8, placement="host")
    task = Reconstruct(spec=data.spec, net=partial(MaskedAutoencoder, patch_size=2, width=8, heads=2, hidden=hidden))
    model, _ = exported(tmp_path / "run", task, data, form="torch")
    for count in (1, 3, 17):
        inputs, answer = given(task, data, model, count)
        compare(model.predict(inputs)["point"], answer.point)


def test_constants_of_a_series_go_in_in_their_own_units(tmp_path):
    parts = [stream(noise(60, 2), name=name, static={"k": k}) for name, k in zip("abcd", KS, strict=True)]
    data = module(source=Parts(parts), targets=["c0"])
    torch.manual_seed(0)
    task = Forecast(spec=data.spec, net=Linear)
    task.covariates.body[-1].weight.data.normal_()
    model, _ = exported(tmp_path / "run", task, data, form="torch")
    inputs, answer = given(task, data, model, 12)
    assert set(np.unique(inputs["static"].round(4))) <= set(KS)
    compare(model.predict(inputs)["point"], answer.point)


def test_an_ensemble_leaves_whole_with_what_its_members_disagree_about(tmp_path):
    data = image_module()
    tasks = [ready(Classify(spec=data.spec, net=SMALL), data) for _ in range(3)]
    tasks[0].members = Ensemble(tasks[0], tasks[1:])
    model, _ = exported(tmp_path / "run", tasks[0], data, form="torch")
    inputs, answer = given(tasks[0], data, model)
    found = model.predict(inputs)
    compare(found["probabilities"], answer.probabilities)
    compare(found["total"], answer.parts.total)
    np.testing.assert_allclose(found["total"], found["aleatoric"] + found["epistemic"], rtol=1e-4)


def test_what_8_bits_change_is_said_and_refused_beyond_the_limit(tmp_path):
    data = image_module()
    task = Classify(spec=data.spec, net=partial(CNN, width=16))
    model, about = exported(tmp_path / "run", task, data, int8=True, limit=1.0, windows=15)
    inputs, answer = given(task, data, model, 15)
    off = np.abs(model.predict(inputs)["probabilities"] - answer.probabilities.numpy()).max()
    assert 0 < off < 0.1  # other numbers, and not by much
    assert about["int8_largest"]["probabilities"] > about["int8"]["probabilities"] > 0
    decisions, probabilities = said_of(about["int8"], about["int8_largest"])
    assert decisions.startswith("8 bits, probabilities: changed decisions: 0") and decisions.endswith(" of all")
    assert f"(root mean square), at most {about['int8_largest']['probabilities']:.3g}" in probabilities
    assert set(about["int8"]) == {"probabilities: changed decisions", "probabilities"}
    with pytest.raises(InputError, match=r"--int8 changes 'probabilities.*more than --limit 1e-09"):
        require_small(about["int8"], 1e-9)


def test_a_file_that_answers_otherwise_is_not_written(tmp_path, monkeypatch):
    data = module()
    monkeypatch.setattr(agreement, "TOLERANCE", -1.0)
    with pytest.raises(InputError, match=r"differs by .* it was not written"):
        exported(tmp_path / "run", Forecast(spec=data.spec, net=Linear), data, form="torch")
    assert not (tmp_path / "run" / "export").exists() or not list((tmp_path / "run" / "export").iterdir())


class Peeks(Linear):
    """Looks at a value to decide."""

    def forward(self, x):
        return super().forward(x) if float(x.sum()) > 0 else -super().forward(x)


def test_a_network_that_decides_by_its_values_is_refused_in_one_sentence(tmp_path):
    data = module()
    with pytest.raises(InputError, match=r"Peeks cannot be exported.*keep to `dlkit predict`") as error:
        exported(tmp_path / "run", Forecast(spec=data.spec, net=Peeks), data, form="torch")
    assert "\n" not in str(error.value)


def test_a_best_checkpoint_that_is_damaged_is_not_replaced_by_another(tmp_path):
    run = run_folder(tmp_path / "run")
    torch.save({"state_dict": {}}, run.checkpoints / "last.ckpt")
    require_best([str(run.path)])
    (run.checkpoints / "best.ckpt").write_bytes(b"cut")
    with pytest.raises(InputError, match=r"best.ckpt.* damaged.* no other one is exported; copy it again"):
        export([str(run.path)], Wish())


def test_differences_are_measured_against_size_and_spread():
    wanted = np.array([[1000.0, 0.0], [1002.0, 1.0]])
    assert agreement.difference(wanted, wanted) == 0
    assert agreement.difference(wanted + np.array([0.1, 0]), wanted) == pytest.approx(1e-4, rel=0.01)
    assert agreement.difference(wanted + np.array([0, 0.05]), wanted) == pytest.approx(0.1)  # a spread of 0.5
    infinite = np.array([[np.inf], [-np.inf]])
    assert agreement.difference(infinite, infinite) == 0
    assert agreement.difference(np.array([True, False]), np.array([True, True])) == 0.5
    with pytest.raises(InputError, match="NaN where"):
        agreement.require_equal({"a": np.array([np.nan])}, {"a": np.array([1.0])}, of="graph")


def test_sets_without_chance_only_grow_and_bounds_without_a_group_hold_for_all():
    random = torch.Generator().manual_seed(0)
    p = torch.rand(400, 4, generator=random).softmax(1)
    truth = torch.multinomial(p, 1, generator=random)[:, 0]
    fitted = RAPS().fit(p, truth, 0.8)
    drawn, exported_sets = fitted.sets(p), sets_of(fitted, p)
    assert (exported_sets | ~drawn).all() and exported_sets.sum() > drawn.sum()
    answers = Values(torch.zeros(90, 2), None, None, torch.randn(90, 2, generator=random) * torch.arange(90)[:, None])
    by_group = Mondrian(method=Split()).fit(answers, 0.8, groups=np.arange(90) // 45)
    low, high = widest(by_group).bounds(answers.point)
    own_low, own_high = by_group.bounds(answers.point, groups=np.arange(90) // 45)
    assert (low <= own_low).all() and (high >= own_high).all() and (high[-1] == own_high[-1]).all()


def test_what_of_confidence_stays_at_home_is_said_of_each_head():
    answers = Values(torch.zeros(40, 1), None, None, torch.randn(40, 1))
    groups = Mondrian(method=Split()).fit(answers, 0.5, ["a", "b"] * 20)
    random = RAPS(randomized=True).fit(torch.full((60, 3), 1 / 3), torch.arange(60) % 3, 0.8)
    plain = RAPS(randomized=False).fit(torch.full((60, 3), 1 / 3), torch.arange(60) % 3, 0.8)
    quiet = HeadConfidence("values", intervals=Split().fit(answers, 0.5), sets=plain)
    loud = HeadConfidence("values", intervals=groups, sets=random, adaptive=True, normal=groups,
                          risk={"false_alarms_per_day": 1.0})  # fmt: skip
    said = left_out(Confidence(Calibration(), {"state": loud, "other": quiet}, distances=True))
    words = ("adaptive", "by group", "chance in sets", "p-values", "`risk`: false_alarms_per_day", "distances")
    assert len(said) == len(words) and all(word in one for word, one in zip(words, said, strict=True))
    assert all(one.startswith("state: ") for one in said[:-1])
    assert left_out(None) == left_out(Confidence(Calibration(), {"": quiet})) == []
