"""FSDP in mixed precision keeps scalings and targets; what it cannot do is refused. One process on a CPU."""

from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.precision import FSDPPrecision, Precision
from pytorch_lightning.strategies import DDPStrategy, FSDPStrategy
from torch import distributed
from torch.distributed.fsdp import FullStateDictConfig, FullyShardedDataParallel, MixedPrecision, StateDictType

from dlkit.core.checks import InputError
from dlkit.models.mlp import MLP
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.pace import may_group
from dlkit.train.together import leave_to_autocast, require_processes
from tests.made_modules import module


@pytest.fixture
def alone():
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def trainer_with(strategy, precision="32-true"):
    """Return a trainer with a strategy that Lightning gives to GPUs only."""
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    strategy.precision_plugin = FSDPPrecision(precision) if isinstance(strategy, FSDPStrategy) else Precision()
    trainer._accelerator_connector.strategy = strategy
    leave_to_autocast(trainer)
    return trainer


@pytest.mark.filterwarnings("ignore:FSDP is switching")
def test_scalings_and_targets_are_not_rounded(alone):
    data = module()
    data.setup()
    task = Forecast(spec=data.spec, net=partial(MLP, hidden_size=8))
    task.take_scaling(data)
    task.forward = task.step
    before = {name: value.clone() for name, value in task.state_dict().items()}
    mixed = trainer_with(FSDPStrategy(), "bf16-mixed").strategy.mixed_precision_config
    dealt = FullyShardedDataParallel(task, mixed_precision=mixed, use_orig_params=True, device_id=torch.device("cpu"))
    batch = data.make_batch(data.places("train").starts(torch.arange(8)))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(dealt(batch).target, batch.y)
    with FullyShardedDataParallel.state_dict_type(dealt, StateDictType.FULL_STATE_DICT, FullStateDictConfig()):
        after = dealt.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_what_a_user_chose_stays():
    mixed = MixedPrecision(reduce_dtype=torch.bfloat16)
    assert trainer_with(FSDPStrategy(mixed_precision=mixed), "bf16-mixed").strategy.mixed_precision is mixed
    assert trainer_with(FSDPStrategy()).strategy.mixed_precision is None


def test_batches_are_trained_together_only_without_fsdp():
    data, plain, dealt = module(batches_per_step=4), trainer_with(DDPStrategy()), trainer_with(FSDPStrategy())
    assert may_group(plain)
    assert not may_group(dealt)
    require_processes(data, plain, None)
    with pytest.raises(InputError, match=r"batches_per_step=4 is for one process.*1 process and FSDP"):
        require_processes(data, dealt, None)


def test_gradients_are_clipped_by_value_only():
    trainer = trainer_with(FSDPStrategy())
    trainer.gradient_clip_val = 0.5
    with pytest.raises(InputError, match="FSDP cannot clip by norm"):
        require_processes(module(), trainer, None)
    trainer.gradient_clip_algorithm = "value"
    require_processes(module(), trainer, None)
