"""Data that cannot be learnt from, and settings that do not fit them; test_bad_files.py has more about files."""

from tests.bad_inputs.corpus import Case, cell, column, table, text

GAP = text(table()[:60] + table()[70:])
TWICE = text([*table()[:60], *table()[59:]])
DISK = {"D.placement": "disk"}

DATA = {
    "empty file": Case(("tiny.csv", "empty"), csv=""),
    "header only": Case(("tiny.csv", "no rows"), csv="t,a,b\n"),
    "ragged": Case(
        ("tiny.csv, row 5", "2 cells under 3"), csv=text([*table()[:5], "2021-03-01T04:00,1", *table()[6:]])
    ),
    "text in numbers": Case(("row 7, column 'a'", "oops", "missing_values"), csv=text(cell(7, 1, "oops"))),
    "infinite": Case(("tiny.csv, row 7", "finite"), csv=text(cell(7, 1, "inf"))),
    "unreadable stamp": Case(("row 7", "yesterday"), csv=text(cell(7, 0, "yesterday"))),
    "time goes back": Case(("row 7", "disorder"), csv=text(cell(7, 0, "2021-02-01"))),
    "stamp twice": Case(("row 60", "duplicates"), csv=TWICE),
    "gap": Case(("row 60", "gaps"), csv=GAP),
    "channel without values": Case((r"\['a'\]", "inputs|targets"), csv=column(1, "")),
    "other channel without values": Case((r"\['b'\]", "inputs"), csv=column(2, "")),
    "too few rows": Case(("look_back", "shorten"), csv=text(table(14))),
    "one row": Case(("tiny.csv", "step"), csv=text(table(1))),
    "short segments": Case(
        ("No training window", "look_back"),
        {"S.init_args.gaps": "split", "D.look_back": 70},
        csv=GAP,
    ),
    "no such file": Case(("tinny.csv", "did you mean"), {"S.init_args.path": "{}/tinny.csv"}),
    "no such folder": Case(("nowhere", "path"), {"S.init_args.path": "{}/nowhere/tiny.csv"}),
    "folder without files": Case(
        ("empty", "path"), {"S.init_args.path": "{}/empty"}, make=lambda folder: (folder / "empty").mkdir()
    ),
    "wrong time column": Case(("`time`", "did you mean 't'"), {"S.init_args.time": "tt"}),
    "no time column": Case(("`time`", "`step`"), {"S.init_args.time": None}),
    "wrong channels": Case(("`channels`", "'aa'"), {"S.init_args.channels": ["aa"]}),
    "wrong target": Case(("targets", "'temp'", "a, b"), {"D.targets": ["temp"]}),
    "wrong input": Case(("inputs", r"'x_\*'"), {"D.inputs": ["x_*"]}),
    "wrong future": Case(("future", "'setpoint'"), {"D.future": ["setpoint"]}),
    "wrong static": Case(("`static`", "latitude"), {"S.init_args.static": ["latitude"]}),
    "wrong decimal mark": Case(("decimal", "';'"), {"S.init_args.decimal": ";"}),
    "wrong series": Case(("`series`", "station"), {"S.init_args.series": "station"}),
    "wrong stratum": Case(
        ("stratify='kind'",),
        {"D.split": {"class_path": "dlkit.data.splits.BySeries", "init_args": {"stratify": "kind"}}},
    ),
    "one series cannot be dealt": Case(
        ("BySeries", "train"),
        {"D.split": {"class_path": "dlkit.data.splits.BySeries", "init_args": {"test": ["tiny"], "val": 0.0}}},
    ),
    "channel to normalize that is not there": Case(
        ("PerChannel", "'c'"),
        {
            "D.normalizer": {
                "class_path": "dlkit.data.normalize.PerChannel",
                "init_args": {
                    "default": {"class_path": "dlkit.data.normalize.Standard"},
                    "channels": {"c": {"class_path": "dlkit.data.normalize.Standard"}},
                },
            }
        },
    ),
    "on disk, ragged": Case(("row 100", "2 cells under 3"), DISK, csv=text([*table()[:100], "2021-03-05T03:00,1"])),
    "on disk, infinite": Case(("row 101",), DISK, csv=text(cell(101, 2, "-inf"))),
}

YAML = {
    "empty": Case(("config.yaml", "settings"), config=""),
    "a list": Case(("config.yaml", "settings"), config="- a\n- b\n"),
    "a word": Case(("config.yaml", "settings"), config="hello"),
    "binary": Case(("config.yaml", "not valid YAML"), config=bytes(range(256))),
    "a tab": Case(("config.yaml", "line 2", "YAML"), config="data:\n\tclass_path: x\n"),
    "indentation": Case(("config.yaml", "line 3", "YAML"), config="data:\n    class_path: x\n  init_args: y\n"),
    "a quote left open": Case(("config.yaml", "YAML"), config="name: 'abc\ndata: x\n"),
    "trainer is a list": Case(("trainer", "settings"), {"trainer": [1]}),
    "data is empty": Case(("`data`", "class_path"), {"data": None}),
    "missing": Case(("there is no file|There is no file", "confg.yaml", "did you mean"), args=("fit", "{}/confg.yaml")),
    "missing beside": Case(("other.yaml",), args=("fit", "{}/config.yaml", "--model", "{}/other.yaml")),
    "wrong beside": Case(
        ("other.yaml", "'kernel'", "kernel_size"),
        args=("fit", "{}/config.yaml", "--model", "{}/other.yaml"),
        make=lambda folder: (folder / "other.yaml").write_text(
            "class_path: dlkit.tasks.forecast.Forecast\ninit_args:\n  net:\n"
            "    class_path: dlkit.models.dlinear.DLinear\n    init_args: {kernel: 3}\n"
        ),
    ),
}
