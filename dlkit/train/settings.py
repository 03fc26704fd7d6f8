"""The settings of a run as flat names, for tables in which runs are compared."""

from typing import Any

LEFT_OUT = ("data.cache", "data.num_workers", "data.placement", "data.batches_per_step")
"""Settings that change speed alone."""


def compared(config: dict[str, Any]) -> dict[str, Any]:
    """Return what can differ in the results of two runs: settings of data, task and seed that are not empty."""
    settings = flat({key: config[key] for key in ("data", "model", "seed_everything")})
    return {key: value for key, value in settings.items() if value not in (None, "[]", "{}") and key not in LEFT_OUT}


def flat(node: Any, prefix: str = "") -> dict[str, Any]:
    """Return the leaves of a configuration by their short dotted names."""
    if not isinstance(node, dict):
        return {prefix: node if isinstance(node, (int, float, str, bool)) or node is None else str(node)}
    leaves: dict[str, Any] = {}
    for key, value in node.items():
        inner = prefix if key == "init_args" else f"{prefix}.{key}".lstrip(".")
        if key == "class_path":
            leaves[prefix] = str(value).rpartition(".")[2]
        else:
            leaves |= flat(value, inner)
    return leaves
