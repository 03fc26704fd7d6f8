"""Cleaning of images: before they are resized, each when it is decoded."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from dlkit.core.checks import InputError, require
from dlkit.core.spread import evenly
from dlkit.data.cleaning.base import CleanPictures, Step, knowing
from dlkit.data.cleaning.leave_out import LeaveOutSamples
from dlkit.data.records import Pictures, Samples
from dlkit.data.samples.around import Around
from dlkit.data.samples.untouched import Untouched

ENOUGH = 2_000  # images that a step learns from, evenly spread over those that train
LOOKED_AT = 64  # images of which it is told what each step changes
AnyPictureStep = TypeVar("AnyPictureStep", bound=Step)


class CleanedPictures(Around):
    """Images that go through steps when they are decoded.

    Args:
        pictures: The images.
        steps: The steps in their order, which know what they have to learn.
    """

    def __init__(self, pictures: Pictures, steps: Sequence[CleanPictures]) -> None:
        super().__init__(pictures)
        self.steps = tuple(steps)

    def decode(self, number: int) -> np.ndarray:
        """Return one image, (channels, height, width), cleaned, in the type of its file."""
        stack = self.pictures.decode(number)[None]
        for step in self.steps:
            stack = step.change(stack)
        return np.asarray(stack[0])


def as_pictures(values: np.ndarray | Pictures) -> Pictures:
    """Return images, in memory or not, one by one."""
    return Untouched(values) if isinstance(values, np.ndarray) else values


def of_pictures(steps: Sequence[Step]) -> list[CleanPictures]:
    """Return the steps that change images."""
    return [step for step in steps if isinstance(step, CleanPictures)]


def image_steps(steps: Sequence[Step]) -> list[Step]:
    """Return the steps, which images can go through.

    Raises:
        InputError: One is for rows.
    """
    for step in steps:
        if not isinstance(step, CleanPictures | LeaveOutSamples):
            raise InputError(
                f"clean: {type(step).__name__} is a step for rows, not for images: take one for images, such as "
                "dlkit.data.cleaning.pixels.RepairPixels."
            )
    return list(steps)


def learn_pictures(steps: Sequence[AnyPictureStep], pictures: Pictures, train: np.ndarray) -> list[AnyPictureStep]:
    """Return the steps with what they learn from training images.

    Args:
        steps: The steps in their order.
        pictures: All images, as they are.
        train: Numbers of those that train.

    Raises:
        InputError: Training images differ in size, or there are too few.
    """
    found = list(steps)
    some = train[evenly(len(train), ENOUGH)]
    for place, step in enumerate(found):
        if not isinstance(step, CleanPictures) or not step.learns or step.learnt is not None:
            continue
        learner, before = step.learner(), CleanedPictures(pictures, of_pictures(found[:place]))
        assert learner is not None
        shape = None
        for number in some.tolist():
            image = before.decode(number)
            require(
                shape is None or image.shape == shape,
                f"clean: {type(step).__name__} compares images pixel by pixel, and they have the shapes {shape} and "
                f"{image.shape}: bring them to one size before, or leave it out.",
            )
            shape = image.shape
            learner.add(image[None])
        found[place] = knowing(step, learner.finish())
    return found


def told(steps: Sequence[Step], samples: Samples, pictures: Pictures, numbers: np.ndarray) -> list[dict[str, Any]]:
    """Return each step with what it learnt, left out, or changed in a few images, as plain types for ``data.json``.

    Args:
        steps: The steps in their order, which know what they have to learn.
        samples: What is left of the samples.
        pictures: Their images before the steps.
        numbers: Those to look at, evenly spread over them.
    """
    some = numbers[evenly(len(numbers), LOOKED_AT)]
    images, found = [pictures.decode(number)[None] for number in some.tolist()], []
    for step in steps:
        record = step.plain()
        if isinstance(step, LeaveOutSamples):
            out = len(samples.skipped.get(step.cause, ()))
            record["rows"] = {"before": len(samples) + out, "after": len(samples)}
        elif isinstance(step, CleanPictures):
            changed = [step.change(image) for image in images]
            pairs = zip(changed, images, strict=True)
            counts = sum(((new != old) & (new == new)).sum((0, 2, 3)) for new, old in pairs)  # noqa: PLR0124 - NaN
            record["values changed"] = dict(zip(samples.channels, np.atleast_1d(counts).tolist(), strict=False))
            record["images looked at"], images = len(images), changed
        found.append(record)
    return found
