"""A growing file is judged row by row as the batch scorer judges it whole, whatever happens to the file."""

import os
import signal
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from dlkit.__main__ import main
from dlkit.core.runfolder import RunFolder
from dlkit.train import stages
from dlkit.train.anomalies.events import fit, row_errors
from dlkit.train.anomalies.files import read_detector, write_detectors
from dlkit.train.watch.following import Follower
from dlkit.train.watch.watch import lines_to, skip, watch, watch_of

LOOK_BACK, ROWS, FAULT = 8, 160, slice(100, 120)


def table(rows=ROWS, seed=1, fault=None):
    noise = np.random.default_rng(seed).standard_normal((rows, 3)) * 0.1
    noise += np.sin(np.arange(rows)[:, None] / [3, 5, 7])
    if fault is not None:
        noise[fault, 1] += 3
    stamps = pd.Timestamp("2024-05-01") + pd.to_timedelta(np.arange(rows), unit="s")
    return pd.DataFrame({"t": stamps, **dict(zip("abc", noise.T, strict=True))})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A trained run with a fitted detector."""
    folder = tmp_path_factory.mktemp("watched")
    table(900, seed=0).to_csv(folder / "train.csv", index=False)
    files = {"path": f"{folder}/train.csv", "time": "t", "gaps": "split"}
    config = {
        "name": "watched",
        "runs": f"{folder}/runs",
        "seed_everything": 1,
        "data": {
            "class_path": "dlkit.data.reconstruction.ReconstructionDataModule",
            "init_args": {
                "source": {"class_path": "dlkit.data.sources.files.Files", "init_args": files},
                "look_back": LOOK_BACK, "batch_size": 64, "batches_per_step": 1,
            },
        },
        "model": {
            "class_path": "dlkit.tasks.reconstruct.Reconstruct",
            "init_args": {
                "net": {"class_path": "dlkit.models.mlp.MLP", "init_args": {"hidden_size": 8}},
                "detector": {
                    "class_path": "dlkit.anomaly.detector.Detector",
                    "init_args": {
                        "smooth": "2s", "min_duration": 2, "join_gap": 1,
                        "threshold": {"class_path": "dlkit.anomaly.thresholds.Quantile", "init_args": {"level": 0.99}},
                    },
                },
            },
        },
        "trainer": {
            "max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False
        },
    }  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    assert main(["fit", str(folder / "config.yaml")]) == 0
    path = folder / "runs" / "watched-001"
    cli, folder_of_run = stages.load([str(path)])
    errors = row_errors(cli.model, cli.datamodule, "val", merge="causal")
    detector = cli.model.detector.with_merge("causal")
    write_detectors(folder_of_run, {"causal": fit(errors, cli.datamodule, detector)})
    return path


def batch_scores(run, path):
    """Scores, alarms and number of events of the whole file at once."""
    cli, folder = stages.load([str(run)], reads=False)
    source = stages.source_of(cli.datamodule, [str(path)], folder, cli.model.spec)
    data = cli.datamodule.for_new_data(source, cli.model.scaling, spec=cli.model.spec)
    errors, fitted = row_errors(cli.model, data, "test", merge="causal"), read_detector(RunFolder(run), "causal")
    scores = fitted.scores(errors, data.segments("test"))
    return scores, fitted.events(scores, errors, data.segments("test"))


def live_scores(run, path, **settings):
    output = path.with_name("judged.csv")
    said = watch([str(run)], path, output=output, until_idle=settings.pop("until_idle", 0.0), every=0.01, **settings)
    return pd.read_csv(output), said


def test_live_scores_are_those_of_the_batch_scorer(run, tmp_path, capsys):
    path, rows = tmp_path / "new.csv", table(fault=FAULT)
    rows.loc[20:24, "b"] = np.nan
    rows.drop(index=range(60, 70)).to_csv(path, index=False)  # a gap: the windows begin anew
    found, said = live_scores(run, path, from_start=True)
    scores, events = batch_scores(run, path)
    np.testing.assert_allclose(found["score"], scores, rtol=1e-6, atol=1e-6)
    assert said == f"{ROWS - 10} rows judged, {len(events)} event" + "s" * (len(events) != 1)
    printed = capsys.readouterr()
    assert len(events) > 0 and printed.out.count(": an event of") == len(events)
    assert "row 61: 11s pass before it instead of 1s; the window begins anew" in printed.err
    alarms = found[found["alarm"] == 1]
    assert len(alarms) and set(alarms["channel"]) <= {*"abc"} and (found["channel"][found["alarm"] == 0].isna()).all()


def test_a_watch_says_where_the_run_was_measured_with_what_looks_ahead(run, tmp_path, capsys):
    path = tmp_path / "new.csv"
    table().to_csv(path, index=False)
    key = "--model.init_args.detector.init_args.merge"
    for merge, told in (("overlap", 1), ("causal", 0)):
        watch([str(run), key, merge], path, until_idle=0.0, every=0.01)
        assert capsys.readouterr().out.count("what the run measured is of `merge: overlap`, which looks ahead") == told


def test_each_row_is_judged_when_it_has_come_and_only_what_is_new(run, tmp_path):
    """Rows that were there are only looked back to; each line of the answer follows its row, through a rotation too."""
    path, output = tmp_path / "new.csv", tmp_path / "out.csv"
    lines = table(120, fault=FAULT).to_csv(index=False).splitlines(keepends=True)
    path.write_text("".join(lines))
    scores, _ = batch_scores(run, path)
    path.write_text("".join(lines[:91]))
    with lines_to(output) as judged:
        following, follower = watch_of([str(run)], path, judged), Follower(path)
        skip(follower, following)
        for number, line in enumerate(lines[91:]):
            if number == 15:
                path.rename(tmp_path / "new.csv.1")
                path.write_text(lines[0])
                assert follower.read().text == []
            with path.open("a") as file:
                file.write(line[:7])
                file.flush()
                assert follower.read().text in ([], [lines[0].rstrip()])  # half a line is none
                file.write(line[7:])
            following.feed(follower.read().text, begins=False)
            assert following.rows == number + 1 == len(output.read_text().splitlines()) - 1
        follower.close()
    np.testing.assert_allclose(pd.read_csv(output)["score"], scores[90:], rtol=1e-6, atol=1e-6)


def test_bad_rows_cost_one_sentence_each(run, tmp_path, capsys):
    path, lines = tmp_path / "new.csv", table().to_csv(index=False).splitlines()
    clean, _ = live_scores(run, write(path, lines), from_start=True)
    bad = [
        "2024-05-01 00:00:49,1,2",
        "2024-05-01 00:00:49,1,oops,3",
        "yesterday,1,2,3",
        "2024-05-01 00:00:10,1,2,3",
        '2024-05-01 00:00:49,"1,2,3',
        "",
    ]
    capsys.readouterr()
    found, said = live_scores(run, write(path, [*lines[:51], *bad, *lines[51:]]), from_start=True)
    told = capsys.readouterr().err.splitlines()
    pd.testing.assert_frame_equal(found, clean)
    assert said.startswith(f"{ROWS} rows")
    assert len(told) == 5 and all(one.startswith("new.csv, row 5") and "left out" in one for one in told)
    for words in ("3 cells under 4 column names", "'oops' is not a number", "yesterday", "does not come after"):
        assert sum(words in one for one in told) == 1


def write(path, lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_file_is_followed_through_rotation_truncation_and_half_lines(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes(b"\xef\xbb\xbft,a\r\n1,2\r\n3,")
    follower = Follower(path)
    assert follower.read() == (["t,a", "1,2"], True)
    with path.open("ab") as file:
        file.write(b"4\n5,")
    assert follower.read() == (["3,4"], False)
    old = path.open("ab")
    path.rename(tmp_path / "log.csv.1")
    assert follower.read().text == []  # the name is free for a moment
    old.write(b"6\n")
    old.close()
    write(path, ["t,a", "7,8"])
    assert follower.read() == (["5,6"], False)  # the rest of the old file comes first
    assert follower.read().text == []
    assert follower.read() == (["t,a", "7,8"], True)
    path.write_text("t\n")  # cut, and begun again
    assert follower.read().text == []
    assert follower.read() == (["t"], True)
    follower.close()


@pytest.mark.parametrize("rows", [1, 4, 400])
def test_a_file_that_was_rewritten_in_its_place_is_read_from_its_start(rows, tmp_path):
    """Also where it is longer by then than it was, and where the writer goes on behind a hole."""
    path, told = write(tmp_path / "log.csv", ["time,a", "1,1", "2,2", "3,3"]), []
    follower = Follower(path, told.append)
    assert follower.read().begins and follower.read().text == []
    lines = ["time,a", *(f"{row + 4},5" for row in range(rows))]
    write(path, lines)  # the same file, cut to nothing and filled again
    assert follower.read().text == [] and len(told) == 1 and "log.csv was cut or rewritten" in told[0]
    assert follower.read() == (lines, True)
    with path.open("r+b") as file:
        file.seek(size := path.stat().st_size)
        file.truncate(0)
        file.write(b"9,9\n")
    assert path.stat().st_size == size + 4
    assert follower.read().text == [] and len(told) == 2
    assert follower.read() == (["9,9"], True)
    follower.close()


@pytest.mark.parametrize("before", [signal.default_int_handler, signal.SIG_IGN])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_open_event_and_its_last_sentence(number, before, run, tmp_path, monkeypatch, capsys):
    """Also in the background of a shell, which starts it deaf to INT; what was set before holds again."""
    lines = table(120, fault=FAULT).to_csv(index=False).splitlines()
    path, kept = write(tmp_path / "new.csv", lines[:116]), signal.signal(number, before)
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: os.kill(os.getpid(), number))
    monkeypatch.setattr("dlkit.train.watch.watch.time", clock)  # here alone: threads of other tests may sleep
    try:
        assert main(["watch", str(run), "--follow", str(path), "--from-start", "--every", "1000"]) == 0
        assert signal.getsignal(number) is before
    finally:
        signal.signal(number, kept)
    *_, begun, over, last = capsys.readouterr().out.splitlines()
    assert "an event begins" in begun and "00:01:54Z: an event of" in over
    assert last.startswith("115 rows judged, ")
