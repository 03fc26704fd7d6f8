"""A setting of each run as short words that show in what they differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from dlkit.report.tables import shorten
from dlkit.report.words import DASH

WIDE = 60


def shown_apart(values: Sequence[Any], width: int = WIDE) -> list[str]:
    """Return a setting of each run as text; where one is too long, what all share at its start is left out.

    Args:
        values: The setting of each run, None where a run has no such setting.
        width: Characters that a text may have.
    """
    texts = [DASH if value is None else words_of_setting(value) for value in values]
    known = [text for text, value in zip(texts, values, strict=True) if value is not None]
    start = known[0].rfind(" ", 0, shared(known)) + 1 if max(map(len, texts)) > width else 0
    if start:
        texts = [text if value is None else f"… {text[start:]}" for text, value in zip(texts, values, strict=True)]
    return [shorten(text, width) for text in texts]


def shared(texts: Sequence[str]) -> int:
    """Return how many characters all texts begin with."""
    columns = zip(*texts, strict=False)
    return next((k for k, letters in enumerate(columns) if len(set(letters)) > 1), min(map(len, texts)))


def words_of_setting(value: Any) -> str:
    """Return a setting in words, of a list of classes their names with their settings."""
    found = yaml.safe_load(value) if isinstance(value, str) and value.startswith("[") else value
    return ", ".join(map(_item, found)) if isinstance(found, list) else str(value)


def _item(part: Any) -> str:
    if not isinstance(part, Mapping) or "class_path" not in part:
        return str(part)
    settings = ", ".join(f"{key}={one}" for key, one in (part.get("init_args") or {}).items())
    return str(part["class_path"]).rpartition(".")[2] + (f"({settings})" if settings else "")
