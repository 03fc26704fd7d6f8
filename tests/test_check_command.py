"""`dlkit check` says what is there, what is wrong and what repairs it; `dlkit run` begins with it."""

import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from dlkit.__main__ import main
from dlkit.core.finding import Cure, Finding, Place, ranked
from dlkit.core.runfolder import RunFolder, read_json
from dlkit.data.sample_splits import Grouped, Stratified
from dlkit.quality.checked import Check, SourceFacts, check_of
from dlkit.report.check.cards import card
from dlkit.report.check.groups import groups_of
from dlkit.report.check.text import finding_lines, text_of
from dlkit.train.check import bar as check_bar
from dlkit.train.check import run as check_run
from dlkit.train.check.asked import asked_for, made
from dlkit.train.check.handled import handled_by
from dlkit.train.check.repairs import repairs_of
from dlkit.train.report.data import data_section
from dlkit.train.report.known import know
from tests.bad_inputs.corpus import tiny
from tests.laws.report.test_page_parts import Reader

HOUR = 3600 * 10**9


@pytest.fixture(autouse=True)
def no_arguments_of_pytest(monkeypatch):
    """Lightning warns when the command line of the process is another than the one it is given."""
    monkeypatch.setattr("sys.argv", ["dlkit"])


def clean_table(rows=1500, seed=0):
    """Return hourly rows of two smooth channels with noise."""
    random = np.random.default_rng(seed)
    day = 2 * np.pi * np.arange(rows) / 24
    values = {"flow (l/min)": 20 + 3 * np.sin(day), "pressure (bar)": 5 + 0.5 * np.cos(day / 7)}
    table = pd.DataFrame({name: signal + 0.3 * random.normal(size=rows) for name, signal in values.items()})
    table.insert(0, "time", pd.date_range("2024-01-01", periods=rows, freq="1h"))
    return table.round(dict.fromkeys(values, 4))


