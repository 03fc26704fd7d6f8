"""A check calls a finding taken care of only where it is gone from the rows that the config makes."""

import numpy as np
import pandas as pd
import pytest
import yaml

from dlkit.__main__ import main
from dlkit.core.finding import Place
from dlkit.core.runfolder import read_json
from dlkit.data.cleaning.leave_out import LeaveOut
from dlkit.data.cleaning.mask import Mask
from dlkit.quality.checked import check_of
from dlkit.train.check import left
from dlkit.train.check.asked import asked_for
from dlkit.train.check.checking import check_config, check_module
from dlkit.train.check.left import overlap
from dlkit.train.check.seen import Wanted
from tests.bad_inputs.corpus import tiny
from tests.made_sample_modules import image_module, images, trace_module, traces
from tests.test_check_command import clean_table

CLEANING = "dlkit.data.cleaning."
SPIKES = [200, 420, 640, 861, 1080, 1300]


@pytest.fixture(autouse=True)
def no_arguments_of_pytest(monkeypatch):
    """Lightning warns when the command line of the process is another than the one it is given."""
    monkeypatch.setattr("sys.argv", ["dlkit"])


def spiked():
    """Return hourly rows with six spikes, nine sentinels and a hole of forty rows."""
    table = clean_table().rename(columns={"time": "t", "flow (l/min)": "a", "pressure (bar)": "b"})
    table.loc[SPIKES, "a"] += [60, 65, 55, 70, 62, 58]
    table.loc[700:739, "b"] = np.nan
    table.loc[np.arange(150, 1000, 100), "b"] = -9999.0
    return table


def step(name, **settings):
    return {"class_path": CLEANING + name, "init_args": settings}


def checked(folder, table, *steps, **data):
    """Check a table as a config with these steps makes it; return findings by kind and channel."""
    table.to_csv(folder / "tiny.csv", index=False)
    config = tiny(folder)
    config["data"]["init_args"] |= {"clean": list(steps)} | data
    (folder / "job.yaml").write_text(yaml.safe_dump(config))
    found = check_config(asked_for([str(folder / "job.yaml")]), Wanted(quick=True))[0].findings
    return {(one.kind, one.channel): one for one in found}


def test_a_finding_is_taken_care_of_where_it_is_gone(tmp_path):
    steps = step("despike.Despike", channels=["a"], width="16h"), step("mask.Mask", channels=["b"], values=[-9999])
    found = checked(tmp_path, spiked(), *steps)
    assert found["spike", "a"].count == 6 and found["spike", "a"].handled == "`Despike` in `clean`"
    assert found["sentinel", "b"].handled == "`Mask` in `clean`"


def test_what_is_left_is_told_with_how_much_is_gone(tmp_path):
    bad_hours = [["2024-01-01", "2024-02-08"]]  # up to row 912: four of six
    found = checked(tmp_path, spiked(), step("mask.Mask", channels=["a"], above=50, during=bad_hours))
    one = found["spike", "a"]
    assert not one.handled and one.level == "warning" and one.count == 2
    assert one.what.startswith("4 of 6 are gone: 'a' has 2 spikes")
    assert {place.row for place in one.places} == {1081, 1301}


@pytest.mark.parametrize(
    "idle",
    [
        step("despike.Despike", channels=["a"], width="16h", threshold=1000),
        step("mask.Mask", channels=["b"], values=[-999]),
    ],
)
def test_a_step_that_changes_nothing_takes_care_of_nothing(idle, tmp_path):
    found = checked(tmp_path, spiked(), idle)
    assert not found["spike", "a"].handled and not found["sentinel", "b"].handled
    named = idle["init_args"]["channels"] == ["a"]
    assert found["spike", "a"].what.startswith("`Despike` in `clean` does not take it away:") == named


def test_what_a_step_hides_by_its_number_is_not_gone(tmp_path):
    """Two of nine codes are too few to be found as such."""
    table = spiked()
    table.loc[np.arange(150, 1000, 100), "b"] = 40.0
    hours = [["2024-01-01", "2024-01-30"]]  # up to row 696: six of nine
    found = checked(tmp_path, table, step("mask.Mask", channels=["b"], values=[40], during=hours))
    assert not found["sentinel", "b"].handled and " of 9 are gone" in found["sentinel", "b"].what


def test_what_a_step_makes_is_a_note_and_no_fault_of_the_source(tmp_path):
    steps = step("clip.Clip", channels=["a"], upper=22), step("interpolate.Interpolate", channels=["b"], limit="30h")
    found = checked(tmp_path, spiked(), *steps, mask_channels=True)
    notes = [one for one in found.values() if one.kind == "made by clean"]
    assert {one.level for one in notes} == {"note"} and {one.channel for one in notes} == {"a", "b"}
    assert not {("clipped", "a"), ("stuck", "b")} & set(found)
    bare = checked(tmp_path, spiked())
    assert not [one for one in bare.values() if one.kind == "made by clean"]


