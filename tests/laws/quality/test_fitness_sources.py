"""What the roles of windows of several sources say of each other."""

import numpy as np

from dlkit.data.clock import Regular
from dlkit.data.heads import Head
from dlkit.data.inputs import EventInput, StreamInput
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.data.records import Events, Stream
from dlkit.quality.fitness.fitness import fitness_findings
from tests.made_multimodal import Log
from tests.made_tables import Parts


def noise():
    return np.random.default_rng(0).normal(size=(3_000, 3)).astype(np.float32)


def several(values, target, until=3_000):
    rows = Stream("a", np.arange(len(values)) * 10**9, values, ("c0", "c1", "c2"), ("",) * 3, 10**9)
    onsets = np.arange(5, until, 10, dtype=np.int64) * 10**9
    events = Events("a", onsets, onsets + 4 * 10**9, np.ones(len(onsets), np.int64), ("none", "fault"))
    return MultimodalDataModule(
        clock=Regular(step="1s"), targets=target, placement="host",
        sources={"sensors": StreamInput(source=Parts([rows]), look_back=4),
                 "log": EventInput(source=Log([events]))},
    )  # fmt: skip


def test_several_sources_are_compared_by_their_channels():
    values = noise()
    values[:, 1] = np.exp(values[:, 0])
    found = fitness_findings(several(values, Head(kind="values", channels=["sensors.c0"])), quick=True)
    assert ("warning", "too good to be true", "sensors.c1") in {(o.level, o.kind, o.channel) for o in found.findings}


def test_a_class_that_never_trains_and_one_that_is_not_tested_are_told():
    late = several(noise(), Head(kind="class", events="log"), 2_300)
    found = fitness_findings(late, quick=True)
    missing = [one for one in found.findings if one.kind == "missing class"]
    assert [(one.level, "test" in one.what) for one in missing] == [("warning", True)]
    assert found.facts["classes"]["log"]["test"]["fault"] == 0
