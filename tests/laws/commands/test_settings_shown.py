"""Settings of runs side by side: what differs is seen, however long what they share."""

import itertools

import pytest
import yaml

from dlkit.compare.shown import DASH, WIDE, shown_apart
from dlkit.train.settings import compared

CHANGES = ["Jitter", "Scale", "TimeWarp", "TimeMask", "Crop", "ChannelMask", "Cut"]


def augmented(names):
    """The setting ``data.augment`` of a run, as a comparison has it."""
    changes = [{"class_path": f"dlkit.data.augment_traces.{name}", "init_args": {"strength": 0.1}} for name in names]
    config = yaml.safe_load(yaml.safe_dump({"data": {"augment": changes}, "model": {}, "seed_everything": 1}))
    return compared(config)["data.augment"]


@pytest.mark.parametrize("count", range(1, len(CHANGES) + 1))
def test_lists_that_differ_in_one_place_never_look_alike(count):
    for place in range(count):
        other = [*CHANGES[:place], "Roll", *CHANGES[place + 1 : count]]
        own, its = shown_apart([augmented(CHANGES[:count]), augmented(other)])
        assert CHANGES[place] in own
        assert "Roll" in its
        assert max(len(own), len(its)) <= WIDE


def test_a_list_that_goes_on_is_told_from_one_that_ends():
    for one, other in itertools.combinations(range(1, len(CHANGES) + 1), 2):
        own, its = shown_apart([augmented(CHANGES[:one]), augmented(CHANGES[:other])])
        assert own != its


def test_what_fits_or_is_absent_is_shown_as_it_is():
    assert shown_apart([0.1, None, "adam"]) == ["0.1", DASH, "adam"]
    long = augmented(CHANGES)
    assert shown_apart([None, long])[0] == DASH
    assert shown_apart([augmented(["Crop"]), None]) == ["Crop(strength=0.1)", DASH]
