"""Lightning's advice about settings that are right here is left out."""

import logging
import warnings

# Lightning's advice about settings that are right here: in-memory windows need no workers, short epochs may log rarely.
ADVICE = (
    "does not have many workers",
    "number of training batches",
    "exists and is not empty",
    "infer the batch indices",
    "not supported by the model summary",
    "is deprecated, use `isinstance",
    "args parameter is intended to run from within Python",
    "command is available on your system but is not used",
    "It is recommended to use `self.log",  # measures are joined before they are logged
    "Total length of `list` across ranks is zero",  # nothing validates, as the user wants it
)
CHATTY = (
    "pytorch_lightning.utilities.rank_zero",
    "lightning_fabric.utilities.rank_zero",
    "lightning_fabric.utilities.seed",
    "lightning_fabric.utilities.distributed",
)


def quiet_lightning() -> None:
    """Leave out Lightning's hints; what it warns of stays."""
    for advice in ADVICE:
        warnings.filterwarnings("ignore", message=f".*{advice}.*")
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
