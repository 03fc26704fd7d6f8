"""Files of a run are whole or not there, and two jobs never share a folder."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dlkit.core.checks import InputError
from dlkit.core.runfolder import (
    RunFolder,
    atomic_file,
    atomic_folder,
    fresh_run,
    new_run,
    read_json,
    sole_user,
    write_json,
)


class Fault(Exception):
    pass


def test_a_file_is_replaced_whole_or_stays_as_it_was(tmp_path):
    path = tmp_path / "deep" / "file"
    with atomic_file(path) as work:
        work.write_text("one")
    with pytest.raises(Fault), atomic_file(path) as work:
        work.write_text("tw")
        raise Fault
    assert path.read_text() == "one"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "cache" / "folder"
    with pytest.raises(Fault), atomic_folder(path) as work:
        (work / "file").write_text("half")
        raise Fault
    assert not path.parent.exists()
    with atomic_folder(path) as work:
        (work / "file").write_text("one")
    with atomic_folder(path) as work:
        (work / "file").write_text("late")
    assert (path / "file").read_text() == "one"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o002])
def test_a_folder_may_be_read_by_whom_the_umask_allows(mask, tmp_path):
    before = os.umask(mask)
    try:
        with atomic_folder(tmp_path / "folder"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o777 & ~mask


def test_json_comes_back(tmp_path):
    content = {"a": [1, 2.5, None], "b": {"c": "text"}}
    write_json(tmp_path / "x.json", content)
    assert read_json(tmp_path / "x.json") == content


def test_jobs_that_begin_at_once_get_folders_of_their_own(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_run(tmp_path / "runs", "a"), range(32)))
    assert len(set(made)) == 32
    assert all(path.is_dir() for path in made)


def test_numbers_go_on_after_the_largest(tmp_path):
    (tmp_path / "a-007").mkdir()
    (tmp_path / "ab-050").mkdir()
    assert new_run(tmp_path, "a").name == "a-008"


@pytest.mark.parametrize("name", ["a/b", "", "a b", "..\\a", "a\n"])
def test_names_that_are_no_folders_are_refused(tmp_path, name):
    with pytest.raises(InputError, match="`name`"):
        new_run(tmp_path, name)


def test_a_run_whose_first_entries_fail_is_gone(tmp_path):
    for root, kept in ((tmp_path / "new", False), (tmp_path, True)):
        with pytest.raises(Fault), fresh_run(root, "a") as path:
            (path / "config.yaml").write_text("half")
            raise Fault
        assert not path.exists()
        assert root.exists() == kept


def test_only_a_run_is_opened(tmp_path):
    with pytest.raises(InputError, match="no run folder"):
        RunFolder.open(tmp_path / "a")
    with pytest.raises(InputError, match=r"config\.yaml"):
        RunFolder.open(tmp_path)
    (tmp_path / "config.yaml").touch()
    assert RunFolder.open(tmp_path).config.is_file()
    with pytest.raises(InputError, match="is a file"):
        RunFolder.open(tmp_path / "config.yaml")


def test_a_run_folder_has_one_writer_at_a_time(tmp_path: Path) -> None:
    with sole_user(tmp_path), pytest.raises(InputError, match="another job"), sole_user(tmp_path):
        pass
    with sole_user(tmp_path):
        pass
