"""Whole runs on a GPU: they train, test, predict and explain, and a CPU then answers the same."""

from pathlib import Path

import pytest
import torch

from dlkit.__main__ import main
from dlkit.train import stages

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
CONFIGS = Path(__file__).parents[2] / "configs"
EXPERIMENTS = CONFIGS / "experiment"
ON = ["--trainer.accelerator", "gpu"]
QUIET = ["--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false"]
DIGITS, WEATHER = str(EXPERIMENTS / "digits_classify.yaml"), str(EXPERIMENTS / "weather_forecast.yaml")


@pytest.fixture(autouse=True)
def full_precision(monkeypatch, tmp_path):
    """TensorFloat-32, which convolutions take by default, has three digits; Adam makes much of the order of sums."""
    monkeypatch.setattr("sys.argv", ["dlkit"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)


def written(name, folder):
    """Return a small experiment of each kind."""
    if name == "beamline":
        path = folder / "beamline.yaml"
        text = (EXPERIMENTS / "beamline_fusion.yaml").read_text()
        path.write_text(text.replace("duration: 1800", "duration: 60.0"))
        return [str(path), "--alone", "false"]
    return [{"forecast": WEATHER, "images": DIGITS, "traces": str(EXPERIMENTS / "cavity_faults.yaml")}[name]]


def some_answers(cli, device):
    places = cli.datamodule.places("test")
    batch = cli.datamodule.make_batch(places.starts(torch.arange(min(32, len(places)))))
    task = cli.model.to(device).eval()
    with torch.no_grad():
        found = task.predict_step(cli.datamodule.transfer_batch_to_device(batch, torch.device(device), 0), 0)
    return [part for one in (found.values() if isinstance(found, dict) else [found]) for part in one]


@pytest.mark.parametrize("name", ["forecast", "images", "traces", "beamline"])
def test_a_run_on_a_gpu_is_whole_and_a_cpu_then_answers_the_same(name, tmp_path):
    limits = ["--trainer.max_epochs", "1", "--trainer.precision", "bf16-mixed"]
    assert main(["run", *written(name, tmp_path), *ON, *QUIET, *limits, "--runs", str(tmp_path)]) == 0
    [run] = tmp_path.glob("*-001")
    assert (run / "predictions.parquet").stat().st_size > 0
    cli, _ = stages.load([str(run)])
    gpu, cpu = some_answers(cli, "cuda"), some_answers(cli, "cpu")
    for one, other in zip(gpu, cpu, strict=True):
        if one is not None:
            torch.testing.assert_close(one.cpu(), other, rtol=1e-3, atol=1e-3, equal_nan=True)


def test_explanations_and_surfaces_of_a_run_are_made_on_the_gpu(tmp_path):
    short = ["--trainer.max_epochs", "1", "--runs", str(tmp_path)]
    run = str(stages.fit([DIGITS, *ON, *QUIET, *short]).run_folder.path)
    methods = ["gradcam", "integrated_gradients", "deep_lift", "occlusion"]
    assert main(["explain", run, "--samples", "4", "--method", *methods]) == 0
    assert main(["landscape", run, "--points", "3", "--samples", "64", "--precision", "bf16"]) == 0


def last_weights(run):
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def test_a_resumed_run_ends_where_it_would_have_ended(tmp_path):
    """The network drops inputs by chance, which the GPU draws."""
    arguments = [WEATHER, *ON, *QUIET, "--model", str(CONFIGS / "model" / "mlp.yaml")]
    whole = stages.fit([*arguments, "--trainer.max_epochs", "3", "--runs", str(tmp_path / "whole")]).run_folder
    part = stages.fit([*arguments, "--trainer.max_epochs", "1", "--runs", str(tmp_path / "part")]).run_folder
    stages.fit(["--resume", str(part.path), "--trainer.max_epochs", "3"])
    for one, other in zip(last_weights(whole.path).values(), last_weights(part.path).values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_a_run_of_a_cpu_goes_on_on_a_gpu(tmp_path):
    short = ["--trainer.max_epochs", "1", "--runs", str(tmp_path)]
    run = stages.fit([DIGITS, "--trainer.accelerator", "cpu", *QUIET, *short]).run_folder
    cli = stages.fit(["--resume", str(run.path), *ON, "--trainer.max_epochs", "2"])
    assert cli.trainer.current_epoch == 2


def test_where_samples_lie_changes_nothing(tmp_path):
    found = []
    for place in ("device", "host"):
        where = ["--data.init_args.placement", place, "--data.init_args.batches_per_step", "2"]
        cli = stages.fit([DIGITS, *ON, *QUIET, *where, "--trainer.max_epochs", "1", "--runs", str(tmp_path / place)])
        found.append(last_weights(cli.run_folder.path))
    for one, other in zip(*(each.values() for each in found), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
