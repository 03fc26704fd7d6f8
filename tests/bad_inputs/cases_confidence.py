"""Confidence that cannot be had: calibration, members, novelty, robustness. A section for each part."""

import json
from pathlib import Path

from tests.bad_inputs.corpus import Case

RUN = "{}/runs/tiny-001"


def calibrate(says, *args, **others):
    """A case of the forecasting run."""
    return Case(says, args=("calibrate", RUN, *args), trained=True, **others)


def other_weights(folder: Path) -> None:
    """Leave the confidence of other weights."""
    settings = {"level": 0.9}
    (folder / "runs" / "tiny-001" / "confidence.json").write_text(
        json.dumps({"checkpoint": "0", "settings": settings, "members": [], "heads": {}})
    )


CALIBRATION: dict[str, Case] = {}
"""What `dlkit calibrate` and the block `confidence:` refuse."""

ROBUSTNESS: dict[str, Case] = {}
"""What `dlkit certify` refuses."""

INTERVALS: dict[str, Case] = {}
"""What the methods for values refuse."""

MEMBERS: dict[str, Case] = {}
"""What `dlkit ensemble`, dropout and Laplace refuse."""

NOVELTY: dict[str, Case] = {}
"""What `dlkit evaluate` refuses."""
