"""Data are like those of a training where all but measured times is the same, and these are near."""

from dataclasses import replace

import numpy as np
import pytest

from dlkit.core.checks import InputError
from dlkit.core.likeness import difference, with_times_of
from dlkit.core.specs import Answer, Part, Spec
from dlkit.data.batches.batching import TRAINED_SPEC
from dlkit.data.clock import OfSource
from dlkit.data.inputs import FrameInput, StreamInput
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.models.fusion import Fusion
from dlkit.models.mlp import MLP
from dlkit.tasks.forecast import Forecast
from tests.made_multimodal import filmed, sampled


def spec(camera=0.04, step=0.01):
    frames = tuple((np.arange(-2, 1) * camera).tolist())
    samples = tuple((np.arange(-4, 1) * step).tolist())
    parts = (
        Part("cam", ("gray",), (8, 8), frames, frames=True, units=("",)),
        Part("fast", ("a", "b", "age"), (5,), samples, units=("V", "V", "s"), helpers=1),
    )
    heads = tuple(Answer(name, (1, 1), "values", (f"fast.{name}",), ("V",)) for name in ("a", "b"))
    channels = ("cam.gray", "fast.a", "fast.b", "fast.age")
    return Spec(channels, (209,), (2,), ("fast.a", "fast.b"), step=step, kind="several", parts=parts, heads=heads)


@pytest.mark.parametrize(
    ("camera", "near"), [(0.04, True), (0.049, True), (0.031, True), (0.051, False), (0.08, False)]
)
def test_frames_within_half_an_interval_are_those_of_the_training(camera, near):
    found = with_times_of(spec(camera), spec(), regular=True)
    assert (difference(spec(), found) is None) is near
    assert (found == spec()) is near


@pytest.mark.parametrize("step", [0.0101, 0.0099])
def test_the_step_of_a_clock_must_be_exact_where_it_is_set_and_near_where_it_is_measured(step):
    assert with_times_of(spec(step=step), spec(), regular=False) == spec()
    found = difference(spec(), with_times_of(spec(step=step), spec(), regular=True))
    assert found is not None
    assert found.startswith("samples of the source 'fast' at the seconds [-0.04,")
    assert difference(spec(), with_times_of(spec(step=2 * step), spec(), regular=False)) is not None


def test_other_numbers_of_frames_are_never_taken_for_those_of_the_training():
    short = replace(spec(), parts=(replace(spec().parts[0], times=(-0.04, 0.0)), spec().parts[1]))
    assert with_times_of(short, spec(), regular=False) == short
    assert difference(spec(), short) == "a number of frames of the source 'cam' of 3, the data give 2"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "film", "the sources ['cam', 'fast'], the data give ['film', 'fast']"),
        ("channels", ("red",), "the channels of the source 'cam' ['gray'], the data give ['red']"),
        ("size", (8, 9), "the size of the source 'cam' [8, 8], the data give [8, 9]"),
        ("frames", False, "the frames of the source 'cam' True, the data give False"),
        ("units", ("lx",), "the units of the source 'cam' [''], the data give ['lx']"),
        ("helpers", 1, "the helpers of the source 'cam' 0, the data give 1"),
    ],
)
def test_what_of_which_source_differs_is_named(field, value, says):
    other = replace(spec(), parts=(replace(spec().parts[0], **{field: value}), spec().parts[1]))
    assert difference(spec(), other) == says


def test_what_of_which_head_differs_is_named():
    other = replace(spec(), heads=(spec().heads[0], replace(spec().heads[1], gap=3)))
    assert difference(spec(), other) == "the gap of the head 'b' 0, the data give 3"
    assert difference(spec(), spec()) is None


def test_of_many_channels_those_that_differ_are_shown():
    many = tuple(f"c{number}" for number in range(100))
    one = Spec(many, (4,), (1, 1, 1), ("c0",))
    found = difference(one, replace(one, channels=(*many[:50], "new", *many[51:])))
    assert found == "channels=['c50'] among 100, the data give ['new'] among 100"


def measured(rate, **fields):
    sources = {
        "cam": FrameInput(source=filmed(rate), look_back=3),
        "fast": StreamInput(source=sampled(100, 2), look_back=5),
    }
    return MultimodalDataModule(
        clock=OfSource(source="cam"), sources=sources, targets=["fast.c0"], placement="host", **fields
    )


def test_a_network_on_a_clock_of_stamps_takes_a_recording_whose_stamps_are_a_little_other():
    trained = measured(20.0).spec
    assert measured(20.4).spec != trained
    data, token = measured(20.4), TRAINED_SPEC.set(trained)
    try:
        assert data.spec == trained
    finally:
        TRAINED_SPEC.reset(token)
    assert data.spec == trained  # also later


def test_a_checkpoint_of_other_data_is_refused_in_one_sentence():
    def task(given):
        return Forecast(spec=given, net=lambda spec: Fusion(spec=spec, branches={"cam": MLP, "fast": MLP}))

    data = measured(20.0)
    checkpoint = {}
    task(data.spec).on_save_checkpoint(checkpoint)
    task(data.spec).on_load_checkpoint(checkpoint)
    camera, fast = data.spec.parts
    moved = replace(data.spec, parts=(replace(camera, times=tuple(1.01 * time for time in camera.times)), fast))
    task(moved).on_load_checkpoint(checkpoint)
    other = replace(data.spec, parts=(replace(camera, channels=("u", "v")), fast))
    with pytest.raises(
        InputError, match=r"the channels of the source 'cam' \['p0', 'p1'\], the data give \['u', 'v'\]"
    ):
        task(other).on_load_checkpoint(checkpoint)
