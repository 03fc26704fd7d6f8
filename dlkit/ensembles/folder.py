"""The folder of an ensemble: the run folder of all members together, and one run folder for each of them."""

from pathlib import Path
from typing import Any

import yaml

from dlkit.core.checks import InputError, require, suggest
from dlkit.core.runfolder import RunFolder, atomic_file, fresh_run, write_json
from dlkit.train.evaluation.members import FILE, known_of
from dlkit.train.run_place import is_trained


class EnsembleFolder:
    """Names of what an ensemble leaves behind.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.whole = RunFolder(self.path)

    @classmethod
    def open(cls, path: Path) -> "EnsembleFolder":
        """Return an existing folder.

        Raises:
            InputError: There is none, or it is not that of an ensemble.
        """
        path = Path(path)
        near = [str(found.parent) for found in path.parent.glob(f"*/{FILE}")]
        known = suggest(str(path), near) if near else "begin one with `dlkit ensemble CONFIG.yaml --members 5`."
        require(path.is_dir(), f"There is no folder '{path}'; {known}")
        folder = cls(path)
        require(
            folder.whole.config.is_file() and "members" in known_of(folder.whole),
            f"'{path}' is not the folder of an ensemble: it has no config.yaml and {FILE}; {known}",
        )
        return folder

    @property
    def count(self) -> int:
        """Number of members."""
        return int(known_of(self.whole)["members"])

    def run(self, number: int) -> RunFolder:
        """Return the run folder of a member, from 1."""
        return RunFolder(self.path / f"member-{number}")

    def missing(self) -> list[int]:
        """Return the numbers of the members that are still to be trained."""
        return [number for number in range(1, self.count + 1) if not is_trained(self.run(number))]

    def prepare(self, number: int) -> RunFolder:
        """Write the configuration of a member, or check that it is there.

        Raises:
            InputError: There is no such member, or its folder holds another configuration.
        """
        require(
            1 <= number <= self.count,
            f"--member {number} is none of the members 1 to {self.count} of '{self.path}'.",
        )
        config = yaml.safe_load(self.whole.config.read_text(encoding="utf-8"))
        return write_member(config, self.run(number), number)


def write_member(config: dict[str, Any], run: RunFolder, number: int) -> RunFolder:
    """Write the configuration of a member: that of all of them with a seed of its own; leave the same one alone.

    Args:
        config: What all members are trained by.
        run: Where this one is trained.
        number: From 1; the first has the seed of the configuration.

    Raises:
        InputError: The folder holds another configuration.
    """
    wanted = config | {
        "seed_everything": int(config["seed_everything"]) + number - 1,
        "name": run.path.name, "runs": str(run.path.parent), "confidence": None,
    }  # fmt: skip
    if run.config.is_file():
        found = yaml.safe_load(run.config.read_text(encoding="utf-8"))
        other = [key for key in ("data", "model", "seed_everything") if found.get(key) != wanted[key]]
        if other:
            raise InputError(
                f"'{run.path}' holds another configuration: its {' and '.join(f'`{key}`' for key in other)} differ: "
                "remove this folder, or begin a new ensemble."
            )
        return run
    run.path.mkdir(parents=True, exist_ok=True)
    with atomic_file(run.config) as work:
        work.write_text(yaml.safe_dump(wanted, sort_keys=False), encoding="utf-8")
    return run


def create(cli: Any, members: int) -> EnsembleFolder:
    """Make the folder of an ensemble, ``RUNS/NAME_ensemble-001``.

    Args:
        cli: Parsed configuration.
        members: How many there shall be.
    """
    with fresh_run(Path(cli.config["runs"]), f"{cli.config['name']}_ensemble") as path:
        folder = EnsembleFolder(path)
        with atomic_file(folder.whole.config) as work:
            cli.parser.save(cli.config, work, skip_unset=False, overwrite=True, multifile=False)
        write_json(path / FILE, {"members": members})
    return folder
