"""Where a dotted key stands in a configuration: ``data.look_back`` is short for ``data.init_args.look_back``."""

from typing import Any

from dlkit.core.checks import InputError, require, suggest

Place = tuple[str | int, ...]


def find(config: dict[str, Any], key: str) -> Place:
    """Return the place of a setting in a whole configuration, with all its defaults.

    Raises:
        InputError: There is no such setting; the sentence says which was probably meant.
    """
    node: Any = config
    place: list[str | int] = []
    for part in str(key).split("."):
        where = ".".join(map(str, place)) or "the configuration"
        if is_class(node) and part not in node:
            place.append("init_args")
            where, node = str(node["class_path"]).rpartition(".")[2], node.get("init_args") or {}
        require(
            isinstance(node, dict | list),
            f"{key}: {where} holds {node!r:.40} in the configuration, so there is no '{part}' below it: set it there, "
            "or give it whole nodes as choices, e.g. {choices: [null, {class_path: ..., init_args: ...}]}.",
        )
        at = int(part) if isinstance(node, list) and part.isdigit() else part
        known = [str(i) for i in range(len(node))] if isinstance(node, list) else [str(name) for name in node]
        require(part in known, f"{key}: {where} has no setting '{part}'; {suggest(part, known)}")
        place.append(at)
        node = node[at]
    return tuple(place)


def is_class(node: Any) -> bool:
    """Tell whether a node names a class."""
    return isinstance(node, dict) and isinstance(node.get("class_path"), str)


def put(config: dict[str, Any], key: str, value: Any) -> None:
    """Set the value of a setting in place.

    Raises:
        InputError: There is no such setting, e.g. in the class that was chosen above it.
    """
    *above, last = find(config, key)
    node: Any = config
    for part in above:
        node = node[part]
    node[last] = value


def put_new(config: dict[str, Any], key: str, value: Any, because: str) -> None:
    """Set a value where another setting may have replaced what stood above; say so where it does not fit."""
    try:
        put(config, key, value)
    except InputError as error:
        raise InputError(
            f"{str(error).rstrip('.')}, with {because}: put {key} into the choices that have it."
        ) from error
