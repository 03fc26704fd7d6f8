"""The headline of a check says no more than its findings allow."""

import pytest

from dlkit.core.finding import FALSIFIES, LOOKS, Finding
from dlkit.quality.checked import Check
from dlkit.report.check.overview import verdict


def found(kind, level="note", **known):
    return Finding(kind=kind, level=level, what=f"{kind} was found.", why="It matters.", **known)


def headline(*findings):
    return verdict(Check(asked="made", findings=list(findings)))


@pytest.mark.parametrize("kind", sorted(FALSIFIES))
def test_a_note_of_what_makes_answers_wrong_stands_in_the_headline(kind):
    tone, said = headline(found(kind), found("drift"))
    assert tone == "info" and "Nothing was found that would change" not in said
    assert f"but 1 note of 2 may: {kind}." in said
    assert f"but 1 note may: {kind}." in headline(found(kind))[1]


def test_other_notes_and_those_taken_care_of_change_no_answer():
    for kind in sorted(LOOKS):
        assert headline(found(kind)) == ("good", "Nothing was found that would change an answer: 1 note.")
    handled = found("wrong label", handled="`labels` of the source")
    assert headline(handled)[1] == "Nothing was found that would change an answer; 1 more finding is taken care of."
    assert headline()[0] == "good"


def test_warnings_and_errors_come_first():
    assert headline(found("wrong label"), found("drift", "warning"))[0] == "warn"
    assert headline(found("wrong label"), found("drift", "error"))[0] == "bad"
