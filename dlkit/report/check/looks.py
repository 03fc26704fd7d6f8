"""Ways to look at data before any model: what is drawn, and in which order."""

from collections.abc import Sequence
from typing import Any

from dlkit.data.records import Events, Samples
from dlkit.quality.scan import Layout
from dlkit.report.check.look import Look


def stream_looks(
    kept: Any,  # noqa: ARG001
    layout: Layout,  # noqa: ARG001
    labels: Sequence[Events] | None = None,  # noqa: ARG001
    *,
    first: Sequence[str] = (),  # noqa: ARG001
    quick: bool = False,  # noqa: ARG001
    seed: int = 0,  # noqa: ARG001
) -> list[Look]:
    """Return figures of a stream.

    Args:
        kept: What was kept of its rows (:class:`dlkit.quality.signals.kept.Kept`).
        layout: What is known of the source.
        labels: Labelled intervals of each series, or None.
        first: Channels that are drawn whatever else is left out, e.g. those with findings, worst first.
        quick: Without what takes seconds (t-SNE).
        seed: Of what is drawn by chance.
    """
    return []


def sample_looks(samples: Samples, *, quick: bool = False, seed: int = 0) -> list[Look]:  # noqa: ARG001
    """Return figures of labelled images or traces.

    Args:
        samples: The samples.
        quick: Without what takes seconds (t-SNE).
        seed: Of what is drawn by chance.
    """
    return []
