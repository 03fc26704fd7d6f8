"""What simulators made is made once, and nobody can spoil it."""

import numpy as np
import pytest

from dlkit.data.simulators import beamline_run
from dlkit.data.sources.beamline import BeamlineSensors
from dlkit.data.sources.cavity import CavityFaults


def test_devices_of_the_same_settings_are_measured_once(monkeypatch):
    settings = {"device": "target", "duration": 20.0, "seed": 71}
    first = next(BeamlineSensors(**settings).chunks())
    before = first.values.copy()
    first.values[:] = 0.0
    monkeypatch.setattr(beamline_run.Run, "reading", lambda *_: pytest.fail("measured twice"))
    np.testing.assert_array_equal(next(BeamlineSensors(**settings).chunks()).values, before)


def test_other_settings_give_other_traces():
    few = {"samples": 12, "time": 400, "seed": 72}
    first, again, other = (
        CavityFaults(**few).read(),
        CavityFaults(**few).read(),
        CavityFaults(**few | {"seed": 1}).read(),
    )
    np.testing.assert_array_equal(first.values, again.values)
    assert not np.array_equal(first.values, other.values)
    ragged = CavityFaults(**few, ragged=True).read()
    assert np.isnan(ragged.values).any() and not np.isnan(CavityFaults(**few).read().values).any()
