"""Write a traced network as ONNX."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch.export import ExportedProgram

from dlkit.core.checks import InputError
from dlkit.export.runtime import META
from dlkit.export.tracing import quiet
from dlkit.export.translation import TABLE


def write_onnx(path: Path, program: ExportedProgram, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Write a program.

    Raises:
        InputError: ONNX lacks one of its operations.
    """
    try:
        with quiet():
            made = torch.onnx.export(
                program, input_names=inputs, output_names=outputs, custom_translation_table=TABLE, verbose=False
            )
    except Exception as error:  # the exporter has many
        why = str(error.__cause__ or error).strip().splitlines()[0]
        raise InputError(f"ONNX cannot hold this network ({why}): export it by `--to torch`.") from error
    assert made is not None
    made.save(path)


def answers_of(path: Path, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what a file answers."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(given)), strict=True))


def describe_file(path: Path, about: dict[str, Any]) -> None:
    """Write what a file says of itself into it, and call the free axis "batch"."""
    model = onnx.load(path)
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    del model.graph.value_info[:]
    onnx.helper.set_model_props(model, {META: json.dumps(about)})
    onnx.save(model, path)
