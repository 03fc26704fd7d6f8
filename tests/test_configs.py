"""Every YAML file works as it is: it trains, comes back from its run folder and then predicts the same."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image
from pytorch_lightning import Trainer
from pytorch_lightning.cli import LightningArgumentParser

from dlkit.core.checks import InputError
from dlkit.data.sources.files import Files
from dlkit.train import stages
from dlkit.train.check.asked import asked_for, made
from dlkit.train.cli import with_config
from tests.bad_inputs.corpus import write_job
from tests.shared_data import shared

CONFIGS = Path(__file__).parents[1] / "configs"
EXPERIMENTS = sorted((CONFIGS / "experiment").glob("*.yaml"))
NETWORKS = sorted((CONFIGS / "model").glob("*.yaml"))
WEATHER = CONFIGS / "experiment" / "weather_forecast.yaml"
DIGITS = CONFIGS / "experiment" / "digits_classify.yaml"
CAVITY = CONFIGS / "experiment" / "cavity_faults.yaml"
BEAMLINE = CONFIGS / "experiment" / "beamline_fusion.yaml"
RECONSTRUCTS = {"class_path": "dlkit.data.heads.Head", "init_args": {"kind": "reconstruct"}}
FOR_IMAGES = {"cifar_resnet", "imagenet_resnet", "pretrained", "resnet9", "torchvision"}
WITHOUT_MAPS = {"pretrained"}  # features without positions, which class activation maps in training would need
UNTRAINED = {"repeat_last", "seasonal_naive"}
QUICK = ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "4", "--trainer.limit_val_batches", "1",
         "--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false",
         "--trainer.accelerator", "cpu", "--data.init_args.batch_size", "8", "--data.init_args.eval_batch_size", "8"
         ]  # fmt: skip
TRAINERS = sorted(path for path in (CONFIGS / "trainer").glob("*.yaml") if path.stem in ("early_stopping", "quick"))


@pytest.fixture(autouse=True)
def no_arguments_of_pytest(monkeypatch):
    """Lightning warns when the command line of the process is another than the one it is given."""
    monkeypatch.setattr("sys.argv", ["dlkit"])


def by_stem(path):
    return path.stem


def files_of(experiment):
    """Yield the shared data that an experiment, or a part that it names, reads."""
    text = experiment.read_text()
    for part in re.findall(r"^data: (\S+\.yaml)$", text, re.MULTILINE):
        text += (experiment.parent / part).read_text()
    return re.findall(r"\$DLKIT_BENCH_DATA/(\S+)$", text, re.MULTILINE)


def bench(folder, names):
    """Return a folder with these of the shared data; of many images only every 250th."""
    for name in names:
        place, whole = folder / name, shared(name).resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        if name.startswith("images/"):
            pd.read_parquet(whole).iloc[::250].to_parquet(place)
        else:
            place.symlink_to(whole)
    return folder


def write_own_recordings(folder):
    """Write what my_data.yaml, the template for one's own files, would find."""
    values = np.random.default_rng(0).normal(size=(2_000, 2)).cumsum(0)
    stamps = pd.date_range("2024-01-01", periods=len(values), freq="10min", name="timestamp")
    (folder / "recordings").mkdir()
    pd.DataFrame(values, stamps, ["flow", "pressure"]).to_csv(folder / "recordings" / "a.csv")


def write_own_images(folder):
    """Write what my_images.yaml would find: 16-bit detector images of twelve shots, two classes, and a broken file."""
    random = np.random.default_rng(0)
    for shot in range(12):
        for kind, level in (("beam", 9_000), ("dark", 300)):
            place = folder / "detector_images" / kind
            place.mkdir(parents=True, exist_ok=True)
            image = random.poisson(level, (40, 48)).astype(np.uint16)
            Image.fromarray(image).save(place / f"shot{shot:03d}_a.tif")
    (folder / "detector_images" / "beam" / "shot000_b.tif").write_bytes(b"II*\0")


