"""What was found about labels: findings, and the samples or intervals whose label is doubtful, the worst first."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from dlkit.core.finding import Finding
from dlkit.quality.words import when

DATED = 10**17  # nanoseconds: three years; what counts from a start is shorter


@dataclass(frozen=True, eq=False)
class LabelReport:
    """What was found about labels.

    Attributes:
        findings: What is wrong.
        table: One row for each sample or interval that was judged, the most doubtful first. Of samples: ``number``,
            ``name``, ``label``, ``suggested``, ``confidence`` (probability of its own label out of fold), ``margin``,
            ``suspect``; of values with ``error`` in units of the largest that chance brings; of intervals as
            :func:`dlkit.quality.labels.check_segments.segment_findings` says.
        facts: What was measured besides, as plain types for JSON: the model and how right it is, shares of classes.
    """

    findings: list[Finding] = field(default_factory=list)
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    facts: dict[str, Any] = field(default_factory=dict)

    def plain(self, most: int = 100) -> dict[str, Any]:
        """Return the facts and the worst ``most`` rows as plain types for JSON; times are text."""
        shown = self.table.head(most)
        rows = shown.astype(object).where(shown.notna(), None)
        for edge in {"onset", "offset"} & set(rows.columns):
            rows[edge] = [when(time, dated=time > DATED) for time in shown[edge].tolist()]
        return {"facts": self.facts, "ranked": rows.to_dict("records")}
