"""Parts of a configuration, as changes of a case."""


def net(path, **settings):
    return {"M.net": {"class_path": f"dlkit.models.{path}", "init_args": settings}}


def split(path, **settings):
    return {"D.split": {"class_path": f"dlkit.data.{path}", "init_args": settings}}


def part(setting, path, **settings):
    return {setting: {"class_path": path, "init_args": settings}}


def loss(**settings):
    return part("M.loss", "dlkit.losses.quantile.Pinball", **settings)


def callback(name, **settings):
    return {"T.callbacks": [{"class_path": f"pytorch_lightning.callbacks.{name}", "init_args": settings}]}
