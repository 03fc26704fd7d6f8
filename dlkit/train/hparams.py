"""Settings and final metrics of a run for TensorBoard's HParams tab."""

import math
from typing import Any

from pytorch_lightning.loggers import TensorBoardLogger

from dlkit.core.runfolder import RunFolder
from dlkit.train.settings import compared


def write_hparams(run: RunFolder, config: dict[str, Any], headline: dict[str, float]) -> None:
    """Write settings and final metrics for TensorBoard's HParams tab."""
    metrics = {f"hp/test_{name}": value for name, value in headline.items()}
    logger = TensorBoardLogger(run.path, name="tensorboard", version="", default_hp_metric=False)
    settings = compared(config)
    logger.log_hyperparams(settings, {key: value for key, value in metrics.items() if math.isfinite(value)})
    logger.experiment.flush()
    logger.experiment.close()
