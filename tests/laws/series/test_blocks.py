"""Windows out of kept blocks are those of the table normalized as a whole, whichever blocks had to go."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.data.normalize import ChannelScaling, LogStandard
from dlkit.data.table import blocks
from dlkit.data.table.blocks import NormalizedBlocks

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")


def table(rows, *, missing):
    values = torch.randn(rows, 3, generator=torch.Generator().manual_seed(rows))
    if missing:
        values[torch.rand(rows, 3, generator=torch.Generator().manual_seed(1)) < 0.2] = torch.nan
    return values


def scaling_of(values, *, log):
    fitted: ChannelScaling = LogStandard().start(("a", "b", "c")).finish()
    fitted.shift, fitted.scale = torch.tensor([0.5, -2.0, 0.0]), torch.tensor([2.0, 1.0, 0.25])
    fitted.log[:] = torch.tensor([log, False, log])
    return fitted


def kept(values, scaling, length, *, block, most, complete):
    """Blocks of a few rows, of which a few are kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", 12 * block)
        patch.setattr(blocks, "KEPT_BYTES", 0)
        patch.setattr(blocks, "FEWEST_KEPT", most)
        return NormalizedBlocks(values, scaling, length, complete=complete)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(5, 60), st.integers(1, 5), st.integers(1, 9), st.integers(1, 6), st.booleans(), st.booleans(), st.data()
)
def test_windows_from_blocks_are_those_of_the_whole_table(rows, length, block, most, missing, log, data):
    values = table(rows, missing=missing)
    scaling = scaling_of(values, log=log)
    part = kept(values, scaling, length, block=block, most=most, complete=not missing)
    whole = scaling(values)
    for _ in range(6):
        starts = torch.tensor(data.draw(st.lists(st.integers(0, rows - length), min_size=1, max_size=part.kept)))
        for start, place in zip(starts.tolist(), part.place(starts).tolist(), strict=True):
            expected = whole[start : start + length]
            assert torch.equal(part.values[place : place + length], expected.nan_to_num(nan=0.0))
            if part.observed is not None:
                assert torch.equal(part.observed[place : place + length], ~expected.isnan())


def test_a_block_is_read_once_while_it_is_kept_and_the_one_used_last_stays():
    values = table(40, missing=False)
    part = kept(values, scaling_of(values, log=False), 2, block=10, most=2, complete=True)
    read, real = [], part._read
    part._read = lambda block, slot: (read.append(block), real(block, slot))
    for start in (0, 5, 10, 3, 20, 4, 12):
        part.place(torch.tensor([start]))
    assert read == [0, 1, 2, 1]  # block 1 had to go for block 2, as block 0 was used after it


def test_the_raw_table_is_left_as_it_was():
    values = table(30, missing=True)
    before = values.clone()
    kept(values, scaling_of(values, log=True), 3, block=7, most=2, complete=False).place(torch.tensor([0, 20]))
    np.testing.assert_array_equal(values.numpy(), before.numpy())
