"""Errors of rows that come in piece by piece are those of all windows at once."""

import numpy as np
import pytest
import torch

from dlkit.anomaly.overlap import RowErrors
from dlkit.core.specs import Spec
from dlkit.data.batches.gather import WindowGather
from dlkit.data.table.arrange import Columns
from dlkit.data.table.blocks import normalize_in_place
from dlkit.data.table.windows import Geometry
from dlkit.models.mlp import MLP
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.train.anomalies.events import evaluated
from dlkit.train.watch.live_errors import LiveErrors

ROWS, LOOK_BACK = 60, 5


def task_of(masks):
    names = ("a", "b", *(("a observed", "b observed") if masks else ()))
    spec = Spec(names, (LOOK_BACK,), (len(names), LOOK_BACK, 1), masks=2 * masks, kind="reconstruct")
    torch.manual_seed(0)
    task = Reconstruct(spec=spec, net=lambda own: MLP(own, hidden_size=4))
    task.scaling.shift[:] = torch.tensor([1.0, -2.0])
    task.scaling.scale[:] = torch.tensor([2.0, 0.5])
    return task


def at_once(task, rows, dilation):
    values, geometry = torch.from_numpy(rows.copy()), Geometry(LOOK_BACK, 0, dilation=dilation)
    observed = normalize_in_place(values.numpy(), task.scaling)
    columns, begin = Columns(("a", "b"), 2, (2, 2), (), 2), torch.zeros(1, dtype=torch.int64)
    gather = WindowGather(values, observed, geometry, columns, begin, mask_channels=task.spec.masks > 0)
    starts = torch.arange(max(len(rows) - geometry.length + 1, 0))
    found = RowErrors(len(rows), 2, LOOK_BACK, merge="causal", dilation=dilation)
    if len(starts):
        with evaluated(task):
            found.add(starts, *task.squares(gather(starts)))
    return found.result()


@pytest.mark.parametrize("pieces", [1, 4, 13, 60])
@pytest.mark.parametrize(("dilation", "masks"), [(1, False), (1, True), (2, False), (3, True)])
def test_errors_that_come_in_pieces_are_those_of_all_rows(pieces, dilation, masks):
    task, rows = task_of(masks), np.random.default_rng(0).standard_normal((ROWS, 2)).astype(np.float32)
    rows[20:24, 1] = np.nan
    live, found, delay = LiveErrors(task, dilation=dilation), [], []
    for first in range(0, ROWS, pieces):
        found.append(live.push(rows[first : first + pieces]))
        delay.append(min(first + pieces, ROWS) - sum(map(len, found)))
    assert all(late == 0 for late in delay[live.geometry.length + dilation :])  # each row at once
    found.append(live.end())
    np.testing.assert_allclose(np.concatenate(found), at_once(task, rows, dilation), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rows", [0, 1, 4, 5, 9, 10, 11])
def test_short_series_end_with_what_is_known(rows):
    task, values = task_of(masks=False), np.ones((rows, 2), np.float32)
    live = LiveErrors(task, dilation=2)
    for _ in range(2):  # the second series does not see the first
        found = np.concatenate([live.push(values), live.end()])
        np.testing.assert_allclose(found, at_once(task, values, 2), rtol=1e-4)
