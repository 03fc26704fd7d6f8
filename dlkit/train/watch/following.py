"""Whole lines of a text file as they are appended, through rotation, rewriting and half-written lines."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

MOST_BYTES = 1 << 20
HEAD, TAIL = 4096, 4096  # bytes that tell a file from one that was written over it


class Lines(NamedTuple):
    """What was appended.

    Attributes:
        text: Whole lines without their ends.
        begins: The first of them is the first line of a file.
    """

    text: list[str]
    begins: bool


NOTHING = Lines([], begins=False)


class Follower:
    """Reads what is appended to a file; after a rotation the rest of the old file, then the new one from its start.

    Args:
        path: The file; it may be absent for a while.
        complain: Takes a sentence when the file was cut or rewritten in its place.
        encoding: How bytes become letters, one byte at a time or as in UTF-8.
    """

    _partial: bytes  # half a line
    _begins: bool
    _place: int  # bytes read
    _head: bytes
    _tail: bytes

    def __init__(
        self, path: Path, complain: Callable[[str], None] = lambda _: None, *, encoding: str = "utf-8"
    ) -> None:
        self.path, self.complain, self.encoding = path, complain, encoding
        self._file: BinaryIO | None = None
        self.close()

    def read(self) -> Lines:
        """Return the whole lines that came since, about a megabyte at most; nothing when there are none yet."""
        if self._file is None and not self._open():
            return NOTHING
        data = self._appended()
        if not data:
            if self._file is not None and self._replaced():
                self.close()
            return NOTHING
        whole, _, self._partial = (self._partial + data).rpartition(b"\n")
        if not whole:
            return NOTHING
        text = whole.decode(self.encoding, errors="replace").split("\n")
        begins, self._begins = self._begins, False
        if begins:
            text[0] = text[0].removeprefix("\ufeff")
        return Lines([line.rstrip("\r") for line in text], begins)

    def close(self) -> None:
        """Let go of the file; what is read next is the start of the one that has its name then."""
        if self._file is not None:
            self._file.close()
        self._file, self._partial, self._begins = None, b"", True
        self._place, self._head, self._tail = 0, b"", b""

    def _open(self) -> bool:
        try:
            self._file = self.path.open("rb", buffering=0)
        except FileNotFoundError:
            return False
        return True

    def _appended(self) -> bytes:
        """Return what follows the bytes that were read; nothing, and begin anew, where these are no longer there."""
        assert self._file is not None
        number = self._file.fileno()
        head = os.pread(number, len(self._head), 0)
        data = os.pread(number, len(self._tail) + MOST_BYTES, self._place - len(self._tail))
        if head != self._head or not data.startswith(self._tail):
            self.close()
            self.complain(
                f"{self.path.name} was cut or rewritten: it is read from its start; rows that came since the last look "
                "and were cut off are not judged."
            )
            return b""
        new = data[len(self._tail) :]
        self._head = (self._head + new[:HEAD])[:HEAD]
        self._tail = data[-TAIL:]
        self._place += len(new)
        # Whoever writes on where it was before a cut leaves a hole.
        return new if self._partial or not self._begins else new.lstrip(b"\0")

    def _replaced(self) -> bool:
        """Tell whether another file has the name by now."""
        assert self._file is not None
        try:
            now = self.path.stat()
        except FileNotFoundError:
            return False  # the old one may still be written to
        mine = os.fstat(self._file.fileno())
        return (now.st_dev, now.st_ino) != (mine.st_dev, mine.st_ino)
