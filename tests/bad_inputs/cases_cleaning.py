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
    "mask that leaves nothing": clean("mask.Mask", "no value in the training rows", "'a'", channels=["a"], below=1e9),
    "channel that is not there": clean("mask.Mask", "Mask.channels", "'c'", "a, b", channels=["c"], values=[0]),
    "interval that is no date": clean("drop.DropRows", "DropRows.during", "'soon'", during=[["soon", "later"]]),
    "all rows dropped": clean("drop.DropRows", "no rows", during=DAYS),
    "all channels dropped": clean("drop.DropChannels", "leaves none", channels=["*"]),
    "target dropped": clean("drop.DropChannels", "targets", "'a'", channels=["a"]),
    "width of one row": clean("despike.Despike", "Despike.width", "1 rows", "longer", channels=["a"], width="1h"),
    "interpolation that looks ahead without leave": clean(
        "interpolate.Interpolate", "look_ahead: true", "'last'", channels=["a"], limit="3h", method="linear"
    ),
    "interpolation without a limit": clean("interpolate.Interpolate", "limit", channels=["a"]),
    "filter above half of the rate": clean("filter.Filter", "half of the rate", channels=["a"], cutoff="90min"),
    "step for images": clean("exposure.Stretch", "clean", "Clean"),
}
