"""Which series of one source belongs to which series of another."""

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby

from dlkit.core.checks import InputError, require
from dlkit.data.records import Stream

JOINED = "record"
Read = Callable[[], Iterator[Stream]]


class Cursor:
    """Reads the series of a source in any order; those in the order of the source are read once.

    Args:
        name: Name of the source.
        read: Gives the series, one after the other, from the start.
    """

    def __init__(self, name: str, read: Read) -> None:
        self.name, self._read = name, read
        self._groups = _groups(read)
        self.seen: list[str] = []

    def next(self) -> tuple[str, Iterator[Stream]] | None:
        """Return the next series, or None after the last."""
        found = next(self._groups, None)
        if found is not None:
            self.seen.append(found[0])
        return found

    def find(self, series: str) -> Iterator[Stream]:
        """Return the series of this name.

        Raises:
            InputError: There is none.
        """
        for again in (False, True):
            if again:
                self._groups = _groups(self._read)
            for name, streams in self._groups:
                if name == series:
                    self.seen.append(name)
                    return streams
        raise InputError(
            f"Source '{self.name}' has no series '{series}', which others have: series are joined by name: name them "
            "alike (`series`, `series_from`), or leave the series out."
        )

    def others(self) -> list[str]:
        """Return the series that were not asked for, after the last that was."""
        return [name for name, _ in self._groups if name not in self.seen]


def _groups(read: Read) -> Iterator[tuple[str, Iterator[Stream]]]:
    filled = (stream for stream in read() if len(stream.times))
    return groupby(filled, key=lambda stream: stream.name)


def joined(sources: Mapping[str, Read]) -> Iterator[tuple[str, dict[str, Iterator[Stream]]]]:
    """Yield name and streams of each series: by equal names, or whatever they are called where each source has one.

    Raises:
        InputError: A source lacks a series that another one has, or has none.
    """
    cursors = [Cursor(name, read) for name, read in sources.items()]
    first = {cursor.name: cursor.next() for cursor in cursors}
    found = {source: series for source, series in first.items() if series is not None}
    empty = [source for source, series in first.items() if series is None]
    require(not empty, f"Source '{''.join(empty[:1])}' has no samples: check its `path` and its policies.")
    names = {source: name for source, (name, _) in found.items()}
    alike = len(set(names.values())) == 1
    name = names[cursors[0].name] if alike else JOINED
    yield name, {source: streams for source, (_, streams) in found.items()}
    if alike:
        yield from _by_name(cursors)
    _refuse_more(cursors, names, alike=alike)


def _by_name(cursors: list[Cursor]) -> Iterator[tuple[str, dict[str, Iterator[Stream]]]]:
    leader, *rest = cursors
    while (found := leader.next()) is not None:
        name, streams = found
        yield name, {leader.name: streams} | {cursor.name: cursor.find(name) for cursor in rest}


def _refuse_more(cursors: list[Cursor], names: Mapping[str, str], *, alike: bool) -> None:
    for cursor in cursors:
        more = cursor.others()
        if more and alike:
            raise InputError(
                f"Source '{cursor.name}' has a series '{more[0]}', which source '{cursors[0].name}' has not: series "
                "are joined by name: name them alike (`series`, `series_from`), or leave the series out."
            )
        require(
            not more,
            f"Source '{cursor.name}' has several series, and the sources begin with different ones {dict(names)}: they "
            "are joined by name: name them alike (`series`, `series_from`) and begin each source with the same one.",
        )
