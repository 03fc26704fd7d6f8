"""Classical methods on the very windows or samples of a network, measured as it is."""

import time
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from dlkit.baselines.classes import class_methods
from dlkit.baselines.design import Design
from dlkit.baselines.gaps import fit_with_gaps
from dlkit.baselines.method import Answer, Method, held_out
from dlkit.baselines.naive import naive_answers
from dlkit.baselines.numbers import number_methods
from dlkit.baselines.question import Measures, Question
from dlkit.baselines.reading import Rows, read
from dlkit.baselines.ridge import ridge, squared_error
from dlkit.core.batch import Batch
from dlkit.core.checks import require

ENDLESS = 1_000_000_000  # features: inputs stay as they are
QUICK, TRIED = 500, 5000  # features and rows by which it is chosen whether answers are told from the last value
KEPT = 4  # kinds of rows


@dataclass(frozen=True)
class Limits:
    """What keeps methods within minutes.

    Attributes:
        most: Training rows of any method at most; some have a limit of their own that is lower.
        features: Numbers of a row at most; longer inputs are averaged.
        judges: Validation rows at most.
        seed: Of what is random in methods.
    """

    most: int = 20_000
    features: int = 3000
    judges: int = 2000
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """A method that was measured.

    Attributes:
        title: Name of the method.
        measures: Its errors on everything that tests, and which are better.
        fit_s: Seconds of learning, choice of settings included; None where nothing is learned.
        predict_s: Seconds of answering everything that tests.
        rows: Training rows that it learned from; None where it did not look at them one by one.
        said: What was chosen and cut.
    """

    title: str
    measures: Measures
    fit_s: float | None
    predict_s: float | None
    rows: int | None = None
    said: str = ""


class Contest:
    """Methods for one question.

    Args:
        question: What is asked.
        limits: Rows and features at most.
    """

    def __init__(self, question: Question, limits: Limits) -> None:
        self.question, self.limits, spec = question, limits, question.spec
        numbers = spec.kind in ("forecast", "values")
        self.methods: list[Method] = number_methods(spec) if numbers else class_methods(spec)
        self.kept: dict[tuple[Design, str, int], Rows] = {}
        self.naive = naive_answers(question, lambda: self.rows(Design(spec, limits.features), "train", limits.most))
        self._relative: bool | None = None

    @property
    def head(self) -> str | None:
        """Which of several heads is asked."""
        return self.question.head

    @property
    def names(self) -> list[str]:
        """Names of all methods."""
        return [*self.naive, *(method.name for method in self.methods)]

    # ------------------------------------------------------------------ rows
    def rows(self, design: Design, role: str, most: int) -> Rows:
        """Return rows of a role; the last few kinds are kept for the next method."""
        key = (design, role, most)
        if key not in self.kept:
            if len(self.kept) >= KEPT:
                del self.kept[next(iter(self.kept))]
            self.kept[key] = read(self.question.data, role, design, most=most, head=self.question.head)
        return self.kept[key]

    @property
    def relative(self) -> bool:
        """Whether forecasts are told from the last value, chosen once: as a quick ridge validates better."""
        if self._relative is None:
            spec = self.question.spec
            can = spec.kind == "forecast" and set(spec.targets) <= set(spec.channels)
            self._relative = can and self.error(relative=True) < self.error(relative=False)
        return self._relative

    def error(self, *, relative: bool) -> float:
        """Return the error of a quick ridge on the validation rows."""
        design = Design(self.question.spec, QUICK, relative)
        train = self.rows(design, "train", min(TRIED, self.limits.most))
        val = self.rows(design, "val", self.limits.judges)
        learn, judge = (train, val) if len(val.x) else held_out(train)
        found = fit_with_gaps(ridge, learn, judge, targets=self.question.targets)
        return squared_error(found.answer, judge)

    def notes(self) -> list[str]:
        """Say what all methods have in common."""
        spec, design = self.question.spec, Design(self.question.spec, self.limits.features)
        judges = min(self.question.data.count("val"), self.limits.judges)
        how = f"chosen on {judges:,} that validate" if judges else "chosen on a fifth of the training rows"
        notes = [f"settings {how}; rows are normalized, filled and masked as for the network, without augmentation"]
        if design.width > 1:
            whole = Design(spec, ENDLESS).features
            notes.append(f"inputs averaged over {design.width} neighbours: {design.features:,} of {whole:,} numbers")
        if self._relative:
            notes.append("forecasts told from the last value of each channel, as that validated better with a ridge")
        return notes

    # ------------------------------------------------------------------ methods
    def run(self, name: str) -> Result:
        """Fit and measure a method."""
        if name in self.naive:
            title, answer = self.naive[name]
            measures, seconds = self.question.measured(answer)
            return Result(title, measures, None, seconds)
        return self.learned(next(method for method in self.methods if method.name == name))

    def learned(self, method: Method) -> Result:
        """Fit a method and measure it."""
        design = Design(self.question.spec, ENDLESS if method.whole else self.limits.features, self.relative)
        train = self.rows(design, "train", min(method.most, self.limits.most))
        require(len(train.x) > 0, "No training window or sample has a known answer: nothing can be learned.")
        val = self.rows(design, "val", self.limits.judges)
        began = time.perf_counter()
        fitted = method.fit(train, val, seed=self.limits.seed)
        learning = time.perf_counter() - began
        measures, seconds = self.question.measured(partial(told, fitted.answer, design))
        return Result(method.title, measures, learning, seconds, len(train.x), fitted.said)


def told(answer: Answer, design: Design, batch: Batch) -> Tensor:
    """Return what a method answers to a batch, from the level that it was told from."""
    found = torch.from_numpy(answer(design.inputs(batch).numpy())).float()
    levels = design.levels(batch) if design.relative else None
    return found if levels is None else found + levels.flatten(1)
