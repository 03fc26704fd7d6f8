"""The settings of a source that reads what a pass has seen."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.data.raw.seen import Seen
from dlkit.data.sources.files import Files

DEFAULTS: dict[str, Any] = {
    name: parameter.default for name, parameter in inspect.signature(Files.__init__).parameters.items()
}
MOST_CATEGORIES = 12  # values of a column of text that become channels


def found_settings(
    given: Mapping[str, Any], seen: Seen, policies: Mapping[str, Any], channels: Sequence[str]
) -> dict[str, Any]:
    """Return settings with which :class:`dlkit.data.sources.files.Files` reads all rows.

    Args:
        given: Settings so far.
        seen: What the pass has seen.
        policies: What is to be done with stamps.
        channels: Columns that are numbers.
    """
    settings: dict[str, Any] = {**policies, **given, "path": plain_path(given["path"])}
    words: list[Any] = [word for fault in seen.unread.values() if not fault.many for word in fault.words]
    words += [float(word) for word in dict.fromkeys(w for fault in seen.infinite.values() for w in fault.words)]
    missing = [*given.get("missing_values", ()), *dict.fromkeys(words)]
    if missing:
        settings["missing_values"] = missing
    wild = [channel for channel, fault in seen.unread.items() if fault.many]
    if wild and "channels" not in given:
        settings["channels"] = [channel for channel in channels if channel not in wild]
    categories = {column: "onehot" for column, found in seen.texts.items() if is_category(found)}
    if categories and "categories" not in given:
        settings["categories"] = categories
        if isinstance(settings.get("channels"), list):
            settings["channels"] = [*settings["channels"], *categories]
    order = list(DEFAULTS)
    return {name: settings[name] for name in sorted(settings, key=order.index)}


def is_category(found: Mapping[str, int] | None) -> bool:
    """Tell whether the values of a column of text are few enough to become channels."""
    return found is not None and 2 <= len(found) <= MOST_CATEGORIES


def plain_path(path: Any) -> Any:
    """Return a path, or several, or one a role, as plain types."""
    if isinstance(path, Mapping):
        return {role: plain_path(each) for role, each in path.items()}
    return str(path) if not isinstance(path, list | tuple) else [str(each) for each in path]
