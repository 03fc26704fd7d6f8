"""Distances to training: what is far, in which unit; ranges; one pass; nothing is lost on the disk."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from dlkit.confidence.distance import Mahalanobis, Nearest, Places, fit_distance
from dlkit.confidence.ranges import Extremes, measured_numbers
from dlkit.core.batch import Batch
from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder
from dlkit.core.specs import Part, Spec
from dlkit.models.cnn import CNN
from dlkit.tasks.classify import Classify
from dlkit.train.confidence import novelty_files
from dlkit.train.confidence.novelty import features_kept, fit_novelty
from dlkit.train.confidence.novelty_files import read_novelty, write_novelty
from dlkit.train.confidence.novelty_looks import features_of, levels_of
from tests.made_sample_modules import Given, ImageDataModule, Stratified, images


def normal(count, axes=4, seed=0, shift=0.0):
    return torch.randn(count, axes, generator=torch.Generator().manual_seed(seed)) + shift


@pytest.mark.parametrize("method", ["nearest", "mahalanobis"])
def test_one_in_twenty_of_validation_and_of_what_is_like_it_is_beyond_one(method):
    found = fit_distance(normal(2000), normal(1000, seed=1), method=method)
    assert (found(normal(1000, seed=1)) > 1).float().mean() == pytest.approx(0.05, abs=0.002)
    assert (found(normal(4000, seed=2)) > 1).float().mean() == pytest.approx(0.05, abs=0.02)
    assert (found(normal(500, seed=3, shift=4.0)) > 1).all()


def test_the_nearest_distance_is_that_of_the_brute_force():
    train, val, new = normal(60), normal(30, seed=1), normal(7, seed=2)
    found = fit_distance(train, val, k=3)
    apart = np.linalg.norm(new.numpy()[:, None] - train.numpy()[None], axis=2)
    np.testing.assert_allclose(found.raw(new), np.sort(apart, 1)[:, 2], rtol=1e-4)
    own = np.sort(np.sort(np.linalg.norm(val.numpy()[:, None] - train.numpy()[None], axis=2), 1)[:, 2])
    assert found.unit == pytest.approx(own[int(np.ceil(0.95 * 29))], rel=1e-4)


def test_the_mahalanobis_distance_is_that_of_the_covariance():
    train, new = normal(500) @ torch.randn(4, 4, generator=torch.Generator().manual_seed(5)), normal(7, seed=2)
    found = fit_distance(train, normal(30, seed=1), method="mahalanobis")
    gone = (new - train.mean(0)).double().numpy()
    expected = np.sqrt(np.einsum("ni,ij,nj->n", gone, np.linalg.inv(np.cov(train.double().numpy().T)), gone))
    np.testing.assert_allclose(found.raw(new), expected, rtol=1e-3)


def test_what_leaves_the_axes_of_training_is_far_though_its_projection_is_near():
    axes = torch.eye(2, 5)
    place = Places(torch.zeros(5), torch.ones(5), axes)
    train = torch.cat([normal(400, 2), torch.zeros(400, 3)], 1)
    val = torch.cat([normal(100, 2, seed=1), torch.zeros(100, 3)], 1)
    found = fit_distance(place(train), place(val))
    aside = torch.cat([torch.zeros(1, 4), torch.full((1, 1), 3.0)], 1)
    torch.testing.assert_close(place(aside)[0], torch.tensor([0.0, 0.0, 3.0]))
    assert found(place(torch.zeros(1, 5))) < 1 < found(place(aside))


@pytest.mark.parametrize(
    ("train", "val", "says"),
    [
        (normal(100), normal(4), "too few"),
        (normal(5), normal(30), "too few"),
        (torch.zeros(100, 2), torch.zeros(30, 2), "no distance to training"),
    ],
)
def test_what_says_nothing_of_far_is_refused(train, val, says):
    with pytest.raises(InputError, match=says):
        fit_distance(train, val)


def test_channels_that_tell_of_other_channels_have_no_range():
    spec = Spec(channels=("a", "b", "a mask", "b mask"), size=(3,), output=(2, 1, 1), targets=("a",), masks=2)
    assert measured_numbers(spec, (4, 3)).tolist() == [0] * 3 + [1] * 3 + [-1] * 6
    parts = (
        Part("s", ("a", "age"), (2,), (-1.0, 0.0), helpers=1),
        Part("cam", ("grey",), (1, 2), (0.0,), frames=True),
    )
    several = Spec(channels=("s.a", "s.age", "cam.grey"), size=(8,), output=(1,), parts=parts)
    assert measured_numbers(several, (8,)).tolist() == [0, 0, -1, -1, 2, 2, -1, -1]
    padded = Spec(channels=("a", "inside"), size=(2,), output=(2,), kind="class", classes=("x", "y"), padded=True)
    assert measured_numbers(padded, (2, 2)).tolist() == [0, 0, -1, -1]


def test_a_range_is_left_by_observed_values_of_measured_channels_alone():
    extremes = Extremes(torch.tensor([0, 0, 1, 1, -1, -1]), 3)
    extremes.add(torch.tensor([[[0.0, 1.0], [5.0, 9.0], [0.0, 0.0]]]), torch.tensor([[[1, 1], [1, 0], [1, 1]]]).bool())
    new = torch.tensor([[[0.5, 1.5], [5.0, 8.0], [7.0, 7.0]], [[0.5, 0.5], [5.0, 8.0], [7.0, 7.0]]])
    assert extremes.outside(new, None).tolist() == [[True, True, False], [False, True, False]]
    known = torch.ones_like(new, dtype=torch.bool)
    known[:, 1, 1] = False
    assert extremes.outside(new, known).tolist() == [[True, False, False], [False, False, False]]


def test_levels_are_mean_and_deviation_of_what_is_known():
    x, known = torch.randn(3, 2, 8, generator=torch.Generator().manual_seed(0)), torch.rand(3, 2, 8) > 0.3
    known[0, 1] = False
    found = levels_of(x, known, torch.arange(2).repeat_interleave(8), 2)
    for k in range(3):
        for channel in range(2):
            some = x[k, channel][known[k, channel]]
            if len(some):
                expected = torch.stack([some.mean(), some.std(correction=0)])
                torch.testing.assert_close(found[k, channel], expected, atol=1e-5, rtol=1e-4)
    assert found[0, 1].isnan().all()


@pytest.fixture(scope="module")
def trained():
    """A small network on 90 images, 30 of which validate, as it was made."""
    data = ImageDataModule(source=Given(images(150)), split=Stratified(train=0.5, val=0.3, test=0.2), placement="host")
    torch.manual_seed(0)
    task = Classify(spec=data.spec, net=lambda spec: CNN(spec, width=8, layers=2)).eval()
    task.take_scaling(data)
    return task, data, fit_novelty(task, data)


def test_images_like_those_of_training_are_near_and_noise_is_far(trained):
    task, data, novelty = trained
    batch = data.pick_batch("test", 30)
    near = novelty.of(task, batch)
    far = novelty.of(task, batch._replace(x=batch.x + 8 * torch.randn_like(batch.x)))
    truth = np.repeat([0, 1], len(batch.x))
    assert roc_auc_score(truth, torch.cat([near.distance, far.distance])) > 0.99
    assert far.outside.all()
    assert not near.outside.any()  # uint8 images go from 0 to 255 in every channel


def test_flags_name_the_channels_and_far_ones_extrapolate(trained):
    task, data, novelty = trained
    batch = data.pick_batch("test", 6)
    x = batch.x.clone()
    x[0, 1, 2, 3] = 99.0
    columns = novelty.columns(task, batch._replace(x=x))
    distance, flags = columns["distance"], columns["flag"].to_pylist()
    assert flags[0] == "extrapolates: g"
    assert [flag.startswith("extrapolates") for flag in flags[1:]] == (distance[1:] > 1).tolist()


def test_features_are_found_once_for_answer_and_distance_and_the_same(trained):
    task, data, novelty = trained
    batch, calls = data.pick_batch("test", 6), []
    inner = type(task.net).features

    def counted(self, x):
        calls.append(x)
        return inner(self, x)

    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(type(task.net), "features", counted)
        alone, answer = novelty.of(task, batch).distance, task.predict_step(batch, 0)
        assert len(calls) == 2
        with features_kept(task):
            together, same = task.predict_step(batch, 0), novelty.of(task, batch).distance
            assert len(calls) == 3
            novelty.of(task, batch._replace(x=batch.x + 1))
            assert len(calls) == 4
    torch.testing.assert_close(same, alone)
    torch.testing.assert_close(together.probabilities, answer.probabilities)
    assert "features" not in vars(task.net)


def test_features_of_members_are_not_shared(trained):
    task, _, _ = trained
    other = SimpleNamespace(net=task.net, members=object())
    with features_kept(other):
        assert "features" not in vars(task.net)


def test_spread_over_positions_tells_a_flat_input_from_one_of_the_same_level(trained):
    task, data, _ = trained
    batch = data.pick_batch("test", 4)
    with torch.no_grad():
        found = features_of(task, batch)
        z = task.net.features(batch.x).flatten(2)
    torch.testing.assert_close(found, torch.cat([z.mean(2), z.std(2, correction=0)], 1), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("method", ["nearest", "mahalanobis"])
def test_what_is_read_says_the_same_as_what_was_written(trained, tmp_path, monkeypatch, method):
    task, data, _ = trained
    novelty, run, batch = fit_novelty(task, data, method=method), RunFolder(tmp_path), data.pick_batch("test", 10)
    monkeypatch.setattr(novelty_files, "best_or_newest", lambda run: run.path)
    monkeypatch.setattr(novelty_files, "stamp_of", lambda _: "weights")
    assert read_novelty(run, task) is None
    write_novelty(run, novelty)
    found = read_novelty(run, task)
    assert isinstance(found.distance, Nearest if method == "nearest" else Mahalanobis)
    for one, other in zip(found.of(task, batch), novelty.of(task, batch), strict=True):
        torch.testing.assert_close(one, other)
    monkeypatch.setattr(novelty_files, "stamp_of", lambda _: "other weights")
    with pytest.raises(InputError, match="other weights"):
        read_novelty(run, task)
    monkeypatch.setattr(novelty_files, "FORM", 99)
    with pytest.raises(InputError, match="another version"):
        read_novelty(run, task)
    (tmp_path / "confidence.npz").write_bytes(b"PK nothing")
    with pytest.raises(InputError, match="damaged"):
        read_novelty(run, task)


def test_missing_values_are_in_no_range(trained):
    task, data, novelty = trained
    batch = data.pick_batch("test", 3)
    x = batch.x.clone()
    x[0, 0, 0, 0] = 99.0
    known = torch.ones_like(x, dtype=torch.bool)
    known[0, 0, 0, 0] = False
    hidden = Batch(x=x, y=batch.y, start=batch.start, x_observed=known)
    assert not novelty.of(task, hidden).outside.any()
