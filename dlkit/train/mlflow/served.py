"""A trained run as a function of a table."""

import tempfile
from pathlib import Path

import pandas as pd

from dlkit.core.runfolder import RunFolder
from dlkit.train import stages

HERE = ["--trainer.logger", "false", "--trainer.accelerator", "auto", "--trainer.devices", "1"]
"""Settings of the machine that answers, whatever trained."""


class Served:
    """Predicts as ``dlkit predict RUN --data FILE`` does.

    Args:
        path: Folder with config.yaml, data.json and the checkpoint.
    """

    def __init__(self, path: Path) -> None:
        self.run = RunFolder.open(path)
        self.cli, _ = stages.load([str(path), *HERE], reads=False)

    def predict(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the table of predictions.

        Args:
            table: What a file like those of the training would hold; or one column ``path`` with names of such files.
        """
        with tempfile.TemporaryDirectory() as folder:
            if list(table.columns) == ["path"]:
                files = [str(path) for path in table["path"]]
            else:
                files = [str(Path(folder) / "data.parquet")]
                table.to_parquet(files[0], index=False)
            path, _ = stages.predict(self.cli, self.run, files, Path(folder) / "predictions.parquet")
            return pd.read_parquet(path)
