"""Whether the nodes of a cluster see a folder."""

import os
from collections.abc import Sequence
from pathlib import Path

from dlkit.core.checks import require

LOCAL_KINDS = ("tmpfs", "ramfs", "devtmpfs", "hugetlbfs")
LOCAL_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108 - named to be refused


def kind_of_disk(path: Path, mounts: str) -> str:
    """Return the type of the file system that holds a path, from the text of /proc/mounts."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        words = line.split()
        point = words[1].encode().decode("unicode_escape")
        if path.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), words[2]
    return kind


def check_shared(path: Path, shared: Sequence[str], *, what: str) -> None:
    """Refuse a folder that other nodes do not see.

    Args:
        path: The folder, which need not exist yet.
        shared: Folders that are known to be shared; empty when a site names none.
        what: What it is and how to move it.

    Raises:
        InputError: It is on a disk of this machine alone.
    """
    real = Path(os.path.realpath(path))
    switch = "or say by --local-disk that all nodes see it"
    if shared:
        folders = [Path(os.path.realpath(os.path.expandvars(Path(folder).expanduser()))) for folder in shared]
        require(
            any(real.is_relative_to(folder) for folder in folders),
            f"{what} '{path}' is not in a folder that the site calls shared ({', '.join(shared)}): move it, {switch}.",
        )
        return
    mounts = Path("/proc/mounts")
    kind = kind_of_disk(real, mounts.read_text(encoding="utf-8")) if mounts.exists() else ""
    near = next((folder for folder in LOCAL_FOLDERS if real.is_relative_to(folder)), "")
    require(
        not near and kind not in LOCAL_KINDS,
        f"{what} '{path}' is on a disk of this machine ({near or kind}), which other nodes do not see: use a shared "
        f"folder, {switch}.",
    )
