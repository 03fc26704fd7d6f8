"""What the user may ask of several sources, what the answer says, and what is refused in one sentence."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from dlkit.core.checks import InputError
from dlkit.core.finding import Cure
from dlkit.core.packing import packed_size, presence
from dlkit.core.specs import Answer, Spec
from dlkit.data.clock import OfSource, Regular
from dlkit.data.heads import Head, named_heads
from dlkit.data.inputs import EventInput, FrameInput, StreamInput
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.data.several.series import recently
from dlkit.models.mlp import MLP
from dlkit.quality.checked import SourceFacts
from dlkit.tasks.regress import Regress
from dlkit.train.check.handled import with_handled
from dlkit.train.check.seen import Wanted
from dlkit.train.check.sources import see_source
from tests.laws.several.test_multimodal import HEADS, SPLIT, module, sources
from tests.made_multimodal import filmed, logged, sampled

FORECAST = Head(kind="forecast", channels=["fast.c0"])


def test_a_spec_with_heads_comes_back_from_plain_types():
    spec = module().spec
    assert Spec.from_dict(spec.to_dict()) == spec == Spec.from_dict(json.loads(json.dumps(spec.to_dict())))
    assert spec.size == (packed_size(spec.parts),) and len(spec.channels) == len(spec.units)
    assert all(isinstance(head, Answer) for head in spec.heads)


@pytest.mark.parametrize("name", HEADS)
def test_the_spec_of_a_head_is_that_of_a_data_module_with_this_head_alone(name):
    assert module().spec.head(name) == module(targets=HEADS[name]).spec == module(targets={name: HEADS[name]}).spec


def test_what_a_head_hands_over_is_what_it_would_alone():
    several = module().prepared.heads
    for name, head in HEADS.items():
        alone = module(targets=head).prepared
        for part in ("scaling", "target_scaling"):
            one, other = (getattr(found, part).state_dict() for found in (several[name], alone))
            assert all(torch.equal(one[key], other[key]) for key in other)
        np.testing.assert_array_equal(several[name].seasonal_error, alone.seasonal_error)


def test_names_of_channels_alone_are_a_forecast():
    assert named_heads(["fast.c0"]) == {"target": FORECAST}
    spec = module(targets=["fast.c0"], look_forward="60ms", gap=2).spec
    assert (spec.kind, spec.output, spec.gap, spec.heads) == ("forecast", (3, 1, 1), 2, ())


def test_an_answer_does_not_go_in():
    now, later = (Head(kind="values", channels=["fast.c2"], gap=gap) for gap in (None, 1))
    assert "fast.c2" not in module(targets=now).spec.channels
    assert "fast.c2" in module(targets=later).spec.channels
    with pytest.raises(InputError, match=r"'fast.c2' goes in and is the answer"):
        _ = module(targets=now, inputs=["fast.*"]).spec


def test_a_target_that_is_no_input_goes_in_nowhere():
    data = module(inputs=["fast.c[01]", "slow.*"], targets=Head(kind="values", channels=["fast.c2"]))
    assert [part.channels[:2] for part in data.spec.parts] == [("c0", "c1"), ("c0", "c1")]
    assert "fast.c2" not in data.spec.channels and data.spec.targets == ("fast.c2",)
    assert [part.name for part in module(inputs=["cam", "slow.c0"]).spec.parts] == ["slow", "cam"]


def test_the_description_is_plain_and_counts_every_window():
    data = module(modality_dropout={"cam": 0.2})
    found = json.loads(json.dumps(data.describe()))
    assert {name: part["windows"] for name, part in found["split"].items()} == {
        r: data.count(r) for r in found["split"]
    }
    assert found["sources"]["cam"]["frames in a window"] == 3 and found["sources"]["slow"]["max_age"] == "300ms"
    assert sum(found["heads"]["state"]["classes"].values()) == data.count("train")


def test_cameras_alone_give_batches():
    given = {
        "cam": FrameInput(source=filmed(15, seconds=8), look_back=2),
        "state": EventInput(source=logged(seconds=8)),
    }
    data = MultimodalDataModule(
        clock=OfSource(source="cam"), sources=given, targets=HEADS["state"], split=SPLIT, placement="disk"
    )
    batch = data.first_batch()
    assert batch.x.shape == (32, 2 * 2 * 20 + 1) and bool((presence(batch.x, data.spec.parts) == 1).all())
    assert batch.x_observed is None and batch.y_observed is None


def test_a_camera_decodes_a_frame_of_a_batch_once():
    given = sources()
    data = module(given=given, frames="files", targets=HEADS["soon"])
    data.setup()
    shots = given["cam"].source.series[0].pictures
    shots.decoded.clear()
    data.make_batch(data.places("test").starts(torch.arange(20)))
    assert len(shots.decoded) == len(set(shots.decoded)) <= 12


def test_images_are_resized():
    given = sources(cam={"size": (3, 2)})
    part = module(given=given).spec.parts[2]
    assert part.shape == (3, 3, 3, 2)


def test_recently_equals_a_loop():
    seen = torch.rand(50, generator=torch.Generator().manual_seed(0)) < 0.15
    for count in (1, 2, 5):
        for every in (1, 3, 7):
            found = recently(seen, count, every)
            expected = [any(seen[row - k * every] for k in range(count) if row >= k * every) for row in range(50)]
            assert found.tolist() == expected


def test_other_parts_or_heads_are_refused_by_a_checkpoint():
    targets = {"now": HEADS["soon"]}

    def task(**fields):
        spec = module(targets=targets, **fields).spec
        return Regress(spec=replace(spec, parts=()), net=partial(MLP)), spec

    one, spec = task()
    checkpoint = {}
    one.on_save_checkpoint(checkpoint)
    checkpoint["spec"] = spec.to_dict()
    with pytest.raises(InputError, match=r"trained with the sources \['.*'\], the data give \[\]"):
        one.on_load_checkpoint(checkpoint)


REFUSED = {
    "no head": ({"targets": {}}, "targets is empty"),
    "no such channel": ({"targets": ["fast.c9"]}, "did you mean 'fast.c"),
    "no such events": ({"targets": Head(kind="class", events="stat")}, "did you mean 'state'"),
    "events of a stream": ({"targets": Head(kind="class", events="fast")}, "no source of events"),
    "no such input": ({"inputs": ["fats.*"]}, "inputs: no channel is named"),
    "no inputs": ({"inputs": []}, "inputs=\\[\\] is empty"),
    "no step": ({"stride": 0}, "stride=0 must be positive"),
    "look-back between rows": ({"given": sources(slow={"look_back": "30ms"})}, "slow.look_back='30ms' is 1.5"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_one_sentence(case):
    fields, text = REFUSED[case]
    with pytest.raises(InputError, match=text) as caught:
        module(**fields).setup()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"kind": "forecast"}, "needs `channels`"),
        ({"kind": "class"}, "needs `events`"),
        ({"kind": "class", "events": "a", "channels": ["b"]}, "takes no `channels`"),
        ({"kind": "values", "channels": ["b"], "look_forward": 3}, "asked for one row"),
        ({"kind": "reconstruct", "gap": 3}, "leave `gap` out"),
    ],
)
def test_a_head_that_says_too_little_or_too_much_is_refused(fields, text):
    with pytest.raises(InputError, match=text):
        Head(**fields)


def test_series_that_a_camera_lacks_are_named():
    given = sources(names=("a", "b")) | {"cam": FrameInput(source=filmed(15, names=("a", "c"), seconds=8))}
    with pytest.raises(InputError, match=r"'b'|'c'"):
        module(given=given).setup()


def test_events_with_other_classes_are_refused():
    log = logged(names=("a", "b"), seconds=8)
    log.series[1] = replace(log.series[1], classes=("calm", "storm", "trip"))
    with pytest.raises(InputError, match="has the classes"):
        module(given=sources(names=("a", "b")) | {"state": EventInput(source=log)}).setup()


def test_only_events_give_no_inputs():
    with pytest.raises(InputError, match=r"no inputs|empty"):
        MultimodalDataModule(
            clock=Regular(step="1s"), sources={"state": EventInput(source=logged())}, targets=HEADS["state"]
        )


def test_a_source_that_is_dead_while_it_should_train_is_named():
    given = sources() | {"slow": StreamInput(source=sampled(9, 2, seconds=8, dies=-1.0), look_back=4)}
    with pytest.raises(InputError, match=r"slow.c0.*no value in the training rows"):
        module(given=given, targets=["fast.c0"]).setup()


def test_an_embargo_that_leaves_no_training_window_is_named():
    steps = {"clock": Regular(step="50ms"), "sources": {"a": StreamInput(source=sampled(50, 2))}, "targets": ["a.c0"]}
    assert MultimodalDataModule(**steps, embargo="1s").prepared.windows["train"]
    with pytest.raises(InputError, match=r"`embargo` leaves 0 of the .* set a shorter `embargo`"):
        _ = MultimodalDataModule(**steps, embargo="1000s").prepared


@pytest.mark.parametrize("masked", [False, True])
def test_missing_values_of_one_of_several_sources_are_masked_by_a_setting_that_there_is(masked):
    given = {"a": StreamInput(source=sampled(50, 2, missing=0.1), mask=masked), "b": StreamInput(source=sampled(50, 1))}
    data = MultimodalDataModule(clock=Regular(step="50ms"), sources=given, targets=["b.c0"])
    seen = see_source(given["a"].source, SourceFacts(name="a"), Wanted(quick=True), lambda *_: None, data)
    found = next(one for one in with_handled(seen.findings, data) if one.kind == "missing")
    assert not [cure for cure in found.cures if "mask_channels" in cure.line]
    assert found.cures[0] == Cure(place="input", line="mask: true")
    assert bool(found.handled) is masked
