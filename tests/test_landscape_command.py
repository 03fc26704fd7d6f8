"""`dlkit landscape RUN`: one call draws everything, shards give the whole, bad calls get a sentence."""

import re
import shutil

import numpy as np
import pytest
import torch
import yaml

from dlkit.__main__ import main
from dlkit.core.runfolder import RunFolder, read_json
from dlkit.explain.landscape.surface import Surface
from dlkit.train import stages
from dlkit.train.landscape import surfaces
from dlkit.train.landscape.data import Wish, fixed_batches
from tests.bad_inputs.corpus import snapshot, tiny, write_job
from tests.made_samples import image_folder

SMALL = ("--points", "5", "--samples", "20", "--eigenvalues", "1")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the folder of a run of three epochs that kept the way of its weights."""
    folder = tmp_path_factory.mktemp("trained")
    write_job(folder)
    settings = tiny(folder)
    settings["model"]["init_args"]["net"] = {"class_path": "dlkit.models.lstm.LSTM", "init_args": {"hidden_size": 3}}
    settings["trainer"]["max_epochs"] = 3
    settings["trainer"]["callbacks"] = [{"class_path": "dlkit.train.trajectory.Trajectory"}]
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    assert main(["fit", str(folder / "config.yaml")]) == 0
    return folder / "runs" / "tiny-001"


@pytest.fixture
def run(trained, tmp_path):
    """Return a copy of the run."""
    return RunFolder(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the pictures out, which take most of the time."""
    monkeypatch.setattr(surfaces, "draw", lambda *_: None)


def landscape(run, *arguments):
    return main(["landscape", str(run.path), *SMALL, *arguments])


def losses(run, name="surface"):
    with np.load(run.path / "landscape" / f"{name}.npz") as content:
        return content["losses"]


def test_one_call_draws_everything(run, capsys):
    assert landscape(run) == 0
    folder = run.path / "landscape"
    said = capsys.readouterr().out
    assert f"landscape: {folder}" in said
    assert re.search(r"loss of the network [\d.e-]+ on 20 samples of the train split; over the surface from", said)
    assert "largest eigenvalues of the Hessian" in said
    drawn = {"contour.png", "surface.png", "lines.png", "surface.html", "summary.json", "curvature.json"}
    assert {path.name for path in folder.iterdir()} == drawn | {"surface.npz", "lines.npz"}
    assert losses(run).shape == (5, 5)
    assert losses(run, "lines").shape == (2, 5)
    np.testing.assert_array_equal(losses(run)[2], losses(run, "lines")[0])
    summary = read_json(folder / "summary.json")
    assert summary["loss of the network"] == losses(run)[2, 2]
    assert summary["curvature"]["largest"][0] > summary["curvature"]["smallest"]
    curvature = summary["curvature"]
    assert curvature["|smallest| / largest"] == abs(curvature["smallest"]) / curvature["largest"][0]
    assert abs(summary["cosine of the directions"]) < 1e-6


def test_the_page_loads_nothing_and_holds_the_losses(run):
    assert landscape(run, "--plane", "--eigenvalues", "0") == 0
    page = (run.path / "landscape" / "surface.html").read_text()
    assert not any(word in page for word in ("http:", "https:", "src=", "import ", "fetch(", "@import", "<link"))
    assert f"{losses(run)[1, 3]:.6g}" in page
    assert not (run.path / "landscape" / "lines.png").exists()


def test_the_centre_is_the_loss_that_validation_reports(run, undrawn):
    assert landscape(run, "--split", "val", "--samples", "100000", "--plane", "--eigenvalues", "0") == 0
    cli, _ = stages.load([str(run.path)])
    [found] = cli.trainer.validate(cli.model, datamodule=cli.datamodule, verbose=False)
    assert losses(run)[2, 2] == pytest.approx(found["val/loss"], rel=1e-5)


