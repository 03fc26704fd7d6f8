"""A checkpoint is whole or it is refused."""

import os

import pytest
import torch

from dlkit.core.checkpoint_file import load_checkpoint
from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder
from dlkit.train.checkpoints import AtomicCheckpointIO, best_or_newest, newest_whole

CONTENT = {"state_dict": {"weight": torch.arange(600.0).reshape(20, 30)}, "epoch": 3, "names": ["a", "b"]}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "checkpoints" / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint(CONTENT, path)
    return path


def same(content):
    return torch.equal(content["state_dict"]["weight"], CONTENT["state_dict"]["weight"]) and {
        key: content[key] for key in ("epoch", "names")
    } == {key: CONTENT[key] for key in ("epoch", "names")}


def test_what_is_saved_is_loaded(saved):
    assert same(AtomicCheckpointIO().load_checkpoint(saved))


@pytest.mark.parametrize("part", range(20))
def test_a_flipped_bit_is_refused_or_changes_nothing(saved, part):
    content = bytearray(saved.read_bytes())
    content[len(content) * part // 20] ^= 4
    saved.write_bytes(content)
    try:
        assert same(load_checkpoint(saved))  # padding, which nothing reads
    except InputError as error:
        assert str(saved) in str(error)


@pytest.mark.parametrize("part", range(20))
def test_a_checkpoint_cut_anywhere_is_refused(saved, part):
    content = saved.read_bytes()
    saved.write_bytes(content[: len(content) * part // 20])
    with pytest.raises(InputError, match=r"last\.ckpt"):
        load_checkpoint(saved)


def test_a_failed_save_leaves_the_checkpoint_before_it(saved):
    with pytest.raises(AttributeError):
        AtomicCheckpointIO().save_checkpoint({"state_dict": {}, "cannot": lambda: None}, saved)
    assert same(load_checkpoint(saved))
    assert list(saved.parent.iterdir()) == [saved]


def test_the_best_is_preferred_and_the_newest_is_the_newest(saved):
    best = saved.with_name("best.ckpt")
    AtomicCheckpointIO().save_checkpoint(CONTENT, best)
    os.utime(best, ns=(0, 0))
    run = RunFolder(saved.parents[1])
    assert newest_whole(run) == saved
    assert best_or_newest(run) == best
    best.write_bytes(b"")
    assert best_or_newest(run) == saved


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(InputError, match="none"):
        load_checkpoint(tmp_path / "none.ckpt")
