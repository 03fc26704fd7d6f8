"""The command line answers at once, explains itself, and takes settings in every form that it promises."""

import importlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from dlkit.__main__ import commands, main
from dlkit.commands.list import ROOMS
from dlkit.core.runfolder import RunFolder, read_json
from tests.bad_inputs.corpus import snapshot, table, text, write_job

HEAVY = ("torch", "numpy", "pandas", "yaml", "pytorch_lightning", "jsonargparse", "matplotlib")
WHICH = f"print('heavy:', [name for name in {HEAVY} if name in sys.modules])"


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def module_of(name):
    return importlib.import_module(f"dlkit.commands.{name}")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["fti"], ["fit", "--help"], ["list", "-h"]])
def test_help_and_a_misspelt_command_import_nothing_heavy(arguments):
    done = python(f"import sys\nfrom dlkit.__main__ import main\nmain({arguments})\n{WHICH}")
    assert "heavy: []" in done.stdout, done


def test_importing_dlkit_imports_nothing_heavy():
    assert "heavy: []" in python(f"import sys, dlkit\n{WHICH}").stdout


def test_a_misspelt_command_is_answered_by_the_one_that_was_meant(capsys):
    assert main(["tset"]) == 2
    assert capsys.readouterr().err == "dlkit: there is no command 'tset'; did you mean 'test'?\n"


