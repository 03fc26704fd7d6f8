"""What is said of promises in one sentence is what the table says of each of them."""

from itertools import product

import pytest

from dlkit.confidence.promise import Promise
from dlkit.report.promises_elsewhere import Elsewhere, Strange, elsewhere_text, verdict_text
from dlkit.train.report.confidence import verdict

SEEN = {"yes": (0.95, 0.99), "missed, within chance": (0.86, 0.95), "no": (0.5, 0.6), "unknown": (None, None)}


def lines_of(kinds):
    """Return a promise of 90 % of each kind."""
    parts = [SEEN[kind] for kind in kinds]
    return [Elsewhere(f"label {k}", 0.9, 0.9, seen, seen and 0.3, high) for k, (seen, high) in enumerate(parts)]


@pytest.mark.parametrize("kinds", [kinds for count in (1, 2, 3) for kinds in product(SEEN, repeat=count)])
def test_the_sentence_agrees_with_the_table_and_counts_no_promise_that_is_unknown(kinds):
    lines = lines_of(kinds)
    rows = elsewhere_text(lines, "new.csv").splitlines()[2:-1]
    assert all(row.endswith(f"  {kind}") for row, kind in zip(rows, kinds, strict=True))
    said = verdict_text(lines, "new.csv")
    told = [kind for kind in kinds if kind != "unknown"]
    kept = ["hold there", "holds there"]
    if not told:
        assert "cannot be told" in said
    elif "no" in told:
        assert "does not hold" in said or "do not hold" in said or f"none of {len(told)} promises holds there" in said
    elif "missed, within chance" in told:
        assert "refuted there" in said
        assert "missed, within chance" in said
        assert not any(words in said for words in kept)
    else:
        assert said.endswith(f"all {len(told)} promises hold there" if len(told) > 1 else "the promise holds there")
    assert len(told) < 2 or f"{len(told)} promises" in said
    assert not told or ("label" in said) == (len(kinds) > 1)
    assert f"of {len(kinds)}" not in said or len(kinds) == len(told)


@pytest.mark.parametrize("kinds", list(product([*SEEN][:3], repeat=2)))
def test_a_page_says_of_the_test_what_the_console_says_of_other_data(kinds):
    lines = lines_of(kinds)
    page = verdict([Promise("label", str(k), "LAC", one.level, one.seen, one.low, one.high, 9.0)
                    for k, one in enumerate(lines)])  # fmt: skip
    there = verdict_text(lines, "new.csv").rpartition("): " if set(kinds) == {"no"} else ": ")[2]
    assert there.removesuffix(" there").replace(" there (", " on the test (").capitalize() in page


def test_what_is_seen_of_the_least_is_said_with_what_chance_explains():
    lines = lines_of(["yes", "missed, within chance", "unknown"])
    assert verdict_text(lines, "new.csv") == (
        "90 % was promised, 86.0 % was seen on new.csv (label 1, the least of 2): "
        "none of 2 promises is refuted there (1 missed, within chance)"
    )
    few = [Elsewhere("interval", 0.9, 0.9, 0.5, 0.013, 0.987)]
    assert verdict_text(few, "new.csv").endswith(": the promise is not refuted there (missed, within chance)")


@pytest.mark.parametrize("kind", list(SEEN))
def test_classes_that_were_never_trained_stand_in_the_sentence_and_are_counted_as_missed(kind):
    lines, strange = lines_of([kind]), Strange(32, 40, {"arc": 8})
    said = verdict_text(lines, "new.npz", strange)
    assert "the run can never answer 8 of 'arc'" in said and "\n" not in said
    if kind == "unknown":
        assert said.startswith("whether the promise holds on new.npz cannot be told")
        return
    measured = "the 32 of 40 samples of new.npz whose class the run knows"
    assert f"{100 * SEEN[kind][0]:.1f} % was seen on {measured}: " in said
    assert said.endswith(f": counted with them {100 * SEEN[kind][0] * 32 / 40:.1f} %")
    assert "there" not in said.replace("whether", "") and "for them" in said
    assert elsewhere_text(lines, "new.npz", strange).endswith(f"\nseen on {measured}")


def test_where_nothing_was_promised_classes_never_trained_are_told_all_the_same():
    assert verdict_text([], "new.npz", Strange(4, 12, {"b": 1, "c": 5, "d": 1, "e": 1})) == (
        "what is measured is of the 4 of 12 samples of new.npz whose class the run knows; "
        "the run can never answer 5 of 'c', 1 of 'b', 1 of 'd' and 1 of other classes"
    )
    assert verdict_text([], "new.npz") == ""
    none = "what is measured is of no sample of new.npz; the run can never answer 8 of 'b'"
    assert verdict_text([], "new.npz", Strange(0, 8, {"b": 8})) == none
