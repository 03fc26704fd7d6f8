"""A trained task as a network from physical units to physical units: what is exported."""

from typing import Any

import torch
from torch import Tensor, nn

from dlkit.core.batch import Batch
from dlkit.core.specs import Part, Spec
from dlkit.export.calibrated import Calibrated
from dlkit.export.detecting import Detecting
from dlkit.export.ports import given_channels, inputs_of, masks_of


class Physical(nn.Module):
    """Takes arrays in physical units, NaN where missing, and returns the answers in physical units.

    Normalizer, masks, network and inverse are those of the task: nothing is written twice.

    Args:
        task: The trained task.
        confidence: Makes of the answers the calibrated ones, or None.
        detecting: Judges what the network gives back, or None.
    """

    def __init__(self, task: Any, confidence: Calibrated | None = None, detecting: Detecting | None = None) -> None:
        super().__init__()
        self.task, self.confidence, self.detecting = task.eval(), confidence, detecting
        self.names = [port.name for port in inputs_of(task.spec)]
        self.unsaid: set[str] = set()

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Return the answers, in the order of their names, for the inputs in the order of the ports."""
        return tuple(self.answers(*given).values())

    def answers(self, *given: Tensor) -> dict[str, Tensor]:
        """Return the answers by name."""
        return self.answers_to(self.batch(dict(zip(self.names, given, strict=True))))

    def answers_to(self, batch: Batch) -> dict[str, Tensor]:
        """Return the answers to a batch by name."""
        if self.detecting is None:
            found = flat(self.task.predict_step(batch, 0), parts=self.task.members is not None)
        else:  # the network is asked once
            answer = self.task.net(batch.x)
            found = flat(self.task.answered(answer, batch), parts=False) | self.detecting(self.task, answer, batch)
        found = found if self.confidence is None else self.confidence(found)
        return {name: value for name, value in found.items() if name not in self.unsaid}

    def batch(self, given: dict[str, Tensor]) -> Batch:
        """Return a batch as the data module makes it; targets, which nobody knows yet, are 0."""
        task, spec = self.task, self.task.spec
        x = packed(spec.parts, given) if spec.parts else given["x"]
        x = task.scaling(x, dim=1).nan_to_num(nan=0.0) if spec.parts else task.normalized(x)
        start = torch.zeros_like(x.flatten(1)[:, 0], dtype=torch.int64)
        y: Any = {head.name: unknown(spec.head(head.name), x) for head in spec.heads} or unknown(spec, x)
        observed = None if self.detecting is None else measured_in(given["x"], x)
        return Batch(x, y, observed, future=self._future(given), static=self._static(given), start=start)

    def _future(self, given: dict[str, Tensor]) -> Tensor | None:
        spec = self.task.spec
        if not spec.future:
            return None
        scaling = self.task.scaling.select([spec.columns.index(name) for name in spec.future])
        scaled: Tensor = scaling(given["future"], dim=1)
        return scaled.nan_to_num(nan=0.0)

    def _static(self, given: dict[str, Tensor]) -> Tensor | None:
        if not self.task.spec.static:
            return None
        scaled: Tensor = self.task.static_scaling(given["static"], dim=1)
        return scaled


def measured_in(given: Tensor, x: Tensor) -> Tensor:
    """Return which values of ``x`` were measured: those that are given and no NaN; masks always are."""
    helpers = torch.ones_like(x[:, given.shape[1] :], dtype=torch.bool)
    return torch.cat([~given.isnan(), helpers], 1)


def unknown(spec: Spec, x: Tensor) -> Tensor:
    """Return targets of 0, shaped as the data module would give them; the reconstruction of sources has them in x."""
    if spec.kind == "reconstruct":
        return x
    none = torch.zeros_like(x.flatten(1)[:, :1])
    if spec.kind in ("class", "ordinal"):
        return none[:, 0].long()
    shape = {"forecast": spec.output[:-1], "labels": (len(spec.classes),)}.get(spec.kind, (len(spec.targets),))
    return none.view(-1, *[1] * len(shape)).expand(-1, *shape)


def packed(parts: tuple[Part, ...], given: dict[str, Tensor]) -> Tensor:
    """Return the sources as one tensor in physical units; one without a single value is not there.

    Masks are made of what is NaN.
    """
    values, there = [], []
    for part in parts:
        x = given[part.name]
        measured = x if part.frames else x[:, : len(part.channels) - part.helpers]
        seen = ~measured.isnan()
        there.append((seen[:, -1] if part.frames else seen).flatten(1).any(1, keepdim=True))
        if part.frames and part.helpers:
            age = given[f"{part.name}.age"][:, :, None, None, None].expand(-1, -1, 1, *part.size)
            x = torch.cat([x, age], 2)
        elif masks_of(part):
            x = torch.cat([x[:, : given_channels(part)], seen.to(x.dtype)], 1)
        values.append(x.flatten(1))
    presence = torch.cat(there, 1)
    absent_zero = [one.masked_fill(~here, torch.nan) for one, here in zip(values, presence.split(1, 1), strict=True)]
    return torch.cat([*absent_zero, presence.to(values[0].dtype)], 1)


def flat(answer: Any, head: str = "", *, parts: bool) -> dict[str, Tensor]:
    """Return what an answer says by name, without the truth; of several heads ``head/name``.

    Args:
        answer: Of a task.
        head: Put before each name.
        parts: Tell the parts of the uncertainty, which one network alone does not know.
    """
    if isinstance(answer, dict):
        return {name: value for key, one in answer.items() for name, value in flat(one, f"{key}/", parts=parts).items()}
    said = answer._asdict()
    said |= said["parts"]._asdict() if parts and said.get("parts") is not None else {}
    hidden = ("start", "truth", "parts")
    return {f"{head}{name}": one for name, one in said.items() if isinstance(one, Tensor) and name not in hidden}
