"""Train the members of an ensemble on this machine or on a cluster, and gather them."""

from dlkit.ensembles.folder import EnsembleFolder
from dlkit.ensembles.gather import gather
from dlkit.submit.numbered import Parts
from dlkit.train import stages


def members_of(folder: EnsembleFolder) -> Parts:
    """Return how the members are trained."""
    return Parts(folder, "ensemble", "member", lambda: finish(folder))


def finish(folder: EnsembleFolder) -> None:
    """Gather the members."""
    members_of(folder).require_all("trained")
    gather(folder)


def train_member(folder: EnsembleFolder, number: int) -> None:
    """Train a member, or go on where an earlier try was cut off."""
    run = folder.prepare(number)
    stages.fit(["--into", str(run.path)])
    print(f"member {number}: {run.path}")
