"""Answers of a run one by one: which are the best and the worst, and how their error grows with the distance."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from dlkit.core.runfolder import RunFolder
from dlkit.core.specs import Spec
from dlkit.report.words import number
from dlkit.train.report.case_maps import explained
from dlkit.train.report.cases import cases_section
from dlkit.train.report.known import Known
from dlkit.train.report.novelty import novelty_section
from dlkit.train.report.repeat import fingerprinted
from dlkit.train.report.worst import ranked

LABELS = ("bright", "tail")


def run_of(folder, spec, table):
    """Return a run that holds nothing but its answers."""
    known = Known(RunFolder(folder), {}, {}, {}, spec, folder / "best.ckpt", unread="its data are gone")
    table.to_parquet(known.run.predictions)
    return known


def of_classes(folder, truth, probabilities):
    """Return a run of three classes."""
    classes = ("a", "b", "c")
    table = pd.DataFrame(probabilities, columns=[f"probability_{name}" for name in classes])
    table["prediction"] = [classes[k] for k in np.argmax(probabilities, 1)]
    table["truth"], table["sample"] = truth, [f"s{k}" for k in range(len(truth))]
    return run_of(folder, Spec(("x",), (8,), (3,), kind="class", classes=classes), table)


def of_labels(folder, truth, probabilities, **more):
    """Return a run of two labels, a row a sample and label."""
    table = pd.DataFrame({"probability": np.ravel(probabilities), "truth": np.ravel(np.array(truth, object))})
    table["prediction"], table["label"] = table["probability"] > 0.5, LABELS * len(truth)
    table["sample"] = np.repeat([f"s{k}" for k in range(len(truth))], 2)
    spec = Spec(("x",), (8,), (2,), kind="labels", classes=LABELS)
    return run_of(folder, spec, table.astype({"truth": "boolean"}).assign(**more))


def test_no_wrong_answer_is_among_the_best_though_its_class_is_never_found(tmp_path):
    said = [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.33, 0.47, 0.2], [0.1, 0.2, 0.7]]
    found = ranked(of_classes(tmp_path, ["a", "b", "a", "b"], np.array(said)))
    assert list(found.best) == [0, 1]
    never = ranked(of_classes(tmp_path, ["b", "c"], np.array(said[:2])))
    assert list(never.best) == []
    assert len(never.worst) == 2


def test_samples_of_several_labels_are_ranked_by_the_label_that_is_farthest_off(tmp_path):
    truth = [[True, False], [True, True], [False, False], [None, None], [None, True]]
    said = np.array([[0.9, 0.2], [0.95, 0.1], [0.3, 0.4], [0.9, 0.9], [0.1, 0.7]])
    known = of_labels(tmp_path, truth, said)
    found = ranked(known)
    given = np.array([min(p if t else 1 - p for p, t in zip(ps, ts, strict=True) if t is not None) if any(
        t is not None for t in ts) else np.nan for ps, ts in zip(said, truth, strict=True)])  # fmt: skip
    assert list(found.worst) == np.argsort(given)[: np.isfinite(given).sum()].tolist() == [1, 2, 4, 0]
    assert list(found.best) == [0, 4, 2]  # right in all labels that are known, each with other ones
    assert list(found.rows[0]) == ["s1", "bright, tail", "bright", "tail", "10.0 %"]
    assert "4 test answers, 1 of them wrong" in found.told
    page = "".join(cases_section(known).parts)
    assert "s1" in page
    assert "no answers to rank" not in page


def of_values(folder, truth, said):
    """Return a run of two targets, a row a sample and target."""
    table = pd.DataFrame({"truth": np.ravel(truth), "prediction": np.ravel(said)})
    table["sample"] = np.repeat([f"s{k}" for k in range(len(truth))], 2)
    spec = Spec(("x",), (8,), (2, 1), kind="values", targets=("energy", "charge"), target_units=("MeV", "pC"))
    return run_of(folder, spec, table)


@pytest.mark.parametrize("kind", ["labels", "values"])
def test_maps_explain_the_label_or_the_target_that_made_a_case(tmp_path, monkeypatch, kind):
    random, names = np.random.default_rng(5), {"labels": LABELS, "values": ("energy", "charge")}[kind]
    truth, said = random.random((2, 40, 2))
    if kind == "labels":
        truth = truth > 0.5
        known = of_labels(tmp_path, truth.tolist(), said)
        off = np.abs(truth - said)
    else:
        truth, said = truth * [1, 1000], (truth + said) * [1, 1000]
        known = of_values(tmp_path, truth, said)
        off = np.abs(said - truth) / truth.std(0)
    asked = {}

    def explain_run(task, data, run, methods, choice):
        asked.update(dict.fromkeys(choice.numbers, choice.wanted.target))
        return ""

    monkeypatch.setattr("dlkit.train.explain.explaining.explain_run", explain_run)
    known.__dict__["cli"] = SimpleNamespace(model=None, datamodule=None)
    found = ranked(known)
    explained(known, found)
    assert set(found.worst[:3]) <= set(asked) and len(set(asked.values())) == 2
    assert asked == {k: names[off[k].argmax()] for k in asked}


def test_errors_by_distance_have_a_column_and_a_unit_for_each_target(tmp_path):
    distance, random = np.array([0.2, 0.3, 0.8, 2.0]), np.random.default_rng(0)
    truth, said = random.normal(size=(2, 4, 2)) * [1, 1000]
    truth[1, 0] = np.nan
    table = pd.DataFrame({"truth": truth.ravel(), "prediction": said.ravel(), "distance": distance.repeat(2)})
    table["flag"] = "interpolates"
    spec = Spec(("x",), (8,), (2, 1), kind="values", targets=("energy", "charge"), target_units=("MeV", "pC"))
    page = "".join(novelty_section(run_of(tmp_path, spec, table)).parts)
    assert "mean error of energy (MeV)" in page
    assert "mean error of charge (pC)" in page
    miss = np.abs(said - truth)
    for some in (distance < 0.5, distance == 0.8, distance == 2.0):
        assert all(number(mean) in page for mean in np.nanmean(miss[some], 0))
    assert "4 test answers" in page


def test_wrong_labels_by_distance_count_samples_and_leave_out_what_is_unknown(tmp_path):
    known = of_labels(tmp_path, [[True, None], [True, False]], [[0.9, 0.9], [0.9, 0.8]],
                      distance=[0.2, 0.2, 0.8, 0.8], flag="interpolates")  # fmt: skip
    page = "".join(novelty_section(known).parts)
    assert "2 test answers" in page
    assert "labels that are wrong" in page
    assert "50.0 %" in page


ONE, TWO = [{"sha256": "0"}], [{"sha256": "0"}, {"sha256": "1"}]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"files": ONE}, "1 file by SHA-256"),
        ({"images": 187, "sha256": "0"}, "187 images by SHA-256"),
        ({"tables": TWO, "images": 3, "sha256": "0"}, "2 tables and 3 images by SHA-256"),
        ({"source": {"files": TWO}, "normal": ["a"]}, "2 files by SHA-256"),
        ({"simulator": "cavity", "shots": 40}, "settings of a simulator"),
        (
            {"sources": {"a": {"files": ONE}, "b": {"simulator": "pump"}}},
            "1 file by SHA-256 and settings of a simulator",
        ),
    ],
)
def test_real_files_are_not_said_to_be_a_simulator(source, told):
    assert fingerprinted(source) == f"{told}, see Data"
