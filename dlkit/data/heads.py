"""What is asked of a window of several sources: one head for each question."""

from dataclasses import dataclass, field
from typing import Literal

from dlkit.core.checks import require, suggest

HeadKind = Literal["forecast", "values", "class", "reconstruct"]
NEEDS = {"forecast": "channels", "values": "channels", "class": "events", "reconstruct": ""}


@dataclass(frozen=True, kw_only=True)
class Head:
    """One question to the network.

    Attributes:
        kind: "forecast" the channels over ``look_forward`` rows after the window; tell their "values" at the last row
            of the window (a soft sensor) or the "class" of the event at that row; "reconstruct" all inputs.
        channels: Names or globs of the channels to predict, ``source.channel``.
        events: Name of the source of events whose class is asked for.
        look_forward: Rows to forecast, or a duration; None takes that of the data module.
        gap: Rows between the window and the first row that is asked for, or a duration; None takes that of the data
            module for a forecast, and 0 for a value or a class, which is then that of the last row of the window.
    """

    kind: HeadKind
    channels: list[str] = field(default_factory=list)
    events: str = ""
    look_forward: int | str | None = None
    gap: int | str | None = None

    @property
    def asks_of_now(self) -> bool:
        """Whether it asks for values of the last row of the window, where they may also go in."""
        return self.kind == "values" and self.gap in (None, 0, "0")

    def __post_init__(self) -> None:
        """Refuse a question that says too little or too much."""
        require(self.kind in NEEDS, f"targets: kind='{self.kind}'; {suggest(self.kind, NEEDS)}")
        given = {"channels": bool(self.channels), "events": bool(self.events)}
        for setting, found in given.items():
            wanted = NEEDS[self.kind] == setting
            require(
                found == wanted,
                f"targets: a head of the kind '{self.kind}' {'needs' if wanted else 'takes no'} `{setting}`: "
                f"{'name at least one' if wanted else 'leave them out'}.",
            )
        require(
            self.look_forward is None or self.kind == "forecast",
            f"targets: a head of the kind '{self.kind}' is asked for one row: leave `look_forward` out.",
        )
        require(
            self.gap is None or self.kind != "reconstruct",
            "targets: a head of the kind 'reconstruct' is asked for the window itself: leave `gap` out.",
        )


Targets = Head | dict[str, Head] | list[str]
"""One head, several by name, or the channels of one forecast."""


def named_heads(targets: Targets) -> dict[str, Head]:
    """Return the heads by name; one head alone is called "target".

    Raises:
        InputError: Nothing is asked for.
    """
    require(not isinstance(targets, str), f"targets='{targets}' must be a list of names: write targets: [{targets}].")
    if isinstance(targets, Head):
        return {"target": targets}
    require(len(targets) > 0, "targets is empty: name at least one channel or head in `targets`.")
    if isinstance(targets, dict):
        return dict(targets)
    return {"target": Head(kind="forecast", channels=targets)}
