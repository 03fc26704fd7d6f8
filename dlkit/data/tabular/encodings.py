"""How bytes become text: what a file says of it, and what a setting may say."""

import codecs
import gzip
from pathlib import Path
from typing import Any

from dlkit.core.checks import InputError, suggest

UTF8 = "utf-8"
USUAL = ("utf-8", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "cp1250", "cp1251", "shift_jis", "gb18030")
MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF16_LE: "utf-16",
         codecs.BOM_UTF16_BE: "utf-16"}  # fmt: skip
"""Bytes with which a file begins that says how it is written, the longer ones first."""
PIECE, MOST = 1 << 20, 64 << 20  # bytes that are looked at in one go, and of all
NULLS = 0.3  # share of null bytes on one side of each pair, from which on these are letters of two bytes


def check_encoding(name: str) -> None:
    """Refuse what is no encoding of text."""
    try:
        "a,b\n".encode(name).decode(name)
    except (LookupError, UnicodeError) as error:
        raise InputError(f"`encoding: {name}` is not known; {suggest(name, USUAL)}") from error


def is_utf8(name: str) -> bool:
    """Tell whether an encoding is UTF-8, with a mark at the start or without."""
    return codecs.lookup(name).name in ("utf-8", "utf-8-sig")


def open_bytes(path: Path) -> Any:
    """Open a file of text, packed or not."""
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")


def guess_encoding(path: Path) -> str:
    """Return how a file of text is written, told by at most its first 64 MB; "" where it is plain ASCII.

    Bytes that are no UTF-8 are Latin-1, or cp1252 where they have one of its letters between 0x80 and 0x9f: other
    encodings of one byte a letter cannot be told from these.

    Raises:
        OSError: It cannot be read.
    """
    decoder, utf8, plain, high = codecs.getincrementaldecoder(UTF8)(), True, True, set[int]()
    with open_bytes(path) as file:
        piece, seen = file.read(PIECE), 0
        if (wide := _wide(piece)) is not None:
            return wide
        while piece and seen < MOST:
            seen += len(piece)
            if not piece.isascii():
                plain = False
                high.update(byte for byte in set(piece) if byte > 0x7F)
            utf8 = utf8 and _decodes(decoder, piece)
            piece = file.read(PIECE)
    if plain or utf8:
        return "" if plain else UTF8
    letters = bytes(byte for byte in sorted(high) if byte < 0xA0)
    return "cp1252" if letters and _known(letters, "cp1252") else "latin-1"


def _wide(start: bytes) -> str | None:
    """Return the encoding of two or four bytes a letter that a file begins with, None where it is none."""
    found = next((name for mark, name in MARKS.items() if start.startswith(mark)), None)
    if found is not None or len(start) < 4:
        return found
    even, odd = (start[side::2].count(0) / len(start[side::2]) for side in (0, 1))
    if max(even, odd) > NULLS and min(even, odd) < NULLS / 3:
        return "utf-16-be" if even > odd else "utf-16-le"
    return None


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes) -> bool:
    try:
        decoder.decode(piece)
    except UnicodeDecodeError:
        return False
    return True


def _known(letters: bytes, encoding: str) -> bool:
    try:
        letters.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
