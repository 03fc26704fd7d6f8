"""Where in a configuration a parser's tree of errors begins to complain."""

import re
from collections.abc import Iterator


def place_of(text: str) -> list[str]:
    """Return the keys down to the first setting that is wrong, and the name of what is one of several, e.g. a source.

    Deeper keys stand further right; of several kinds that would do, each has its own complaint, and the first counts.
    """
    lines = [(len(line) - len(line.lstrip(" -|\t")), line) for line in text.splitlines()]
    keys = list(
        nested([(depth, found[1]) for depth, line in lines if (found := re.search(r'Parser key "(.+?)":', line))])
    )
    given: dict[int, str] = {}
    for depth, line in lines:
        if value := re.search(r"^ *Given value: (\{.+)", line):
            given.setdefault(depth - 2, value[1])  # as deep as its key
    place: list[str] = []
    around = ""
    for depth, key in keys:
        inside = given.get(depth, "")
        place += [key, *name_of(inside, around, key)]
        around = inside
    return place


def nested(keys: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield the first keys, by depth and name, as long as each stands deeper than the one before."""
    before = -1
    for depth, key in keys:
        if depth <= before:
            return
        yield depth, key
        before = depth


def name_of(inside: str, around: str, key: str) -> list[str]:
    """Return the name under which settings stand in those around them, where it is one and not the key itself."""
    names = set(re.findall(rf"'([^']+)': {re.escape(inside)}", around)) if inside else set()
    return list(names) if len(names) == 1 and key not in names else []
