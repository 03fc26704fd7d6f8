"""The page of a check, with what repairs change."""

from collections.abc import Sequence
from pathlib import Path

from dlkit.quality.checked import Check
from dlkit.report.check.page import Drawn, check_page
from dlkit.report.page.page import write_page
from dlkit.train.check.bar import doing
from dlkit.train.check.previews import previews_of
from dlkit.train.check.repairs import repairs_yaml
from dlkit.train.check.seen import Seen


def write_check_page(path: Path, check: Check, seen: Sequence[Seen]) -> Path:
    """Write the page and return its path."""
    doing("Trying repairs and writing the page")
    drawn = Drawn(
        looks={one.facts.name: one.looks for one in seen},
        previews=previews_of(check.findings, seen),
        repairs=repairs_yaml(check),
        dated={one.facts.name: one.dated for one in seen},
    )
    content = check_page(check, drawn)
    doing("")
    return write_page(path, content)
