"""Numbers and settings in words."""

import math
from collections.abc import Sequence

from dlkit.report.canvas import with_unit
from dlkit.report.tables import number_text

DASH = "\u2013"


def number(value: float | int | None) -> str:
    """Return four significant digits, whole numbers as they are; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return DASH
    if (isinstance(value, int) or abs(value) >= 1000) and float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    if value == 0:
        return "0"
    text = number_text(value) if 1e-4 <= abs(value) < 1e5 else f"{value:.4g}"
    return text.rstrip(".").replace("-", "\u2212") if "e" not in text else text


def count(value: int, one: str, many: str = "") -> str:
    """Return a number with its noun, thousands apart."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def percent(share: float | int | None, digits: int = 1) -> str:
    """Return a share in percent."""
    return DASH if share is None or not math.isfinite(share) else f"{100 * share:.{digits}f} %"


def level_text(level: float | int) -> str:
    """Return a level in percent, not rounded."""
    return f"{100 * level:.6g} %"


def names(found: Sequence[str], most: int = 4) -> str:
    """Return names with "and" before the last; of many the first."""
    shown = list(found)
    if len(shown) > most:
        return f"{', '.join(shown[:most])} and {len(shown) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def named(targets: Sequence[str], units: Sequence[str]) -> str:
    """Return targets with their units."""
    return names([with_unit(name, unit) for name, unit in zip(targets, units, strict=False)])


UNITS = (("d", 86_400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


def duration(seconds: float | int) -> str:
    """Return a duration in the largest unit in which it is a whole number, else in that in which it reads well."""
    for unit, one in UNITS:
        many = seconds / one
        least = 2 if unit == "d" else 1  # a day is told in hours
        if least <= many < 1000 and abs(many - round(many)) < 1e-6 * many:
            return f"{round(many)} {unit}"
    unit, one = next(((unit, one) for unit, one in UNITS if seconds >= one), UNITS[-1])
    return f"{seconds / one:.4g} {unit}"


def span(steps: int, step: float | int) -> str:
    """Return how long some steps are."""
    return duration(steps * step)


def clock(seconds: float | int) -> str:
    """Return how long something took."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def size(count_of: int) -> str:
    """Return a number of bytes."""
    value, unit = float(count_of), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}"
