"""A search that cannot be made is refused by one sentence before anything is written."""

import pytest

from tests.bad_inputs.cases_tune import TUNE
from tests.bad_inputs.test_bad_configs import check_case


@pytest.mark.parametrize("name", TUNE)
def test_a_bad_search_is_answered_by_one_sentence_and_changes_nothing(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_case(TUNE[name], tmp_path, capsys)
