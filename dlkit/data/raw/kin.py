"""Files of one folder with different columns: what each group is called, and which of their columns differ."""

import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from dlkit.core.checks import counted
from dlkit.core.finding import Finding, Place
from dlkit.data.raw.guess_files import Group
from dlkit.data.tabular.table_series import stem

LEAST = 2  # letters of a beginning that is a name
MOST_TOLD = 5  # groups
NAMED = 3  # columns


def name_of(files: Sequence[Path], taken: Collection[str] = ()) -> str:
    """Return what the names of files begin with, in whole words and numbers; else the first and how many more."""
    names = [stem(file) for file in files]
    shared = os.path.commonprefix(names)  # noqa: RUF071 - names, not paths
    after = "".join(name[len(shared) : len(shared) + 1] for name in names)
    for same in (r"\d", r"[^\W\d_]"):  # a number or a word that goes on is cut before it begins
        shared = re.sub(f"{same}+$", "", shared) if re.search(same, after) else shared
    name = shared.rstrip("_-. ")
    if len(name) < LEAST:
        name = names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
    return name if name not in taken else f"{name} ({names[0]})"


def other_columns(groups: Sequence[Group]) -> list[Finding]:
    """Return which groups share most of their columns with the largest group, and what is different in them."""
    if len(groups) < 2:
        return []
    usual = max(groups, key=lambda group: len(group.files))
    kin = [group for group in groups if group is not usual and _alike(group, usual)]
    return [_finding(group, usual) for group in kin[:MOST_TOLD]]


def _alike(group: Group, usual: Group) -> bool:
    both = len({*group.columns} & {*usual.columns})
    return 2 * both > max(len(group.columns), len(usual.columns))


def _finding(group: Group, usual: Group) -> Finding:
    lacks = [name for name in usual.columns if name not in group.columns]
    has = [name for name in group.columns if name not in usual.columns]
    parts = ["lack " + _listed(lacks)] if lacks else []
    parts += ["have " + _listed(has) + ("" if lacks else " too")] if has else []
    files = ", ".join(file.name for file in group.files[:NAMED]) + (", ..." if len(group.files) > NAMED else "")
    return Finding(
        kind="other columns", level="warning" if lacks and has else "note", count=len(group.files), of="files",
        what=f"{counted(len(group.files), 'file')} ({files}) {' and '.join(parts)}, unlike "
        f"{counted(len(usual.files), 'file')} such as {usual.files[0].name}: read as a source of {_its(group)} own.",
        why="A column that was renamed is another channel: its rows are missing in the first source. Give it one name "
        "in all files.",
        places=tuple(Place(series=file.name) for file in group.files[:20]),
    )  # fmt: skip


def _its(group: Group) -> str:
    return "its" if len(group.files) == 1 else "their"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:NAMED]) + (", ..." if len(names) > NAMED else "")
