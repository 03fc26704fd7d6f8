"""Where two fingerprints of sources differ, in words."""

from collections.abc import Mapping
from typing import Any

from dlkit.report.tables import shorten

WIDE = 40


def source_words(first: Any, other: Any, inside: str = "") -> str:
    """Return what differs first, with both values: a file by its name, or a setting."""
    if isinstance(first, Mapping) and isinstance(other, Mapping):
        if first.get("name") == other.get("name") and "sha256" in first and "sha256" in other:
            return f"the content of the file {first['name']}"
        key = next(key for key in [*first, *other] if first.get(key) != other.get(key))
        return source_words(first.get(key), other.get(key), f"{inside}.{key}".removeprefix("."))
    if isinstance(first, list) and isinstance(other, list) and len(first) == len(other):
        place = next(place for place, pair in enumerate(zip(first, other, strict=True)) if pair[0] != pair[1])
        return source_words(first[place], other[place], inside)
    part = "the file" if inside == "files.name" else f"`{inside}`"
    what = f"{part} of the source" if inside else "the source"
    return f"{what}, {in_short(first)} or {in_short(other)}"


def in_short(value: Any) -> str:
    """Return a value, of a list how many it has."""
    return f"{len(value)} of them" if isinstance(value, list) else shorten(f"{value}", WIDE)
