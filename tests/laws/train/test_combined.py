"""Laws of combined and reconstructing tasks: heads keep to their part, alone or together they judge the same."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch.optim import SGD, Adam

from dlkit.core.batch import Batch
from dlkit.core.checks import InputError
from dlkit.core.packing import packed_size
from dlkit.core.specs import Answer, Part, Spec
from dlkit.data.clock import Regular
from dlkit.data.heads import Head
from dlkit.data.inputs import EventInput, FrameInput, StreamInput
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.losses.balance import Fixed, GradNorm, Uncertainty
from dlkit.losses.classification import CrossEntropy, Focal
from dlkit.losses.likelihood import Gaussian
from dlkit.losses.pointwise import MAE, MSE
from dlkit.losses.quantile import Pinball
from dlkit.models.cnn import CNN
from dlkit.models.fusion import Fusion
from dlkit.models.fusion_joins import Concatenate, CrossAttention, Gated
from dlkit.models.mlp import MLP
from dlkit.tasks.base import DivergedError
from dlkit.tasks.classify import Classify
from dlkit.tasks.combined import Combined
from dlkit.tasks.combined_heads import of_head
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.reconstruct import Reconstruct, measured_inputs
from dlkit.tasks.regress import Regress
from dlkit.train.landscape.data import Wish, fixed_batches, weighed
from tests.made_multimodal import filmed, logged, sampled
from tests.made_sources import HEADS, PARTS, inputs, spec_of, spec_of_heads
from tests.made_tables import Parts

AGAIN = Answer("again", (packed_size(PARTS),), "reconstruct")
SPEC = spec_of_heads((*HEADS, AGAIN))
BRANCHES = {"magnets": partial(MLP, hidden_size=8, dropout=0.0), "camera": partial(CNN, width=4, layers=2, dropout=0.0)}
NET = partial(Fusion, branches=BRANCHES, width=8)
QUIET: dict[str, Any] = {
    "logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False,
    "num_sanity_val_steps": 0, "accelerator": "cpu",
}  # fmt: skip


def batch_of(seed: int = 0, size: int = 6) -> Batch:
    random = torch.Generator().manual_seed(seed)
    x = inputs(seed=seed, batch=size, present=torch.tensor([[1, 1], [1, 0]] * (size // 2)))
    y = {
        "fault": torch.randint(0, 2, (size,), generator=random),
        "field": torch.randn(size, 1, generator=random),
        "ahead": torch.randn(size, 3, 2, generator=random),
        "again": x.clone(),
    }
    known = {name: torch.rand(one.shape, generator=random) > 0.2 for name, one in y.items()}
    return Batch(x, y, None, known, start=torch.arange(size))


def make_task(**options: Any) -> Combined:
    pl.seed_everything(0)
    return Combined(**({"spec": SPEC, "net": NET} | options))


# ------------------------------------------------------------------ the parts of one answer
def test_the_answer_holds_what_each_loss_needs_and_nothing_else() -> None:
    task = make_task(losses={"ahead": Pinball(), "field": Gaussian()})
    assert task.spec.output == (2 + 1 * 2 + 3 * 2 * 3 + packed_size(PARTS),)
    assert task.net(batch_of().x).shape == (6, *task.spec.output)
    assert Spec.from_dict(task.spec.to_dict()) == task.spec
    assert Combined(spec=task.spec, net=NET, losses={"ahead": Pinball(), "field": Gaussian()}).spec == task.spec


@pytest.mark.parametrize("name", ["fault", "field", "ahead", "again"])
def test_a_heads_cost_pulls_at_its_part_of_the_answer_alone(name: str) -> None:
    task, batch = make_task(), batch_of()
    answer = task.net(batch.x).detach().requires_grad_()
    task.judge(answer, batch).prediction[name].loss.backward()
    sizes = {"fault": 2, "field": 1, "ahead": 6, "again": packed_size(PARTS)}
    first = sum(size for other, size in sizes.items() if list(sizes).index(other) < list(sizes).index(name))
    own = torch.zeros(answer.shape[1], dtype=torch.bool)
    own[first : first + sizes[name]] = True
    pull = answer.grad.abs().amax(0)
    assert (pull[~own] == 0).all()
    assert (pull[own] > 0).any() if name == "again" else (pull[own] > 0).all()


def test_heads_judge_together_as_they_judge_alone() -> None:
    losses = {"fault": Focal(), "field": MAE(), "ahead": Pinball(), "again": MSE()}
    weights = {"fault": 2.0, "field": 0.5, "ahead": 1.0, "again": 3.0}
    task, batch = make_task(losses=losses, balance=partial(Fixed, weights=weights)).eval(), batch_of()
    step, said = task.step(batch), task.predict_step(batch, 0)
    total = 0.0
    for name, cls in {"fault": Classify, "field": Regress, "ahead": Forecast, "again": Reconstruct}.items():
        alone = task.task(name)
        assert type(alone) is cls
        own = alone.step(of_head(batch, name))
        assert torch.equal(own.loss, step.prediction[name].loss)
        total += weights[name] * float(own.loss)
        for one, other in zip(alone.predict_step(of_head(batch, name), 0), said[name], strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
    assert float(step.loss) == pytest.approx(total, rel=1e-6)


def test_the_task_of_a_head_shares_all_weights_and_is_cut_into_features_and_head() -> None:
    task, x = make_task().eval(), batch_of().x
    alone = task.task("ahead")
    assert torch.equal(alone.net(x), alone.net.head(alone.net.features(x)))
    assert {id(p) for p in task.net.parameters()} == {id(p) for p in alone.parameters()}
    assert not any(name.startswith("heads.2.net.") for name in task.state_dict())
    assert alone.forecast(x).shape == (6, 3, 2)


def test_a_class_that_is_not_known_counts_neither_in_cost_nor_in_errors() -> None:
    task, batch = make_task().eval(), batch_of()
    known = batch.y_observed["fault"]
    assert 0 < known.sum() < 6
    other = batch._replace(y=batch.y | {"fault": batch.y["fault"].where(known, 1 - batch.y["fault"])})
    steps = [task.step(one) for one in (batch, other)]
    assert torch.equal(steps[0].loss, steps[1].loss)
    logits = task.net(batch.x)[:, :2][known]
    torch.testing.assert_close(steps[0].prediction["fault"].loss, CrossEntropy()(logits, batch.y["fault"][known]))
    task.begin(task.val_scores)
    task.measure(task.val_scores, steps[0], batch)
    assert float(task.val_scores.heads["fault"].matrix.sum()) == float(known.sum())
    assert (task.predict_step(batch, 0)["fault"].truth[~known] == -1).all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"losses": {"falt": Focal()}}, "names 'falt', which is no head; did you mean 'fault'"),
        ({"losses": {"fault": MSE()}}, "MSE is not for the head 'fault'.*dlkit.losses.classification"),
        ({"losses": {"field": Focal()}}, "Focal is not for the head 'field'.*dlkit.losses.pointwise"),
        ({"losses": {"field": Gaussian()}, "balance": Uncertainty}, "Uncertainty needs costs above 0, but Gaussian"),
        ({"losses": {"field": Gaussian()}, "balance": GradNorm}, "GradNorm needs costs above 0, but Gaussian"),
        ({"spec": spec_of()}, "Combined answers several questions.*kind 'class'.*classify.Classify"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        make_task(**options)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("cls", [Forecast, Regress, Classify, Reconstruct])
def test_a_task_for_one_question_refuses_several_by_naming_combined(cls: Any) -> None:
    with pytest.raises(InputError, match=f"{cls.__name__} .*kind 'several'.*dlkit.tasks.combined.Combined"):
        cls(spec=SPEC, net=NET)


@pytest.mark.parametrize("join", [Concatenate, Gated, partial(CrossAttention, heads=2)])
@pytest.mark.parametrize("balance", [Fixed, Uncertainty, GradNorm])
def test_a_step_never_waits_for_the_device(balance: Any, join: Any) -> None:
    """On the meta device there are no values, so asking for one is an error."""
    task, batch = make_task(balance=balance, net=partial(NET, join=join)).to("meta"), batch_of()
    y, known = ({name: part.to("meta") for name, part in parts.items()} for parts in (batch.y, batch.y_observed))
    step = task.step(batch._replace(x=batch.x.to("meta"), y=y, y_observed=known))
    step.loss.backward()
    task._sums = task._sums.to("meta")
    task._loss_sum = task._loss_sum.to("meta")
    task._watch(step, batch)
    with pytest.raises(RuntimeError, match="meta"):
        float(step.loss)


# ------------------------------------------------------------------ reconstruction
def test_only_what_was_measured_is_reconstructed() -> None:
    parts = (Part("a", ("u", "u observed"), (3,), (-2.0, -1.0, 0.0), helpers=1), PARTS[1])
    spec = spec_of(parts, kind="reconstruct", classes=(), output=(packed_size(parts),))
    measured = measured_inputs(spec)
    assert measured[:6].tolist() == [True] * 3 + [False] * 3
    assert not measured[-2:].any() and measured[6:-2].all()
    task = Reconstruct(
        spec=spec,
        net=partial(Fusion, branches=dict.fromkeys(("series", "frames"), partial(MLP, hidden_size=4)), width=4),
    ).eval()
    x = inputs(parts)
    batch = Batch(x, x.clone(), start=torch.arange(6))
    answer = task.net(x)
    assert answer.shape == (6, packed_size(parts), 1)
    expected = (answer[..., 0] - x)[:, measured].square().mean()
    torch.testing.assert_close(task.judge(answer, batch).loss, expected)
    task.scaling.shift[0], task.scaling.scale[0] = 5.0, 2.0
    said = task.answered(answer, batch)
    torch.testing.assert_close(said.point[:, :3], answer[:, :3, 0] * 2 + 5)
    assert torch.equal(said.point[:, ~measured], x[:, ~measured])
    assert said.truth[:, ~measured].isnan().all()


def test_a_plain_input_is_reconstructed_in_its_shape() -> None:
    spec = Spec(("u", "v", "valid"), (7,), (3, 7), kind="reconstruct", padded=True)
    task = Reconstruct(spec=spec, net=partial(CNN, width=4, layers=2, dropout=0.0), loss=Pinball()).eval()
    x = torch.randn(4, 3, 7)
    x[:, 2] = 1
    batch = Batch(x, x.clone(), start=torch.arange(4))
    step = task.step(batch)
    assert step.prediction.shape == (4, 3, 7, 3)
    torch.testing.assert_close(step.loss, Pinball()(step.prediction[:, :2], x[:, :2]))
    task.scaling.shift[:] = 3.0
    said = task.predict_step(batch, 0)
    torch.testing.assert_close(said.truth[:, :2], x[:, :2] + 3)
    assert torch.equal(said.point[:, 2], x[:, 2])
    task.begin(task.val_scores)
    task.measure(task.val_scores, step, batch)
    assert {"mse", "mae", "coverage"} <= set(task.val_scores.overall())


# ------------------------------------------------------------------ training on windows of several sources
ASKED = {
    "ahead": Head(kind="forecast", channels=["slow.c1", "fast.c0"], look_forward=2),
    "now": Head(kind="values", channels=["fast.c1"]),
    "state": Head(kind="class", events="state"),
    "again": Head(kind="reconstruct"),
}
FUSED = partial(
    Fusion,
    branches={
        "fast": partial(MLP, hidden_size=8, dropout=0.0),
        "slow": partial(MLP, hidden_size=8, dropout=0.0),
        "cam": partial(CNN, width=4, layers=2, kernel_size=3, dropout=0.0),
    },
    width=8,
)


def windows(scale: float = 1.0, shift: float = 0.0, heads: Any = ASKED, **fields: Any) -> MultimodalDataModule:
    fast = sampled(50, 2, seconds=6, seed=1)
    streams = [replace(one, values=(one.values * scale + shift).astype(np.float32)) for one in fast.streams]
    sources = {
        "fast": StreamInput(source=Parts(streams), look_back=6, mask=True),
        "slow": StreamInput(source=sampled(9, 2, seconds=6, seed=2), look_back=4, every=2, age=True),
        "cam": FrameInput(source=filmed(10, seconds=6, shape=(1, 6, 6)), look_back=2, age=True),
        "state": EventInput(source=logged(seconds=6)),
    }
    settings = {"clock": Regular(step="40ms"), "batch_size": 16, "targets": heads, "placement": "host"}
    return MultimodalDataModule(sources=sources, **(settings | fields))


def trained(data: MultimodalDataModule, epochs: int = 2, **options: Any) -> tuple[Combined, pl.Trainer]:
    pl.seed_everything(0)
    task = Combined(**({"spec": data.spec, "net": FUSED, "optimizer": partial(Adam, lr=0.01)} | options))
    trainer = pl.Trainer(max_epochs=epochs, **QUIET)
    trainer.fit(task, datamodule=data)
    return task, trainer


def weights(task: Combined) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in task.net.parameters()])


BALANCES = [Fixed, Uncertainty, GradNorm]


@pytest.mark.parametrize("balance", BALANCES)
def test_units_do_not_matter(balance: Any) -> None:
    """Powers of two change no digit of a float, so training is the same to the bit."""
    one, other = (trained(windows(scale), balance=balance)[0] for scale in (1.0, 1024.0))
    torch.testing.assert_close(weights(other), weights(one), rtol=0, atol=0)
    torch.testing.assert_close(other.balance.weights(), one.balance.weights(), rtol=0, atol=0)
    shifted = trained(windows(1000.0, 300.0), balance=balance)[0]
    torch.testing.assert_close(weights(shifted), weights(one), rtol=1e-2, atol=2e-3)


@pytest.mark.parametrize("balance", BALANCES)
def test_batches_per_step_change_nothing(balance: Any) -> None:
    one, other = (trained(windows(batches_per_step=several), balance=balance)[0] for several in (1, 3))
    torch.testing.assert_close(weights(other), weights(one), rtol=0, atol=0)
    torch.testing.assert_close(other.balance.weights(), one.balance.weights(), rtol=0, atol=0)
    assert torch.equal(one.balance.weights(), torch.ones(4)) == (balance is Fixed)


@pytest.mark.parametrize("balance", BALANCES)
def test_what_is_logged_was_said_before_and_each_cost_is_there(balance: Any) -> None:
    data = windows()
    task, trainer = trained(data, epochs=1, balance=balance)
    logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
    assert set(logged) - {"step", "val/step", "train/loss_step"} == task.logged()
    assert {f"{stage}/{name}/loss" for stage in ("train", "val") for name in ASKED} <= set(logged)
    assert logged["val/loss"] == pytest.approx(sum(logged[f"val/{name}/loss"] for name in ASKED), rel=1e-4)
    found = {f"weight/{name}": float(weight) for name, weight in zip(ASKED, task.balance.weights(), strict=True)}
    assert {name: logged[name] for name in found} == pytest.approx(found)


@pytest.mark.parametrize("balance", BALANCES)
def test_a_checkpoint_brings_everything_back(balance: Any, tmp_path: Any) -> None:
    data = windows()
    task, trainer = trained(data, balance=balance, losses={"ahead": Pinball()})
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    pl.seed_everything(1)
    other = Combined(spec=Spec.from_dict(saved["spec"]), net=FUSED, balance=balance, losses={"ahead": Pinball()})
    other.on_load_checkpoint(saved)
    other.load_state_dict(saved["state_dict"])
    batch = data.make_batch(data.places("test").starts(torch.arange(5)))
    before, after = (one.eval().predict_step(batch, 0) for one in (task, other))
    for name in ASKED:
        for one, two in zip(before[name], after[name], strict=True):
            torch.testing.assert_close(one, two, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(other.balance.weights(), task.balance.weights(), rtol=0, atol=0)


def test_a_lost_loss_names_the_source_and_the_channel() -> None:
    with pytest.raises(DivergedError, match=r"windows that start at rows .*channel '(fast|slow|cam)\.\w+"):
        trained(windows(), optimizer=partial(SGD, lr=1e30))


def test_training_lowers_the_cost_of_every_head() -> None:
    data = windows()
    losses = []
    for epochs in (1, 12):
        _, trainer = trained(data, epochs=epochs, balance=Uncertainty, net=partial(FUSED, join=CrossAttention))
        losses.append([float(trainer.callback_metrics[f"train/{name}/loss"]) for name in ASKED])
    assert (np.array(losses[1]) < np.array(losses[0])).all()


@pytest.mark.parametrize("name", ["ahead", "now", "state", "again"])
def test_one_question_alone_trains_on_packed_inputs_and_speaks_in_physical_units(name: str) -> None:
    data = windows(heads=ASKED[name])
    kinds = {"ahead": Forecast, "now": Regress, "state": Classify, "again": Reconstruct}
    pl.seed_everything(0)
    task = kinds[name](spec=data.spec, net=FUSED)
    pl.Trainer(max_epochs=1, **QUIET).fit(task, datamodule=data)
    batch = data.make_batch(data.places("test").starts(torch.arange(4)))
    said = task.eval().predict_step(batch, 0)
    raw = task.scaling.inverse(batch.x, dim=1)
    if batch.x_observed is not None:
        raw = raw.where(batch.x_observed, torch.nan)
    whole = torch.cat([raw[:, :-3], batch.x[:, -3:]], 1)
    torch.testing.assert_close(task.normalized(whole), batch.x, rtol=1e-4, atol=1e-4)
    answers = {"ahead": "forecast", "now": "values", "state": "probabilities"}
    if name in answers:
        torch.testing.assert_close(getattr(task, answers[name])(whole), said[1], rtol=1e-4, atol=1e-4)
    if name == "ahead":
        for place, column in enumerate(task.spec.targets):
            torch.testing.assert_close(said.truth[..., place], data.prepared.known[column].inverse(batch.y[..., place]))


def test_a_loss_surface_is_drawn_over_what_each_head_knows() -> None:
    data = windows(eval_batch_size=4)
    data.setup("fit")
    task, trainer = trained(data, 1)
    batches = fixed_batches(data, Wish(samples=1000, split="val"), torch.device("cpu"))
    assert len(batches) > 1
    assert len({one.y[name].data_ptr() for one in batches for name in ASKED}) == len(batches) * len(ASKED)
    ready = weighed(task.eval(), batches)
    (watched,) = trainer.validate(task, datamodule=data, verbose=False)
    with torch.no_grad():
        found = torch.stack([ready.cost(batch) for batch in batches]).mean()
    assert float(found) == pytest.approx(watched["val/loss"], rel=1e-5)
