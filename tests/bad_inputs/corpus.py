"""A tiny valid job, and what a case changes about it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

DROP = object()


def table(rows: int = 120, first: str = "2021-03-01") -> list[str]:
    """Return the lines of an hourly table with two channels."""
    lines = ["t,a,b"]
    day = int(first[-2:])
    for row in range(rows):
        value = (row * 7919) % 101 / 10
        lines.append(f"2021-03-{day + row // 24:02d}T{row % 24:02d}:00,{value},{row % 24}")
    return lines


def text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def cell(row: int, column: int, value: str, lines: list[str] | None = None) -> list[str]:
    """Return the table with one cell changed; rows are counted from 1 below the header."""
    lines = list(lines or table())
    cells = lines[row].split(",")
    cells[column] = value
    lines[row] = ",".join(cells)
    return lines


def column(number: int, value: str) -> str:
    """Return the table with one column of one value."""
    lines = table()
    for row in range(1, len(lines)):
        lines = cell(row, number, value, lines)
    return text(lines)


def tiny(folder: Path) -> dict[str, Any]:
    """Return a valid configuration that trains in an instant on ``tiny.csv``."""
    return {
        "name": "tiny",
        "runs": f"{folder}/runs",
        "seed_everything": 1,
        "data": {
            "class_path": "dlkit.data.datamodules.TimeSeriesDataModule",
            "init_args": {
                "source": {
                    "class_path": "dlkit.data.sources.files.Files",
                    "init_args": {"path": f"{folder}/tiny.csv", "time": "t"},
                },
                "targets": ["a"],
                "look_back": 8,
                "look_forward": 4,
                "batch_size": 16,
                "batches_per_step": 1,
                "cache": f"{folder}/cache",
            },
        },
        "model": {
            "class_path": "dlkit.tasks.forecast.Forecast",
            "init_args": {"net": {"class_path": "dlkit.models.linear.Linear"}},
        },
        "trainer": {
            "max_epochs": 1,
            "accelerator": "cpu",
            "enable_progress_bar": False,
            "enable_model_summary": False,
        },
    }


SHORT = {"D": "data.init_args", "S": "data.init_args.source", "M": "model.init_args", "T": "trainer"}


@dataclass(frozen=True)
class Case:
    """A bad input: what differs from a tiny job, and what the answer must say.

    Attributes:
        says: Patterns that the sentence must contain.
        change: Values by dotted key; the first letter may be short for a section (see ``SHORT``).
        config: Text of the configuration file instead of the tiny one.
        csv: Text of the data file instead of the tiny one.
        args: Arguments, with ``{}`` for the folder.
        make: Changes the folder at last.
        trained: Start from the folder of a trained run, ``{}/runs/tiny-001``.
        name: Name of the configuration file.
        job: Writes the valid job.
    """

    says: tuple[str, ...]
    change: dict[str, Any] = field(default_factory=dict)
    config: str | bytes | None = None
    csv: str | None = None
    args: tuple[str, ...] = ("fit", "{}/config.yaml")
    make: Callable[[Path], Any] | None = None
    trained: bool = False
    name: str = "config.yaml"
    job: Callable[[Path], Any] = field(default_factory=lambda: write_job)

    def prepare(self, folder: Path) -> list[str]:
        """Write the files into the folder and return the arguments."""
        if not self.trained:
            self.job(folder)
        if self.csv is not None:
            (folder / "tiny.csv").write_text(self.csv)
        if self.change:
            settings = yaml.safe_load((folder / self.name).read_text())
            for key, value in self.change.items():
                change(settings, key, value, folder)
            (folder / self.name).write_text(yaml.safe_dump(settings))
        if self.config is not None:
            content = self.config.encode() if isinstance(self.config, str) else self.config
            (folder / self.name).write_bytes(content)
        if self.make is not None:
            self.make(folder)
        return [part.format(folder) for part in self.args]


def write_job(folder: Path) -> None:
    """Write the tiny job."""
    (folder / "tiny.csv").write_text(text(table()))
    (folder / "config.yaml").write_text(yaml.safe_dump(tiny(folder)))


def change(settings: dict[str, Any], key: str, value: Any, folder: Path) -> None:
    """Set, or drop, the value at a dotted key."""
    first, _, rest = key.partition(".")
    *path, last = f"{SHORT.get(first, first)}.{rest}".strip(".").split(".")
    node = settings
    for part in path:
        node = node.setdefault(part, {})
    if value is DROP:
        del node[last]
    else:
        node[last] = value.format(folder) if isinstance(value, str) else value


def snapshot(folder: Path) -> dict[str, str]:
    """Return every path below the folder with a hash of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
        if path.name != ".lock"  # of a run, which another job may wait for
    }