def planted(folder):
    """Write a table with a gap of ten hours, eight sentinels, forty missing values and a stamp that comes twice."""
    table = clean_table()
    table.loc[100:107, "flow (l/min)"] = -9999.0
    table.loc[700:739, "pressure (bar)"] = np.nan
    twice = [*range(400), 399, *range(400, 1000), *range(1010, 1500)]
    table.iloc[twice].to_csv(folder / "planted.csv", index=False)
    return folder / "planted.csv"


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Check the planted table once; return the folder with ``out/``."""
    folder = tmp_path_factory.mktemp("check")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["dlkit"])
        assert main(["check", str(planted(folder)), "--output", str(folder / "out")]) == 0
    return folder


def found(folder):
    return check_of(read_json(folder / "check.json"))


def of_kind(check, kind):
    return [one for one in check.findings if one.kind == kind]


def test_what_was_planted_is_found_with_count_and_place(checked):
    check = found(checked / "out")
    (gap,), (sentinel,), (missing,), (twice,) = (
        of_kind(check, kind) for kind in ("gap", "sentinel", "missing", "duplicate stamp")
    )
    assert gap.count == 1 and gap.places[0].first == pd.Timestamp("2024-01-01").value + 999 * HOUR
    assert sentinel.count == 8 and sentinel.channel.startswith("flow") and "-9999" in sentinel.what
    assert missing.count == 40 and missing.channel.startswith("pressure")
    assert twice.count == 1 and "(row 401)" in twice.what and twice.places[0].row == 401


def test_clean_data_stay_silent(tmp_path, capsys):
    clean_table().to_csv(tmp_path / "clean.csv", index=False)
    assert main(["check", str(tmp_path / "clean.csv"), "--output", str(tmp_path), "--quick", "--strict"]) == 0
    assert not found(tmp_path).of("error", "warning"), capsys.readouterr().out


def test_the_terminal_gets_at_most_25_lines_and_the_worst_first(checked, tmp_path, capsys):
    assert main(["check", str(checked / "planted.csv"), "--output", str(tmp_path), "--quick"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) <= 25 and max(map(len, said)) <= 120
    assert said[0].startswith("planted.csv: 1,491 rows, one every 1 h")
    signs = [line[0] for line in said if line[0:1] in "✗!i" and line[1:2] == " "]
    assert signs == sorted(signs, key="✗!i".index)
    assert said[-1] == f"report: {tmp_path / 'check.json'}"


def test_many_findings_are_cut_and_counted():
    cures = (Cure(place="data", line="a: 1"),)
    every = [Finding(kind=f"kind {n}", level="warning", what=f"{n}.", why="", cures=cures) for n in range(40)]
    check = Check(asked="a", sources=[SourceFacts(name=f"s{n}") for n in range(30)], findings=every)
    lines = text_of(check, Path("page")).splitlines()
    assert 23 <= len(lines) <= 25
    told = sum(line.startswith("! kind") for line in lines)
    assert lines[-2].startswith(f"... and {40 - told} warnings more: kind ") and len(lines[-2]) <= 120


def test_labels_and_leaks_are_told_before_what_images_look_like_and_the_rest_by_its_kinds():
    dark = Finding(kind="dark", level="warning", what="9 of 10.", why="", share=0.9)
    every = [dark, *(replace(dark, kind=kind, share=0.01) for kind in ("rare class", "sizes", "conflicting copies"))]
    lines = finding_lines(every, 2)
    assert [line[2:].partition(":")[0] for line in lines[:-1]] == ["conflicting copies", "rare class"]
    assert lines[-1] == "... and 2 warnings more: dark, sizes"
    worst = replace(dark, level="error", kind="constant target")
    assert ranked([*every, worst])[0] is worst


def test_one_kind_in_many_channels_is_told_once():
    many = [Finding(kind="stuck", level="warning", what=f"'c{n}'", why="", channel=f"c{n}", count=n) for n in range(9)]
    other = Finding(kind="gap", level="warning", what="gap", why="", count=100)
    assert [len(group) for group in groups_of([*many, other])] == [1, 9]
    assert [len(group) for group in groups_of(many[:2])] == [1, 1]


def test_what_is_said_of_two_roles_is_one_card_that_says_what_is_counted():
    roles = [
        Finding(kind="few", level="note", what=f"of {name}", why="", count=1470 + n, of="windows", share=0.5)
        for n, name in enumerate(("val", "test"))
    ]
    (group,) = groups_of(roles)
    page, said = card(group), text_of(Check(asked="a", findings=roles), Path("page"))
    assert "note · 1,471 windows · 50 %" in page and "of val" in page and "of test" in page
    assert "of test of val" in said
    assert Finding(kind="gap", level="note", what="", why="", count=1).counted == "gap"


def test_what_is_written_is_read_back(checked):
    plain = read_json(checked / "out" / "check.json")
    assert check_of(plain).plain() == plain
    assert set(plain) == {"asked", "sources", "findings", "fitness", "labels", "left_out", "about"}
    source = plain["sources"][0]
    assert source["rows"] == 1491 and source["facts"]["step_s"] == 3600.0
    assert source["channels"]["pressure (bar)"]["missing"] == 40


def test_the_page_loads_nothing_and_tells_every_finding_with_its_repairs(checked):
    page = (checked / "out" / "check.html").read_text(encoding="utf-8")
    assert len(page) < 10e6
    assert not [one for one in Reader(page).addresses if not one.startswith(("#", "data:"))]
    for finding in found(checked / "out").findings:
        assert finding.kind.capitalize() in page
    assert "missing_values: [-9999]" in page and "gaps: split" in page
    assert "before" in page and page.count("<section") == 7


def test_the_guessed_source_reads_the_file_and_its_repairs_leave_nothing_open(checked, tmp_path):
    check = found(checked / "out")
    source = yaml.safe_load(check.sources[0].yaml)["source"]
    repairs = repairs_of(check.findings)
    source["init_args"] |= repairs.get("source", {})
    block = {
        "class_path": "dlkit.data.datamodules.TimeSeriesDataModule",
        "init_args": {"source": source, "targets": ["flow*"], "look_back": 24, "look_forward": 6}
        | {name: value for name, value in repairs.items() if name == "clean"}
        | repairs.get("data", {}),
    }
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(block))
    assert main(["check", str(tmp_path / "data.yaml"), "--output", str(tmp_path), "--quick"]) == 0
    again = found(tmp_path)
    open_kinds = {one.kind for one in again.of("error", "warning")}
    assert not open_kinds & {"gap", "sentinel", "missing", "duplicate stamp", "refused"}, again.of("error", "warning")
    assert {one.kind for one in again.findings if one.handled} >= {"gap", "missing", "duplicate stamp"}


def job(folder, **source):
    """Write a tiny job and its table, with settings of its source; return its path."""
    table = clean_table(400).rename(columns={"time": "t", "flow (l/min)": "a", "pressure (bar)": "b"})
    table.to_csv(folder / "tiny.csv", index=False)
    config = tiny(folder)
    config["data"]["init_args"]["source"]["init_args"] |= source
    (folder / "job.yaml").write_text(yaml.safe_dump(config))
    return folder / "job.yaml"


def test_a_data_module_that_refuses_is_an_error_with_its_own_sentence(tmp_path, capsys):
    path = job(tmp_path)
    table = pd.read_csv(tmp_path / "tiny.csv").drop(index=range(200, 210))
    table.to_csv(tmp_path / "tiny.csv", index=False)
    assert main(["check", str(path), "--output", str(tmp_path), "--quick", "--strict"]) == 1
    (error,) = of_kind(found(tmp_path), "refused")
    assert error.level == "error" and "set `gaps` to 'split'" in error.what
    assert "✗ refused" in capsys.readouterr().out


@pytest.mark.parametrize("part", ["job", "data", "source"])
def test_a_job_a_data_block_and_a_source_block_are_checked_alike(part, tmp_path):
    path = job(tmp_path)
    config = yaml.safe_load(path.read_text())
    block = {"job": config, "data": config["data"], "source": config["data"]["init_args"]["source"]}[part]
    (tmp_path / "part.yaml").write_text(yaml.safe_dump(block))
    assert main(["check", str(tmp_path / "part.yaml"), "--output", str(tmp_path), "--quick"]) == 0
    check = found(tmp_path)
    assert check.sources[0].rows == 400 and list(check.sources[0].channels) == ["a", "b"]
    assert bool(check.fitness) == (part != "source")


def test_settings_on_the_command_line_reach_source_and_data(tmp_path):
    assert asked_for(["a.csv", "--decimal", ",", "--step=1h"]).settings == {"decimal": ",", "step": "1h"}
    asked = asked_for([str(job(tmp_path)), "--data.init_args.look_back", "12"])
    assert made(asked).extent[0] == 12


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--quick"], "Nothing to check"),
        (["none.yaml"], "There is no file 'none.yaml'"),
        (["a.csv", "--decimal"], "'--decimal' is no setting"),
        (["job.yaml", "--model", "x"], "there is no option --model of dlkit check"),
        (["a.csv", "job.yaml"], "'job.yaml' is a config"),
        (["empty.yaml"], "empty.yaml has no data to check"),
        (["model.yaml"], "is no data: give the block of a data module or of a source"),
        (["a.csv", "--output", "job.yaml"], "--output job.yaml is a file"),
        (["job.yaml", "--data.init_args.look_bakc", "3"], "look_bakc"),
    ],
)
def test_what_cannot_be_checked_is_refused_in_one_sentence(arguments, said, tmp_path, monkeypatch, capsys):
    job(tmp_path)
    (tmp_path / "empty.yaml").write_text("model: {}\n")
    (tmp_path / "model.yaml").write_text("class_path: dlkit.models.mlp.MLP\n")
    monkeypatch.chdir(tmp_path)
    assert main(["check", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "check").exists()


def run(path, *more):
    return main(["run", str(path), "--confidence", "null", "--trainer.enable_progress_bar", "false", *more])


def planted_error(data, wanted, words):
    error = Finding(kind="leak", level="error", what="The target is an input.", why="Because.")
    return Check(asked=words, findings=[error]), []


def test_a_run_writes_what_the_check_found_and_its_page_tells_it(tmp_path, capsys):
    path = job(tmp_path, duplicates="keep")
    table = pd.read_csv(tmp_path / "tiny.csv")
    table.loc[100:107, "b"] = -9999.0
    table.to_csv(tmp_path / "tiny.csv", index=False)
    assert run(path) == 0
    said = capsys.readouterr().out
    assert "! sentinel: -9999" in said and "missing_values: [-9999]" in said
    (folder,) = (tmp_path / "runs").iterdir()
    assert {one.kind for one in found(folder).of("warning")} >= {"sentinel"}
    page = "".join(data_section(know(RunFolder.open(folder), reads=False)).parts)
    assert "What a check of the data found" in page and "missing_values: [-9999]" in page
    before = (folder / "check.json").stat().st_mtime_ns
    assert main(["run", "--resume", str(folder), "--trainer.max_epochs", "3", "--confidence", "null"]) == 0
    assert (folder / "check.json").stat().st_mtime_ns == before
    assert "sentinel" not in capsys.readouterr().out


def test_a_run_stops_on_errors_before_anything_is_trained_unless_told_otherwise(tmp_path, monkeypatch, capsys):
    path = job(tmp_path)
    monkeypatch.setattr(check_run, "check_module", planted_error)
    assert run(path) == 2
    assert capsys.readouterr().err == (
        "dlkit run: The target is an input; nothing was trained: mend the data (`dlkit check` shows where and how), or "
        "train all the same with `--check false`.\n"
    )
    (told,) = (tmp_path / "runs").iterdir()
    assert [part.name for part in told.iterdir()] == ["check.json"]  # what the printed line names
    assert found(told).of("error")
    assert run(path, "--check", "false") == 0
    folder = next(one for one in (tmp_path / "runs").iterdir() if one != told)
    assert not (folder / "check.json").exists()


def test_what_has_one_of_its_repairs_is_taken_care_of(tmp_path):
    data = made(asked_for([str(job(tmp_path, gaps="fill", missing_values=[-9999, -1]))]))
    data.mask_channels = True

    def handled(place, line, **about):
        return handled_by(
            Finding(kind="k", level="warning", what="", why="", cures=(Cure(place=place, line=line),), **about), data
        )

    assert handled("source", "gaps: split") == "`gaps: split` of the source"  # filling is as good
    assert handled("source", "missing_values: [-9999]")
    assert not handled("source", "missing_values: [-200]")
    assert not handled("source", "duplicates: first")
    assert handled("data", "mask_channels: true")
    data.roles["inputs"] = ["a"]
    assert "leave the channel out" in handled("source", "duplicates: first", channel="b")
    assert not handled("source", "duplicates: first", channel="a")


@pytest.mark.parametrize(("kind", "split", "done"), [
    ("label follows group", Grouped, True), ("label follows group", Stratified, False),
    ("label follows name", Grouped, False), ("group in two roles", Grouped, False),
])  # fmt: skip
def test_groups_that_are_kept_apart_take_care_of_labels_that_follow_them_and_of_nothing_else(kind, split, done):
    cure = Cure(place="data", line="split: {class_path: dlkit.data.sample_splits.Grouped}")
    finding = Finding(kind=kind, level="warning", what="", why="", cures=(cure,))
    assert bool(handled_by(finding, SimpleNamespace(split=split()))) == done


def test_repairs_are_joined_and_the_worse_finding_decides():
    def finding(level, *cures, share=0.0):
        return Finding(
            kind="k", level=level, what="", why="", share=share, cures=tuple(Cure(place=p, line=l) for p, l in cures)
        )

    step = "{class_path: dlkit.data.cleaning.mask.Mask, init_args: {values: [0], channels: [a]}}"
    found = repairs_of([
        finding("note", ("source", "gaps: fill")),
        finding("warning", ("source", "missing_values: [-9999]")),
        finding("warning", ("source", "missing_values: [-200]"), share=0.5),
        finding("error", ("source", "gaps: split")),
        finding("warning", ("clean", step)),
        finding("note", ("clean", step)),
    ])  # fmt: skip
    assert found["source"] == {"gaps": "split", "missing_values": [-200, -9999]}
    assert found["clean"] == [yaml.safe_load(step)]


@pytest.mark.parametrize("count", [1, 2])
def test_a_step_without_settings_is_a_repair_alone_and_among_others(count):
    cure = Cure(place="clean", line="{class_path: dlkit.data.cleaning.exposure.Stretch}")
    findings = [Finding(kind="k", level="note", what="", why="", cures=(cure,))] * count
    assert repairs_of(findings) == {"clean": [{"class_path": "dlkit.data.cleaning.exposure.Stretch"}]}


def test_repairs_of_one_kind_are_one_step_and_a_channel_that_is_left_out_needs_none():
    def clean(name, **settings):
        return Cure(
            place="clean", line=json.dumps({"class_path": f"dlkit.data.cleaning.{name}", "init_args": settings})
        )

    cures = [
        clean("despike.Despike", channels=["a"], width="9s"), clean("despike.Despike", channels=["b"], width="9s"),
        clean("despike.Despike", channels=["c"], width="1min"), clean("despike.Despike", channels=["a"], width="9s"),
        clean("mask.Mask", channels=["a"], values=[-9999]), clean("mask.Mask", channels=["a"], values=[7]),
        clean("mask.Mask", channels=["d"], values=[0]), clean("drop.DropChannels", channels=["d"]),
        clean("clip.Clip", channels=["a"], quantiles=[0, 1]), clean("clip.Clip", channels=["a"], quantiles=[0.1, 1]),
    ]  # fmt: skip
    found = repairs_of(Finding(kind="k", level="note", what="", why="", cures=(cure,)) for cure in cures)["clean"]
    assert [(one["class_path"].rsplit(".")[-1], one["init_args"]) for one in found] == [
        ("Despike", {"channels": ["a", "b"], "width": "9s"}),
        ("Despike", {"channels": ["c"], "width": "1min"}),
        ("Mask", {"channels": ["a"], "values": [-9999, 7]}),
        ("DropChannels", {"channels": ["d"]}),
        ("Clip", {"channels": ["a"], "quantiles": [0, 1]}),
        ("Clip", {"channels": ["a"], "quantiles": [0.1, 1]}),
    ]


def test_the_bar_counts_the_bytes_of_all_sources_and_is_gone_at_the_end(monkeypatch):
    screen, now = io.StringIO(), iter(range(100))
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(check_bar.time, "perf_counter", lambda: float(next(now)))
    with check_bar.bar_of(200, shows=True) as bar:
        bar(50, 100)
        bar.ended(100)
        bar(100, 100)
    shown = screen.getvalue()
    assert " 25 % of 200 B" in shown and "100 % of 200 B" in shown
    assert shown.endswith("\r\x1b[K")


def test_what_is_done_after_the_bytes_is_told_where_somebody_looks(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    check_bar.doing("Drawing")
    assert screen.getvalue() == ""
    monkeypatch.setattr(screen, "isatty", lambda: True, raising=False)
    check_bar.doing("Drawing")
    check_bar.doing("")
    assert screen.getvalue() == "\rDrawing ...\x1b[K\r\x1b[K"


def test_nothing_is_written_over_where_nobody_looks(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    with check_bar.bar_of(10) as bar:
        bar(5, 10)
    assert screen.getvalue() == ""


def test_places_are_plain_in_json():
    one = Finding(kind="k", level="note", what="", why="", places=(Place(series="s", first=0, row=3),))
    assert json.loads(json.dumps(one.plain()))["places"] == [{"series": "s", "first": 0, "row": 3}]


def test_the_headline_counts_what_is_shown_and_a_group_tells_the_count_of_each():
    counts = {"OT": 50, "max. PAR": 30, "wv (m/s)": 1}
    many = [
        Finding(kind="sentinel", level="warning", what=f"'{name}'.", why="", channel=name, count=count, of="rows")
        for name, count in counts.items()
    ]
    said = text_of(Check(asked="a", findings=many), Path("page"))
    assert "; 1 thing would change the answer" in said
    assert "50 rows of 'OT', 30 of 'max. PAR', 1 of 'wv (m/s)'; 81 in all." in said


def test_a_repair_in_the_terminal_is_whole_and_valid_yaml():
    line = (
        "{class_path: dlkit.data.cleaning.scale.Scale, init_args: {channels: ['flow of the pump (l/min)'], factor: 1, "
    )
    line += "offset: -2523.768}}"
    one = Finding(kind="step", level="warning", what="A step.", why="", cures=(Cure(place="clean", line=line),))
    said = text_of(Check(asked="a", findings=[one]), Path("page"))
    block = said.partition("clean: -")[2].partition("report:")[0]
    assert yaml.safe_load(block) == yaml.safe_load(line)


def test_steps_of_several_sources_stand_below_their_names():
    step = "{class_path: dlkit.data.cleaning.mask.Mask, init_args: {channels: [a], values: [0]}}"
    cure = (Cure(place="clean", line=step),)
    found = repairs_of(Finding(kind="k", level="note", what="", why="", cures=cure, source=name) for name in "st")
    assert found == {"input": {name: {"clean": [yaml.safe_load(step)]} for name in "st"}}
