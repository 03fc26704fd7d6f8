"""A cross-validation that cannot be is answered by one sentence before anything is written."""

import pytest

from tests.bad_inputs.cases_crossval import CROSSVAL
from tests.bad_inputs.test_bad_configs import check_case


@pytest.mark.parametrize("name", CROSSVAL)
def test_a_bad_cross_validation_is_answered_by_one_sentence_and_changes_nothing(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_case(CROSSVAL[name], tmp_path, capsys)
