"""The plane through the way of the weights is that of a singular value decomposition."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from dlkit.core.checks import InputError
from dlkit.explain.landscape.directions import cosine
from dlkit.explain.landscape.trajectory import principal_plane
from dlkit.train.trajectory import Trajectory

CONFIGS = Path(__file__).parents[3] / "configs" / "experiment"


def way(snapshots: int = 6) -> tuple[list[dict], dict]:
    torch.manual_seed(2)
    steps = torch.randn(snapshots, 14, dtype=torch.float64).cumsum(0)
    parts = [{"a": step[:6].view(2, 3), "b": step[6:].view(4, 2)} for step in steps]
    return parts, parts[-1]


def flat(direction: dict) -> np.ndarray:
    return np.concatenate([direction[name].numpy().ravel() for name in direction])


def test_the_principal_directions_are_those_of_a_singular_value_decomposition():
    snapshots, end = way()
    found = principal_plane(snapshots, end)
    steps = np.stack([flat(s) - flat(end) for s in snapshots])
    _, singular, right = np.linalg.svd(steps - steps.mean(0))
    for k, direction in enumerate(found.directions):
        assert abs(flat(direction) @ right[k]) == pytest.approx(1, abs=1e-10)
        np.testing.assert_allclose(found.positions[:, k], steps @ flat(direction), atol=1e-10)
    np.testing.assert_allclose(found.explained, (singular**2 / (singular**2).sum())[:2], atol=1e-12)
    assert found.positions[-1].abs().max() < 1e-10


def test_the_principal_directions_are_at_right_angles_and_of_length_one():
    first, second = principal_plane(*way()).directions
    assert abs(cosine(first, second)) < 1e-10
    assert np.linalg.norm(flat(first)) == pytest.approx(1)
    assert np.linalg.norm(flat(second)) == pytest.approx(1)


@pytest.mark.parametrize("kept", [0, 2])
def test_too_few_snapshots_are_refused(kept):
    snapshots, end = way()
    with pytest.raises(InputError, match=f"{kept} snapshots.*every_n_epochs"):
        principal_plane(snapshots[:kept], end)


def test_snapshots_on_a_line_are_refused():
    end = {"a": torch.ones(2, 3)}
    with pytest.raises(InputError, match="one line"):
        principal_plane([{"a": k * end["a"]} for k in range(4)], end)


@pytest.mark.parametrize("template", sorted(CONFIGS.glob("my_*.yaml")), ids=lambda path: path.stem)
def test_one_line_of_every_template_keeps_the_way_of_the_weights(template):
    before = yaml.safe_load(template.read_text())["trainer"]["callbacks"]
    told = template.read_text().replace(
        "# - class_path: dlkit.train.trajectory", "- class_path: dlkit.train.trajectory"
    )
    after = yaml.safe_load(told)["trainer"]["callbacks"]
    assert after == [*before, {"class_path": f"{Trajectory.__module__}.{Trajectory.__qualname__}"}]
