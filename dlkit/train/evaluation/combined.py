"""Several questions to one network: each measured, drawn and written down as if it had been asked alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytorch_lightning as pl
import torch

from dlkit.core.batch import Batch
from dlkit.data.normalize import ChannelScaling
from dlkit.report.sample_tables import Better
from dlkit.tasks.combined import Combined
from dlkit.tasks.combined_heads import of_head
from dlkit.train.confidence.columns import Followed
from dlkit.train.confidence.confidence import HeadConfidence
from dlkit.train.evaluation.base import Evaluation, Tested, evaluation_of

if TYPE_CHECKING:
    import matplotlib.figure


BOTH = ("truth", "prediction")
"""Columns that heads for classes have as well as those for numbers."""


class PreparedHead:
    """What was learned for one of several heads, and of the rows that all share."""

    def __init__(self, prepared: Any, name: str) -> None:
        self.shared, self.own = prepared, prepared.heads[name]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own if hasattr(self.own, name) else self.shared, name)


class HeadData:
    """A data module as one of several heads sees it."""

    def __init__(self, data: Any, name: str) -> None:
        self.shared, self.name = data, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shared, name)

    @property
    def spec(self) -> Any:
        """What the network must answer to this head."""
        return self.shared.spec.head(self.name)

    @property
    def prepared(self) -> PreparedHead:
        """What was learned for this head."""
        return PreparedHead(self.shared.prepared, self.name)

    def pick_batch(self, role: str, wanted: int) -> Batch:
        """Return a batch of windows spread evenly over a role."""
        return of_head(self.shared.pick_batch(role, wanted), self.name)


class CombinedEvaluation(Evaluation):
    """How several heads are measured, drawn and written down.

    The prediction table has for each window the rows of each head, with its name; columns that a head has not are
    null. Truth and prediction of a head for classes are called ``truth class`` and ``prediction class``.
    """

    thing = "window"
    keeps = True
    task: Combined

    def __init__(self, task: Combined, data: Any) -> None:
        super().__init__(task, data)
        single = {name: task.task(name) for name in task.names}
        self.heads = {name: evaluation_of(one, HeadData(data, name)) for name, one in single.items()}

    def tested(self, predictions: Sequence[dict[str, Any]], trainer: pl.Trainer) -> Tested:
        """Return the results of all heads."""
        each = {name: one.tested([found[name] for found in predictions], trainer) for name, one in self.heads.items()}
        measures = {
            "test_windows": self.data.count("test"),
            "parameters": sum(p.numel() for p in self.task.parameters() if p.requires_grad),
            "heads": {name: found.measures for name, found in each.items()},
        }
        headline = {f"{name}/{key}": value for name, found in each.items() for key, value in found.headline.items()}
        return Tested(self.joined({name: found.table for name, found in each.items()}), measures, headline)

    @staticmethod
    def joined(tables: dict[str, str]) -> str:
        """Return the tables of all heads under each other."""
        return "\n\n".join(f"{name}\n{table}" for name, table in tables.items())

    def table(self, stage: str) -> str:
        """Return the tables of all heads under each other."""
        return self.joined({name: one.table(stage) for name, one in self.heads.items()})

    def brief(self, task: Combined) -> dict[str, tuple[float, Better]]:
        """Return the measures of all heads by which networks are compared, two of each."""
        found = {name: one.brief(task.task(name)) for name, one in self.heads.items()}
        return {f"{name} {key}": value for name, each in found.items() for key, value in list(each.items())[:2]}

    def figures(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield the figures of all heads."""
        for head, one in self.heads.items():
            for name, figure in one.figures():
                yield f"{head}_{name}", figure

    def trust(self, heads: Mapping[str, HeadConfidence]) -> None:
        """Take over what was calibrated for each head."""
        for name, one in self.heads.items():
            one.trust({"": heads[name]} if name in heads else {})

    def follow(self, followed: Mapping[str, Followed]) -> None:
        """Take over bounds that followed the test in time, by head."""
        for name, one in self.heads.items():
            one.follow({"": followed[name]} if name in followed else {})

    def columns(self, prediction: dict[str, Any]) -> dict[str, Any]:
        """Return the columns of the prediction table for a batch."""
        return self.all_columns(prediction, {})

    def all_columns(self, prediction: dict[str, Any], novel: Mapping[str, Any]) -> dict[str, Any]:
        """Return all columns of the prediction table for a batch, those of each head under each other."""
        parts = []
        for name, one in self.heads.items():
            table = pa.table(one.all_columns(prediction[name], novel))
            if self.task.spec.head(name).kind == "class":  # their type is not that of numbers
                table = table.rename_columns([f"{key} class" if key in BOTH else key for key in table.column_names])
            parts.append(table.add_column(0, "head", pa.array([name] * len(table), pa.string())))
        count = len(next(iter(prediction.values())).start)  # windows, whose rows then stand together
        window = np.concatenate([np.arange(len(part)) * count // max(len(part), 1) for part in parts])
        table = pa.concat_tables(parts, promote_options="permissive").take(np.argsort(window, kind="stable"))
        return {name: table[name] for name in table.column_names}

    def on_new(self, source: Any) -> "CombinedEvaluation":
        """Return the evaluation on every window of other recordings."""
        first = next(iter(self.task.heads))
        data = self.data.for_new_data(source, first.scaling, spec=self.task.spec, target_scaling=self.target_scaling())
        return CombinedEvaluation(self.task, data)

    def target_scaling(self) -> ChannelScaling:
        """Return the scaling of the targets of all heads, in the order of the spec."""
        known: dict[str, ChannelScaling] = {}
        for name in self.task.names:
            task: Any = self.task.task(name)
            found = getattr(task, "target_scaling", ChannelScaling(0))
            known |= {one: found.select([k]) for k, one in enumerate(task.spec.targets[: len(found.shift)])}
        scaling = ChannelScaling(len(self.task.spec.targets))
        for part in ("shift", "scale", "log") if known else ():
            setattr(scaling, part, torch.cat([getattr(known[name], part) for name in self.task.spec.targets]))
        return scaling


@evaluation_of.register
def _(task: Combined, data: Any) -> Evaluation:
    return CombinedEvaluation(task, data)