@pytest.mark.parametrize(("factor", "right"), [(0.001, True), (0.5, False)])
def test_a_change_is_gone_only_where_a_step_takes_it_back(factor, right, tmp_path):
    table = spiked()
    table.loc[1000:, "b"] *= 1000
    changed = [["2024-02-11T16:00", "2024-12-31"]]
    mask = step("mask.Mask", channels=["b"], values=[-9999])
    found = checked(tmp_path, table, mask, step("scale.Scale", channels=["b"], factor=factor, during=changed))
    (one,) = [one for (kind, channel), one in found.items() if kind == "unit change" and channel == "b"]
    assert bool(one.handled) == right


def test_steps_that_learn_are_seen_as_they_learnt(tmp_path):
    found = checked(tmp_path, spiked(), step("clip.Clip", channels=["a"], quantiles=[0.01, 0.99]))
    assert found["spike", "a"].handled == "`Clip` in `clean`"


def test_without_steps_nothing_is_looked_at_again(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("looked at again")

    monkeypatch.setattr(left, "look_again", refuse)
    assert ("spike", "a") in checked(tmp_path, spiked())


def test_data_that_are_refused_are_not_called_clean(tmp_path):
    table = spiked().drop(index=range(1320, 1330))
    found = checked(tmp_path, table, step("despike.Despike", channels=["a"], width="16h"))
    assert ("refused", "") in found and not found["spike", "a"].handled
    assert "cannot be seen, as the data are refused" in found["spike", "a"].what


def test_a_stream_of_several_is_seen_as_its_own_steps_leave_it(tmp_path):
    spiked().to_csv(tmp_path / "tiny.csv", index=False)
    source = {
        "class_path": "dlkit.data.sources.recording.Recording",
        "init_args": {"path": str(tmp_path / "tiny.csv"), "time": "t"},
    }
    stream = {"class_path": "dlkit.data.inputs.StreamInput", "init_args": {"source": source}}
    stream["init_args"]["clean"] = [step("despike.Despike", channels=["a"], width="16h")]
    clock = {"class_path": "dlkit.data.clock.Regular", "init_args": {"step": "1h"}}
    block = {
        "class_path": "dlkit.data.multimodal.MultimodalDataModule",
        "init_args": {"clock": clock, "sources": {"beam": stream}, "look_forward": 4, "targets": ["beam.a"]},
    }
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(block))
    assert main(["check", str(tmp_path / "data.yaml"), "--output", str(tmp_path), "--quick"]) == 0
    found = {(one.kind, one.channel): one for one in check_of(read_json(tmp_path / "check.json")).findings}
    assert found["spike", "a"].handled == "`Despike` in `clean`" and not found["sentinel", "b"].handled


def test_places_overlap_where_they_have_a_time_in_common():
    hour = 3600 * 10**9
    one = Place(series="s", first=0, last=2 * hour)
    assert overlap(one, Place(series="s", first=2 * hour)) and not overlap(one, Place(series="s", first=3 * hour))
    assert not overlap(one, Place(series="t", first=0)) and overlap(Place(sample="x"), Place(sample="x"))


def test_dates_of_the_table_are_as_the_cases_take_them():
    assert pd.Timestamp("2024-01-01") + pd.Timedelta(hours=1000) == pd.Timestamp("2024-02-11T16:00")


def test_traces_and_images_are_seen_as_their_steps_leave_them():
    one = traces(count=60, time=200)
    one.values[:, 0, 50:54] = -9999
    mask = Mask(channels=[one.channels[0]], values=[-9999])
    seen = check_module(trace_module(one, clean=[mask]), Wanted(quick=True), "traces")[0].findings
    (code,) = [found for found in seen if found.kind == "sentinel"]
    assert code.handled == "`Mask` in `clean`"
    pictures = images(count=60, size=(16, 16))
    pictures.values[[3, 7]] = 0
    for names, handled in (
        ([pictures.names[3], pictures.names[7]], "`LeaveOut` in `clean`"),
        ([pictures.names[3]], ""),
    ):
        data = image_module(pictures, clean=[LeaveOut(names=names)])
        (dark,) = [
            found for found in check_module(data, Wanted(quick=True), "images")[0].findings if found.kind == "blank"
        ]
        assert dark.handled == handled and (handled or dark.what.startswith("1 of 2 is gone: "))
