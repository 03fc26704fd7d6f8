"""Whole lines of a text file as they are appended, through rotation, truncation and half-written lines."""

import os
from pathlib import Path
from typing import BinaryIO, NamedTuple

MOST_BYTES = 1 << 20


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
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._partial, self._begins = b"", True

    def read(self) -> Lines:
        """Return the whole lines that came since, about a megabyte at most; nothing when there are none yet."""
        if self._file is None and not self._open():
            return NOTHING
        assert self._file is not None
        data = self._file.read(MOST_BYTES)
        if not data:
            if self._replaced():
                self.close()
            return NOTHING
        whole, _, self._partial = (self._partial + data).rpartition(b"\n")
        if not whole:
            return NOTHING
        text = whole.decode("utf-8", errors="replace").split("\n")
        begins, self._begins = self._begins, False
        if begins:
            text[0] = text[0].removeprefix("\ufeff")
        return Lines([line.rstrip("\r") for line in text], begins)

    def close(self) -> None:
        """Let go of the file; what is read next is the start of the one that has its name then."""
        if self._file is not None:
            self._file.close()
        self._file, self._partial, self._begins = None, b"", True

    def _open(self) -> bool:
        try:
            self._file = self.path.open("rb", buffering=0)
        except FileNotFoundError:
            return False
        return True

    def _replaced(self) -> bool:
        """Tell whether another file has the name by now, or this one was cut."""
        assert self._file is not None
        try:
            now = self.path.stat()
        except FileNotFoundError:
            return False  # the old one may still be written to
        mine = os.fstat(self._file.fileno())
        return (now.st_dev, now.st_ino) != (mine.st_dev, mine.st_ino) or now.st_size < self._file.tell()
