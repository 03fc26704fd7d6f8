"""`dlkit align` says before any training what several sources are like and what bringing them together costs."""

import numpy as np
import pytest
import yaml

from dlkit.__main__ import main
from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder, read_json
from dlkit.data.clock import Regular
from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.inputs import FrameInput, StreamInput, Timing
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sources.arrays import Arrays
from dlkit.data.sources.beamline import BeamlineCamera, BeamlineSensors
from dlkit.data.sync.resolve import compare, parse_like
from dlkit.train.align.aligning import dry_run, write_sync

RUN = {"duration": 240.0, "difficulty": "medium", "seed": 3}


def source(device):
    settings = RUN | ({} if device == "camera" else {"device": device})
    name = "BeamlineCamera" if device == "camera" else "BeamlineSensors"
    return {"class_path": f"dlkit.data.sources.beamline.{name}", "init_args": settings}


def config(path, **camera):
    inputs = {
        "magnets": ("StreamInput", {"source": source("magnets"), "max_age": "100ms"}),
        "camera": ("FrameInput", {"source": source("camera"), "max_age": "200ms", "missing": "drop"} | camera),
    }
    data = {
        "clock": {"class_path": "dlkit.data.clock.Regular", "init_args": {"step": "20ms"}},
        "sources": {
            name: {"class_path": f"dlkit.data.inputs.{kind}", "init_args": given}
            for name, (kind, given) in inputs.items()
        },
        "targets": ["magnets.h1"],
        "look_forward": 2,
        "stride": 10,
    }
    model = {
        "net": {
            "class_path": "dlkit.models.fusion.Fusion",
            "init_args": {"branches": {name: {"class_path": "dlkit.models.mlp.MLP"} for name in inputs}},
        },
    }
    job = {
        "data": {"class_path": "dlkit.data.multimodal.MultimodalDataModule", "init_args": data},
        "model": {"class_path": "dlkit.tasks.forecast.Forecast", "init_args": model},
    }
    path.write_text(yaml.safe_dump(job), encoding="utf-8")
    return str(path)


def test_a_dry_run_writes_report_and_figure_and_the_lines_for_the_config(tmp_path, capsys):
    job, folder = config(tmp_path / "job.yaml"), tmp_path / "out"
    assert main(["align", job, "--like", "camera.light=magnets.beam_current", f"--output={folder}"]) == 0
    said, report = capsys.readouterr().out, read_json(folder / "align.json")
    truth = BeamlineCamera(**RUN).truth.clocks["camera"]
    found = report["likes"]["camera.light=magnets.beam_current"]
    assert abs(found["timing"]["offset"] - truth.offset) < 1 / 15
    assert abs(found["timing"]["drift"] - truth.drift) < 0.1 * abs(truth.drift)
    assert f"camera: {{timing: {{offset: {found['timing']['offset']:.6f}" in said
    assert (folder / "sync.png").stat().st_size > 10_000
    assert sorted(path.name for path in folder.iterdir()) == ["align.json", "sync.png"]
    train = report["windows"]["train"]
    assert f"{train['windows']:,}" in said
    assert all(cause in said for cause in train["windows lost"])
    assert any("camera" in cause for cause in train["windows lost"])


@pytest.mark.parametrize("seed", [0, 1])
def test_clocks_of_the_simulated_beam_line_are_found(seed):
    run = {"duration": 240.0, "difficulty": "medium", "seed": seed}
    given = {name: StreamInput(source=BeamlineSensors(device=name, **run)) for name in ("magnets", "bpms")}
    given["camera"] = FrameInput(source=BeamlineCamera(**run))
    truth = given["camera"].source.truth.clocks
    timings = {name: Timing() for name in given}
    for text, sample in (("bpms.sum=magnets.beam_current", 0.01), ("camera.light=bpms.sum", 1 / 15)):
        found = compare(parse_like(text, None, given, setting="--like"), given, timings)
        name = text.partition(".")[0]
        timings[name] = Timing(offset=found.offset, drift=found.drift)
        if name == "bpms":
            given["bpms"] = StreamInput(source=given["bpms"].source, timing=timings["bpms"])
        assert abs(found.offset - truth[name].offset) < sample
        assert abs(found.drift - truth[name].drift) < 0.1 * abs(truth[name].drift)


def windows_of_sources():
    run = {"duration": 30.0, "difficulty": "medium"}
    held = {name: StreamInput(source=BeamlineSensors(device=name, **run)) for name in ("magnets", "temperatures")}
    source = Aligned(clock=Regular(step="50ms"), sources=held)
    return TimeSeriesDataModule(
        source=source, targets=["magnets.h1"], look_back=8, look_forward=2, embargo="1s", placement="host"
    )


def test_windows_of_one_table_of_several_sources_are_surveyed_too(tmp_path):
    said = dry_run(windows_of_sources(), [], tmp_path / "align")
    train = read_json(tmp_path / "align" / "align.json")["windows"]["train"]
    assert train["windows"] > 0
    assert train["embargo"] == 20  # one side of one border
    assert all(text in said for text in ("temperatures", "rows kept away by the embargo"))


def test_a_run_keeps_the_survey_and_says_two_lines_of_it(tmp_path):
    run = RunFolder(tmp_path)
    said = write_sync(run, windows_of_sources())
    assert len(said.splitlines()) == 2
    assert set(read_json(tmp_path / "sync.json")["sources"]) == {"magnets", "temperatures"}
    assert (run.figures / "sync.png").exists()


def test_a_run_of_one_source_has_no_survey(tmp_path):
    assert write_sync(RunFolder(tmp_path), object()) == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--like", "camera.light"], "names no two channels"),
        (["--like", "lens.light=magnets.h1"], "there is no source 'lens'; there is camera, magnets"),
        (["--like"], "--like needs a value"),
        (["--output", "{job}"], "is a file: give a folder"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence_and_nothing_is_written(tmp_path, capsys, arguments, words):
    job = config(tmp_path / "job.yaml")
    before = sorted(tmp_path.iterdir())
    assert main(["align", job, *(part.format(job=job) for part in arguments)]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.strip().count("\n") == 0
    assert sorted(tmp_path.iterdir()) == before


def test_one_source_is_nothing_to_align(tmp_path):

    data = TimeSeriesDataModule(source=Arrays(np.zeros((50, 1))), targets=["x0"], look_back=2, look_forward=1)
    with pytest.raises(InputError, match="nothing to align"):
        dry_run(data, [], tmp_path / "align")
