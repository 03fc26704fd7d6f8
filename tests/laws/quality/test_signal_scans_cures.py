"""What a finding names as its cure makes it go, and leaves other channels as they were."""

import importlib
from collections.abc import Callable

import numpy as np
import pytest
import yaml

from dlkit.core.finding import Cure
from dlkit.data.cleaning.base import Clean, Tally
from dlkit.data.records import Stream
from tests.made_signals import SECOND, found, scanned

ROWS = 20_000


def waves(random: np.random.Generator) -> np.ndarray:
    wave = 20 + 5 * np.sin(np.arange(ROWS) / 700)
    return np.stack([np.round(wave + 0.3 * random.standard_normal(ROWS), 2), random.standard_normal(ROWS)], 1)


def stuck(values: np.ndarray) -> None:
    values[3000:3500, 0], values[9000:9300, 0] = values[3000, 0], values[9000, 0]


def sentinel(values: np.ndarray) -> None:
    values[100:9000:300, 0] = -999


def clipped(values: np.ndarray) -> None:
    values[:, 0] = np.minimum(values[:, 0], 24)


def spike(values: np.ndarray) -> None:
    values[[50, 900, 7000, 15_000], 0] += 200


def constant(values: np.ndarray) -> None:
    values[:, 0] = 3


def copied(values: np.ndarray) -> None:
    values[:, 0] = values[:, 1]


PLANTED: dict[str, tuple[Callable[[np.ndarray], None], str]] = {
    "stuck": (stuck, "x0"), "sentinel": (sentinel, "x0"), "clipped": (clipped, "x0"), "spike": (spike, "x0"),
    "constant": (constant, "x0"), "duplicated channel": (copied, "x1"),
}  # fmt: skip


def applied(cure: Cure, values: np.ndarray) -> np.ndarray:
    """Return values behind a cleaning step."""
    block = yaml.safe_load(cure.line)
    module, name = block["class_path"].rsplit(".", 1)
    step = getattr(importlib.import_module(module), name)(**block["init_args"])
    assert isinstance(step, Clean)
    stream = Stream("a", np.arange(ROWS) * SECOND, values, ("x0", "x1"), ("", ""), SECOND)
    return np.concatenate([one.values for one in step.through(iter([stream]), Tally())])


@pytest.mark.parametrize("kind", PLANTED)
def test_a_finding_is_gone_behind_each_of_its_cleaning_steps(kind: str) -> None:
    values = waves(np.random.default_rng(0))
    plant, channel = PLANTED[kind]
    plant(values)
    (finding,) = found(scanned(values), kind)
    assert finding.channel == channel
    steps = [cure for cure in finding.cures if cure.place == "clean"]
    assert steps
    for cure in steps:
        cleaned = applied(cure, values.astype(np.float32))
        assert found(scanned(cleaned), kind) == []
        if cleaned.shape[1] == 2:
            other = 1 - int(channel[1:])
            np.testing.assert_array_equal(cleaned[:, other], values.astype(np.float32)[:, other])
