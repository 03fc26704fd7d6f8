"""Which column of a record comes from which channel of a source, by which method."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from dlkit.core.checks import require, suggest
from dlkit.data.inputs import Method, StreamInput


@dataclass(frozen=True)
class Plan:
    """Columns that are made in one call.

    Attributes:
        methods: The methods; each gives one column a channel.
        channels: Numbers of the channels, rising.
        columns: Number of the column of each method and channel, (methods, channels).
    """

    methods: tuple[Method, ...]
    channels: np.ndarray
    columns: np.ndarray


@dataclass(frozen=True)
class Columns:
    """The columns of one source.

    Attributes:
        names: ``source.channel``, with the method where a channel has several.
        units: Physical unit of each.
        plans: How they are made; the age of the last sample is none of them and is the last column.
        methods: Method of each column.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    plans: tuple[Plan, ...]
    methods: tuple[str, ...]


def choose_channels(wanted: Sequence[str] | None, channels: Sequence[str], source: str) -> list[int]:
    """Return the numbers of the channels that are wanted, in their order in the source."""
    for pattern in wanted or ():
        found = any(fnmatchcase(channel, pattern) for channel in channels)
        require(found, f"Source '{source}' has no channel '{pattern}': mend `channels`: {suggest(pattern, channels)}")
    chosen = [i for i, name in enumerate(channels) if wanted is None or any(fnmatchcase(name, w) for w in wanted)]
    require(bool(chosen) or wanted is None, f"Source '{source}': `channels` is empty: name at least one, or leave it.")
    return chosen


def methods_of(channel: str, given: StreamInput, source: str) -> tuple[Method, ...]:
    """Return the methods of a channel, as the first pattern that fits says."""
    if isinstance(given.method, str):
        return (given.method,)
    for pattern, methods in given.method.items():
        if fnmatchcase(channel, pattern):
            chosen: list[Method] = [methods] if isinstance(methods, str) else methods
            require(len(set(chosen)) == len(chosen), f"Source '{source}': `method` of '{pattern}' names one twice.")
            return tuple(chosen)
    patterns = list(given.method)
    require(False, f"Source '{source}': no pattern of `method` {patterns} fits channel '{channel}': add '*': last.")
    return ()


def plan_columns(given: StreamInput, channels: Sequence[str], units: Sequence[str], source: str) -> Columns:
    """Return the columns of a source, channel by channel, and the age of the last sample where it is wanted."""
    wanted = [(channel, method) for channel in channels for method in methods_of(channel, given, source)]
    alone = {channel for channel in channels if sum(channel == other for other, _ in wanted) == 1}
    names = [f"{source}.{channel}" + ("" if channel in alone else f" {method}") for channel, method in wanted]
    unit = dict(zip(channels, units, strict=True))
    kinds = ["" if method == "count" else unit[channel] for channel, method in wanted]
    number = {channel: i for i, channel in enumerate(channels)}
    groups: dict[tuple[int, ...], list[Method]] = {}
    for method in dict.fromkeys(method for _, method in wanted):
        groups.setdefault(tuple(number[channel] for channel, other in wanted if other == method), []).append(method)
    place = {pair: i for i, pair in enumerate(wanted)}
    plans = tuple(
        Plan(
            tuple(methods),
            np.array(members),
            np.array([[place[channels[member], method] for member in members] for method in methods]),
        )
        for members, methods in groups.items()
    )
    if given.age:
        names, kinds = [*names, f"{source}.age"], [*kinds, "s"]
    return Columns(tuple(names), tuple(kinds), plans, tuple(method for _, method in wanted))
