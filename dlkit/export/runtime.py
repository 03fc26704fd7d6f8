"""Run an exported model: needs numpy and onnxruntime alone.

    python run_model.py model.onnx                      what goes in, what comes out
    python run_model.py model.onnx data.npz out.npz     predict

In Python: ``Model("model.onnx").predict({"x": array})``; arrays are in physical units, NaN where missing.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

META = "dlkit"


class RefusedError(ValueError):
    """One sentence that says what came and what is needed."""


class Model:
    """An exported model."""

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        if threads is not None:
            options.intra_op_num_threads = threads
        if not Path(path).is_file():
            raise RefusedError(f"There is no model '{path}'.")
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.about: dict[str, Any] = json.loads(self.session.get_modelmeta().custom_metadata_map[META])

    def predict(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the answers by name for arrays by name."""
        found = self.session.run(None, inputs)
        return dict(zip([one["name"] for one in self.about["outputs"]], found, strict=True))
