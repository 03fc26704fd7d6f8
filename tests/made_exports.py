"""Trained tasks as files, without training: a run folder that has what an export reads, and nothing else."""

import torch

from dlkit.core.runfolder import RunFolder
from dlkit.export.exporting import export_run
from dlkit.export.runtime import Model
from dlkit.export.wish import Wish
from dlkit.train.anomalies.files import write_detectors
from dlkit.train.confidence import confidence
from dlkit.train.confidence.wish import Wish as Calibration


def run_folder(path):
    run = RunFolder(path)
    run.checkpoints.mkdir(parents=True)
    run.config.write_text("name: made\n")
    torch.save({"state_dict": {}}, run.checkpoints / "best.ckpt")
    return run


def ready(task, data):
    """Let a task know its data, and give its batch norms statistics that are not 0 and 1."""
    data.setup()
    task.take_scaling(data)
    torch.manual_seed(3)
    for part in task.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            part.running_mean.normal_(0, 0.3)
            part.running_var.uniform_(0.5, 2)
    return task.eval()


def exported(path, task, data, heads=None, detectors=None, **wish):
    """Return the model in a file, and what it says of itself."""
    run = run_folder(path)
    if detectors is not None:
        write_detectors(run, detectors)
    if heads is not None:
        confidence.write(run, confidence.Confidence(Calibration(), heads))
    file, about = export_run(ready(task, data), data, run, Wish(**{"windows": 5} | wish))
    return Model(file, threads=1), about
