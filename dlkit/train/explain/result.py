"""What was asked and what was found when samples were explained."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from dlkit.explain.base import Explainer
from dlkit.train.explain.inputs import Inputs
from dlkit.train.explain.question import Question, Wanted
from dlkit.train.explain.sources import Whole
from dlkit.train.explain.verdict import Verdict

FEW = 8
"""Samples below which a verdict says little."""


@dataclass(frozen=True)
class Choice:
    """Which samples are explained.

    Attributes:
        split: "train", "val" or "test".
        samples: How many, spread evenly over the split.
        numbers: Numbers within the split instead.
        wanted: The scores, and what inputs are compared with.
        shifts: By how much sources are shifted in time, durations; None takes what suits the clock.
    """

    split: str = "test"
    samples: int = 16
    numbers: Sequence[int] | None = None
    wanted: Wanted = field(default_factory=Wanted)
    shifts: Sequence[str] | None = None


@dataclass(frozen=True, eq=False)
class Explained:
    """The maps of a method and what is known of them.

    Attributes:
        name: Short name of the method.
        method: The method.
        inputs: The samples.
        question: The scores.
        relevance: (batch, wanted, channels, *size), without helper channels; (batch, wanted, values) of packed inputs.
        verdict: What was measured.
        whole: What is known of several sources as a whole; None where there is one source.
        weak: Which baseline the model does not beat, in words; "" where it beats all, or was not tested.
    """

    name: str
    method: Explainer
    inputs: Inputs
    question: Question
    relevance: Tensor
    verdict: Verdict
    whole: Whole | None = None
    weak: str = ""

    @property
    def few(self) -> bool:
        """Whether the samples are too few for a firm verdict."""
        return len(self.inputs.names) < FEW
