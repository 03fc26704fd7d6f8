"""The contract between data and networks: the data computes a spec, a network is built from it."""

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from dlkit.core.checks import require, suggest

Kind = Literal["forecast", "class", "ordinal", "labels", "values", "reconstruct", "several"]


@dataclass(frozen=True)
class Part:
    """The inputs that come from one of several sources.

    Attributes:
        name: Name of the source.
        channels: Names of its channels; masks and the age of the last sample come last.
        size: ``(time,)`` for a series, ``(height, width)`` for frames.
        times: Seconds of each sample or frame before the moment of the answer, oldest first, all <= 0; nominal.
        frames: Whether it is a series of frames.
        units: Physical unit of each channel, "" where unknown.
        helpers: Number of channels that tell of other channels (was it observed, how old is it); they come last.
    """

    name: str
    channels: tuple[str, ...]
    size: tuple[int, ...]
    times: tuple[float, ...]
    frames: bool = False
    units: tuple[str, ...] = ()
    helpers: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of its values: ``(channels, time)`` or ``(frames, channels, height, width)``."""
        return (*((len(self.times),) if self.frames else ()), len(self.channels), *self.size)

    @property
    def count(self) -> int:
        """Number of its values."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Answer:
    """What one of several heads must say; the fields mean what they mean in :class:`Spec`.

    Attributes:
        name: Name of the head.
        output: Shape of its answer without the batch axis.
        kind: What is asked of it.
        targets: Names of its targets.
        target_units: Physical unit of each target.
        classes: Names of its classes.
        season: Length of the main season in samples.
        gap: Samples between the end of the input and the first predicted sample.
    """

    name: str
    output: tuple[int, ...]
    kind: Kind
    targets: tuple[str, ...] = ()
    target_units: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    season: int = 1
    gap: int = 0


@dataclass(frozen=True)
class Spec:
    """What goes into a network and what must come out of it.

    Attributes:
        channels: Names of the input channels, in the order of the ``channels`` axis.
        size: Extent of the other input axes: ``(time,)`` for series, ``(height, width)`` for images.
        output: Shape of the output without the batch axis: ``(horizon, targets, parameters)`` for forecasts, where
            ``parameters`` counts the numbers that describe one value: 1 for a point, 2 for mean and scale, one a
            quantile; ``(classes,)`` for classes and labels; ``(targets, parameters)`` for values.
        targets: Names of the targets.
        units: Physical unit of each input channel, "" where unknown.
        target_units: Physical unit of each target.
        future: Names of the inputs that are known over the horizon, e.g. calendar encodings and set-points.
        static: Names of the inputs that are constant for a series.
        season: Length of the main season in samples, used by seasonal baselines and MASE.
        step: Time between samples in seconds; 1 where unknown.
        gap: Samples between the end of the input and the first predicted sample.
        masks: Number of input channels that say whether another one was observed; they come last.
        kind: What is asked: a "forecast" of the targets, one "class" of ``classes``, one "ordinal" class whose order
            means something, any number of "labels", "values" of the targets, to "reconstruct" the input, or "several"
            of these, each by one of ``heads``.
        classes: Names of the classes or labels, in the order of the output.
        padded: The last input channel says where a trace of unequal length is (1) and where it was padded (0).
        parts: The inputs of each source where there are several. The input is then packed, (batch, values), as
            :mod:`dlkit.core.packing` says; ``channels`` names those of all parts, ``source.channel``, and ``size`` is
            ``(values,)``.
        heads: What each head must say where there are several; empty for one. ``output`` is then ``(values,)`` of all
            of them, ``targets`` names the measured ones, each once; ``batch.y`` and ``batch.y_observed`` are
            dictionaries by head.
    """

    channels: tuple[str, ...]
    size: tuple[int, ...]
    output: tuple[int, ...]
    targets: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    target_units: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    season: int = 1
    step: float = 1.0
    gap: int = 0
    masks: int = 0
    kind: Kind = "forecast"
    classes: tuple[str, ...] = ()
    padded: bool = False
    parts: tuple[Part, ...] = ()
    heads: tuple[Answer, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a spec that no network can be built from."""
        require(len(self.channels) > 0, "Spec channels=() is empty: name at least one input channel in `inputs`.")
        require(min(self.size, default=0) > 0, f"Spec size={self.size} must be positive in all axes: set `look_back`.")
        require(
            min(self.output, default=0) > 0, f"Spec output={self.output} must be positive in all axes: set `targets`."
        )
        require(self.season > 0, f"Spec season={self.season} samples must be positive: set `season`.")
        names = [head.name for head in self.heads]
        require(len(set(names)) == len(names), f"Spec heads={names}: give each head a name of its own in `targets`.")

    @property
    def measured(self) -> int:
        """Number of input channels that are measured; they come first, before masks and where a trace is."""
        return len(self.channels) - self.masks - int(self.padded)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all measured and calendar columns that take part, each once: inputs, targets, future."""
        measured = self.channels[: len(self.channels) - self.masks]
        return tuple(dict.fromkeys([*measured, *self.targets, *self.future]))

    @property
    def target_channels(self) -> tuple[int, ...] | None:
        """Position of each target among the input channels; None when a target is not an input."""
        if not set(self.targets) <= set(self.channels):
            return None
        return tuple(self.channels.index(name) for name in self.targets)

    def with_parameters(self, parameters: int) -> "Spec":
        """Return the same spec with ``parameters`` numbers for each predicted value."""
        return replace(self, output=(*self.output[:-1], parameters))

    def head(self, name: str) -> "Spec":
        """Return the spec of a network that gives the answer of one head alone.

        Raises:
            InputError: There is no such head.
        """
        heads = {head.name: head for head in self.heads}
        require(name in heads, f"The data have no head '{name}'; {suggest(name, heads)}")
        answer = {field.name: getattr(heads[name], field.name) for field in fields(Answer) if field.name != "name"}
        return replace(self, heads=(), **answer)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for checkpoints and JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> "Spec":
        """Undo :meth:`to_dict`, also after a detour over JSON, which knows no tuples."""
        plain = _tuples(saved)
        parts = tuple(part if isinstance(part, Part) else Part(**_tuples(part)) for part in plain.pop("parts", ()))
        heads = tuple(head if isinstance(head, Answer) else Answer(**_tuples(head)) for head in plain.pop("heads", ()))
        return cls(**plain, parts=parts, heads=heads)


def _tuples(saved: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in saved.items()}
