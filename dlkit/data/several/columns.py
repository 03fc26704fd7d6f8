"""Which columns of several sources go in, which are asked for, and the order in which the table holds them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from dlkit.core.checks import require, suggest
from dlkit.data.base import Source
from dlkit.data.heads import Head
from dlkit.data.inputs import EventInput, FrameInput, Input, StreamInput
from dlkit.data.records import Stream
from dlkit.data.table.arrange import Arranged, Columns, match_names


@dataclass(frozen=True)
class Chosen:
    """Columns of the table: those of each source side by side, its age behind them, then targets that are no inputs.

    Attributes:
        names: All columns in this order.
        inputs: Columns of each source that go in, by source.
        ages: Sources whose age goes in.
        targets: Columns that each head asks for, by head.
    """

    names: tuple[str, ...]
    inputs: dict[str, tuple[str, ...]]
    ages: frozenset[str]
    targets: dict[str, tuple[str, ...]]

    @property
    def columns(self) -> Columns:
        """The columns as the rest of the data room knows them; the targets need not lie side by side."""
        count = sum(len(names) + (source in self.ages) for source, names in self.inputs.items())
        return Columns(self.names, count, (0, 0), (), len(self.names))

    def place(self, name: str) -> int:
        """Return the position of a column."""
        return self.names.index(name)

    def runs(self, names: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Yield first and past-the-last column of each run of neighbouring ones."""
        places = [self.place(name) for name in names]
        first = 0
        for i in range(1, len(places) + 1):
            if i == len(places) or places[i] != places[i - 1] + 1:
                yield places[first], places[i - 1] + 1
                first = i


def choose_columns(
    names: Sequence[str], sources: Mapping[str, Input], inputs: Sequence[str] | None, heads: Mapping[str, Head]
) -> Chosen:
    """Give the columns of aligned sources their parts and their order.

    Args:
        names: Columns as they come, ``source.channel``, or as they were arranged before.
        sources: What is wanted of each source.
        inputs: Names or globs of the channels that go in; None takes all whose value of the same row is not asked for.
        heads: What is asked.

    Raises:
        InputError: An input is the answer.
    """
    streams = {name: found for name, found in sources.items() if isinstance(found, StreamInput)}
    ages = {f"{name}.age": name for name, found in streams.items() if found.age}
    channels = [name for name in names if name not in ages]
    targets = {name: tuple(match_names(head.channels, channels, setting="targets")) for name, head in heads.items()}
    answers = {one for name, found in targets.items() if heads[name].asks_of_now for one in found}
    wanted = [name for name in channels if name not in answers]
    if inputs is not None:
        wanted = wanted_streams(inputs, channels, sources)
        refuse_answers([name for name in wanted if name in answers])
    groups = {name: tuple(one for one in wanted if one.startswith(f"{name}.")) for name in streams}
    groups = {name: found for name, found in groups.items() if found}
    told = frozenset(name for name in ages.values() if name in groups)
    order: list[str] = []
    for name, found in groups.items():
        order += [*found, *([f"{name}.age"] if name in told else [])]
    asked = [name for found in targets.values() for name in found]
    return Chosen(tuple(dict.fromkeys([*order, *asked])), groups, told, targets)


def refuse_answers(given: Sequence[str]) -> None:
    """Refuse inputs whose value of the same row is asked for."""
    require(
        not given,
        f"inputs: '{''.join(given[:1])}' goes in and is the answer, its value of the same row: take "
        "it out of `inputs`, or set `gap` of the head to ask for a later row.",
    )


def wanted_streams(inputs: Sequence[str], channels: Sequence[str], sources: Mapping[str, Input]) -> list[str]:
    """Return the channels of streams that ``inputs`` names; it may name cameras too.

    Raises:
        InputError: A name or glob means nothing.
    """
    matched = set(match_names(inputs, [*channels, *camera_names(sources)], setting="inputs"))
    return [name for name in channels if name in matched]


def camera_names(sources: Mapping[str, Input]) -> dict[str, str]:
    """Return what ``inputs`` may call each camera, with its name."""
    cameras = [name for name, found in sources.items() if isinstance(found, FrameInput)]
    return {called: name for name in cameras for called in (name, f"{name}.frames")}


def wanted_cameras(inputs: Sequence[str] | None, sources: Mapping[str, Input]) -> dict[str, FrameInput]:
    """Return the cameras that go in: all of them, or those that ``inputs`` names."""
    called = camera_names(sources)
    patterns = ["*"] if inputs is None else inputs
    wanted = {name for one in patterns for call, name in called.items() if call == one or fnmatchcase(call, one)}
    return {name: found for name, found in sources.items() if isinstance(found, FrameInput) and name in wanted}


def check_heads(heads: Mapping[str, Head], sources: Mapping[str, Input]) -> None:
    """Refuse heads that ask for events which no source gives.

    Raises:
        InputError: One sentence says which.
    """
    events = [name for name, found in sources.items() if isinstance(found, EventInput)]
    for name, head in heads.items():
        require(
            not head.events or head.events in events,
            f"targets: head '{name}' asks for the events of '{head.events}', which is no source of events; "
            f"{suggest(head.events, events)}",
        )


def check_sources(sources: Mapping[str, Input]) -> None:
    """Refuse sources that nothing can be predicted from.

    Raises:
        InputError: One sentence says why.
    """
    require(len(sources) > 0, "sources is empty: name at least one source of channels or frames in `sources`.")
    require(
        any(not isinstance(one, EventInput) for one in sources.values()),
        f"sources: {', '.join(sources)} give no inputs, being events: name at least one source of channels or frames.",
    )


class InOrder(Arranged):
    """Aligned sources whose columns have the order of :class:`Chosen`.

    Args:
        source: The aligned sources.
        sources: What is wanted of each of them.
        inputs: Names or globs of the channels that go in.
        heads: What is asked.
        extend: Rows without values to put after the end of each series, so that what comes next can be predicted.
    """

    def __init__(
        self,
        source: Source,
        sources: Mapping[str, Input],
        inputs: Sequence[str] | None,
        heads: Mapping[str, Head],
        *,
        extend: int = 0,
    ) -> None:
        super().__init__(source, {"inputs": None, "targets": [], "future": [], "calendar": ()}, extend=extend)
        self.sources, self.inputs, self.heads = sources, inputs, heads

    def fingerprint(self) -> dict[str, Any]:
        """Return the fingerprint of the sources and what is chosen of them."""
        asked = {name: head.channels for name, head in self.heads.items()}
        return {"source": self.source.fingerprint(), "inputs": self.inputs, "heads": asked, "extend": self.extend}

    def _columns(self, stream: Stream) -> Columns:
        return choose_columns(stream.channels, self.sources, self.inputs, self.heads).columns
