"""Several sources that do not fit together, or cannot be read."""

from pathlib import Path

import numpy as np
import pandas as pd

from tests.bad_inputs.corpus import DROP
from tests.bad_inputs.source_jobs import (
    at,
    part,
    several,
    source,
    table,
)


def late(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the same a day later."""
    return rows.assign(t=rows.t + 86_400)


def twice(folder: Path) -> None:
    """Name a second source like the first one."""
    text = (folder / "several.yaml").read_text()
    start, stop = text.index("    fast:"), text.index("    slow:")
    (folder / "several.yaml").write_text(text[:stop] + text[start:stop] + text[stop:])


TIME = {
    "no time in common": several(("slow", "no .*common|overlap"), make=table("slow.csv", late)),
    "camera of another day": several(("cam", "no .*common|overlap"), make=table("frames.parquet", late)),
    "one sample": several(("slow.csv", "stamps|sample"), make=table("slow.csv", lambda rows: rows[:1])),
    "no sample": several(("slow.csv", "no rows"), make=table("slow.csv", lambda rows: rows[:0])),
    "milliseconds read as seconds": several(
        ("slow", "every 200 s", "time_format"), make=table("slow.csv", lambda rows: rows.assign(t=rows.t * 1000))
    ),
    "nanoseconds read as seconds": several(
        ("fast", "unit|common|tick"), make=table("fast.csv", lambda rows: rows.assign(t=1e9 * (rows.t + 1e9)))
    ),
    "dates among times from a start": several(
        ("fast", "dates", "`time_format`"),
        {"fast.source.init_args.time_format": "s"},
    ),
    "time that goes back": several(
        ("fast.csv, row 101", "go back", "disorder"), make=table("fast.csv", at(100, "t", 0.5))
    ),
    "stamp that is no number": several(("slow.csv, row 8", "'t'", "noon"), make=table("slow.csv", at(7, "t", "noon"))),
    "stamp that is missing": several(("slow.csv, row 8", "missing"), make=table("slow.csv", at(7, "t", ""))),
    "source that ends early": several(
        ("window", "slow|clock|rows"), make=table("slow.csv", lambda rows: rows[rows.t < 1.1])
    ),
    "series that another source lacks": several(
        ("series", "'x'|'y'|x|y"),
        {"fast.source.init_args.series": "s"},
        make=table("fast.csv", lambda rows: rows.assign(s=np.repeat(["x", "y"], len(rows) // 2))),
    ),
}

CLOCK = {
    "step of nothing": several(("clock", "step", "positive"), {"clock.step": "0s"}),
    "negative step": several(("clock", "step", "duration"), {"clock.step": "-1s"}),
    "step that is no duration": several(("clock.step='fast'", "duration"), {"clock.step": "fast"}),
    "step in no unit": several(("clock", "step", "duration|str"), {"clock.step": "100"}),
    "step longer than the look-back": several(
        ("look_back='1s'", "0.000277", "`step` of the clock"), {"clock.step": "1h"}
    ),
    "step longer than the recording": several(
        ("every 40s", "`step` of the clock"), {"clock.step": "40s", "fast.look_back": 1}
    ),
    "step longer than what sources have in common": several(
        ("every 13s", "longer than the time", "11.3 s", "`step`"),
        {"clock.step": "13s", "fast.look_back": 1, "fast.timing": {"offset": 0.5}},
    ),
    "step far too short": several(("clock ticks every 3ns", "every 20ms", "`step`"), {"clock.step": "3ns"}),
    "clock of a source that is not there": several(
        ("clock", "'fats'", "did you mean 'fast'"), {"D.clock": part("dlkit.data.clock.OfSource", source="fats")}
    ),
    "clock of events": several(
        ("clock", "'faults'", "stream or camera"), {"D.clock": part("dlkit.data.clock.OfSource", source="faults")}
    ),
    "no clock": several(("clock",), {"D.clock": DROP}),
    "clock that does not exist": several(("clock", "did you mean"), {"D.clock": part("dlkit.data.clock.Reguler")}),
}

METHODS = {
    "unknown method": several(("`data.sources.fast.method`", "'average'", "mean|last"), {"fast.method": "average"}),
    "method misspelt": several(("method", "'means'", "'mean'"), {"fast.method": "means"}),
    "looking ahead without leave": several(("'linear'", "look_ahead"), {"fast.method": "linear"}),
    "looking ahead for one channel": several(("'nearest'", "look_ahead"), {"fast.method": {"a": "nearest"}}),
    "method for a channel that is not there": several(("fast", "'c'", "channel 'a'"), {"fast.method": {"c": "mean"}}),
    "list of no method": several(("method", "none for a channel"), {"fast.method": {"*": []}}),
    "age that is no duration": several(("max_age", "duration"), {"fast.max_age": "old"}),
    "age in no unit": several(("max_age", "duration"), {"fast.max_age": "5"}),
    "channel that is not there": several(("fast", "'c'", "a, b"), {"fast.channels": ["c"]}),
    "glob without a channel": several(("fast", r"'temp_\*'", "a, b"), {"fast.channels": ["temp_*"]}),
    "empty list of channels": several(("fast", "channels"), {"fast.channels": []}),
    "clock of a source off by a word": several(
        ("`data.sources.fast.timing.offset`",), {"fast.timing": {"offset": "soon"}}
    ),
    "offset found by a channel that is not there": several(
        ("fast", "'c'", "a, b"), {"slow.timing": {"like": "fast.c=level"}}
    ),
    "offset like a source that is not there": several(("like", "fats"), {"slow.timing": {"like": "fats.a=level"}}),
    "offset like nothing that can be read": several(
        ("like", "source.channel=channel"), {"slow.timing": {"like": "fast"}}
    ),
}

WINDOWS = {
    "negative look-back": several(("look_back", "-3"), {"fast.look_back": -3}),
    "look-back of nothing": several(("look_back", "at least 1"), {"fast.look_back": 0}),
    "look-back that is no multiple of the step": several(
        ("look_back='250ms'", "whole number", "`step` of the clock"), {"fast.look_back": "250ms"}
    ),
    "look-back that is no duration": several(("look_back='long'", "duration"), {"fast.look_back": "long"}),
    "look-back longer than the recording": several(
        ("window", "36000 of `look_back`", "shorten `look_back`"), {"fast.look_back": "1h"}
    ),
    "no frames in a window": several(("look_back=0 frames", "positive"), {"cam.look_back": 0}),
    "a duration of frames": several(("look_back", "1s"), {"cam.look_back": "1s"}),
    "step inside a window that is no multiple": several(("every", "whole number"), {"fast.every": "30ms"}),
    "stride of nothing": several(("stride", "positive"), {"D.stride": 0}),
    "all windows lost to a stream that is too old": several(
        ("No training window", "no value of 'fast'", "`max_age: 1ns` of the source 'fast'", "missing: mask"),
        {"fast.max_age": "1ns", "fast.missing": "drop", "fast.timing": {"offset": 0.001}},
    ),
    "all windows lost to a target that is too old": several(
        ("No training window", "no target was measured", "`max_age: 1ns` of the source 'slow'"),
        {"slow.max_age": "1ns", "slow.timing": {"offset": 0.001}},
    ),
    "gap longer than the recording": several(("72000 of `gap`", "shorten `gap`"), {"targets.gap": "2h"}),
    "all windows lost to a camera that is too old": several(
        ("No training window", "`max_age: 1ms` of the source 'cam'", "missing: mask"),
        {"cam.max_age": "1ms", "cam.missing": "drop", "cam.timing": {"offset": 0.03}},
    ),
    "what to do with missing that is not known": several(
        ("`data.sources.fast.missing`", "ignore"), {"fast.missing": "ignore"}
    ),
    "no frame before the end": several(
        ("cam", "frame|common"), make=table("frames.parquet", lambda rows: rows.assign(t=rows.t + 11.9))
    ),
    "dropout of more than all": several(("modality_dropout", "1.5"), {"D.modality_dropout": 1.5}),
    "dropout of a source that is not there": several(
        ("modality_dropout", "'fats'", "fast"), {"D.modality_dropout": {"fats": 0.1}}
    ),
    "size of frames that is one number": several(("`data.sources.cam.size`",), {"cam.size": 8}),
    "size of no pixels": several((r"size=\(0, 8\)", "positive"), {"cam.size": [0, 8]}),
}

TARGETS = {
    "channel that no source has": several(
        ("'slow.levle'", "did you mean 'slow.level'"), {"targets.channels": ["slow.levle"]}
    ),
    "channel without its source": several(("'level'", "slow.level"), {"targets.channels": ["level"]}),
    "head without a channel": several(("head", "'values'", "channels"), {"targets.channels": []}),
    "head of no kind": several(("`data.targets.kind`", "'value'", "values"), {"targets.kind": "value"}),
    "class of a stream": several(
        ("'slow'|slow", "events"), {"D.targets": part("dlkit.data.heads.Head", kind="class", events="slow")}
    ),
    "class of events that are not there": several(
        ("'fault'", "faults"), {"D.targets": part("dlkit.data.heads.Head", kind="class", events="fault")}
    ),
    "class for a task of values": several(
        ("Regress", "class|values"), {"D.targets": part("dlkit.data.heads.Head", kind="class", events="faults")}
    ),
    "several heads for one task": several(
        ("Combined", "several"),
        {
            "D.targets": {
                "one": part("dlkit.data.heads.Head", kind="values", channels=["slow.level"]),
                "two": part("dlkit.data.heads.Head", kind="class", events="faults"),
            }
        },
    ),
    "picture as a target": several(("cam", "channel|frames"), {"targets.channels": ["cam.gray"]}),
    "no target": several(("targets",), {"D.targets": DROP}),
    "horizon for a value": several(("look_forward", "values"), {"targets.look_forward": 4}),
    "events as an input": several(("faults", "input|source"), {"D.inputs": ["fast.*", "faults.*"]}),
    "input that no source has": several(("'fats", "fast"), {"D.inputs": ["fats.*"]}),
    "no inputs": several(("inputs",), {"D.inputs": []}),
}

NAMES = {
    "two sources with one name": several(("fast", "twice|duplicate|two"), make=twice),
    "dot in the name of a source": several(
        ("'fast.er'", "dot"),
        {"D.sources": {"fast.er": source("recording", "Recording", "StreamInput", path="fast.csv")}},
    ),
    "no sources": several(("sources is empty", "at least one"), {"D.sources": {}}),
    "events alone": several(
        ("sources", "no inputs", "channels or frames"),
        {"D.sources": {"f": source("event_table", "EventTable", "EventInput", path="events.csv", offset="offset")}},
    ),
    "frames wanted as a stream": several(
        ("source", "FrameTable|Source"), {"D.sources.cam.class_path": "dlkit.data.inputs.StreamInput"}
    ),
    "kind of source that does not exist": several(
        ("StreamInputs", "did you mean|sources"), {"D.sources.fast.class_path": "dlkit.data.inputs.StreamInputs"}
    ),
    "setting that a source does not have": several(("lookback", "look_back"), {"fast.lookback": 3}),
    "network of one source": several(
        ("MLP", "several|sources|Fusion"), {"M.net": part("dlkit.models.mlp.MLP", hidden_size=4)}
    ),
    "no branch for a source": several(("Fusion", "no branch", "'cam'"), {"net.branches.cam": DROP}),
    "branch for no source": several(
        ("Fusion", "'fats'", "did you mean 'fast'"), {"net.branches.fats": part("dlkit.models.mlp.MLP")}
    ),
    "join that does not exist": several(("join", "Concat"), {"net.join": part("dlkit.models.fusion_joins.Concat")}),
    "network for series on frames": several(
        ("TCN|cam", "image|frames|series|time"), {"net.branches.cam": part("dlkit.models.tcn.TCN")}
    ),
}
