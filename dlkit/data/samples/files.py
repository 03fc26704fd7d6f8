"""Files of samples, by role or not."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dlkit.core.checks import require
from dlkit.data.splits import ROLES
from dlkit.data.tabular.files import find_files

SPELLINGS = {"training": "train", "valid": "val", "validation": "val", "dev": "val", "testing": "test"}


def role_of(word: str) -> str | None:
    """Return the role that a word such as ``Validation`` names, or None."""
    name = SPELLINGS.get(word.strip().lower(), word.strip().lower())
    return name if name in ROLES else None


def files_by_role(
    path: str | Path | Sequence[str | Path] | Mapping[str, str], known: Sequence[str]
) -> Iterator[tuple[str | None, list[Path]]]:
    """Yield the files of each role, or all of them with None where no role is named.

    Args:
        path: File, folder, glob or list of these, or one for each role.
        known: Suffixes of the files that can be read.

    Raises:
        InputError: A file is absent or of another format, or a role is not known.
    """
    for word, where in path.items() if isinstance(path, Mapping) else [(None, path)]:
        role = None if word is None else role_of(word)
        require(word is None or role is not None, f"`path` names the role '{word}': name train, val or test.")
        files = find_files(where, known)
        strange = [file.name for file in files if file.suffix.lower() not in known]
        require(not strange, f"`path` names {', '.join(strange[:5])}; only {', '.join(known)} can be read.")
        yield role, files
