"""The settings of the confidence of a run: the block ``confidence:`` of a YAML file, the options of a command."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from dlkit.core.checks import InputError, require, suggest
from dlkit.core.specs import Spec

METHODS = ("auto", "split", "scaled", "cqr", "mondrian", "adaptive", "weighted", "lac", "aps", "raps")
NUMBER, WHOLE, TEXT, YES, TABLE = (int, float), (int,), (str,), (bool,), (dict, type(None))
WORDS: dict[tuple[type, ...], str] = {
    NUMBER: "a number", WHOLE: "a whole number", TEXT: "a name", YES: "true or false", TABLE: "null or {name: number}",
}  # fmt: skip
KINDS: dict[str, tuple[type, ...]] = {
    "level": NUMBER, "method": TEXT, "scaling": TEXT, "ensemble": WHOLE, "dropout": WHOLE, "laplace": YES,
    "risk": TABLE, "distance": YES,
}  # fmt: skip
SCALINGS = ("temperature", "vector", "isotonic", "none")


@dataclass(frozen=True)
class Wish:
    """How sure answers shall be, and what else is asked of them.

    Attributes:
        level: Probability that is promised, between 0 and 1.
        method: How the promise is kept; "auto" chooses by what the network answers.
        scaling: How probabilities of classes and labels are calibrated.
        ensemble: Networks that answer together; those that are missing are trained beside.
        dropout: Passes with dropout switched on; 0 leaves it off.
        laplace: Whether the last layer is taken as uncertain (Laplace approximation).
        risk: What must be kept with a probability of 95 %: ``{"false_alarms_per_day": 1}`` of anomalies,
            ``{"false_positive_rate": 0.01}`` of classes.
        distance: Whether each answer says how far it is from the training data.
    """

    level: float = 0.9
    method: str = "auto"
    scaling: str = "temperature"
    ensemble: int = 1
    dropout: int = 0
    laplace: bool = False
    risk: dict[str, float] | None = None
    distance: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(
            0 < self.level < 1,
            f"confidence.level={self.level} must lie strictly between 0 and 1: nothing is sure, set `level`, e.g. 0.9.",
        )
        for name, known in (("method", METHODS), ("scaling", SCALINGS)):
            value = getattr(self, name)
            require(
                name != "method" or value not in SCALINGS,
                f"confidence.method='{value}' is a scaling of probabilities: set `scaling` to it (--scaling {value}), "
                "and `method` to what makes the sets, e.g. auto.",
            )
            require(value in known, f"confidence.{name}='{value}' does not exist; {suggest(str(value), known)}")
        for name, least in (("ensemble", 1), ("dropout", 0)):
            value = getattr(self, name)
            require(value >= least, f"confidence.{name}={value} must be a whole number of at least {least}.")
        for name, value in (self.risk or {}).items():
            require(
                math.isfinite(value) and value > 0,
                f"confidence.risk: {name}={value} must be a positive number.",
            )
            require(
                name != "false_positive_rate" or value < 1,
                f"confidence.risk: {name}={value} must lie between 0 and 1: it is a share, e.g. 0.01.",
            )
        asked = [f"ensemble: {self.ensemble}"] if self.ensemble > 1 else []
        asked += [f"{name}: {getattr(self, name)}" for name in ("dropout", "laplace") if getattr(self, name)]
        require(
            len(asked) < 2,
            f"confidence asks for {' and '.join(asked)} at once, but answers are drawn in one way: leave out all but "
            "one of `ensemble`, `dropout` and `laplace`.",
        )


def wish_of(block: Mapping[str, Any] | None) -> Wish | None:
    """Return the settings of a block of a YAML file; None where it is null.

    Raises:
        InputError: A setting does not exist or cannot be.
    """
    if block is None:
        return None
    known = [one.name for one in fields(Wish)]
    for name in block:
        if name not in known:
            raise InputError(f"confidence has no setting '{name}'; {suggest(str(name), known)}")
        check_kind(f"confidence.{name}", block[name], KINDS[name])
    settings: dict[str, Any] = {name: float(value) if name == "level" else value for name, value in block.items()}
    for name in {"method", "scaling"} & set(settings):
        settings[name] = settings[name].lower()
    if block.get("risk") is not None:
        settings["risk"] = {name: number_of(name, value) for name, value in block["risk"].items()}
    return Wish(**settings)


def number_of(name: str, value: Any) -> float:
    """Return the value of a risk, which a command line gives as text."""
    try:
        return float("" if isinstance(value, bool) else value)  # true and false are no numbers
    except (TypeError, ValueError) as error:
        raise InputError(f"confidence.risk: {name}={value} must be a number.") from error


def check_kind(setting: str, value: Any, kind: tuple[type, ...]) -> None:
    """Refuse a value of another kind; true and false are no numbers."""
    fits = isinstance(value, kind) and (bool in kind or not isinstance(value, bool))
    require(fits, f"{setting}={value} must be {WORDS[kind]}.")


CLASSES = ("class", "ordinal", "labels")
SETS, VALUES = ("lac", "aps", "raps"), ("split", "scaled", "cqr", "mondrian", "adaptive", "weighted")
METHODS_OF: dict[str, tuple[str, ...]] = {
    "class": SETS, "ordinal": SETS, "labels": SETS, "forecast": VALUES, "values": VALUES, "reconstruct": (),
}  # fmt: skip


def require_possible(wish: Wish, spec: Spec, net: Any = None, *, days: bool = True) -> None:
    """Refuse a method, a scaling, a risk or dropout that a network cannot have, before it is trained.

    Args:
        wish: The settings.
        spec: What the network answers.
        net: The network, where it is known.
        days: What it looks at lies in time; images and traces do not.

    Raises:
        InputError: It is for another question, or another network.
    """
    kinds = [head.kind for head in spec.heads] or [spec.kind]
    known = ["auto", *(name for kind in kinds for name in METHODS_OF[kind])]
    require(
        wish.method in known,
        f"confidence.method='{wish.method}' is not for what the network tells ({', '.join(kinds)}): set `method` to "
        f"{', '.join(dict.fromkeys(known))}.",
    )
    require(
        wish.scaling not in ("vector", "isotonic") or bool(set(kinds) & set(CLASSES)),
        f"confidence.scaling='{wish.scaling}' is for probabilities of classes, but the network tells none "
        f"({', '.join(kinds)}): leave it out.",
    )
    if wish.risk is not None:
        require_risk(wish.risk, spec, days=days)
    if wish.dropout and net is not None:
        from dlkit.confidence.dropout import dropout_on

        require(wish.dropout > 1, f"confidence.dropout={wish.dropout}: one answer cannot disagree, give e.g. 20.")
        with dropout_on(net):
            pass


def require_risk(risk: Mapping[str, float], spec: Spec, *, days: bool) -> None:
    """Refuse a risk that what a network tells has not."""
    heads = spec.heads or (spec,)
    kinds = {head.kind for head in heads}
    require(
        not kinds <= {"forecast", "values"},
        "confidence.risk is for anomalies and classes, but the network tells values: leave it out.",
    )
    require(
        days or "reconstruct" not in kinds,
        "confidence.risk for anomalies is a number of false alarms a day, but images and traces have no days: leave "
        "`risk` out, and set the share of normal ones that are called anomalous by the detector: `threshold: "
        "{class_path: dlkit.anomaly.thresholds.Quantile, init_args: {level: 0.99}}`.",
    )
    known = "false_alarms_per_day" if "reconstruct" in kinds else "false_positive_rate"
    example = "{false_alarms_per_day: 1}" if "reconstruct" in kinds else "{false_positive_rate: 0.01}"
    require(
        list(risk) == [known],
        f"confidence.risk={dict(risk)} is not one that can be kept here, which is {known}: set `risk: {example}`, or "
        "leave it out.",
    )
    many = next((head for head in heads if head.kind in ("class", "ordinal") and len(head.classes) != 2), None)
    require(
        many is None,
        f"confidence.risk: {known} is kept of two classes or of labels, but the network tells one of "
        f"{len(many.classes) if many else 0} classes: leave `risk` out.",
    )
