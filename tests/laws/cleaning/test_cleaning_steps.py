"""Laws of all steps of `clean:` for rows: causal unless said, whatever the chunks, pure, and nothing across a seam."""

import inspect
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.core.discover import discover
from dlkit.data.cleaning.base import Clean
from dlkit.data.cleaning.cleaned import Cleaned
from dlkit.data.cleaning.learning import recalled
from tests.made_cleaning import STEPS, cleaned, name, parts, rows, stream, taught, whole
from tests.made_tables import Parts

each_step = pytest.mark.parametrize("step", STEPS, ids=name)
IDEMPOTENT = ("Clip", "DropRows", "Interpolate", "Mask")


def test_every_step_that_can_be_found_is_tested():
    assert {type(step) for step in STEPS} == set(discover("dlkit.data.cleaning", Clean))


@each_step
@settings(max_examples=5, deadline=None)
@given(cuts=st.lists(st.integers(1, 59), max_size=6), seed=st.integers(0, 5))
def test_a_step_gives_the_same_whatever_the_chunks(step, cuts, seed):
    values = rows(seed=seed)
    step = taught(step, [stream(values)])
    at_once, in_parts = (whole(cleaned([step], parts(values, some, seams=[25]))) for some in ([], cuts))
    assert at_once[2] == in_parts[2]
    for one, other in zip(at_once[:2], in_parts[:2], strict=True):
        np.testing.assert_array_equal(one, other)


def past_of(step, values, cut):
    """Return what becomes of the rows before a cut, with the rows as they are behind it and with others."""
    poisoned = values.copy()
    poisoned[cut:] = 1e6
    (times, before, _), (again, after, _) = (whole(cleaned([step], [stream(one)])) for one in (values, poisoned))
    past = times < cut * 10**9
    np.testing.assert_array_equal(times[past], again[again < cut * 10**9])
    return before[past], after[: past.sum()]


@each_step
def test_the_past_ignores_the_future_unless_it_is_said(step):
    values = rows()
    step = taught(step, [stream(values)])
    found = [
        np.array_equal(*past_of(step, values, cut), equal_nan=True)
        for cut in range(1, 58, 1 + 3 * (not step.look_ahead))
    ]
    assert all(found) is not step.look_ahead


@each_step
def test_no_value_crosses_a_seam_or_comes_from_another_series(step):
    values = rows()
    step = taught(step, [stream(values)])
    alone = whole(cleaned([step], [stream(values[25:], first=25)]))
    behind = whole(cleaned([step], parts(values, [], seams=[25])))
    other = whole(cleaned([step], [stream(values[:25]), stream(values[25:], first=25, name="t")]))
    for found in (behind, other):
        later = found[0] >= 25 * 10**9
        np.testing.assert_array_equal(found[0][later], alone[0])
        np.testing.assert_array_equal(found[1][later], alone[1])


@each_step
def test_a_step_leaves_its_input_and_the_channels_it_does_not_name(step):
    values = rows()
    kept = values.copy()
    step = taught(step, [stream(values)])
    found = cleaned([step], [stream(values)])
    np.testing.assert_array_equal(values, kept)
    if not (step.changes_rows or step.drops_channels):
        others = [place for place in range(3) if place not in step.places(("a", "b", "c"))]
        np.testing.assert_array_equal(found[0].values[:, others], values[:, others])


@each_step
def test_a_channel_that_is_spared_stays(step):
    values = rows()
    step = taught(step, [stream(values)])
    object.__setattr__(step := replace(step), "spared", ("b",))
    found = cleaned([taught(step, [stream(values)])], [stream(values)])
    if not step.changes_rows:
        np.testing.assert_array_equal(found[0].values[:, found[0].channels.index("b")], values[:, 1])


def repeats(step):
    """Tell whether a step that repeats must change nothing more: a held value is held on, a run goes on for longer."""
    goes_on = not step.look_ahead and (type(step).__name__ == "Interpolate" or getattr(step, "stuck", None) is not None)
    return type(step).__name__ in IDEMPOTENT and not goes_on


@pytest.mark.parametrize("step", [step for step in STEPS if repeats(step)], ids=name)
def test_steps_that_repeat_change_nothing_more(step):
    step = taught(step, [stream(rows())])
    once = cleaned([step], [stream(rows())])
    for one, other in zip(whole(once), whole(cleaned([step], once)), strict=True):
        np.testing.assert_array_equal(one, other)


@each_step
def test_what_a_step_is_and_learnt_survives_json(step):
    step = taught(step, [stream(rows())])
    record = json.loads(json.dumps(step.plain()))
    fresh = type(step)(**record["settings"])
    assert fresh == step
    [again] = recalled([fresh], {"clean": [record]})
    found, wanted = (whole(cleaned([one], [stream(rows(seed=3))])) for one in (again, step))
    np.testing.assert_array_equal(found[1], wanted[1])


@each_step
def test_what_changed_is_counted(step):
    values = rows()
    step = taught(step, [stream(values)])
    source = Cleaned(Parts(parts(values, [20])), [step])
    times, found, _ = whole(list(source.chunks()))
    [record] = source.cleaned
    assert record["step"] == f"{type(step).__module__}.{type(step).__name__}"
    if step.changes_rows:
        assert record["rows"] == {"before": 60, "after": len(times)}
    elif not step.drops_channels:
        other = (found != values) & ~(np.isnan(found) & np.isnan(values))
        assert record["values changed"] == {
            channel: int(count) for channel, count in zip("abc", other.sum(0), strict=True) if count
        }
        assert record["values changed"], "the rows have nothing that it mends"


@each_step
def test_settings_are_keywords_that_are_documented(step):
    for key, one in inspect.signature(type(step)).parameters.items():
        assert one.kind is one.KEYWORD_ONLY
        assert f"{key}:" in (type(step).__doc__ or ""), f"{key} is not documented"


@each_step
def test_a_run_of_one_row_and_missing_values_are_no_fault(step):
    step = taught(step, [stream(rows())])
    nothing = np.full((40, 3), np.nan, np.float32)
    found = cleaned([step], [stream(nothing)])
    assert all(np.isnan(one.values).all() for one in found)
    alone = cleaned([step], [stream(rows()[:1])])
    assert sum(len(one.times) for one in alone) <= 1


@pytest.mark.parametrize("step", [step for step in STEPS if not (step.changes_rows or step.look_ahead)], ids=name)
def test_memory_of_a_step_is_what_it_says(step):
    """Rows before the reach hardly change a row."""
    values = np.nan_to_num(rows(400, seed=4), nan=0.3)
    step, reach = taught(step, [stream(values)]), step.reach(10**9)
    assert reach < 300
    cut = 399 - reach
    other = values.copy()
    other[:cut] = rows(400, seed=5)[:cut]
    found, again = (whole(cleaned([step], [stream(one)]))[1][-1] for one in (values, np.nan_to_num(other, nan=-0.7)))
    np.testing.assert_allclose(found, again, atol=2e-4)
