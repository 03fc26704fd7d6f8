"""Runs on other data are not compared, and are told what differs of their sources."""

import pytest

from dlkit.compare.contenders import other_test

FILE = {"name": "waves.npz", "size": 9, "sha256": "07f0"}
SOURCE = {"files": [FILE], "arrays": [], "settings": {"step": "10us", "units": {"u": "kV"}}}


def changed(**other):
    return {"source": SOURCE | other}


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (changed(files=[FILE | {"name": "waves.h5", "size": 8}]), "the file of the source, waves.npz or waves.h5"),
        (changed(files=[FILE | {"size": 8, "sha256": "587e"}]), "the content of the file waves.npz"),
        (changed(files=[FILE, FILE]), "`files` of the source, 1 of them or 2 of them"),
        (changed(settings={"step": "20us"}), "`settings.step` of the source, 10us or 20us"),
        (changed(settings={"step": "10us", "units": {}}), "`settings.units.u` of the source, kV or None"),
        ({"source": {"cam": SOURCE}}, "`files` of the source, 1 of them or None"),
    ],
)
def test_what_differs_of_the_sources_is_named_with_both_values(other, says):
    assert other_test(changed(), other) == says
    assert other_test(changed(), changed()) == ""
