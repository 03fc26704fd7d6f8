"""A run on a camera and sensors predicts other recordings, by new files or by other paths in its settings."""

import pandas as pd
import pytest
import yaml

from dlkit.__main__ import main
from dlkit.train.checkpoints import warn_once
from tests.bad_inputs.source_jobs import frames, part, stream, write_several

FILES = {"fast": "fast.csv", "slow": "slow.csv", "cam": "frames.parquet"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with a run, and with another recording in ``new`` whose camera is a little slower."""
    folder = tmp_path_factory.mktemp("several")
    write_several(folder)
    assert main(["fit", str(folder / "several.yaml")]) == 0
    (folder / "new").mkdir()
    stream(50, "a", "b", seconds=8).to_csv(folder / "new" / "fast.csv", index=False)
    stream(5, "level", seconds=8).to_csv(folder / "new" / "slow.csv", index=False)
    frames(rate=9.7, seconds=8).to_parquet(folder / "new" / "frames.parquet")
    return folder


def predict(place, *arguments):
    """Return the predictions of the run, by time."""
    table = place / "out.parquet"
    assert main(["predict", str(place / "runs" / "several-001"), *map(str, arguments), f"--output={table}"]) == 0
    return pd.read_parquet(table).set_index("time")["prediction"]


def test_the_training_files_given_as_new_ones_are_predicted_as_they_were(place):
    known = predict(place)
    found = predict(place, "--data", f"fast={place / 'fast.csv'}", f"cam={place / 'frames.parquet'}")
    assert len(found) > len(known) > 5
    pd.testing.assert_series_equal(found.loc[known.index], known)


def test_every_path_can_be_another_in_the_settings(place, caplog):
    warn_once.cache_clear()
    predict(place)
    assert not [record for record in caplog.records if record.name.startswith("dlkit")]
    keys = [f"--data.init_args.sources.{name}.init_args.source.init_args.path={place / 'new' / file}"
            for name, file in FILES.items()]  # fmt: skip
    assert predict(place, *keys).notna().all()
    assert "give new files by --data" in caplog.text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (["--data.sources.cam.look_back=3"], "a number of frames of the source 'cam' of 2, the data give 3"),
        (["--data.sources.fast.channels=[a]"], "the channels of the source 'fast' ['a', 'b'], the data give ['a']"),
        (["--data.clock.step=200ms"], "the size of the source 'fast' [10], the data give [5]"),
    ],
)
def test_what_differs_from_the_training_data_is_named(place, changes, says, capsys):
    assert main(["predict", str(place / "runs" / "several-001"), *changes]) == 2
    (said,) = capsys.readouterr().err.strip().splitlines()
    assert f"The checkpoint was trained with {says}: use" in said


def test_a_source_that_the_network_needs_is_asked_for(place, capsys):
    assert main(["predict", str(place / "runs" / "several-001"), "--data", f"fast={place / 'fast.csv'}"]) == 2
    assert "needs: give cam=FILE too." in capsys.readouterr().err


def test_a_forecast_of_one_table_asks_for_all_its_sources(place, capsys):
    config = yaml.safe_load((place / "several.yaml").read_text())
    sources = {name: config["data"]["init_args"]["sources"][name] for name in ("fast", "slow")}
    for one in sources.values():
        one["init_args"].pop("look_back", None)
    aligned = part("dlkit.data.sources.aligned.Aligned", clock=config["data"]["init_args"]["clock"], sources=sources)
    config["data"] = part(
        "dlkit.data.datamodules.TimeSeriesDataModule", source=aligned, targets=["slow.level"], look_back=4,
        look_forward=2, batch_size=8, batches_per_step=1,
    )  # fmt: skip
    config["model"] = part("dlkit.tasks.forecast.Forecast", net=part("dlkit.models.mlp.MLP", hidden_size=4))
    (place / "table.yaml").write_text(yaml.safe_dump(config | {"name": "table"}))
    assert main(["fit", str(place / "table.yaml")]) == 0
    run = str(place / "runs" / "table-001")
    assert main(["predict", run, "--data", f"fast={place / 'fast.csv'}"]) == 2
    assert "leaves out slow, which the network needs: give slow=FILE too." in capsys.readouterr().err
    new = [f"{name}={place / 'new' / FILES[name]}" for name in ("fast", "slow")]
    assert main(["predict", run, "--data", *new]) == 0


@pytest.mark.parametrize(
    "setting",
    [
        "modality_dropout=1.5",
        "modality_dropout={slow: 0.5}",
        "sources.fast.augment=[{class_path: dlkit.data.augment.Flip}]",
        "sources.cam.timing={offset: .nan}",
        "targets.gap=3ms",
    ],
)
def test_what_can_be_refused_is_refused_before_there_is_a_run(place, setting, tmp_path, capsys):
    assert main(["fit", str(place / "several.yaml"), f"--runs={tmp_path / 'runs'}", f"--data.{setting}"]) == 2
    assert "run folder" not in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()
