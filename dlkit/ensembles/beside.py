"""Train the other networks of an ensemble beside the one of a run: ``confidence: {ensemble: 5}``."""

from typing import Any

import yaml

from dlkit.core.checks import require
from dlkit.core.processes import leads, wait_for_all
from dlkit.core.runfolder import RunFolder
from dlkit.ensembles.begin import require_mixed
from dlkit.ensembles.folder import write_member
from dlkit.train import stages
from dlkit.train.evaluation.members import join_recorded, record
from dlkit.train.run_place import is_trained

FOLDER = "members"


def train_beside(cli: Any, run: RunFolder, members: int) -> None:
    """Train the networks that are missing, in ``RUN/members``, and let the task of the run answer with all of them.

    What an earlier try has trained is not trained again.

    Args:
        cli: Data, task and trainer of a run that was trained just now.
        run: Its folder.
        members: How many networks shall answer together, the run's own being the first.

    Raises:
        InputError: Such networks cannot be mixed.
    """
    require_mixed(cli.model, members)
    require(run.config.is_file(), f"'{run.path}' has no config.yaml to train others by.")
    config = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    runs = [RunFolder(run.path / FOLDER / f"member-{number}") for number in range(2, members + 1)]
    for number, other in enumerate(runs, 2):
        if leads():
            write_member(config, other, number)
        wait_for_all()
        if not is_trained(other):
            print(f"member {number} of {members}", flush=True)
            stages.fit(["--into", str(other.path)])
    if leads():
        record(run, [other.path for other in runs], members=members)
    wait_for_all()
    join_recorded(cli.model, run)
