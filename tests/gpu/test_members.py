"""On a GPU the networks of an ensemble are asked at once, and answer as in turn."""

import pytest
import torch

from dlkit.core.batch import Batch
from dlkit.core.specs import Spec
from dlkit.losses.likelihood import Gaussian
from dlkit.models.fcn import FCN
from dlkit.models.lstm import LSTM
from dlkit.models.mlp import MLP
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.members import Dropout, Ensemble

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
SPEC = Spec(channels=("a", "b"), size=(48,), output=(8, 2, 1), targets=("a", "b"))


@pytest.mark.parametrize("net", [MLP, FCN, LSTM])
def test_networks_asked_at_once_answer_as_in_turn(net):
    one, *others = (Forecast(spec=SPEC, net=net, loss=Gaussian()).eval().cuda() for _ in range(3))
    x, start = torch.randn(32, 2, 48, device="cuda"), torch.arange(32, device="cuda")
    batch = Batch(x, torch.randn(32, 8, 2, device="cuda"), start=start)
    one.members = members = Ensemble(one, others)
    assert members.at_once_on(x.device)
    with torch.no_grad():
        once = members.answers(one, batch)
        assert (members.batched is False) == (net is LSTM)  # which has no rule for stacked weights
        members.batched = False
        torch.testing.assert_close(once, members.answers(one, batch), rtol=1e-3, atol=1e-4)
        assert one.predict_step(batch, 0).parts.epistemic.device == x.device


def test_dropout_leaves_the_random_state_of_the_device():
    one = Forecast(spec=SPEC, net=MLP).eval().cuda()
    batch = Batch(
        torch.randn(8, 2, 48, device="cuda"), torch.randn(8, 8, 2, device="cuda"), start=torch.arange(8).cuda()
    )
    one.members, before = Dropout(one, draws=4), torch.cuda.get_rng_state()
    with torch.no_grad():
        first, again = (one.members.answers(one, batch) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(torch.cuda.get_rng_state(), before)
