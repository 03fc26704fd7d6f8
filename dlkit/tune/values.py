"""Values that a setting may take: a range of numbers, or a choice of nodes of YAML, which may hold further ones."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from dlkit.core.checks import InputError, require, suggest

RANGE = ("low", "high", "step", "log")
MOST_ON_A_GRID = 1000


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included; whole where all that is given is whole.

    Args:
        low: Lowest value.
        high: Highest value.
        step: Distance of the values; None takes every number between.
        log: Draw the logarithm evenly.
    """

    low: int | float
    high: int | float
    step: int | float | None = None
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether all values are whole numbers."""
        return all(isinstance(value, int) for value in (self.low, self.high, self.step or 1))

    @property
    def extremes(self) -> list[Any]:
        """The ends and, to tell fractions from whole numbers, what is between."""
        return [self.low, self.high] + ([] if self.whole else [self.low + 0.37 * (self.high - self.low)])

    @property
    def grid(self) -> list[Any]:
        """All values, none where there is no end of them."""
        step = self.step or (1 if self.whole and not self.log else None)
        count = 0 if step is None else math.floor((self.high - self.low) / step + 1e-9) + 1
        return [self.low + i * step for i in range(count)] if step and count <= MOST_ON_A_GRID else []


@dataclass(frozen=True, eq=False)
class Choice:
    """One of several nodes of YAML.

    Args:
        options: Each node by its label: the value itself, or the name of the class.
    """

    options: dict[Any, Any]


Values = Range | Choice
Pick = Callable[[str, Values], Any]


def read_values(node: Any, place: str) -> Values:
    """Return the values that a setting may take.

    Raises:
        InputError: They are none, or contradict each other.
    """
    found = read_node(node, place)
    if isinstance(found, Range | Choice):
        return found
    example = f"{{choices: {node}}}" if isinstance(node, list) else "{low: 1.0e-4, high: 1.0e-2, log: true}"
    wrong = [str(key) for key in node if key not in RANGE] if isinstance(node, dict) and node else []
    meant = f"; there is no '{wrong[0]}', {suggest(wrong[0], (*RANGE, 'choices'))}" if wrong else "."
    raise InputError(f"{place}: '{short(node)}' gives no values to try: write e.g. {example}{meant}")


def read_node(node: Any, place: str) -> Any:
    """Return a node of YAML in which ranges and choices are read; what a class is made with is never one itself."""
    if isinstance(node, list):
        return [read_node(value, f"{place}.{i}") for i, value in enumerate(node)]
    if not isinstance(node, dict):
        return node
    if "choices" in node:
        return read_choice(node, place)
    if {"low", "high"} <= set(node) <= set(RANGE):
        return read_range(node, place)
    return {key: inside(key, value, f"{place}.{key}") for key, value in node.items()}


def inside(key: str, node: Any, place: str) -> Any:
    """Return a part of a node."""
    if key == "init_args" and isinstance(node, dict):
        return {name: read_node(value, f"{place}.{name}") for name, value in node.items()}
    return read_node(node, place)


def read_range(node: dict[str, Any], place: str) -> Range:
    """Return a range of numbers."""
    low, high = number(node["low"], place), number(node["high"], place)
    step = None if node.get("step") is None else number(node["step"], place)
    log = node.get("log", False)
    require(isinstance(log, bool), f"{place}: log '{log}' must be true or false.")
    require(low < high, f"{place}: low {low} must be below high {high}.")
    require(not log or low > 0, f"{place}: low {low} must be positive where log is true.")
    require(not log or step is None, f"{place}: a step {step} has no meaning where log is true: leave one of them out.")
    require(
        step is None or 0 < step <= high - low, f"{place}: step {step} must be positive and at most {high - low:g}."
    )
    if isinstance(low, float) or isinstance(high, float) or isinstance(step, float):
        return Range(float(low), float(high), None if step is None else float(step), log)
    return Range(low, high, step, log)


def number(value: Any, place: str) -> int | float:
    """Return a number; YAML takes 1e-4 for text."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    require(good, f"{place}: low, high and step must be numbers; give words and durations as {{choices: [1d, 2d]}}.")
    assert isinstance(value, int | float)
    return value


