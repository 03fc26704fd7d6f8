"""A record that many workers make."""

from collections.abc import Iterator
from typing import Any

from dlkit.core.checks import InputError, require
from dlkit.data.align.pieces import Piece, cut_record
from dlkit.data.around import Around
from dlkit.data.cluster import Cluster, LocalCluster, in_order
from dlkit.data.records import Stream
from dlkit.data.sources.aligned import Aligned

EACH = 4  # pieces a worker: the slowest one ends soon after the others


class Parallel(Around):
    """Aligns many files at once, with the same result, to the bit, as one process.

    The record is cut into its series, or into spans of time that begin with a file. A piece reads its files and those
    before and after them; where a value may come from any time before (``last`` without `max_age`, or ``age``) it reads
    all before, so set `max_age`.

    Args:
        source: The record.
        cluster: Where its pieces are made; None is a process for each of two cores of this machine.
        pieces: Number of pieces; 0 is four for each worker.

    Raises:
        InputError: Dask is not installed, also where the record turns out to be one piece.
    """

    def __init__(self, *, source: Aligned, cluster: Cluster | None = None, pieces: int = 0) -> None:
        require(pieces >= 0, f"pieces={pieces} must not be negative: set `pieces`, or leave it out.")
        self.source: Aligned = source
        self.cluster, self.pieces = cluster or LocalCluster(), pieces
        self.cluster.check()
        self.made = 0  # pieces that it was cut into, where it was read

    def chunks(self) -> Iterator[Stream]:
        """Yield the series, tick by tick, while the next pieces are made."""
        pieces = cut_record(self.source, self.pieces or EACH * self.cluster.workers)
        self.made = len(pieces)
        if len(pieces) == 1:
            yield from self.source.chunks()
            return
        with self.cluster.client() as client:
            for made in in_order(client, _make, pieces, ahead=2 * self.cluster.workers):
                if isinstance(made, InputError):
                    raise made
                yield from made

    def fingerprint(self) -> dict[str, Any]:
        """Return that of the record: how it is made does not matter."""
        return self.source.fingerprint()


def _make(piece: Piece) -> list[Stream] | InputError:
    try:
        return list(piece.streams())
    except InputError as error:
        return error  # raised by the one who asked: Dask would print a traceback around its sentence
