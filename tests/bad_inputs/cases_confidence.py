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


def certify(says, *args, **others):
    """A case of certifying the forecasting run."""
    return Case(says, args=("certify", RUN, *args), trained=True, **others)


ROBUSTNESS: dict[str, Case] = {
    "run that forecasts": certify(("Radii are certified", "a Forecast", "the run of a Classify")),
    "no noise": certify(("--sigma 0 must be positive",), "--sigma", "0"),
    "endless noise": certify(("--sigma inf must be positive",), "--sigma", "inf"),
    "noise in words": certify(("--sigma", "invalid float value: 'much'"), "--sigma", "much"),
    "certificate that is wrong half the time": certify(("--alpha 0.5", "between 0 and 0.5"), "--alpha", "0.5"),
    "no test sample": certify(("--samples 0 must be at least 1",), "--samples", "0"),
    "draws that cannot certify": certify(("--draws 9 must be at least 10",), "--draws", "9"),
    "YAML file without weights": Case(("no trained weights",), args=("certify", "{}/config.yaml")),
    "run that is not there": Case(("no run folder",), args=("certify", RUN)),
    "setting that is not there": certify(("--sigmas",), "--sigmas", "0.5"),
}
"""What `dlkit certify` refuses."""

INTERVALS: dict[str, Case] = {}
"""What the methods for values refuse."""

MEMBERS: dict[str, Case] = {}
"""What `dlkit ensemble`, dropout and Laplace refuse."""

NOVELTY: dict[str, Case] = {}
"""What `dlkit evaluate` refuses."""
