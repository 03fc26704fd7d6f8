"""Cleaning steps of a run: an exported file holds none of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.data.sources.aligned import Aligned


def steps_before(data: Any) -> list[dict[str, Any]]:
    """Return the steps of ``clean:`` that values must go through before the file, with what they learnt."""
    source, steps = getattr(data, "source", None), getattr(data, "clean", [])
    own = [step.plain() for step in steps if hasattr(step, "change")]
    if not isinstance(source, Aligned):
        return own
    named = ("source", "step", "settings", "learnt")
    return [{name: step[name] for name in named if name in step} for step in source.cleaned] + own


def said_of(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is said to the one who exports."""
    kinds = ", ".join(str(step["step"]).rpartition(".")[2] for step in steps)
    said = f"not inside: the cleaning steps {kinds}; values must be cleaned before, see docs/cleaning.md"
    return [said] if steps else []
