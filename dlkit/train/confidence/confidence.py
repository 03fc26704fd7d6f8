"""What a run knows of its own confidence: what was fitted on validation, what was promised, what the test saw."""

import importlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dlkit.confidence.promise import Promise
from dlkit.core.checks import InputError, require
from dlkit.core.discover import import_path
from dlkit.core.runfolder import RunFolder, read_json, write_json
from dlkit.train.anomalies.files import stamp_of
from dlkit.train.checkpoints import best_or_newest
from dlkit.train.confidence.wish import Wish


@dataclass
class HeadConfidence:
    """What was fitted for one question to a network, and checked.

    Attributes:
        kind: "classes", "labels", "values", "forecast" or "anomalies".
        scaling: Makes probabilities calibrated: a fitted one of dlkit.confidence.scaling, or None.
        sets: Makes sets of classes, or None.
        intervals: Makes bounds of values, each with its promise, or None.
        joint: Makes bounds that hold over the whole horizon at once, or None.
        adaptive: Whether bounds followed the test in time.
        normal: Makes p-values of anomaly scores, or None.
        risk: A threshold of scores and what it promises, as plain types, or None.
        promises: What is promised and what the test saw.
        measures: Plain numbers by name, e.g. ``ece_before`` and ``ece_after``.
        exchangeability: What the test of exchangeability said, as plain types, or None.
        notes: Sentences.
    """

    kind: str
    scaling: Any = None
    sets: Any = None
    intervals: Any = None
    joint: Any = None
    adaptive: bool = False
    normal: Any = None
    risk: dict[str, Any] | None = None
    promises: list[Promise] = field(default_factory=list)
    measures: dict[str, Any] = field(default_factory=dict)
    exchangeability: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        found: dict[str, Any] = {"kind": self.kind}
        for name in FITTED:
            one = getattr(self, name)
            found[name] = None if one is None else {"fitted": import_path(type(one))} | one.to_dict()
        found["promises"] = [asdict(one) | {"holds": one.holds} for one in self.promises]
        return found | {name: getattr(self, name) for name in PLAIN}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "HeadConfidence":
        """Undo :meth:`to_dict`."""
        promises = [
            Promise(**{key: value for key, value in one.items() if key != "holds"}) for one in saved["promises"]
        ]
        followed = {"adaptive": bool(saved["adaptive"])}  # earlier files hold bounds, which nothing asks for
        return cls(**dict(saved) | {name: made(saved[name]) for name in FITTED} | {"promises": promises} | followed)


FITTED = ("scaling", "sets", "intervals", "joint", "normal")
"""What is fitted for a head."""
PLAIN = ("adaptive", "risk", "measures", "exchangeability", "notes")
"""What is told of it in plain types."""


def made(saved: Mapping[str, Any] | None) -> Any:
    """Return a fitted object from plain types, by the import path in ``fitted``."""
    if saved is None:
        return None
    module, _, name = saved["fitted"].rpartition(".")
    require(module.startswith("dlkit."), f"confidence.json names '{saved['fitted']}', which is no part of dlkit.")
    return getattr(importlib.import_module(module), name).from_dict(dict(saved))


@dataclass
class Confidence:
    """What a run knows of its own confidence.

    Attributes:
        wish: The settings.
        heads: What was fitted for each head, by its name; "" where the network answers one question.
        members: Folders of the runs that answer together with this one.
        distances: Whether ``confidence.npz`` belongs to it.
    """

    wish: Wish
    heads: dict[str, HeadConfidence]
    members: list[str] = field(default_factory=list)
    distances: bool = False

    @property
    def level(self) -> float:
        """What is promised."""
        return self.wish.level

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        heads = {name: head.to_dict() for name, head in self.heads.items()}
        about = {"settings": asdict(self.wish), "members": self.members, "distances": self.distances}
        return about | {"heads": heads}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "Confidence":
        """Undo :meth:`to_dict`."""
        heads = {name: HeadConfidence.from_dict(head) for name, head in saved["heads"].items()}
        distances = bool(saved.get("distances", False))  # earlier files do not say
        return cls(Wish(**saved["settings"]), heads, list(saved["members"]), distances)


def place_of(run: RunFolder) -> Path:
    """Return the file of the confidence of a run."""
    return run.path / "confidence.json"


def text_of(run: RunFolder) -> Path:
    """Return the file of the table of promises."""
    return run.path / "confidence.txt"


def write(run: RunFolder, confidence: Confidence) -> None:
    """Write ``confidence.json`` with the stamp of the weights that it belongs to."""
    write_json(place_of(run), {"checkpoint": stamp_of(best_or_newest(run))} | confidence.to_dict())


def read(run: RunFolder) -> Confidence | None:
    """Return the confidence of a run; None where it was never calibrated.

    Raises:
        InputError: The file is damaged, belongs to other weights than those that the run would use, or names distances
            that are not there.
    """
    path = place_of(run)
    if not path.exists():
        return None
    again = f"run `dlkit calibrate {run.path}`"
    try:
        saved = read_json(path)
        stamp, found = saved["checkpoint"], Confidence.from_dict(saved)
    except (ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        raise InputError(f"'{path}' is damaged: {again}, which writes it anew.") from error
    require(
        stamp == stamp_of(best_or_newest(run)),
        f"The confidence of '{run.path}' belongs to other weights, the run was trained further: {again} again.",
    )
    npz = run.path / "confidence.npz"
    require(
        not found.distances or npz.is_file(),
        f"'{path}' says that distances to the training data were measured, but '{npz.name}' is not beside it: {again} "
        "again.",
    )
    return found