def test_the_exit_code_reaches_the_shell(tmp_path):
    command = [sys.executable, "-m", "dlkit", "fit", str(tmp_path / "no.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("dlkit fit: There is no file")
    assert done.stderr.count("\n") == 1


def test_the_overview_names_every_command(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(name in said and line in said for name, line in commands().items())


@pytest.mark.parametrize("name", commands())
def test_every_command_explains_itself(name, capsys):
    assert main([name, "--help"]) == 0
    assert f"dlkit {name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", commands())
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_is_the_same_after_other_arguments(name, option, capsys):
    assert main([name, "--help"]) == 0
    alone = capsys.readouterr().out
    assert main([name, "runs/a-001", option, "--seed", "3"]) == 0
    assert capsys.readouterr().out == alone


@pytest.mark.parametrize("name", [name for name in commands() if hasattr(module_of(name), "parser")])
def test_every_option_says_what_it_is_and_what_it_is_by_default(name):
    parser = module_of(name).parser()
    parser.format_help()
    for action in parser._actions:
        assert action.help, action.option_strings
        number = isinstance(action.default, int | float) and not isinstance(action.default, bool)
        assert not number or str(action.default).removesuffix(".0") in action.help, action.help


def test_list_shows_every_room_with_import_paths_and_a_line_each(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert set(ROOMS) <= set(lines)
    rows = [line.split(maxsplit=1) for line in lines if line.startswith("  ")]
    assert all(len(row) == 2 for row in rows), rows
    assert {"dlkit.models.lstm.LSTM", "dlkit.data.sources.files.Files", "dlkit.losses.quantile.Pinball"} <= {
        row[0] for row in rows
    }


def test_list_explains_the_settings_of_a_class(capsys):
    assert main(["list", "Manifest"]) == 0
    said = capsys.readouterr().out
    assert "dlkit.data.sources.manifest.Manifest" in said and "separator: What separates" in said
    assert main(["list", "Manifst"]) != 0
    assert "did you mean 'Manifest'" in capsys.readouterr().err


KINDS = {
    "inputs": ("dlkit.data.inputs.StreamInput", "dlkit.data.inputs.FrameInput", "dlkit.data.inputs.EventInput"),
    "clocks": ("dlkit.data.clock.Regular", "dlkit.data.clock.OfSource"),
    "heads": ("dlkit.data.heads.Head",),
    "frame sources": ("dlkit.data.sources.frame_table.FrameTable", "dlkit.data.sources.frame_stack.FrameStack"),
    "event sources": ("dlkit.data.sources.event_table.EventTable",),
    "clusters": ("dlkit.data.cluster.LocalCluster", "dlkit.data.cluster.SlurmCluster"),
}


@pytest.mark.parametrize("room", KINDS)
def test_list_knows_what_several_sources_are_made_of(room, capsys):
    assert main(["list", room]) == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")}
    assert set(KINDS[room]) <= listed
    assert main(["list", *(path.rpartition(".")[2] for path in KINDS[room])]) == 0
    said = capsys.readouterr().out
    assert all(path in said for path in KINDS[room])


@pytest.fixture
def config(tmp_path, monkeypatch):
    write_job(tmp_path)
    monkeypatch.chdir(tmp_path)
    return str(tmp_path / "config.yaml")


def printed(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(["fit", *arguments, "--print_config"])
    assert stop.value.code == 0
    return yaml.safe_load(capsys.readouterr().out)


def test_a_printed_configuration_is_taken_back_unchanged(config, tmp_path, capsys):
    before = snapshot(tmp_path)
    whole = printed(capsys, config)
    assert snapshot(tmp_path) == before
    (tmp_path / "whole.yaml").write_text(yaml.safe_dump(whole))
    assert printed(capsys, str(tmp_path / "whole.yaml")) == whole


@pytest.mark.parametrize("key", ["data.batch_size", "data.init_args.batch_size"])
def test_settings_are_overridden_by_short_and_by_long_keys(config, capsys, key):
    assert printed(capsys, config, f"--{key}", "64")["data"]["init_args"]["batch_size"] == 64
    assert printed(capsys, config, f"--{key}=64")["data"]["init_args"]["batch_size"] == 64


def test_a_part_of_its_own_file_replaces_the_part(config, tmp_path, capsys):
    part = {"class_path": "dlkit.tasks.forecast.Forecast", "init_args": {}}
    part["init_args"]["net"] = {"class_path": "dlkit.models.dlinear.DLinear", "init_args": {"kernel_size": 5}}
    (tmp_path / "part.yaml").write_text(yaml.safe_dump(part))
    net = printed(capsys, config, "--model", str(tmp_path / "part.yaml"))["model"]["init_args"]["net"]
    assert net == {"class_path": "dlkit.models.dlinear.DLinear", "init_args": {"kernel_size": 5, "individual": False}}


def test_a_class_is_chosen_on_the_line_with_its_settings(config, capsys):
    chosen = ["--model.net", "dlkit.models.lstm.LSTM", "--model.net.hidden_size", "3"]
    net = printed(capsys, config, *chosen)["model"]["init_args"]["net"]
    assert net["class_path"] == "dlkit.models.lstm.LSTM"
    assert net["init_args"]["hidden_size"] == 3


def test_run_leaves_a_folder_that_the_other_commands_need_nothing_else_for(config, tmp_path, capsys):
    assert main(["run", config]) == 0
    run = RunFolder.open(tmp_path / "runs" / "tiny-001")
    for path in (run.config, run.data, run.metrics, run.predictions, run.summary, run.figures):
        assert path.exists(), path
    assert main(["test", str(run.path)]) == 0
    assert run.summary.read_text().strip() in capsys.readouterr().out
    assert main(["validate", str(run.path)]) == 0
    assert "val/loss" in capsys.readouterr().out
    assert read_json(run.metrics)["fit"]["epochs"] == 1


def test_predict_takes_new_files_and_leaves_those_of_the_run_alone(config, tmp_path, capsys):
    assert main(["fit", config]) == 0
    run = RunFolder.open(tmp_path / "runs" / "tiny-001")
    (tmp_path / "new.csv").write_text(text(table(30, first="2021-03-09")))
    assert main(["predict", str(run.path), "--data", "new.csv", "--output", "out/new.parquet"]) == 0
    assert "out/new.parquet" in capsys.readouterr().out
    assert (tmp_path / "out" / "new.parquet").exists()
    assert not run.predictions.exists()
    for name in ("new.csv.gz", "answers.CSV"):
        assert main(["predict", str(run.path), "--data", "new.csv", "--output", f"out/{name}"]) == 0
        read = pd.read_csv(tmp_path / "out" / name, compression="infer" if name.endswith("gz") else None)
        whole = pd.read_parquet(tmp_path / "out" / "new.parquet")
        assert list(read.columns) == list(whole.columns) and len(read) == len(whole) > 0
        numbers = whole.select_dtypes("number").columns
        np.testing.assert_allclose(read[numbers], whole[numbers], rtol=1e-6)
    capsys.readouterr()
    assert main(["predict", str(run.path), "--data", "new.csv", "--output", "new.xlsx"]) != 0
    assert "end it in .parquet, .csv, .csv.gz" in capsys.readouterr().err