def test_the_plane_of_the_trajectory_holds_its_snapshots(run):
    assert landscape(run, "--directions", "trajectory", "--plane", "--eigenvalues", "0") == 0
    folder = run.path / "landscape"
    assert (folder / "trajectory.png").is_file()
    with np.load(folder / "surface.npz") as content:
        assert float(np.abs(content["first"]).min()) == float(np.abs(content["second"]).min()) == 0
    shares = read_json(folder / "summary.json")["variance explained"]
    assert 0 < shares[1] <= shares[0] <= 1
    assert len(list((run.path / "trajectory").glob("epoch-*.pt"))) == 4


def test_the_run_itself_is_left_alone(run):
    before = snapshot(run.path)
    assert landscape(run) == 0
    after = snapshot(run.path)
    assert {name: mark for name, mark in after.items() if not name.startswith("landscape")} == before


def test_shards_give_the_whole_in_any_order(run, capsys):
    assert landscape(run) == 0
    whole = losses(run), losses(run, "lines")
    shutil.rmtree(run.path / "landscape")
    for shard in ("2/3", "3/3"):
        assert landscape(run, "--shard", shard) == 0
        assert "still to come" in capsys.readouterr().out
        assert not (run.path / "landscape" / "surface.png").exists()
    assert landscape(run, "--shard", "1/3") == 0
    assert "still to come" not in capsys.readouterr().out
    np.testing.assert_array_equal(losses(run), whole[0])
    np.testing.assert_array_equal(losses(run, "lines"), whole[1])
    assert (run.path / "landscape" / "surface.png").is_file()
    assert not (run.path / "landscape" / "parts").exists()


def test_a_stopped_run_goes_on_to_the_same_surface(run, monkeypatch, undrawn):
    assert landscape(run) == 0
    whole = losses(run)
    shutil.rmtree(run.path / "landscape")
    asked, row = [], Surface.row

    def counted(self, places):
        asked.append(places)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return row(self, places)

    monkeypatch.setattr(Surface, "row", counted)
    assert landscape(run, "--plane") == 130
    assert landscape(run, "--plane") == 0
    assert len(asked) == 3 + 3  # of five rows two were done
    np.testing.assert_array_equal(losses(run), whole)
    assert landscape(run, "--plane") == 0
    assert len(asked) == 6


def test_other_settings_are_never_mixed(run, undrawn):
    assert landscape(run, "--plane") == 0
    one = losses(run)
    assert landscape(run, "--plane", "--shard", "1/2", "--seed", "1") == 0
    np.testing.assert_array_equal(losses(run), one)
    assert landscape(run, "--plane", "--seed", "1") == 0
    assert losses(run)[2, 2] == one[2, 2]
    assert losses(run)[0, 0] != one[0, 0]


def test_the_batches_are_kept_apart_and_cover_the_split(run):
    cli, _ = stages.load([str(run.path)])
    batches = fixed_batches(cli.datamodule, Wish(samples=100000), torch.device("cpu"))
    starts = torch.cat([batch.start for batch in batches])
    assert torch.equal(starts, cli.datamodule.places("train").starts(torch.arange(cli.datamodule.count("train"))))
    assert len({batch.x.data_ptr() for batch in batches}) == len(batches) > 1


def no_checkpoints(run):
    shutil.rmtree(run.path / "checkpoints")


def no_trajectory(run):
    shutil.rmtree(run.path / "trajectory")


def cut_snapshot(run):
    path = run.path / "trajectory" / "epoch-00001.pt"
    path.write_bytes(path.read_bytes()[:100])


def other_snapshot(run):
    torch.save({"net.weight": torch.zeros(2, 2)}, run.path / "trajectory" / "epoch-00001.pt")