def read_choice(node: dict[str, Any], place: str) -> Choice:
    """Return a choice."""
    beside = [str(key) for key in node if key != "choices"]
    require(not beside, f"{place}: '{(beside or [''])[0]}' stands beside choices; a choice has nothing else.")
    choices = node["choices"]
    require(
        isinstance(choices, list) and len(choices) > 0,
        f"{place}: choices must be a list of at least one value, it is '{short(choices)}'.",
    )
    names = labels(choices)
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    require(not twice, f"{place}: '{(twice or [''])[0]}' comes twice among the choices.")
    read = [read_node(choice, f"{place}({name})") for name, choice in zip(names, choices, strict=True)]
    return Choice(dict(zip(names, read, strict=True)))


def labels(choices: Sequence[Any]) -> list[Any]:
    """Return what each choice is called: its value, its class, or its text; numbered where classes are alike."""
    plain = [choice if not isinstance(choice, dict | list) else short(choice) for choice in choices]
    alike = [isinstance(choices[i], dict) and "class_path" in choices[i] and plain.count(name) > 1
             for i, name in enumerate(plain)]  # fmt: skip
    return [f"{name} {plain[: i + 1].count(name)}" if alike[i] else name for i, name in enumerate(plain)]


def short(node: Any) -> str:
    """Return a node in a few words."""
    if isinstance(node, dict) and isinstance(node.get("class_path"), str):
        return str(node["class_path"]).rpartition(".")[2]
    return yaml.safe_dump(node, default_flow_style=True, width=1000).removesuffix("\n...\n").strip()


# ---------------------------------------------------------------------- from values to a node
def fill(node: Any, name: str, pick: Pick) -> Any:
    """Return a node with one value for each range and choice.

    Args:
        node: What was read.
        name: Name of the node; a setting within a choice is called ``model.net(LSTM).hidden_size``.
        pick: Returns the value of a range, or the label of a choice, by its name.
    """
    if isinstance(node, Range):
        return pick(name, node)
    if isinstance(node, Choice):
        label = pick(name, node)
        return fill(node.options[label], f"{name}({label})", pick)
    if isinstance(node, list):
        return [fill(value, f"{name}.{i}", pick) for i, value in enumerate(node)]
    if isinstance(node, dict):
        return {key: fill(value, name if key == "init_args" else f"{name}.{key}", pick) for key, value in node.items()}
    return node


def parts_of(node: Any, name: str = "") -> list[tuple[str, Any]]:
    """Return what a list or a mapping holds, and its names."""
    if isinstance(node, list):
        return [(f"{name}.{i}", value) for i, value in enumerate(node)]
    if isinstance(node, dict):
        return [(name if key == "init_args" else f"{name}.{key}", value) for key, value in node.items()]
    return []


def names(node: Any, name: str) -> Iterator[str]:
    """Yield the name of every range and choice in a node, as :func:`fill` calls them."""
    if isinstance(node, Range | Choice):
        yield name
    options = node.options.items() if isinstance(node, Choice) else ()
    for inner, value in [*parts_of(node, name), *((f"{name}({label})", option) for label, option in options)]:
        yield from names(value, inner)


def holds(node: Any) -> bool:
    """Tell whether there is a range or a choice in a node."""
    return next(names(node, ""), None) is not None


def nested(node: Any) -> bool:
    """Tell whether a choice holds further ranges or choices."""
    return isinstance(node, Choice) and any(holds(option) for option in node.options.values())


def rounds(node: Any) -> int:
    """Return how many nodes it takes to try every end and every choice once."""
    if isinstance(node, Range):
        return len(node.extremes)
    if isinstance(node, Choice):
        return sum(rounds(option) for option in node.options.values())
    return max([1, *(rounds(part) for _, part in parts_of(node))])


def extreme(node: Any, turn: int) -> Any:
    """Return the node of a turn below :func:`rounds`; beyond, the last one."""
    if isinstance(node, Range):
        return node.extremes[min(turn, len(node.extremes) - 1)]
    if isinstance(node, Choice):
        *others, last = node.options.values()
        for option in others:
            if turn < rounds(option):
                return extreme(option, turn)
            turn -= rounds(option)
        return extreme(last, turn)
    if isinstance(node, list):
        return [extreme(value, turn) for value in node]
    return {key: extreme(value, turn) for key, value in node.items()} if isinstance(node, dict) else node
