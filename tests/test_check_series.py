"""A check of several machines says which it means; what cannot be read is told once and names a way out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlkit.__main__ import main
from dlkit.core.checks import InputError
from dlkit.core.finding import Cure, Finding, Place
from dlkit.core.runfolder import read_json
from dlkit.data.raw.kin import name_of
from dlkit.data.readers.csv import Csv
from dlkit.data.tabular.array_tables import array_chunks
from dlkit.quality.checked import check_of
from dlkit.quality.signals.cures import round_duration
from dlkit.quality.signals.facts import ClockFacts
from dlkit.train.check.series import with_series


def checked(path, out, capsys):
    """Check a table; return what was found and what was printed."""
    assert main(["check", str(path), "--output", str(out), "--quick"]) == 0
    return check_of(read_json(out / "check.json")), capsys.readouterr().out


def machine(name, seed, rows=900):
    random = np.random.default_rng(seed)
    times = pd.date_range("2024-03-01", periods=rows, freq="1min")
    return pd.DataFrame({"time": times, "machine": name, "p": random.normal(size=rows).round(6)})


def test_a_finding_names_the_machine_and_the_first_line_the_column(tmp_path, capsys):
    tables = [machine(name, seed) for seed, name in enumerate(["P1", "P2", "P3"])]
    tables[1].loc[400:599, "p"] = 0.25
    pd.concat(tables).sort_values(["time", "machine"]).to_csv(tmp_path / "a.csv", index=False)
    check, said = checked(tmp_path / "a.csv", tmp_path, capsys)
    (stuck,) = [one for one in check.findings if one.kind == "stuck"]
    assert stuck.what.endswith(" In series 'P2'.")
    assert not [cure for cure in stuck.cures if "during" in cure.line]
    assert "3 series in column 'machine'" in said.splitlines()[0]
    assert check.sources[0].facts["span_s"] == 899 * 60.0
    assert check.sources[0].facts["span_of_all_series_s"] == 3 * 899 * 60.0


def test_repairs_by_time_stay_where_no_other_series_was_recorded():
    cure = Cure(place="clean", line="{init_args: {during: [[0.0, 1.0]]}}")
    one = Finding(kind="k", level="note", what="A.", why="", cures=(cure,), places=(Place(series="a"),))
    after, beside = ClockFacts(series=2, first=0, last=9, span=8), ClockFacts(series=2, first=0, last=9, span=18)
    assert with_series([one], after)[0].cures == (cure,) and with_series([one], beside)[0].cures == ()
    assert with_series([one], ClockFacts(series=1, first=0, last=9, span=9)) == [one]


def test_cells_that_are_infinite_or_text_are_not_missing_too(tmp_path, capsys):
    table = machine("P", 0).drop(columns="machine").astype({"p": object})
    table["q"] = np.random.default_rng(1).normal(size=len(table)).round(6)
    table.loc[[10, 20], "p"] = "ERR"
    table.loc[[30, 40], "q"] = np.inf
    table.to_csv(tmp_path / "a.csv", index=False)
    check, _ = checked(tmp_path / "a.csv", tmp_path, capsys)
    kinds = [(one.kind, one.channel) for one in check.findings]
    assert {("unreadable cells", "p"), ("infinite", "q")} <= set(kinds)
    assert "missing" not in dict(kinds)


def test_text_that_is_not_utf8_names_a_way_out(tmp_path):
    (tmp_path / "a.csv").write_bytes("Zeit,T [°C]\n0,1\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"set `encoding` .* 'latin-1', .* `dlkit check a\.csv` finds it"):
        Csv().columns(tmp_path / "a.csv")


def test_arrays_of_smap_name_the_source_that_reads_them():
    arrays = {"A-1_train_telemetry": np.zeros(3), "A-1_test_label": np.zeros(4)}
    with pytest.raises(InputError, match=r"dlkit\.data\.sources\.smap\.SMAP"):
        list(array_chunks("smap.npz", arrays, list(arrays), 10))


def test_durations_of_a_clock_that_jitters_are_rounded_up_and_others_stay():
    assert round_duration(50_007_302_620) == "51s"
    assert [round_duration(n) for n in (90 * 60 * 10**9, 7_500_000_000, 3930 * 10**9)] == ["90min", "7500ms", "3930s"]


def test_files_with_a_renamed_column_are_told_and_named_in_whole_words(tmp_path, capsys):
    for day in (1, 2, 3):
        table = machine("P", day, rows=48).drop(columns="machine").assign(q=np.arange(48.0), s=np.arange(48.0) ** 2)
        table["time"] += pd.Timedelta(days=day)
        table.rename(columns={"p": "P"} if day == 2 else {}).to_csv(tmp_path / f"2024-03-0{day}.csv", index=False)
    check, said = checked(tmp_path, tmp_path / "out", capsys)
    assert [source.name for source in check.sources] == ["2024-03", "2024-03-02"]
    (other,) = [one for one in check.findings if one.kind == "other columns"]
    assert other.level == "warning" and "2024-03-02.csv) lack 'p' and have 'P'" in other.what
    assert "other columns" in said


def test_names_of_groups_are_whole_and_differ():
    def named(*names, taken=()):
        return name_of([Path(f"{name}.csv") for name in names], taken)

    assert named("m1_a", "m19_b", "clean") == "m1_a and 2 more"
    assert named("sensor1", "sensor2") == named("sensor_1", "sensor_x") == "sensor"
    assert named("sensor3", "sensor4", taken={"sensor"}) == "sensor (sensor3)"


def test_an_output_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("time,a\n")
    assert main(["check", str(tmp_path / "a.csv"), "--output", "/proc/nope"]) == 2
    said = capsys.readouterr().err
    assert "--output /proc/nope cannot be written" in said and said.count("\n") == 1
