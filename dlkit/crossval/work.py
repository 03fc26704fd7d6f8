"""Make the folds of a cross-validation on this machine or on a cluster, and gather them."""

from dlkit.crossval.folder import CrossvalFolder
from dlkit.crossval.gather import gather
from dlkit.submit.numbered import Parts


def folds_of(folder: CrossvalFolder) -> Parts:
    """Return how the folds are made."""
    return Parts(folder, "crossval", "fold", lambda: finish(folder))


def finish(folder: CrossvalFolder) -> None:
    """Gather the folds and say where everything is."""
    folds_of(folder).require_all("made")
    print(gather(folder))
    print(f"metrics: {folder.metrics}\npredictions: {folder.predictions}\nfigures: {folder.figures}")
