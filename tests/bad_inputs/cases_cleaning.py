"""Steps of `clean:` that cannot be."""

from typing import Any

from tests.bad_inputs.corpus import Case

DAYS = [["2021-03-01", "2021-03-09"]]


def clean(path: str, *said: str, **settings: Any) -> Case:
    """Return a job with one step."""
    step = {"class_path": f"dlkit.data.cleaning.{path}", "init_args": settings}
    return Case(said, {"D.clean": [step]})


CLEANING = {
    "step that is not there": clean("magic.Magic", "clean", "magic"),
    "step without a list": Case(("clean", "list"), {"D.clean": "despike"}),
    "setting that is not there": clean("mask.Mask", "Mask", "sentinel", sentinel=-9999),
    "mask of nothing": clean("mask.Mask", "Mask masks nothing", "values"),
    "mask of everything": clean("mask.Mask", "Mask below=5", "swap", below=5, above=1),
    "mask that leaves nothing": clean("mask.Mask", "no value in the training rows", "'a'", channels=["a"], below=1e9),
    "channel that is not there": clean("mask.Mask", "Mask.channels", "'c'", "a, b", channels=["c"], values=[0]),
    "interval that is no pair": clean("drop.DropRows", "DropRows.during", "no interval", during=[["2021-03-01"]]),
    "interval that is no date": clean("drop.DropRows", "DropRows.during", "'soon'", during=[["soon", "later"]]),
    "interval that ends before it begins": clean(
        "drop.DropRows", "ends before it begins", during=[["2021-03-02", "2021-03-01"]]
    ),
    "no interval": clean("drop.DropRows", "DropRows.during is empty", during=[]),
    "all rows dropped": clean("drop.DropRows", "no rows", during=DAYS),
    "all channels dropped": clean("drop.DropChannels", "leaves none", channels=["*"]),
    "target dropped": clean("drop.DropChannels", "targets", "'a'", channels=["a"]),
    "clip without bounds": clean("clip.Clip", "Clip needs", "quantiles", channels=["a"]),
    "clip bounds swapped": clean("clip.Clip", "Clip lower=3", "swap", channels=["a"], lower=3, upper=1),
    "quantiles beyond one": clean("clip.Clip", "quantiles", "0.001", channels=["a"], quantiles=[1, 99]),
    "width that is no duration": clean("despike.Despike", "Despike.width", "'wide'", channels=["a"], width="wide"),
    "width of one row": clean("despike.Despike", "Despike.width", "1 rows", "longer", channels=["a"], width="1h"),
    "threshold below zero": clean("despike.Despike", "threshold=-1", channels=["a"], width="9h", threshold=-1),
    "replace by magic": clean("despike.Despike", "replace", channels=["a"], width="9h", replace="magic"),
    "interpolation that looks ahead without leave": clean(
        "interpolate.Interpolate", "look_ahead: true", "'last'", channels=["a"], limit="3h", method="linear"
    ),
    "interpolation without a limit": clean("interpolate.Interpolate", "limit", channels=["a"]),
    "filter of an unknown kind": clean("filter.Filter", "kind", channels=["a"], kind="notch", cutoff="6h"),
    "filter above half of the rate": clean("filter.Filter", "half of the rate", channels=["a"], cutoff="90min"),
    "filter of nothing": clean("filter.Filter", "cutoff=0", "positive", channels=["a"], cutoff=0),
    "band with one edge": clean("filter.Filter", "bandpass needs 2", channels=["a"], kind="bandpass", cutoff="9h"),
    "filter of order 99": clean("filter.Filter", "order=99", channels=["a"], cutoff="9h", order=99),
    "median without a width": clean("detrend.Detrend", "`width`", channels=["a"], method="median"),
    "line that looks ahead": clean("detrend.Detrend", "look_ahead", channels=["a"], look_ahead=True),
    "factor of nothing": clean("scale.Scale", "factor=0", channels=["a"], factor=0),
    "resampling to nothing": clean("resample.Resample", "step", "positive", step="0s"),
    "resampling that looks ahead without leave": clean("resample.Resample", "look_ahead", step="2h", method="linear"),
    "step for images": clean("exposure.Stretch", "clean", "Clean"),
}
