"""Searches that are wrong."""

import yaml

from tests.bad_inputs.corpus import Case

STUDY = "{}/runs/tiny_tune-001"
BEGIN = ("tune", "{}/config.yaml", "--space", "{}/space.yaml")


def case(*says, args=(*BEGIN, "--trials", "3"), text=None, change=None, **content):
    """Return a case with a space file."""
    content.setdefault("space", {"model.lr": {"low": 1e-4, "high": 1e-2, "log": True}})

    def make(folder):
        (folder / "space.yaml").write_text(text if text is not None else yaml.safe_dump(content))

    return Case(says, args=args, make=make, change=change or {})


def tuned(key, **values):
    return {"space": {key: values}}


def no_study(folder):
    (folder / "runs" / "tiny_tune-001").mkdir(parents=True)


TUNE = {
    # ------------------------------------------------------------------ the space file
    "no space": case("what is tuned", "--space configs/tune/lstm.yaml", args=BEGIN[:2]),
    "space not there": case("There is no file", "did you mean", "space.yaml", args=(*BEGIN[:3], "{}/spaces.yaml")),
    "space is no yaml": case("space.yaml is not valid YAML", text="space: [1, 2"),
    "nothing tuned": case("names no setting to tune", space={}),
    "misspelt section": case("no setting 'pruned'", "did you mean 'pruner'", pruned="median"),
    "key beside space": case("no setting 'model.lr'", "goes below `space`", **{"model.lr": {"low": 1, "high": 2}}),
    "key that does not exist": case(
        "data.lookback", "did you mean 'look_back'", **tuned("data.lookback", choices=[4, 8])
    ),
    "net's key that does not exist": case(
        "model.net.hidden_size", "Linear has no setting", **tuned("model.net.hidden_size", choices=[4, 8])
    ),
    "below nothing": case("model.scheduler.gamma", "holds None", **tuned("model.scheduler.gamma", low=0.1, high=0.9)),
    "value of a wrong kind": case("value is not accepted", "batch_size", **tuned("data.batch_size", choices=[8, "b"])),
    "fractions of whole numbers": case("batch_size", "whole number", **tuned("data.batch_size", low=8.0, high=64.0)),
    "class that does not exist": case(
        "LSTMM", "did you mean", **tuned("model.net", choices=[{"class_path": "dlkit.models.lstm.LSTMM"}])
    ),
    "setting of a choice": case(
        "LSTM has no setting 'hiden_size'",
        "hidden_size",
        **tuned("model.net", choices=[{"class_path": "dlkit.models.lstm.LSTM", "init_args": {"hiden_size": 4}}]),
    ),
    "setting that a choice lacks": case(
        "model.net.individual",
        "with model.net: MLP",
        "into the choices",
        space={
            "model.net": {"choices": [{"class_path": "dlkit.models.mlp.MLP"}]},
            "model.net.individual": {"choices": [True, False]},
        },
    ),
    "low above high": case("low 0.1 must be below high 0.01", **tuned("model.lr", low=0.1, high=0.01)),
    "logarithm of zero": case("low 0 must be positive", "log", **tuned("model.lr", low=0, high=1, log=True)),
    "step and log": case("step", "log is true", **tuned("model.lr", low=1, high=9, log=True, step=2)),
    "words as a range": case("be numbers", "choices: \\[1d, 2d\\]", **tuned("data.look_back", low="1d", high="2d")),
    "misspelt range": case("there is no 'hgh'", "did you mean 'high'", **tuned("model.lr", low=0.1, hgh=0.2)),
    "a bare list": case("gives no values", "{choices: \\[1, 2\\]}", space={"data.look_back": [1, 2]}),
    "empty choices": case("choices must be a list", **tuned("data.look_back", choices=[])),
    "a choice twice": case("'8' comes twice", **tuned("data.look_back", choices=[8, 8])),
    "beside choices": case("'log' stands beside choices", **tuned("data.look_back", choices=[8], log=True)),
    "tuned split": case("data.split", "cannot be tuned", **tuned("data.split", choices=[None])),
    "loss by its own loss": case(
        "model.loss is tuned", "val/mae", **tuned("model.loss", choices=[{"class_path": "dlkit.losses.pointwise.MAE"}])
    ),
    # ------------------------------------------------------------------ how it is searched
    "metric of the test": case("'test/loss' is not measured in validation", metric="test/loss"),
    "metric that nothing logs": case("'val/meae'", "did you mean 'val/mae'", metric="val/meae", direction="minimize"),
    "no direction": case("direction of 'val/mae' is missing", metric="val/mae"),
    "no such direction": case("direction 'down'", metric="val/mae", direction="down"),
    "sampler that is not there": case("no sampler 'tpee'", "did you mean 'tpe'", sampler="tpee"),
    "pruner that is not there": case("no pruner 'medium'", "did you mean 'median'", pruner="medium"),
    "option of a sampler": case(
        "tpe has no option 'n_startup'", "n_startup_trials", sampler={"name": "tpe", "n_startup": 3}
    ),
    "grid without an end": case("model.lr: sampler grid needs a finite number", sampler="grid"),
    "cmaes of one number": case("cmaes moves in at least two", sampler="cmaes"),
    "wilcoxon without folds": case("wilcoxon compares", "folds: 5", pruner="wilcoxon"),
    "one fold": case("folds 1 would leave nothing to train", folds=1),
    "seed in words": case("seed 'one' must be a whole number", seed="one"),
    # ------------------------------------------------------------------ the command
    "no number of trials": case("Give --trials", args=BEGIN),
    "no trials": case("--trials 0 tries nothing", args=(*BEGIN, "--trials", "0")),
    "trials in words": case("--trials: invalid int value: 'many'", args=(*BEGIN, "--trials", "many")),
    "no workers": case("--workers 0", "at least 1", args=(*BEGIN, "--trials", "3", "--workers", "0")),
    "two devices": case("trainer.devices is 2", "--workers", change={"T.devices": 2}),
    "resources without slurm": case("--time is of a Slurm job", args=(*BEGIN, "--trials", "3", "--time", "1h")),
    "misspelt override": case("'--trainer.max_epoch'", args=(*BEGIN, "--trials", "3", "--trainer.max_epoch", "3")),
    "no such study": case("There is no study folder", args=("tune", STUDY)),
    "no study": Case(("is not the folder of a study", "no base.yaml"), args=("tune", STUDY), make=no_study),
    "changed study": Case(
        ("cannot be changed in a study that has begun",),
        args=("tune", STUDY, "--trainer.max_epochs", "3"),
        make=no_study,
    ),
}
