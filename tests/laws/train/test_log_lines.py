"""What a log says while a network trains."""

import re

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from dlkit.core.runfolder import RunFolder
from dlkit.train.callbacks import QuietBar, run_callbacks
from dlkit.train.checkpoints import best_or_newest, weights_text
from dlkit.train.log_lines import LogLines, progress_bar


class Line(pl.LightningModule):
    """A loss that its weight tells, written when an epoch ends, as tasks write theirs."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(1.0))
        self.seen, self.batches = [], 0

    def training_step(self, batch, _):
        self.batches += 1
        return self.weight * batch.mean()

    def validation_step(self, batch, _):
        self.log("val/loss", self.weight, prog_bar=True)

    def on_train_epoch_end(self):
        self.log("train/loss", self.weight**3, prog_bar=True)
        self.seen.append(self.weight.item())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def lines(capsys, bar, model=None, **settings):
    data, model = DataLoader(torch.ones(6), batch_size=2), model or Line()
    capsys.readouterr()
    pl.Trainer(
        accelerator="cpu", callbacks=[bar], logger=False, enable_checkpointing=False, enable_model_summary=False,
        num_sanity_val_steps=0, **settings,
    ).fit(model, data, data)  # fmt: skip
    return model.seen, [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")]


def test_each_line_tells_the_losses_of_its_own_epoch(capsys):
    seen, told = lines(capsys, LogLines(every=0.0), max_epochs=3)
    assert [line.partition(",")[0] for line in told] == [
        f"epoch {k + 1} of 3: train/loss {w**3:.4g}" for k, w in enumerate(seen)
    ]
    assert [re.search(r"val/loss ([\d.]+)", line)[1] for line in told] == [f"{w:.4g}" for w in seen]
    assert [" left" in line for line in told] == [True, True, False]


def test_short_epochs_share_a_line_and_long_ones_have_several(capsys):
    _, told = lines(capsys, LogLines(every=1e9), max_epochs=9)
    assert [line.partition(":")[0] for line in told] == ["epoch 1 of 9", "epoch 9 of 9"]
    _, told = lines(capsys, LogLines(every=1e9, within=0.0), max_epochs=1)
    assert [f"epoch 1 of 1: step {k} of 3" for k in (1, 2, 3)] == told[:3] and len(told) == 4


@pytest.mark.parametrize("end", [{"max_epochs": 4}, {"max_steps": 12, "max_epochs": -1}])
def test_the_rest_is_estimated_from_what_is_done_of_epochs_or_steps(end, capsys, monkeypatch):
    model = Line()
    monkeypatch.setattr("dlkit.train.log_lines.now", lambda: float(model.batches))  # a batch takes a second
    _, told = lines(capsys, LogLines(every=0.0), model, **end)
    assert [re.search(r"about (\d+) s left", line)[1] for line in told[:-1]] == ["9", "6", "3"]
    assert len(told) == 4 and " left" not in told[-1]


def test_only_one_process_writes_and_files_get_lines(capsys, monkeypatch):
    silent = LogLines(every=0.0, within=0.0)
    silent.disable()
    assert lines(capsys, silent, max_epochs=2)[1] == []
    for looks, kind in ((True, QuietBar), (False, LogLines)):
        monkeypatch.setattr("sys.stdout.isatty", lambda looks=looks: looks)
        assert type(progress_bar()) is kind


class Valley(Line):
    """Its validation loss is least in the second epoch."""

    def validation_step(self, batch, _):
        self.log("val/loss", torch.tensor((self.current_epoch - 1.0) ** 2 + 0.25))


@pytest.mark.parametrize(
    ("monitored", "told"),
    [(True, "epoch 2 of 4 (least val/loss 0.25)"), (False, "epoch 4 of 4")],
)
def test_after_training_the_weights_that_answer_are_named_not_the_last_ones(tmp_path, monitored, told):
    run, data = RunFolder(tmp_path), DataLoader(torch.ones(6), batch_size=2)
    best = run_callbacks(run, monitored=monitored, command="fit")[:1]
    trainer = pl.Trainer(
        accelerator="cpu", callbacks=best, logger=False, enable_model_summary=False, enable_progress_bar=False,
        num_sanity_val_steps=0, max_epochs=4,
    )  # fmt: skip
    trainer.fit(Valley(), data, data)
    assert weights_text(best_or_newest(run), trainer) == f"weights of {told} answer"
