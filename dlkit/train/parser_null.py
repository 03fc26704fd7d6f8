"""`null` on the command line, however deep the setting lies that it empties."""

from typing import Any

from jsonargparse import get_loader, set_loader
from yaml import YAMLError

read = get_loader("yaml")


def loaded(text: str) -> Any:
    """Return a value as YAML writes it; `None` is null."""
    return None if text.strip() == "None" else read(text)


def know_null() -> None:
    """Let the parser take `null` for a setting of a part within a part: it hands it down as the text `None`."""
    set_loader("yaml", loaded, exceptions=(YAMLError,))
