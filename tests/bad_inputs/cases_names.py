"""Names that do not exist: sections, settings, classes; and classes of the wrong kind."""

from tests.bad_inputs.corpus import DROP, Case
from tests.bad_inputs.parts import callback, loss, net, part, split

FIT = ("fit", "{}/config.yaml")

NAMES = {
    "section": Case(("config.yaml", "'modle'", "did you mean 'model'"), {"modle": {}}),
    "setting of the data": Case(("'batchsize'", "did you mean 'batch_size'"), {"D.batchsize": 3}),
    "setting of the source": Case(("'pth'", "did you mean 'path'"), {"S.init_args.pth": "x"}),
    "setting of the split": Case(("'vall'", "did you mean 'val'"), split("splits.ByFraction", vall=0.1)),
    "setting of the normalizer": Case(
        ("normalizer", "'epsilon'"), part("D.normalizer", "dlkit.data.normalize.Standard", epsilon=1)
    ),
    "setting of the net": Case(("'hidden'", "did you mean 'hidden_size'"), net("lstm.LSTM", hidden=3)),
    "setting of the loss": Case(("'quantile'", "did you mean 'quantiles'"), loss(quantile=[0.5])),
    "setting of the optimizer": Case(
        ("optimizer", "'learning_rate'"), part("M.optimizer", "torch.optim.Adam", learning_rate=1)
    ),
    "setting of the scheduler": Case(
        ("'step_sise'", "did you mean 'step_size'"),
        part("M.scheduler", "torch.optim.lr_scheduler.StepLR", step_sise=1),
    ),
    "setting of the task": Case(("'los'", "did you mean 'loss'"), {"M.los": 3}),
    "setting of the trainer": Case(("'max_epoch'", "did you mean 'max_epochs'"), {"T.max_epoch": 3}),
    "setting of a callback": Case(
        ("'patienc'", "did you mean 'patience'"),
        callback("EarlyStopping", monitor="val/loss", patienc=3),
    ),
    "setting beside class_path": Case(("'look_back'", "init_args"), {"data.look_back": 3}),
    "init_args misspelt": Case(("'init_arg'", "init_args"), {"data.init_arg": {}}),
    "class_path misspelt": Case(("data", "class_path"), {"data.class_path": DROP, "data.clas_path": "x"}),
    "init_args is a list": Case(("init_args", "settings"), {"S.init_args": [1]}),
    "class misspelt": Case(
        ("'dlkit.models.linear.Linaer'", "did you mean 'dlkit.models.linear.Linear'"), net("linear.Linaer")
    ),
    "module misspelt": Case(
        ("'dlkit.models.linaer.Linear'", "did you mean 'dlkit.models.linear.Linear'"), net("linaer.Linear")
    ),
    "room misspelt": Case(("'dlkit.model.linear.Linear'", "dlkit.models"), part("M.net", "dlkit.model.linear.Linear")),
    "bare class name": Case(("'LSTN'", "did you mean 'dlkit.models.lstm.LSTM'"), part("M.net", "LSTN")),
    "foreign class": Case(("'nowhere.Net'", "installed"), part("M.net", "nowhere.Net")),
    "optimizer that is not there": Case(("torch.optim.Adamm", "Adam"), part("M.optimizer", "torch.optim.Adamm")),
    "a loss as net": Case(("net", "MSE", "Net"), part("M.net", "dlkit.losses.pointwise.MSE")),
    "a net as loss": Case(("loss", "Linear", "is no loss of values"), part("M.loss", "dlkit.models.linear.Linear")),
    "a function as net": Case(("model.net", "makes no Net"), part("M.net", "dlkit.losses.base.masked_mean")),
    "a module as net": Case(("net", "dlkit.models.linear"), part("M.net", "dlkit.models.linear")),
    "an abstract class as net": Case(("net", "Net"), part("M.net", "dlkit.models.base.Net")),
    "a split as source": Case(("source", "ByFraction"), {"S": {"class_path": "dlkit.data.splits.ByFraction"}}),
    "a net as task": Case(("model", "Linear", "Task"), {"model": {"class_path": "dlkit.models.linear.Linear"}}),
    "a source as data": Case(
        ("data", "TMY3Weather", "DataModule"), {"data": {"class_path": "dlkit.data.sources.weather.TMY3Weather"}}
    ),
    "an optimizer that is a net": Case(("optimizer", "Linear"), part("M.optimizer", "dlkit.models.linear.Linear")),
    **{
        f"{setting} by the name of its class": Case(
            (f"`{setting}`: there is no class '{name}'", f"did you mean '{meant}'"),
            args=(*FIT, f"--{setting}", name),
        )
        for setting, name, meant in (
            ("model.net", "lstm", "dlkit.models.lstm.LSTM"),
            ("model.loss", "MSEE", "dlkit.losses.pointwise.MSE"),
            ("model.optimizer", "AdamWW", "torch.optim.AdamW"),
            ("data.source", "File", "dlkit.data.sources.files.Files"),
            ("data.split", "byfraction", "dlkit.data.splits.ByFraction"),
        )
    },
    "a name like no class": Case(("`model.net`", "whole import path", "dlkit list"), args=(*FIT, "--model.net", "zzz")),
    "a number as net": Case(("`model.net`", "there is no class '12'"), args=(*FIT, "--model.net", "12")),
    "setting of no optimizer": Case(
        ("`model.optimizer`: no optimizer is chosen", "`model.lr`"), args=(*FIT, "--model.optimizer.lr", "0.01")
    ),
    "setting of no scheduler": Case(
        ("`model.scheduler`: no class is chosen", "class_path"), args=(*FIT, "--model.scheduler.gamma", "0.5")
    ),
    "no data": Case(("config.yaml", "`data`"), {"data": DROP}),
    "no model": Case(("config.yaml", "`model`"), {"model": DROP}),
    "no targets": Case(("targets", "data"), {"D.targets": DROP}),
    "no source": Case(("source", "data"), {"S": DROP}),
    "no net": Case(("net", "model"), {"M.net": DROP}),
    "no path": Case(("data.source", "'path' is missing"), {"S.init_args.path": DROP}),
}
