"""What an exported model costs: `python scripts/benchmark_export.py RUN ...` prints a row for each run and form.

Raw values to physical answers, one thread each; torch and onnxruntime take turns, and the median of the ratios counts,
so that what else the machine does takes no side.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from dlkit.core.checks import InputError
from dlkit.export.exporting import export_run
from dlkit.export.physical import Physical
from dlkit.export.runtime import Model
from dlkit.export.windows import look
from dlkit.export.wish import Wish
from dlkit.train import stages

ROUNDS = 60


def seconds(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def compare(network, model, given):
    """Return the median seconds of torch and of the exported model, and the median of their ratios."""
    tensors = [torch.from_numpy(one) for one in given.values()]
    with torch.inference_mode():
        pairs = [(seconds(lambda: network(*tensors)), seconds(lambda: model.predict(given))) for _ in range(ROUNDS)]
    times = np.array(pairs[5:])
    return (*np.median(times, 0), np.median(times[:, 0] / times[:, 1]))


def main(paths):
    torch.set_num_threads(1)
    print("| run | form | MB | windows | torch ms | exported ms | times faster | difference |\n" + "|---" * 8 + "|")
    for path in paths:
        cli, run = stages.load([path])
        task, data = cli.model.cpu().eval(), cli.datamodule
        network = Physical(task)
        sample = look(network, data, 64)
        for int8 in (False, True):
            with TemporaryDirectory() as folder:
                wish = Wish(output=Path(folder) / "model.onnx", int8=int8, limit=10.0)
                try:
                    file, about = export_run(task, data, run, wish)
                except InputError as error:
                    print(f"| {run.path.name} | int8 | {error} |")
                    continue
                model, size = Model(file, threads=1), file.stat().st_size / 2**20
                off = about.get("int8", {"largest relative": about["checked"]["largest_difference"]})
                said = ", ".join(f"{name} {value:.2g}" for name, value in off.items())
                for count in (1, 64):
                    given = {name: value[:count] for name, value in sample.arrays("given").items()}
                    slow, fast, ratio = compare(network, model, given)
                    form = "int8" if int8 else "float32"
                    row = f"{size:.2f} | {count} | {1e3 * slow:.2f} | {1e3 * fast:.2f} | {ratio:.1f} | {said}"
                    print(f"| {run.path.name} | {form} | {row} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
