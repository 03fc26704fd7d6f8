"""Laws of tasks: units do not matter, what was not measured does not count, grouping batches changes nothing."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch.optim import SGD, Adam, Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR

from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.normalize import LogStandard
from dlkit.data.sources.arrays import Arrays
from dlkit.losses.likelihood import Gaussian
from dlkit.losses.pointwise import MSE
from dlkit.losses.quantile import Pinball
from dlkit.models.linear import Linear
from dlkit.models.mlp import MLP
from dlkit.models.repeat_last import RepeatLast
from dlkit.tasks.base import DivergedError
from dlkit.tasks.denormals import flushes_denormals
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.pace import wants_every_batch

BACK, AHEAD = 12, 4


def waves(rows: int = 400, channels: int = 3, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    phase = np.arange(rows)[:, None] / np.array([7.0, 11.0, 24.0])[:channels]
    return (np.sin(2 * np.pi * phase) + 0.1 * random.normal(size=(rows, channels))).astype(np.float32)


def make_data(values: np.ndarray, **options: Any) -> TimeSeriesDataModule:
    names = [f"c{i}" for i in range(values.shape[1])]
    options = {"targets": names, "look_back": BACK, "look_forward": AHEAD, "season": 7, "batch_size": 16} | options
    return TimeSeriesDataModule(source=Arrays(values, channels=names, step="1h"), **options)


def make_task(data: TimeSeriesDataModule, **options: Any) -> Forecast:
    pl.seed_everything(0)
    return Forecast(**({"spec": data.spec, "net": partial(MLP, hidden_size=8, dropout=0.0)} | options))


def train(task: Forecast, data: TimeSeriesDataModule, *, epochs: int = 2, **options: Any) -> pl.Trainer:
    quiet: dict[str, Any] = {
        "logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False,
        "num_sanity_val_steps": 0, "accelerator": "cpu",
    }  # fmt: skip
    trainer = pl.Trainer(max_epochs=epochs, **(quiet | options))
    trainer.fit(task, datamodule=data)
    return trainer


def weights(task: Forecast) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in task.net.parameters()])


def halving(optimizer: Optimizer) -> StepLR:
    return StepLR(optimizer, 10, 0.5)


@pytest.mark.parametrize("schedule", [None, halving, partial(ReduceLROnPlateau, patience=0)])
@pytest.mark.parametrize("clip", [None, 0.1])
def test_batches_per_step_change_nothing(schedule: Any, clip: float | None) -> None:
    found = []
    for several in (1, 3, 100):
        data = make_data(waves(), batches_per_step=several)
        interval = "step" if schedule is halving else "epoch"
        task = make_task(data, optimizer=partial(Adam, lr=0.01), scheduler=schedule, scheduler_interval=interval)
        trainer = train(task, data, gradient_clip_val=clip)
        found.append((weights(task), trainer.global_step, trainer.optimizers[0].param_groups[0]["lr"]))
    for other in found[1:]:
        torch.testing.assert_close(other[0], found[0][0], rtol=0, atol=0)
        assert other[1:] == found[0][1:]


def test_max_steps_is_met_when_batches_are_grouped() -> None:
    data = make_data(waves(), batches_per_step=4)
    assert train(make_task(data), data, epochs=-1, max_steps=6).global_step == 6


def test_callbacks_that_need_every_batch_are_noticed() -> None:
    assert wants_every_batch(pl.callbacks.EMAWeightAveraging())
    assert wants_every_batch(pl.callbacks.ModelCheckpoint(every_n_train_steps=5))
    assert not wants_every_batch(pl.callbacks.ModelCheckpoint())
    assert not wants_every_batch(pl.callbacks.EarlyStopping("val/loss"))


def test_units_do_not_matter() -> None:
    scale, shift = np.array([1000.0, 0.01, 3.0], np.float32), np.array([5.0, -1.0, 0.0], np.float32)
    tasks, batches = [], []
    for values in (waves(), waves() * scale + shift):
        data = make_data(values)
        task = make_task(data)
        train(task, data)
        tasks.append(task)
        batches.append(torch.from_numpy(values[None, -BACK:].transpose(0, 2, 1)))
    torch.testing.assert_close(weights(tasks[1]), weights(tasks[0]), rtol=1e-2, atol=1e-3)
    one, other = (task.eval().forecast(x) for task, x in zip(tasks, batches, strict=True))
    torch.testing.assert_close(other, one * torch.from_numpy(scale) + torch.from_numpy(shift), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("loss", [MSE(), Pinball(), Gaussian()])
def test_physical_units_go_in_and_come_out(loss: Any) -> None:
    values = np.exp(waves()) * 100
    data = make_data(values, normalizer=LogStandard())
    task = make_task(data, loss=loss)
    train(task, data, epochs=1)
    batch = data.make_batch(data.prepared.windows["test"].starts(torch.arange(5)))
    prediction = task.eval().predict_step(batch, 0)
    start = int(prediction.start[0])
    torch.testing.assert_close(
        prediction.truth[0].numpy(), values[start + BACK : start + BACK + AHEAD], rtol=1e-4, atol=1e-3
    )
    raw = torch.from_numpy(values[start : start + BACK].T[None].copy())
    torch.testing.assert_close(task.forecast(raw)[0], prediction.point[0], rtol=1e-4, atol=1e-3)
    if loss.level is not None:
        assert (prediction.lower <= prediction.point).all() and (prediction.point <= prediction.upper).all()


def test_a_missing_target_moves_no_weight() -> None:
    found = []
    for filler in (0.0, 1e3):
        values = waves()
        values[50:60, 1] = np.nan
        data = make_data(values)
        task = make_task(data)
        batch = data.make_batch(torch.arange(40, 56))
        assert batch.y_observed is not None
        y = batch.y.where(batch.y_observed, torch.full((), filler))
        task.step(batch._replace(y=y)).loss.backward()
        found.append(torch.cat([p.grad.flatten() for p in task.net.parameters() if p.grad is not None]))
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)
    assert found[0].abs().sum() > 0


def test_a_checkpoint_brings_the_scaling_along() -> None:
    data = make_data(waves() * 50 + 7)
    task = make_task(data)
    train(task, data, epochs=1)
    other = make_task(data)
    other.load_state_dict(task.state_dict())
    x = torch.from_numpy((waves()[None, :BACK] * 50 + 7).transpose(0, 2, 1))
    torch.testing.assert_close(other.eval().forecast(x), task.eval().forecast(x), rtol=0, atol=0)


def test_known_future_and_constants_reach_the_forecast() -> None:
    data = make_data(waves(), calendar=["day"], future=["c2"], targets=["c0"])
    task = make_task(data, net=Linear)
    train(task, data)
    batch = data.make_batch(torch.arange(4))
    assert batch.future is not None and batch.future.shape == (4, 3, AHEAD)
    changed = batch._replace(future=batch.future + 1)
    assert not torch.equal(task.step(batch).prediction, task.step(changed).prediction)


def test_a_lost_loss_stops_and_says_where() -> None:
    values = waves()
    data = make_data(values)
    task = make_task(data, optimizer=partial(SGD, lr=1e30))
    with pytest.raises(DivergedError, match=r"step \d+ .*channel 'c\d'"):
        train(task, data, epochs=5)
    assert not flushes_denormals()


def test_denormals_are_rounded_while_training_only() -> None:
    seen = []
    data = make_data(waves())
    watch = pl.callbacks.LambdaCallback(on_train_epoch_start=lambda *_: seen.append(flushes_denormals()))
    train(make_task(data), data, epochs=1, callbacks=[watch])
    assert seen == [True]
    assert not flushes_denormals()


def test_repeating_the_last_value_scores_as_computed_by_hand() -> None:
    values = waves()
    data = make_data(values)
    task = Forecast(spec=data.spec, net=RepeatLast)
    task.take_scaling(data)
    pl.Trainer(logger=False, enable_progress_bar=False, accelerator="cpu").test(task, datamodule=data, verbose=False)
    rows = range(320 - BACK, 400 - BACK - AHEAD + 1)
    errors = [values[r + BACK : r + BACK + AHEAD].astype(float) - values[r + BACK - 1].astype(float) for r in rows]
    overall = task.test_scores.physical.compute()
    assert float(overall["mae"]) == pytest.approx(np.abs(errors).mean(), rel=1e-5)
    seasonal = np.abs(values[7:280].astype(float) - values[:273]).mean(0)
    assert float(overall["mase"]) == pytest.approx((np.abs(errors).mean((0, 1)) / seasonal).mean(), rel=1e-4)
