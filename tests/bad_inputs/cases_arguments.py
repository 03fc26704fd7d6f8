"""Arguments that are wrong."""

from tests.bad_inputs.corpus import Case

RUN = "{}/runs/tiny-001"
FIT = ("fit", "{}/config.yaml")

TASK = """\
class_path: dlkit.tasks.forecast.Forecast
init_args: {net: {class_path: dlkit.models.linear.Linear}}
"""

ARGUMENTS = {
    "no file": Case(("give a YAML file",), args=("fit", "--trainer.max_epochs", "1")),
    "option that is not there": Case(("--colour",), args=(*FIT, "--colour", "red")),
    "override of nothing": Case(("batchsize", "did you mean 'batch_size'"), args=(*FIT, "--data.batchsize", "3")),
    "long override of nothing": Case(
        ("batchsize", "did you mean 'batch_size'"), args=(*FIT, "--data.init_args.batchsize", "3")
    ),
    "override of the trainer": Case(("'--trainer.max_epoch'",), args=(*FIT, "--trainer.max_epoch", "3")),
    "a word for a number": Case(("'all' is not a whole number",), args=(*FIT, "--trainer.max_epochs", "all")),
    "no epoch": Case(("max_epochs 0 trains nothing", "at least 1"), args=(*FIT, "--trainer.max_epochs", "0")),
    "no epoch in a run": Case(
        ("max_epochs 0 trains nothing",), args=("run", "{}/config.yaml", "--trainer.max_epochs=0")
    ),
    "no step": Case(("max_steps 0 trains nothing",), args=(*FIT, "--trainer.max_steps", "0")),
    "override of the net": Case(("width", "Linear", "individual"), args=(*FIT, "--model.net.width", "3")),
    "override in words": Case(("data.batch_size", "many", "whole number"), args=(*FIT, "--data.batch_size", "many")),
    "override without a value": Case(("--data", "expected one argument"), args=(*FIT, "--data.batch_size")),
    "net by a class that is not there": Case(
        ("model.net", "LSTMM", "did you mean"), args=(*FIT, "--model.net", "dlkit.models.lstm.LSTMM")
    ),
    "task with its net as net": Case(
        ("model.net", "task.yaml does not hold what belongs here", "--model .*task.yaml"),
        args=(*FIT, "--model.net", "{}/task.yaml"),
        make=lambda folder: (folder / "task.yaml").write_text(TASK),
    ),
    "file at the end": Case(("extra.yaml",), args=(*FIT, "--data.batch_size", "8", "extra.yaml")),
    "room that is not there": Case(("'nets'", "networks"), args=("list", "nets")),
    "no such run": Case(("runs/tiny-009", "run folder"), args=("test", RUN.replace("001", "009"))),
    "a run misspelt": Case(("did you mean '.*tiny-001'",), args=("test", "{}/runs/tiny-01"), trained=True),
    "run is a file": Case(("tiny.csv", "file"), args=("test", "{}/tiny.csv")),
    "run without config": Case(
        ("config.yaml", "run"), args=("predict", "{}/empty"), make=lambda folder: (folder / "empty").mkdir()
    ),
    "resume without a folder": Case(("--resume needs",), args=("fit", "--resume")),
    "resume of nothing": Case(("runs/no", "run folder"), args=("fit", "--resume", "{}/runs/no")),
    "test of an untrained net": Case(("no trained weights",), args=("test", "{}/config.yaml")),
    "predict without data files": Case(("--data",), args=("predict", RUN, "--data")),
    "runs is a file": Case(("runs=", "tiny.csv"), args=(*FIT, "--runs", "{}/tiny.csv")),
    "runs below a file": Case(("tiny.csv/runs", "not a folder"), args=(*FIT, "--runs", "{}/tiny.csv/runs")),
}
