"""Epochs written as text are read to the last digit: a float64 is too short for nanoseconds since 1970."""

from datetime import UTC
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.data.sources.files import Files
from dlkit.data.tabular.cells import CellError
from dlkit.data.tabular.time_column import UNITS, parse_times

NUMBER = st.tuples(st.integers(-9_000_000_000, 9_000_000_000), st.text("0123456789", max_size=9))


@given(st.lists(NUMBER, min_size=1, max_size=8), st.sampled_from([".", ","]))
@pytest.mark.parametrize("how", ["s", "ms", "relative"])
def test_numbers_as_text_are_those_of_exact_arithmetic(how, parts, mark):
    text = [f"{whole}{mark}{rest}" if rest else str(whole) for whole, rest in parts]
    found = parse_times(pd.Series(text, dtype="str"), how, UTC, mark)
    for cell, time in zip(text, found.tolist(), strict=True):
        assert abs(time - Fraction(cell.replace(",", ".")) * UNITS[how]) <= Fraction(1, 2) + Fraction(1, 10**6)


def test_signs_blanks_and_other_forms_are_read_beside_them():
    text = ["-0.5", "+3.25", " 7.000000001 ", "1e3", "8.", "-1"]
    expected = [-500_000_000, 3_250_000_000, 7_000_000_001, 1_000_000_000_000, 8_000_000_000, -1_000_000_000]
    assert parse_times(pd.Series(text, dtype="str"), "s", UTC).tolist() == expected


@pytest.mark.parametrize(("cell", "problem"), [("1.5x", "not a number"), ("", "missing"), ("1e300", "2262")])
def test_a_cell_that_cannot_be_read_is_named(cell, problem):
    with pytest.raises(CellError, match=problem) as error:
        parse_times(pd.Series(["1.5", cell, "2.5"], dtype="str"), "s", UTC)
    assert error.value.index == 1


@pytest.mark.parametrize("step", [1_000, 1_000_000])
def test_stamps_of_a_megahertz_come_out_of_a_file_at_equal_steps(tmp_path, step):
    times = 1_700_000_000 * 10**9 + 250_000_000 + np.arange(500) * step
    lines = [f"{time // 10**9}.{time % 10**9:09d},{row}" for row, time in enumerate(times.tolist())]
    (tmp_path / "t.csv").write_text("\n".join(["t,a", *lines]))
    source = Files(path=str(tmp_path / "t.csv"), time="t", time_format="s")
    assert np.concatenate([part.times for part in source.chunks()]).tolist() == times.tolist()
