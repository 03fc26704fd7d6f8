"""Time until `dlkit fit` takes its first optimizer step, beside `import pytorch_lightning`: separate processes in turn.

    python scripts/benchmark_startup.py

Processor time on one thread, medians of five; a DLinear on the packaged year of weather.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CONFIG = """
data:
  class_path: dlkit.data.datamodules.TimeSeriesDataModule
  init_args:
    source: {class_path: dlkit.data.sources.weather.TMY3Weather}
    targets: [temperature]
    look_back: 72
    look_forward: 24
model:
  class_path: dlkit.tasks.forecast.Forecast
  init_args: {net: {class_path: dlkit.models.dlinear.DLinear}}
trainer: {max_epochs: 1, accelerator: cpu}
"""
PROGRAMS = {
    "import pytorch_lightning": "import time, pytorch_lightning; print('used', time.process_time())",
    "dlkit fit, to the first step": """
import os, time, torch
def first_step(*arguments, **options):
    print("\\nused", time.process_time(), flush=True)
    os._exit(0)
torch.optim.Adam.step = first_step
from dlkit.__main__ import main
main(["fit", "config.yaml"])
""",
}


def seconds(program: str) -> float:
    """Return the processor time that a program prints."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.yaml").write_text(CONFIG, encoding="utf-8")
        environment, command = os.environ | {"OMP_NUM_THREADS": "1"}, [sys.executable, "-c", program]
        said = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout
    return float(next(line.split()[1] for line in said.splitlines() if line.startswith("used")))


if __name__ == "__main__":
    found: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(5):
        for name, program in PROGRAMS.items():
            found[name].append(seconds(program))
    for name, spent in found.items():
        print(f"{name}: {statistics.median(spent):.2f} s")
    print(f"ratio {statistics.median(b / a for a, b in zip(*found.values(), strict=True)):.2f}")
