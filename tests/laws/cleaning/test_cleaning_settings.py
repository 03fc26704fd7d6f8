"""Settings of cleaning steps that cannot be are refused at once, in one sentence."""

import pytest

from dlkit.core.checks import InputError
from dlkit.data.cleaning.clip import Clip
from dlkit.data.cleaning.despike import Despike
from dlkit.data.cleaning.detrend import Detrend
from dlkit.data.cleaning.drop import DropRows
from dlkit.data.cleaning.filter import Filter
from dlkit.data.cleaning.interpolate import Interpolate
from dlkit.data.cleaning.mask import Mask
from dlkit.data.cleaning.resample import Resample
from dlkit.data.cleaning.scale import Scale

CASES = [
    (Mask, {}, "masks nothing"),
    (Mask, {"below": 5.0, "above": 1.0}, "below=5.0 above=1.0"),
    (Mask, {"stuck": "for long"}, "Mask.stuck='for long'"),
    (Mask, {"during": [["2021-01-02", "2021-01-01"]]}, "ends before it begins"),
    (DropRows, {"during": []}, "during is empty"),
    (DropRows, {"during": [["2021-03-01"]]}, "no interval"),
    (DropRows, {"during": [["soon", "later"]]}, "'soon' is not a date"),
    (Clip, {"channels": ["a"]}, "needs `lower`"),
    (Clip, {"channels": ["a"], "lower": 1.0, "quantiles": [0.1, 0.9]}, "needs `lower`"),
    (Clip, {"channels": ["a"], "lower": 3.0, "upper": 1.0}, "lower=3.0 is above"),
    (Clip, {"channels": ["a"], "quantiles": [1.0, 99.0]}, "shares that rise"),
    (Clip, {"channels": ["a"], "quantiles": [0.9, 0.1]}, "shares that rise"),
    (Despike, {"channels": ["a"], "width": "wide"}, "Despike.width='wide'"),
    (Despike, {"channels": ["a"], "width": "9h", "threshold": -1.0}, "threshold=-1.0"),
    (Despike, {"channels": ["a"], "width": "9h", "least": -1.0}, "least=-1.0"),
    (Interpolate, {"channels": ["a"], "limit": "3h", "method": "linear"}, "look_ahead: true"),
    (Interpolate, {"channels": ["a"], "limit": "3 rows"}, "Interpolate.limit"),
    (Filter, {"channels": ["a"], "cutoff": 0.0}, "must be positive"),
    (Filter, {"channels": ["a"], "cutoff": "9h", "kind": "bandpass"}, "bandpass needs 2"),
    (Filter, {"channels": ["a"], "cutoff": [1.0, 1.0], "kind": "bandpass"}, "and two"),
    (Filter, {"channels": ["a"], "cutoff": "9h", "order": 99}, "order=99"),
    (Detrend, {"channels": ["a"], "method": "median"}, "needs a `width`"),
    (Detrend, {"channels": ["a"], "width": "9h"}, "'linear' none"),
    (Detrend, {"channels": ["a"], "look_ahead": True}, "belongs to 'median'"),
    (Scale, {"channels": ["a"], "factor": 0.0}, "factor=0.0"),
    (Scale, {"channels": ["a"], "offset": float("inf")}, "offset=inf"),
    (Resample, {"step": "0s"}, "must be positive"),
    (Resample, {"step": "2h", "method": "linear"}, "look_ahead"),
]


@pytest.mark.parametrize(("kind", "settings", "said"), CASES, ids=lambda one: getattr(one, "__name__", None))
def test_a_setting_that_cannot_be_is_refused_in_one_sentence(kind, settings, said):
    with pytest.raises(InputError) as error:
        kind(**settings)
    sentence = str(error.value)
    assert said in sentence
    assert "\n" not in sentence
    assert len(sentence) < 300
