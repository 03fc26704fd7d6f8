"""What MLflow runs to load the model of a run: a few lines that it keeps beside config and checkpoint."""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from dlkit.train.mlflow.served import Served


class RunModel(PythonModel):
    """A trained run."""

    def load_context(self, context: PythonModelContext) -> None:
        """Build the network and read its weights."""
        self.served = Served(Path(context.artifacts["run"]))

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Return the predictions for a table."""
        return self.served.predict(model_input)


set_model(RunModel())
