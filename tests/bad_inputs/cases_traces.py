"""Arrays and archives of traces that cannot be learnt from, and labels that do not fit."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.bad_inputs.corpus import Case
from tests.bad_inputs.parts import split
from tests.bad_inputs.sample_jobs import arrays, traces

X = np.random.default_rng(0).standard_normal((24, 2, 16)).astype(np.float32)
Y = np.arange(24) % 2
OFFICIAL = split("sample_splits.Official")
GROUPED = split("sample_splits.Grouped")


def spoilt(value: float, *where: Any) -> np.ndarray:
    """Return the inputs with one value everywhere in a place."""
    x = X.copy()
    x[where or slice(0)] = value
    return x


def cut(folder: Path) -> None:
    path = folder / "traces.npz"
    path.write_bytes(path.read_bytes()[:-300])


def hdf5(folder: Path) -> None:
    with h5py.File(folder / "traces.h5", "w") as file:
        file["run/X"], file["run/y"] = X, Y


ARRAYS = {
    "no such file": traces(("tracse.npz", "did you mean 'traces.npz'"), {"S.init_args.path": "{}/tracse.npz"}),
    "cut file": traces(("traces.npz", "whole|cannot be read"), make=cut),
    "no inputs": traces(("traces", "'X' for `inputs`", "y"), make=arrays(X=None)),
    "no labels": traces(("traces", "'y' for `labels`", "X"), make=arrays(y=None)),
    "inputs by a wrong name": traces(("'waves' for `inputs`", "X"), {"S.init_args.inputs": "waves"}),
    "no such group": traces(
        ("traces.h5", "'runs'", "did you mean 'run'"),
        {"S.init_args.path": "{}/traces.h5", "S.init_args.group": "runs"},
        make=hdf5,
    ),
    "more labels than inputs": traces(("24 inputs", "25 labels"), make=arrays(y=np.arange(25) % 2)),
    "no sample": traces(("empty|no sample|none"), make=arrays(X=X[:0], y=Y[:0])),
    "one sample": traces(("one class", "two classes"), make=arrays(X=X[:1], y=Y[:1])),
    "inputs of one axis": traces(("shape", "axes"), make=arrays(X=X[:, 0, 0])),
    "inputs of five axes": traces(("shape", "axes"), make=arrays(X=X[:, :, :, None, None])),
    "words for other axes": traces(("`axes", "channels time"), {"S.init_args.axes": "time height"}),
    "axes that do not fit": traces(("`axes: time`", "24, 2, 16"), {"S.init_args.axes": "time"}),
    "complex inputs": traces(("complex", "real"), make=arrays(X=X + 1j)),
    "text inputs": traces(("no real numbers|numbers",), make=arrays(X=X.astype(str))),
    "pickled inputs": traces(("traces.npz", "Object arrays"), make=arrays(X=X.astype(object))),
    "infinite input": traces(("1 of 24 samples", "infinite value", "traces/3"), make=arrays(X=spoilt(np.inf, 3, 1, 4))),
    "NaN inputs": traces(("1 of 24 samples", "no known value", "traces/3"), make=arrays(X=spoilt(np.nan, 3))),
    "a channel without values": traces(
        (r"channels \['x1'\]", "no value"), make=arrays(X=spoilt(np.nan, slice(None), 1))
    ),
    "impossible length": traces(("length", "1 to 16", "traces/0"), make=arrays(lengths=np.arange(24))),
    "wrong number of channels": traces(("`channels` names 3", "2"), {"S.init_args.channels": ["a", "b", "c"]}),
    "a channel named twice": traces(("`channels`", "twice"), {"S.init_args.channels": ["a", "a"]}),
    "unit of no channel": traces(("`units`", "'p'"), {"S.init_args.units": {"p": "bar"}}),
    "step that is no time": traces(("step", "soon"), {"S.init_args.step": "soon"}),
    "images module": traces(
        ("traces, not images", "TraceDataModule"), {"data.class_path": "dlkit.data.sample_modules.ImageDataModule"}
    ),
    "source of time series": traces(
        ("'dlkit.data.sources.weather.TMY3Weather'", "SampleSource"),
        {"S": {"class_path": "dlkit.data.sources.weather.TMY3Weather"}},
    ),
}


LABELS = {
    "float labels for classes": traces(("kind: class", "kind: values"), make=arrays(y=Y.astype(float))),
    "label missing": traces(
        ("1 of 24 samples", "label missing"), {"S.init_args.kind": "class"}, make=arrays(y=np.array([np.nan, *Y[1:]]))
    ),
    "unknown class": traces(("unknown class", "traces/1"), {"S.init_args.classes": ["0", "2"]}),
    "more classes than the list": traces(
        ("24 of 24 samples", "unknown class", "bad, good"),
        {"S.init_args.classes": ["good", "bad"]},
        make=arrays(y=np.arange(24) % 3),
    ),
    "values taken for classes": traces(
        ("24 labels `charge` are 24 different numbers", "set `kind: values`"),
        {"S.init_args.kind": "class", "S.init_args.labels": "charge"},
        make=arrays(charge=np.random.default_rng(0).normal(size=24)),
    ),
    "values taken for ordered classes": traces(
        ("24 labels are 24 different numbers", "set `kind: values`"),
        {"S.init_args.kind": "ordinal"},
        make=arrays(y=np.linspace(0, 1.7, 24).astype(np.float32)),
    ),
    "one class": traces(("All 24 samples", "two classes"), make=arrays(y=Y * 0)),
    "class with one sample": traces(
        ("test but never in train|leaves no sample", "split|samples"),
        {"D.split": {"class_path": "dlkit.data.sample_splits.Official"}},
        make=arrays(y=np.array([*Y[:-1], 2]), roles=np.array(["train"] * 23 + ["test"])),
    ),
    "ordinal words": traces(
        ("Ordinal", "`classes`"), {"S.init_args.kind": "ordinal"}, make=arrays(y=np.array(["low", "high"] * 12))
    ),
    "words as values": traces(
        ("kind: values", "'low'|low"), {"S.init_args.kind": "values"}, make=arrays(y=np.array(["low", "high"] * 12))
    ),
    "one 1 in each row": traces(("kind: class", "kind: labels"), make=arrays(y=np.eye(2, dtype=int)[Y])),
    "labels of three axes": traces(("shape", "labels|Labels"), make=arrays(y=np.zeros((24, 2, 2)))),
    "names of other labels": traces(
        ("`classes`", "3", "2"),
        {"S.init_args.kind": "labels", "S.init_args.classes": ["a", "b", "c"]},
        make=arrays(y=np.ones((24, 2), int)),
    ),
    "names of other targets": traces(
        ("`targets` names 2", "1"), {"S.init_args.kind": "values", "S.init_args.targets": ["p", "q"]}
    ),
    "units of other targets": traces(
        ("`target_units`", "2 units", "1 target"),
        {"S.init_args.kind": "values", "S.init_args.target_units": ["A", "V"]},
    ),
    "unknown kind": traces(("kind", "'colour'"), {"S.init_args.kind": "colour"}),
    "infinite value": traces(
        ("infinite label", "traces/0"), {"S.init_args.kind": "values"}, make=arrays(y=np.array([np.inf, *Y[1:]]))
    ),
}


SPLITS = {
    "fractions above one": traces(
        ("Stratified", "at most 1"), split("sample_splits.Stratified", train=0.8, val=0.2, test=0.2)
    ),
    "fraction negative": traces(("Stratified", "negative"), split("sample_splits.Stratified", train=0.8, val=-0.1)),
    "nothing to train": traces(
        ("Stratified", "train must be positive"), split("sample_splits.Stratified", train=0.0, val=0.5, test=0.5)
    ),
    "too few for three roles": traces(("Stratified", "val"), make=arrays(X=X[:4], y=Y[:4])),
    "groups missing": traces(("Grouped", "`groups`"), GROUPED),
    "one group": traces(("Grouped|groups", "1"), GROUPED, make=arrays(groups=np.zeros(24, int))),
    "groups that leave some": traces(
        ("Grouped", "sum to 1"), split("sample_splits.Grouped", train=0.5, val=0.1, test=0.1)
    ),
    "group of some samples": traces(
        ("group missing", "traces/0"), GROUPED, make=arrays(groups=np.array(["", *["a", "b", "c"] * 7, "a", "b"]))
    ),
    "roles missing": traces(("Official", "`roles`"), OFFICIAL),
    "unknown role": traces(
        ("role is none of train, val, test", "traces/0"),
        OFFICIAL,
        make=arrays(roles=np.array(["exam", *["train"] * 23])),
    ),
    "only training samples": traces(
        ("no test sample", "Official", "{train: FILE, test: FILE}", "Stratified"),
        OFFICIAL,
        args=("run", "{}/traces.yaml"),
        make=arrays(roles=np.array(["train"] * 24)),
    ),
    "only test samples": traces(
        ("Official", "none of the 24 samples to train: let `path`"),
        OFFICIAL,
        make=arrays(roles=np.array(["test"] * 24)),
    ),
    "validation on nothing": traces(
        ("Official val=0.01", "raise `val`"),
        split("sample_splits.Official", val=0.01),
        make=arrays(roles=np.array(["train", "test"] * 12)),
    ),
    "validation on everything": traces(("Official val=1.5", "below 1"), split("sample_splits.Official", val=1.5)),
    "split of time series": traces(("'dlkit.data.splits.ByFraction'", "SampleSplit"), split("splits.ByFraction")),
}


def ucr(says: tuple[str, ...], content: str, **settings: Any) -> Case:
    """Return a case with an archive file; ``{rows}`` are 24 good rows."""
    rows = "\n".join(f"{','.join(f'{v:.3f}' for v in X[n, 0])}:{Y[n]}" for n in range(24))

    def make(folder: Path) -> None:
        (folder / "P_TRAIN.ts").write_text(content.replace("{rows}", rows))

    source = {
        "S.class_path": "dlkit.data.sources.ucr.UCR",
        "S.init_args": {"path": "x"},
        "S.init_args.path": "{}/P_TRAIN.ts",
    }
    return traces(says, source | {f"S.init_args.{key}": value for key, value in settings.items()}, make=make)


def two_problems(folder: Path) -> None:
    (folder / "archive").mkdir()
    for name in ("P_TRAIN.ts", "P_TEST.ts", "Q_TRAIN.ts", "Q_TEST.ts"):
        (folder / "archive" / name).write_text(HEAD + "1,2,3:0\n3,2,1:1\n")


HEAD = "@problemName P\n@univariate true\n@classLabel true 0 1\n@data\n"
ARCHIVES = {
    "empty": ucr(("P_TRAIN.ts", "no trace"), ""),
    "header only": ucr(("P_TRAIN.ts", "no trace"), HEAD),
    "values before the header": ucr(("P_TRAIN.ts, line 1", "@data"), "{rows}\n" + HEAD),
    "no class label": ucr(("P_TRAIN.ts", "classLabel"), HEAD.replace("true 0 1", "false") + "{rows}\n"),
    "text among the values": ucr(("P_TRAIN.ts, line 5", "oops"), HEAD + "1,oops,3:0\n{rows}\n"),
    "no label in a row": ucr(("P_TRAIN.ts, line 5",), HEAD + "1,2,3\n{rows}\n"),
    "label of no class": ucr(("unknown class", "P_TRAIN"), HEAD + "1,2,3:7\n{rows}\n"),
    "other number of channels": ucr(("channels",), HEAD + "1,2,3:1,2,3:0\n{rows}\n"),
    "stamps": ucr(("P_TRAIN.ts", "time stamps"), "@timeStamps true\n" + HEAD + "(0,1.0),(1,2.0):0\n"),
    "two problems": traces(
        ("several problems, P, Q", "`path`", "/Q"),
        {"S.class_path": "dlkit.data.sources.ucr.UCR", "S.init_args.path": "{}/archive"},
        make=two_problems,
    ),
    "no such problem": ucr(("Q_TRAIN", "did you mean"), HEAD + "{rows}\n", path="{}/Q_TRAIN.ts"),
    "binary": traces(
        ("P_TRAIN.ts", "@data|trace"),
        {"S.class_path": "dlkit.data.sources.ucr.UCR", "S.init_args.path": "{}/P_TRAIN.ts"},
        make=lambda folder: (folder / "P_TRAIN.ts").write_bytes(np.random.default_rng(0).bytes(2_000)),
    ),
}
