"""An exported model that is written by hand: what it answers is the mean over time of each channel."""

import json

import onnx
from onnx import TensorProto, helper

X = {
    "name": "x", "axes": ["batch", "channels", "time"], "shape": [2, 4], "channels": ["temperature", "pressure"],
    "units": ["degC", "mbar"], "meaning": "inputs", "times": [-3.0, -2.0, -1.0, 0.0],
    "typical": [[-50.0, 70.0], [800.0, 1200.0]],
}  # fmt: skip
POINT = {
    "name": "point", "axes": ["batch", "targets"], "shape": [2], "channels": ["temperature", "pressure"],
    "units": ["degC", "mbar"], "meaning": "mean", "times": [], "typical": [],
}  # fmt: skip
ABOUT = {
    "format": 1, "name": "weather-001", "kind": "values", "network": "Linear", "inputs": [X], "outputs": [POINT],
    "level": 0.9, "classes": [], "padded": False,
}  # fmt: skip


def write_model(path, about=ABOUT):
    """Write the model and return its path."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2, 4])
    point = helper.make_tensor_value_info("point", TensorProto.FLOAT, ["batch", 2])
    node = helper.make_node("ReduceMean", ["x"], ["point"], axes=[2], keepdims=0)
    graph = helper.make_graph([node], "made", [x], [point])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    if about is not None:
        helper.set_model_props(model, {"dlkit": json.dumps(about)})
    onnx.save(model, path)
    return path
