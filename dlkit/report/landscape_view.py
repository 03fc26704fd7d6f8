"""A surface of the loss and its scale: where colours and heights begin, where they end, what lies beyond."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.checks import require

if TYPE_CHECKING:
    from matplotlib.colors import Normalize

LEVELS = 20
FAR = 1e3  # times the median: losses beyond, which a few points far out may have, would leave no colours for the rest


@dataclass(frozen=True, eq=False)
class LossView:
    """The loss in a plane.

    Attributes:
        first: Places on the first axis, (columns,).
        second: Places on the second axis, (rows,).
        losses: Loss at each place, (rows, columns); not a number, or infinite, where the network left the numbers.
        names: What the axes are.
        title: What tells this surface from others.
        path: Way of the weights in the plane, (snapshots, 2), or None.
        epochs: Epoch of each snapshot.
        limits: Lowest and highest loss of the scale; None takes those of the losses.
        loss: What the loss is called.
    """

    first: np.ndarray
    second: np.ndarray
    losses: np.ndarray
    names: tuple[str, str] = ("first direction", "second direction")
    title: str = ""
    path: np.ndarray | None = None
    epochs: tuple[int, ...] = ()
    limits: tuple[float, float] | None = None
    loss: str = "loss"

    def __post_init__(self) -> None:
        """Refuse what has no height anywhere."""
        require(
            bool(np.isfinite(self.losses).any()),
            "The loss is not a number anywhere in the plane: take a smaller `--range`.",
        )

    @property
    def shown(self) -> np.ndarray:
        """The losses, masked where they are no numbers."""
        return np.ma.masked_invalid(self.losses)

    @property
    def positive(self) -> bool:
        """Whether the loss can be drawn on a logarithmic scale; a likelihood may fall below 0."""
        return (float(self.shown.min()) if self.limits is None else self.limits[0]) > 0

    @property
    def beyond(self) -> str:
        """Which losses lie above the scale, in two lines; "" where none does."""
        known = self.losses[np.isfinite(self.losses)]
        above = known[known > self.ends[1]]
        if not above.size:
            return ""
        cut = f"cut at {number(self.ends[1])}, far above the median:"
        return f"{cut}\n{above.size} of {self.losses.size} points lie higher, up to {number(float(above.max()))}"

    @property
    def arrow(self) -> str:
        """At which end the bar of colours goes on."""
        return "max" if self.beyond else "neither"

    @property
    def heading(self) -> str:
        """What stands above the picture."""
        return "\n".join(filter(None, [self.title, self.beyond]))

    @property
    def label(self) -> str:
        """What the loss is called, and whether its scale is logarithmic."""
        return f"{self.loss} (logarithmic)" if self.positive else self.loss

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest loss of the scale; what is beyond takes the colour of the end."""
        low, high = scale_ends(self.losses) if self.limits is None else self.limits
        return low, (high if high > low else low + max(abs(low), 1.0) * 1e-6)


def scale_ends(losses: np.ndarray) -> tuple[float, float]:
    """Return the lowest loss, at which the network stands, and the highest of those not far above the median."""
    known = losses[np.isfinite(losses)]
    low, middle, high = float(known.min()), float(np.median(known)), float(known.max())
    if low > 0:
        return low, min(high, middle * FAR)
    return low, min(high, middle + FAR * (middle - low)) if middle > low else high


def colour_norm(view: LossView) -> "Normalize":
    """Return the scale of colours: logarithmic where the loss is positive."""
    from matplotlib.colors import LogNorm, Normalize

    return LogNorm(*view.ends) if view.positive else Normalize(*view.ends)


def levels(view: LossView) -> np.ndarray:
    """Return the heights of the contours: evenly spaced factors; for losses below 0, finer towards the lowest."""
    low, high = view.ends
    if view.positive:
        return np.geomspace(low, high, LEVELS + 1)
    return low + (high - low) * np.linspace(0, 1, LEVELS + 1) ** 2


def number(value: float) -> str:
    """Return three significant digits."""
    return f"{value:.0f}" if 1000 <= abs(value) < 1e5 else f"{value:.3g}"