def write_own_manifest(folder):
    """Write what my_manifest.yaml would find: a table of spots with two values each, of twelve shots."""
    random = np.random.default_rng(0)
    (folder / "screens").mkdir()
    rows = []
    for number in range(36):
        energy, charge = random.uniform(40, 60), random.uniform(1, 9)
        spot = charge * 25 * np.exp(-((np.arange(32)[:, None] - 16) ** 2 + (np.arange(40) - energy + 30) ** 2) / 20)
        Image.fromarray(spot.astype(np.uint8)).save(folder / "screens" / f"{number}.png")
        rows.append((f"screens/{number}.png", energy, charge, number // 3))
    table = pd.DataFrame(rows, columns=["file", "energy", "charge", "shot"])
    table.to_csv(folder / "screen_images.csv", index=False)


def write_own_traces(folder):
    """Write what my_traces.yaml would find: traces of unequal length from twelve devices."""
    random = np.random.default_rng(0)
    faults = np.array(["arc", "none", "surge"])[np.arange(36) % 3]
    waveforms = random.normal(size=(36, 2, 100)).astype(np.float32)
    for waveform, length in zip(waveforms, random.integers(60, 101, 36), strict=True):
        waveform[:, length:] = np.nan
    np.savez(folder / "waveforms.npz", waveforms=waveforms, fault=faults, device=np.arange(36) // 3)


def write_own_sensors(folder):
    """Write what my_sensors.yaml would find: two recordings, frames with their time, and a list of events."""
    random, start = np.random.default_rng(0), 1_714_550_400_000
    for name, step, channels in (("pressures", 20, ["flow", "inlet"]), ("temperature", 1000, ["hall"])):
        stamps = start + np.sort(random.uniform(0, 120_000, 120_000 // step)).astype(np.int64)
        table = pd.DataFrame(random.normal(size=(len(stamps), len(channels))), columns=channels)
        table.insert(0, "time", pd.to_datetime(stamps, unit="ms"))
        table.to_csv(folder / f"{name}.csv", index=False)
    (folder / "frames").mkdir()
    for stamp in range(start, start + 120_000, 500):
        image = random.integers(0, 255, (40, 48), dtype=np.uint8)
        Image.fromarray(image).save(folder / "frames" / f"frame_{stamp}.png")
    begins = pd.to_datetime(start + np.arange(5_000, 118_000, 9_000), unit="ms")
    events = {"onset": begins, "offset": begins + pd.Timedelta("3s"), "label": ["arc", "surge"] * 6 + ["arc"]}
    pd.DataFrame(events).to_csv(folder / "events.csv", index=False)


def write_own_machine(folder):
    """Write what my_anomalies.yaml would find: two recordings at 1 Hz, one with a gap."""
    (folder / "machine").mkdir()
    for name in ("run_a", "run_b"):
        stamps = pd.date_range("2024-01-01", periods=800, freq="1s", name="timestamp")
        table = pd.DataFrame(np.random.default_rng(len(name)).normal(size=(800, 2)), stamps, ["flow", "pressure"])
        table.drop(stamps[400:410] if name == "run_b" else []).to_csv(folder / "machine" / f"{name}.csv")


WRITERS = (write_own_recordings, write_own_images, write_own_manifest, write_own_traces, write_own_sensors,
           write_own_machine)  # fmt: skip


def shorter(experiment, folder):
    """Return a copy of an experiment on half an hour of simulated beam or many trips that takes less of them."""
    copied, text = folder / experiment.name, experiment.read_text()
    for long, short in (("duration: 1800", "duration: 60.0"), ("36s", "6s"), ("samples: 2400", "samples: 240")):
        text = text.replace(long, short)
    copied.write_text(text)
    return copied


def some_answers(cli):
    places = cli.datamodule.places("test")
    numbers = places.starts(torch.arange(min(8, len(places))))
    with torch.no_grad():
        return cli.model.eval().predict_step(cli.datamodule.make_batch(numbers), 0)


def assert_written_as_checked(trained):
    """What was kept of the settings without a second look is what Lightning keeps, which looks at them again."""
    assert trained.run_folder.config.read_text() == trained.parser.dump(trained.config, skip_unset=False)
    kept = trained.parser.dump(trained.config, format="yaml", skip_unset=False, skip_link_targets=False)
    assert trained.config_dump == yaml.safe_load(kept)


def assert_reloads(arguments, folder):
    trained = stages.fit([*map(str, arguments), *QUICK, "--runs", str(folder)])
    reloaded, run = stages.load([str(trained.run_folder.path)])
    assert run.path == trained.run_folder.path
    assert_written_as_checked(trained)
    before, after = some_answers(trained), some_answers(reloaded)
    assert before[1].isfinite().all()
    for one, other in zip(before, after, strict=True):  # to rounding: matrix products depend on where the weights lie
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4, equal_nan=True)


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=by_stem)
def test_an_experiment_predicts_the_same_after_reloading(experiment, tmp_path, monkeypatch):
    monkeypatch.setenv("DLKIT_BENCH_DATA", str(bench(tmp_path / "bench", files_of(experiment))))
    monkeypatch.chdir(tmp_path)
    for write in WRITERS:
        write(tmp_path)
    assert_reloads([shorter(experiment, tmp_path) if experiment in (BEAMLINE, CAVITY) else experiment], tmp_path)


def to_reconstruct(experiment, folder, **data):
    """Return a copy of an experiment whose data are to be given back."""
    told = yaml.safe_load(experiment.read_text())
    init = told["data"]["init_args"]
    kept = {key: value for key, value in init.items() if key not in ("targets", "look_forward", "calendar")}
    told["data"] = {"class_path": told["data"]["class_path"], "init_args": kept} | data
    told["data"]["init_args"] |= {"targets": RECONSTRUCTS} if experiment == BEAMLINE else {}
    told["trainer"].pop("callbacks")
    copied = folder / f"again_{experiment.name}"
    text = yaml.safe_dump(told).replace("duration: 1800", "duration: 60.0").replace("36s", "6s")
    copied.write_text(text)
    return copied


@pytest.mark.parametrize("network", [path for path in NETWORKS if path.stem not in UNTRAINED], ids=by_stem)
def test_a_network_of_a_part_predicts_the_same_after_reloading(network, tmp_path):
    classifies = "tasks.classify.Classify" in network.read_text()
    if "tasks.reconstruct.Reconstruct" in network.read_text():
        several = network.stem == "fusion_autoencoder"
        windows = {} if several else {"class_path": "dlkit.data.reconstruction.ReconstructionDataModule"}
        experiment = to_reconstruct(BEAMLINE if several else WEATHER, tmp_path, **windows)
        assert_reloads([experiment, "--model", network], tmp_path)
        return
    if network.stem.startswith("fusion"):
        assert_reloads([shorter(BEAMLINE, tmp_path), "--model", network], tmp_path)
        return
    experiment = WEATHER if not classifies else DIGITS if network.stem in FOR_IMAGES else shorter(CAVITY, tmp_path)
    without = ["--trainer.callbacks", "null"] if network.stem in WITHOUT_MAPS else []
    assert_reloads([experiment, "--model", network, *without], tmp_path)


@pytest.mark.parametrize("network", sorted(UNTRAINED))
def test_a_network_without_weights_needs_no_training(network):
    cli, run = stages.load([str(WEATHER), "--model", str(CONFIGS / "model" / f"{network}.yaml"), *QUICK])
    assert run is None
    assert some_answers(cli).point.isfinite().all()


@pytest.mark.parametrize("part", TRAINERS, ids=by_stem)
def test_a_trainer_part_trains(part, tmp_path):
    assert_reloads([WEATHER, "--model", CONFIGS / "model" / "dlinear.yaml", "--trainer", part], tmp_path)


@pytest.mark.parametrize("part", sorted((CONFIGS / "trainer").glob("*.yaml")), ids=by_stem)
def test_a_trainer_part_says_what_lightning_knows(part):
    parser = LightningArgumentParser()
    parser.add_lightning_class_args(Trainer, "trainer")
    parser.parse_object({"trainer": yaml.safe_load(part.read_text())})


@pytest.mark.parametrize(
    ("setting", "value", "wanted"),
    [
        ("color", "all", {"gray": "counts"}),
        ("color", "rgb", dict.fromkeys(("red", "green", "blue"), "counts")),
        ("units", "null", {"gray": ""}),
        ("units", "{gray: V}", {"gray": "V"}),
        ("groups", "null", None),
    ],
)
def test_the_template_of_images_takes_images_of_any_channels_and_null_for_what_may_be_left_out(
    setting, value, wanted, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write_own_images(tmp_path)
    asked = [str(CONFIGS / "experiment" / "my_images.yaml"), f"--data.init_args.source.init_args.{setting}", value,
             "--data.init_args.split", "dlkit.data.sample_splits.Stratified"]  # fmt: skip
    for source in (stages.build(with_config(asked)[0], trains=False).datamodule.source, made(asked_for(asked)).source):
        samples = source.read()
        assert (samples.groups is None) == (setting == "groups")
        assert wanted in (None, dict(zip(samples.channels, samples.units, strict=True)))


def test_a_path_fills_in_environment_variables(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("t,a\n2020-01-01,1\n2020-01-02,2\n")
    monkeypatch.setenv("MY_RECORDINGS", str(tmp_path))
    assert Files(path="$MY_RECORDINGS/a.csv", time="t").files == [tmp_path / "a.csv"]
    assert Files(path="${MY_RECORDINGS}/*.csv", time="t").files == [tmp_path / "a.csv"]


def test_an_unset_variable_in_a_path_is_named(monkeypatch):
    monkeypatch.delenv("MY_RECORDINGS", raising=False)
    with pytest.raises(InputError, match=r"MY_RECORDINGS.*export MY_RECORDINGS=") as error:
        _ = Files(path="$MY_RECORDINGS/a.csv", time="t").files
    assert str(error.value).count("\n") == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
@pytest.mark.parametrize("setting", [("", CONFIGS / "trainer" / "all_gpus.yaml"), (".accelerator", "cuda")])
def test_a_trainer_of_gpus_without_any_says_what_to_leave_out(setting, tmp_path):
    write_job(tmp_path)
    with pytest.raises(InputError, match=r"no GPU here .*--trainer\.accelerator cpu --trainer\.devices 1\.$"):
        stages.fit(["--config", str(tmp_path / "config.yaml"), f"--trainer{setting[0]}", str(setting[1])])
    assert not list((tmp_path / "runs").glob("*"))
