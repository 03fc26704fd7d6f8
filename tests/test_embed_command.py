"""`dlkit embed RUN`: every network is embedded; labels are compared with, never used; known windows are found again."""

import dataclasses
import shutil
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

from dlkit.__main__ import main
from dlkit.commands.embed import folder_of
from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder, read_json
from dlkit.data.sources.digits import Digits
from dlkit.embedding.clusters import NAMES
from dlkit.models.lstm import LSTM
from dlkit.models.revin import RevIN
from dlkit.report.thumbnails import SIDE
from dlkit.train import stages
from dlkit.train.embedding import drawings as embedding_drawings
from dlkit.train.embedding import embedding
from dlkit.train.embedding.drawings import new_colouring
from dlkit.train.embedding.points import Truth, any_in, embed
from dlkit.train.embedding.query import find
from dlkit.train.embedding.result import Wish, search
from tests.bad_inputs.cases_anomalies import write_anomalies
from tests.bad_inputs.corpus import snapshot, table, text, write_job
from tests.bad_inputs.sample_jobs import write_images
from tests.bad_inputs.source_jobs import write_several

HEADS = {
    "fault": {"class_path": "dlkit.data.heads.Head", "init_args": {"kind": "class", "events": "faults"}},
    "level": {"class_path": "dlkit.data.heads.Head", "init_args": {"kind": "values", "channels": ["slow.level"]}},
}


def write_heads(folder):
    """Write a job on several sources that answers two questions."""
    write_several(folder)
    settings = yaml.safe_load((folder / "several.yaml").read_text())
    settings["data"]["init_args"]["targets"] = HEADS
    net = settings["model"]["init_args"]["net"]
    settings["model"] = {"class_path": "dlkit.tasks.combined.Combined", "init_args": {"net": net}}
    (folder / "several.yaml").write_text(yaml.safe_dump(settings))


