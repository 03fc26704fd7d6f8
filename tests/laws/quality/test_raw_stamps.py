"""Stamps of a bare file that cannot be read, or in two ways, are told with the setting that decides."""

import numpy as np
import pandas as pd
import pytest

from dlkit.__main__ import main
from dlkit.data.raw.open import open_raw
from dlkit.data.sources.files import Files

ROWS = 400
TIMES = pd.date_range("2024-01-03", periods=ROWS, freq="1h").as_unit("ns")  # 17 days
X = np.random.default_rng(0).normal(size=ROWS)


def opened(folder, stamps, name="time", **settings):
    pd.DataFrame({name: stamps, "x": X[: len(stamps)]}).to_csv(folder / "x.csv", index=False)
    raw = open_raw(folder / "x.csv", settings)
    return raw, np.concatenate([rows.times for rows, _ in raw.chunks()]), {one.kind: one for one in raw.findings()}


@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M:%S,%f", "%d %b %Y %H:%M", "%b %d, %Y %I:%M %p", "%Y-%m-%d %H.%M.%S"])
def test_common_patterns_are_found_and_read_every_row(form, tmp_path):
    raw, times, found = opened(tmp_path, TIMES.strftime(form))
    assert raw.guessed["time_format"] == form and not found
    np.testing.assert_array_equal(times, TIMES.asi8)


def test_stamps_that_cannot_be_read_are_an_error_with_an_example_and_the_setting(tmp_path, capsys):
    form = "%Hh%Mm on %d/%m/%Y"
    _, _, found = opened(tmp_path, TIMES.strftime(form))
    one = found["unknown stamps"]
    assert one.level == "error" and "'00h00m on 03/01/2024'" in one.what and "time_format" in one.cures[0].line
    arguments = ["check", str(tmp_path / "x.csv"), "--output", str(tmp_path), "--quick", "--strict"]
    assert main(arguments) == 1
    assert "unknown stamps" in capsys.readouterr().out
    _, times, found = opened(tmp_path, TIMES.strftime(form), time="time", time_format=form)
    assert "unknown stamps" not in found
    np.testing.assert_array_equal(times, TIMES.asi8)


def test_words_under_another_name_are_no_stamps(tmp_path):
    _, _, found = opened(tmp_path, [f"part {n}" for n in range(ROWS)], name="part")
    assert "unknown stamps" not in found and found["no stamps"].level == "note"


@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"])
def test_day_and_month_are_told_apart_by_rows_far_below(form, tmp_path):
    times = pd.date_range("2024-02-01", periods=3000, freq="10min").as_unit("ns")  # the first 1,000 rows: seven days
    frame = pd.DataFrame({"time": times.strftime(form), "x": np.resize(X, 3000)})
    frame.to_csv(tmp_path / "x.csv", index=False)
    raw = open_raw(tmp_path / "x.csv")
    assert raw.guessed["time_format"] == form
    np.testing.assert_array_equal(np.concatenate([rows.times for rows, _ in raw.chunks()]), times.asi8)
    assert not raw.findings()
    assert sum(len(stream.times) for stream in Files(**raw.source[1]).chunks()) == 3000


def test_dates_that_can_be_read_in_two_ways_are_told_with_both(tmp_path):
    raw, _, found = opened(tmp_path, [f"{day:02d}/{day:02d}/2024" for day in range(1, 13)])
    assert raw.guessed["time_format"] in ("%d/%m/%Y", "%m/%d/%Y")
    one = found["ambiguous dates"]
    assert one.level == "warning"
    assert {cure.line for cure in one.cures} == {f"time_format: '{form}'" for form in ("%d/%m/%Y", "%m/%d/%Y")}