@pytest.mark.parametrize(
    ("arguments", "make", "says"),
    [
        (("--points", "0"), None, "--points 0 draws no surface"),
        (("--points", "many"), None, "--points: invalid int value: 'many'"),
        (("--range", "0"), None, "--range 0.0 must be a positive number"),
        (("--range", "nan"), None, "--range nan must be a positive number"),
        (("--samples", "0"), None, "--samples 0 must be at least 1"),
        (("--eigenvalues", "-1"), None, "--eigenvalues -1 must not be negative"),
        (("--shard", "9/8"), None, "--shard 9/8 is no part of a whole"),
        (("--shard", "0/8"), None, "--shard 0/8 is no part of a whole"),
        (("--shard", "third"), None, "--shard third is no part of a whole"),
        (("--split", "all"), None, "--split: invalid choice: 'all'"),
        (("--directions", "up"), None, "--directions: invalid choice: 'up'"),
        (("--precision", "8"), None, "--precision: invalid choice: '8'"),
        (("--directions", "trajectory"), no_trajectory, "kept no trajectory: train with dlkit.train.trajectory"),
        (("--directions", "trajectory"), cut_snapshot, "epoch-00001.pt' is damaged"),
        (("--directions", "trajectory"), other_snapshot, "belongs to another network"),
        ((), no_checkpoints, "has no checkpoint"),
    ],
)
def test_a_bad_call_is_answered_by_one_sentence(run, capsys, arguments, make, says):
    if make is not None:
        make(run)
    assert landscape(run, *arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("dlkit landscape: ")
    assert says in said
    assert said.count("\n") == 1
    assert not (run.path / "landscape").exists()


@pytest.mark.parametrize(
    ("place", "says"),
    [("nowhere", "There is no run folder"), ("empty", "not the folder of a run"), ("config.yaml", "trained weights")],
)
def test_what_is_no_run_is_refused(tmp_path, capsys, place, says):
    write_job(tmp_path)
    (tmp_path / "empty").mkdir()
    assert main(["landscape", str(tmp_path / place)]) == 2
    assert says in capsys.readouterr().err


def test_a_trajectory_needs_at_least_an_epoch_between_snapshots(tmp_path, capsys):
    write_job(tmp_path)
    callback = ["--trainer.callbacks", "dlkit.train.trajectory.Trajectory", "--trainer.callbacks.every_n_epochs", "0"]
    assert main(["fit", str(tmp_path / "config.yaml"), *callback]) == 2
    assert "every_n_epochs=0 must be at least 1" in capsys.readouterr().err


def test_images_are_measured_without_augmentation(tmp_path, undrawn):
    image_folder(tmp_path / "images", each=10)
    settings = tiny(tmp_path)
    settings["data"] = {
        "class_path": "dlkit.data.sample_modules.ImageDataModule",
        "init_args": {
            "source": {
                "class_path": "dlkit.data.sources.image_folder.ImageFolder",
                "init_args": {"path": f"{tmp_path}/images"},
            },
            "augment": [{"class_path": "dlkit.data.augment.PadCrop", "init_args": {"padding": 4}}],
            "batch_size": 5,
        },
    }
    net = {"class_path": "dlkit.models.cifar_resnet.CifarResNet", "init_args": {"depth": 8, "width": 4}}
    settings["model"] = {"class_path": "dlkit.tasks.classify.Classify", "init_args": {"net": net}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    assert main(["fit", str(tmp_path / "config.yaml")]) == 0
    run = RunFolder.open(tmp_path / "runs" / "tiny-001")
    assert landscape(run, "--plane", "--points", "3") == 0
    cli, _ = stages.load([str(run.path)])
    data, task = cli.datamodule, cli.model.eval()
    with torch.no_grad():
        batch = data.make_batch(data.places("train").starts(torch.arange(data.count("train"))))
        expected = float(task.step(batch).loss)
    assert losses(run)[1, 1] == pytest.approx(expected, rel=1e-5)
    assert losses(run)[0, 0] != losses(run)[1, 1]
    assert landscape(run, "--plane", "--points", "3", "--precision", "bf16") == 0
    assert losses(run)[1, 1] == pytest.approx(expected, rel=0.02)