JOBS = {"forecast": write_job, "images": write_images, "anomalies": write_anomalies, "several": write_heads}
FILES = {"images": "images.yaml", "several": "several.yaml"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a function that gives the folder of the run of a job, trained once."""
    made = {}

    def run_of(job):
        if job not in made:
            folder = tmp_path_factory.mktemp(job)
            JOBS[job](folder)
            settings = yaml.safe_load((folder / FILES.get(job, "config.yaml")).read_text())
            if job == "forecast":
                net = {"class_path": "dlkit.models.lstm.LSTM", "init_args": {"hidden_size": 6}}
                settings["model"]["init_args"]["net"] = net
            (folder / "config.yaml").write_text(yaml.safe_dump(settings))
            assert main(["fit", str(folder / "config.yaml")]) == 0
            (made[job],) = (folder / "runs").iterdir()
        return made[job]

    return run_of


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the pictures out, which take most of the time."""
    monkeypatch.setattr(embedding, "save_figure", lambda figure, path: path)
    monkeypatch.setattr(embedding, "map_of", lambda *_: None)
    monkeypatch.setattr(embedding, "cluster_figures", lambda *_: iter(()))
    monkeypatch.setattr(embedding, "neighbour_figures", lambda *_: iter(()))


def loaded(run, job_roles=("test",), most=10_000):
    cli, _ = stages.load([str(run)])
    return cli.model.eval(), cli.datamodule, embed(cli.model.eval(), cli.datamodule, job_roles, most)


def rows_of(run, folder="embedding"):
    return pd.read_parquet(run / folder / "embeddings.parquet")


def vectors(rows):
    return rows[[name for name in rows if name.startswith("e0")]].to_numpy()


def test_one_call_writes_everything_and_leaves_the_run_alone(trained, tmp_path, capsys):
    run = shutil.copytree(trained("images"), tmp_path / "run")
    before = snapshot(run)
    asked = ["--role", "all", "--clusters", "2", "--like", "cat/00.png", "--neighbours", "3"]
    assert main(["embed", str(run), *asked]) == 0
    after = snapshot(run)
    new = {name for name in after if name not in before}
    assert {name: mark for name, mark in after.items() if name not in new} == before
    assert all(name.startswith(("embedding", "tensorboard/")) for name in new)
    drawn = {path.name for path in (run / "embedding").iterdir()}
    assert {"embeddings.parquet", "clusters.json", "map.png", "clusters_kmeans.png"} <= drawn
    assert {"neighbours_00_cat_00.json", "neighbours_00_cat_00.png"} <= drawn
    rows = rows_of(run)
    assert len(rows) == 24
    assert set(rows["role"]) == {"train", "val", "test"}
    assert set(rows["label"]) == {"cat", "dog"}
    assert {f"cluster_{name}" for name in NAMES} | {"sample", "pca_1", "pca_2", "tsne_1", "tsne_2"} <= set(rows)
    told = read_json(run / "embedding" / "clusters.json")
    assert set(told["methods"]) == set(NAMES)
    assert told["methods"]["kmeans"]["clusters"] == rows["cluster_kmeans"].nunique() == 2
    said = capsys.readouterr().out
    assert "24 samples of all" in said
    assert "like cat/00.png, cat" in said
    assert f"embedding: {run / 'embedding'}" in said


@pytest.mark.parametrize("job", JOBS)
def test_embeddings_are_those_of_the_network_for_every_kind_of_data(job, trained, undrawn, tmp_path):
    run = shutil.copytree(trained(job), tmp_path / "run")
    assert main(["embed", str(run), "--method", "kmeans", "--clusters", "2", "--tsne", "0"]) == 0
    rows = rows_of(run)
    cli, _ = stages.load([str(run)])
    task, data = cli.model.eval(), cli.datamodule
    assert len(rows) == data.count("test")
    with torch.no_grad():
        batch = data.make_batch(data.places("test").starts(torch.arange(data.count("test"))))
        expected = task.net.embedding(batch.x).numpy()
    np.testing.assert_allclose(vectors(rows), expected, rtol=1e-5, atol=1e-6)
    if job == "several":  # the first head says what is known
        classes = task.spec.head("fault").classes
        assert rows["label"].tolist() == [classes[k] for k in batch.y["fault"].tolist()]


def test_windows_are_named_by_their_first_and_last_row(trained, undrawn, tmp_path):
    run = shutil.copytree(trained("forecast"), tmp_path / "run")
    assert main(["embed", str(run), "--role", "val", "--method", "kmeans", "--tsne", "0"]) == 0
    rows = rows_of(run)
    assert ((rows["end"] - rows["start"]) == pd.Timedelta("7h")).all()
    assert (rows["start"].diff().dropna() == pd.Timedelta("1h")).all()
    assert "label" not in rows


def test_a_window_is_anomalous_when_one_of_its_rows_is(trained, undrawn, tmp_path):
    run = shutil.copytree(trained("anomalies"), tmp_path / "run")
    assert main(["embed", str(run), "--method", "kmeans", "--tsne", "0"]) == 0
    rows = rows_of(run)
    first, last = pd.Timestamp("2021-03-01T01:50"), pd.Timestamp("2021-03-01T01:55")
    touched = (rows["start"] <= last) & (rows["end"] >= first)
    assert rows["label"].tolist() == np.where(touched, "anomalous", "normal").tolist()
    mask = np.arange(10) == 4
    assert any_in(mask, np.arange(8), 3).tolist() == [0, 0, 1, 1, 1, 0, 0, 0]


def test_labels_change_no_cluster_and_no_neighbour(trained):
    _, _, known = loaded(trained("images"), ("train", "val", "test"))
    wish = Wish(methods=("kmeans", "gmm"), clusters=3)
    one = search(known, None, wish)
    random = np.random.default_rng(0).permutation(known.truth.values)
    other = search(
        type(known)(**(vars(known) | {"truth": Truth("other", random, known.truth.classes)})), None, wish
    )  # fmt: skip
    for first, second in zip(one.clusters, other.clusters, strict=True):
        np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(one.nearest[1], other.nearest[1])


def test_a_number_a_name_and_a_moment_mean_the_same(trained):
    _, _, images = loaded(trained("images"))
    for number, name in enumerate(images.identity()["sample"].tolist()):
        assert find(name, images) == find(str(number), images) == number
    _, _, windows = loaded(trained("forecast"))
    for number, end in enumerate(windows.identity()["end"].astype("datetime64[s]").tolist()):
        assert find(end.isoformat(), windows) == find(str(end), windows) == find(str(number), windows) == number
    between = windows.identity()["end"][3] - np.timedelta64(20, "m")
    assert find(str(between), windows) == 3


def test_fewer_windows_are_spread_evenly_and_that_is_said(trained, undrawn, tmp_path, capsys):
    run = shutil.copytree(trained("forecast"), tmp_path / "run")
    assert main(["embed", str(run), "--role", "all", "--most", "10", "--tsne", "5", "--method", "kmeans"]) == 0
    rows, said = rows_of(run), capsys.readouterr().out
    assert len(rows) == 10
    assert np.isfinite(rows["tsne_1"]).sum() == 5
    cli, _ = stages.load([str(run)])
    total = sum(cli.datamodule.count(role) for role in ("train", "val", "test"))
    assert f"10 of {total} windows" in said.replace(", spread evenly (--most),", "")
    assert "t-SNE of 5 of 10 windows" in said


def test_the_same_seed_gives_the_same_table(trained, undrawn, tmp_path):
    run = shutil.copytree(trained("images"), tmp_path / "run")
    asked = ["--role", "all", "--clusters", "3"]
    assert main(["embed", str(run), *asked]) == 0
    one = rows_of(run)
    assert main(["embed", str(run), *asked]) == 0
    pd.testing.assert_frame_equal(one, rows_of(run))


def test_new_windows_that_are_known_are_found_again_and_strange_ones_stand_out(trained, undrawn, tmp_path, capsys):
    run = shutil.copytree(trained("forecast"), tmp_path / "run")
    lines = table()
    (tmp_path / "same.csv").write_text(text(lines[:60]))
    assert main(["embed", str(run), "--data", str(tmp_path / "same.csv"), "--tsne", "0", "--like", "5"]) == 0
    rows = rows_of(run, "embedding_same")
    new = rows[rows["role"] == "new"]
    known = rows[rows["role"] == "train"]
    assert (known["distance"].isna() & known["nearest"].isna()).all()
    own = new[new["end"] <= known["end"].max()]
    assert len(own) > 20
    np.testing.assert_allclose(own["distance"], 0, atol=1e-3)
    assert (own["nearest"] == own["end"].dt.strftime("%Y-%m-%d %H:%M:%S")).all()
    assert (own["p_value"] > 0.5).all()
    clusters = known.set_index("end")["cluster_kmeans"]
    assert (own["cluster_kmeans"].to_numpy() == clusters.loc[own["end"]].to_numpy()).all()
    assert "0 of them like nothing known" in capsys.readouterr().out
    strange = [lines[0], *(f"{line.split(',')[0]},{900 * (-1) ** row},{row}" for row, line in enumerate(lines[1:60]))]
    (tmp_path / "strange.csv").write_text(text(strange))
    assert main(["embed", str(run), "--data", str(tmp_path / "strange.csv"), "--tsne", "0"]) == 0
    rows = rows_of(run, "embedding_strange")
    assert rows[rows["role"] == "new"]["distance"].median() > 5 * own["distance"].max()
    assert "like nothing known" in capsys.readouterr().out


def test_windows_of_another_level_are_like_nothing_known_to_a_network_that_normalizes_them(trained, monkeypatch):
    cli, _ = stages.load([str(trained("forecast"))])
    task, data = cli.model, cli.datamodule
    task.net = RevIN(task.spec, partial(LSTM, hidden_size=6)).eval()
    known = embed(task, data, ("train",), 10_000)
    with torch.no_grad():
        moved = task.net.embedding(data.make_batch(torch.from_numpy(known.starts)).x + 9).numpy()
    found = search(known, dataclasses.replace(known, vectors=moved), Wish(methods=("kmeans",)))
    assert (found.rarity(found.new_nearest[1]) < 0.05).all()  # the least that so few windows allow is 0.02
    monkeypatch.setattr(embedding_drawings, "RARE", 0.05)
    count = len(known.starts)
    assert new_colouring(found).values.tolist() == [0] * count + [2] * count


def test_what_is_asked_for_is_told_with_both_ends_of_its_window(trained, undrawn, tmp_path, capsys):
    run = shutil.copytree(trained("forecast"), tmp_path / "run")
    assert main(["embed", str(run), "--method", "kmeans", "--tsne", "0", "--like", "3", "--neighbours", "2"]) == 0
    row = rows_of(run).iloc[3]
    name = f"{row['start']:%Y-%m-%d %H:%M:%S} to {row['end']:%Y-%m-%d %H:%M:%S}"
    assert f"like {name}: " in capsys.readouterr().out
    (path,) = (run / "embedding").glob("neighbours_00_*.json")
    assert read_json(path)["query"] == name
    assert all(" to " in one["name"] for one in read_json(path)["neighbours"])
    _, _, images = loaded(trained("images"))
    assert images.spans(np.array([1, 0])) == images.names(np.array([1, 0]))


def test_new_files_that_the_source_cannot_read_are_refused_in_words_that_suit_every_command(trained):
    cli, _ = stages.load([str(trained("images"))])
    with pytest.raises(InputError, match="leave out --data") as refused:
        stages.source_of(SimpleNamespace(source=Digits()), ["more.csv"], None, cli.model.spec)
    assert "predict" not in str(refused.value)


def test_new_files_have_a_folder_of_their_own():
    assert folder_of(["a/b.1.csv"]) == "embedding_b"
    assert folder_of(["a/b.csv", "c.csv", "d.csv"]) == "embedding_b_and_2_more"


def test_the_projector_has_a_line_a_name_and_a_thumbnail_for_each_point(trained, undrawn, tmp_path):
    run = RunFolder(shutil.copytree(trained("anomalies"), tmp_path / "run"))
    assert main(["embed", str(run.path), "--method", "kmeans", "--tsne", "0"]) == 0
    folder, count = run.tensorboard / "embedding", len(rows_of(run.path))
    config = (run.tensorboard / "projector_config.pbtxt").read_text()
    for name in ("tensors.tsv", "metadata.tsv", "sprite.png"):
        assert f'path: "embedding/{name}"' in config
    assert np.loadtxt(folder / "tensors.tsv", delimiter="\t", ndmin=2).shape[0] == count
    metadata = pd.read_csv(folder / "metadata.tsv", sep="\t")
    assert len(metadata) == count
    assert {"name", "role", "kmeans"} <= set(metadata)
    side = int(np.ceil(np.sqrt(count)))
    with Image.open(folder / "sprite.png") as sprite:
        assert sprite.size == (side * SIDE, side * SIDE)
