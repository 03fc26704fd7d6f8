"""Jobs of several processes: the same tiny run, started by dlkit itself or by torchrun."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
import yaml

from dlkit.core.runfolder import RunFolder
from tests.test_resume import CONFIG

HERE = Path(__file__).parent
WINDOWS = 512  # of a step, in all processes together
FOLDERS = [str(HERE.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]  # packages may lie where ours looks
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(FOLDERS)}


def write_job(path: Path, **change: Any) -> Path:
    """Write a configuration; ``change`` holds values by dotted key, ``__`` for the dots."""
    config = yaml.safe_load(CONFIG)
    config["trainer"] |= {"max_epochs": 2, "accelerator": "cpu"}
    config["data"]["init_args"]["batch_size"] = WINDOWS
    for key, value in change.items():
        *parts, last = key.split("__")
        node = config
        for part in parts:
            node = node[part]
        node[last] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(config))
    return path


def of(processes: int) -> list[str]:
    """Return the options that share a step among processes."""
    options = ["--data.batch_size", str(WINDOWS // processes), "--trainer.devices", str(processes)]
    return [*options, "--trainer.strategy", "ddp" if processes > 1 else "auto"]


def dlkit(*arguments: str, script: str = "", timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """Run the command line, or a script in its place."""
    command = [sys.executable, *([str(HERE / script)] if script else ["-m", "dlkit"]), *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=ENVIRONMENT, timeout=timeout, start_new_session=True
    )


def torchrun(processes: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in processes that torchrun starts."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    return subprocess.run(
        [*command, "-m", "dlkit", *arguments],
        check=False, capture_output=True, text=True, env=ENVIRONMENT, timeout=600,
    )  # fmt: skip


def last_of(run: RunFolder) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(run.checkpoints / "last.ckpt", weights_only=True)
    return found


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return what dlkit said of a failure, line by line."""
    return [line for line in done.stderr.splitlines() if line.startswith("dlkit")]
