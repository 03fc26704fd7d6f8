"""On what a run was made: versions, machine, command; for ``environment.json``."""

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dlkit import __version__
from dlkit.core.runfolder import RunFolder, write_json

PACKAGES = ("torch", "pytorch-lightning", "torchmetrics", "numpy", "pandas", "scikit-learn")


def write_environment(run: RunFolder) -> None:
    """Write ``environment.json``; of a run that is trained further, on what it was trained last."""
    write_json(run.path / "environment.json", environment() | {"command": command()})


def environment() -> dict[str, Any]:
    """Return versions and machine as plain types."""
    import torch

    found: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "dlkit": __version__,
        "commit": commit(),
        "python": platform.python_version(),
        "packages": {name: known for name in PACKAGES if (known := version_of(name))},
        "system": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }
    if torch.cuda.is_available():
        found["gpus"] = [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
        found["cuda"] = torch.version.cuda
    return found


def command() -> str:
    """Return the command as it was typed."""
    return shlex.join(["dlkit" if Path(sys.argv[0]).stem in ("dlkit", "__main__") else sys.argv[0], *sys.argv[1:]])


def version_of(package: str) -> str:
    """Return the version of a package, "" of one that is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def commit() -> str:
    """Return the commit of the code that runs, with "changed" where files differ from it; "" outside of a clone."""
    here = Path(__file__).parents[2]
    if not (here / ".git").exists():
        return ""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=False, timeout=10)  # noqa: S603, S607 - no outside text
        return done.stdout.strip()

    try:
        found = git("rev-parse", "HEAD")
        return found + (" (changed)" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.TimeoutExpired):
        return ""


def processor() -> str:
    """Return the name of the processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
