"""Figures of a check: they say what they leave out, stay small, and the browser thins rows as the first view does."""

import json
import shutil
import subprocess
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.data.raw.layout import Layout
from dlkit.data.records import Events, Samples
from dlkit.quality.looks.courses import whole_of
from dlkit.report.check import figures_values
from dlkit.report.check.drawing import about
from dlkit.report.check.figures_relations import lag_unit
from dlkit.report.check.figures_time import cells_of, decibels, density_unit, thinned
from dlkit.report.check.figures_traces import trace_look
from dlkit.report.check.looks import sample_looks, stream_looks, without_units
from dlkit.report.page.decimate import kept_rows
from dlkit.report.page.interactive import traces_html
from dlkit.report.page.laid import lay
from dlkit.report.page.rethin import CODE, MISSING, packed, ticked
from dlkit.report.page.traces import MOST, Line, Marks, Panel, Spans, Trace
from tests.laws.quality.test_looks import SECOND, kept_of, noise

PNG = b"\x89PNG"


def complete(looks):
    names = [look.name for look in looks]
    assert len(set(names)) == len(names)
    for look in looks:
        assert look.title and look.caption and look.alt
        assert (look.png is None) != (look.trace is None)
        assert look.png is None or (look.png.startswith(PNG) and len(look.png) < 400_000)
    return names


@pytest.fixture(scope="module")
def stream():
    """Four channels, one with holes, one dead, with labels and a gap."""
    rows = np.arange(6000)
    values = noise(6000, 4, memory=0.8)
    values[:, 1] = np.sin(2 * np.pi * rows / 48) + 0.1 * values[:, 1]
    values[1000:1400, 2] = np.nan
    values[:, 3] = 5.0
    values[77, 0] = -9999.0
    onset = np.arange(200, 5800, 400) * 1800 * SECOND
    classes = 1 + np.arange(len(onset)) % 2
    events = Events("", onset, onset + 90 * 1800 * SECOND, classes, ("none", "on", "odd"))
    kept, layout = kept_of(values, step=1800 * SECOND)
    return kept, layout, events, stream_looks(kept, layout, [events])


# ------------------------------------------------------------------ whole sets of figures
def test_a_stream_has_every_figure(stream):
    names = complete(stream[3])
    assert names == [
        "traces", "missing", "spread", "correlation", "memory", "spectra", "spectrograms", "portraits", "day",
        "courses", "windows",
    ]  # fmt: skip
    looks = dict(zip(names, stream[3], strict=True))
    assert "1 of 4 channels" in looks["missing"].caption and "1 of c0" in looks["spread"].caption
    assert "24 h" in looks["spectra"].caption


def test_labels_and_far_values_are_on_the_trace_and_told_apart_in_grey(stream):
    trace = stream[3][0].trace
    shades = {span.name: span for span in trace.spans}
    assert set(shades) == {"on", "odd"} and len({span.hatch for span in shades.values()}) == 2
    assert len(shades["on"].ends) == 7
    assert "1 below: -9999" in trace.panels[0].title and len(trace.panels[0].marks) == 1
    assert np.nanmin(trace.panels[0].lines[0].values) > -100


def test_a_quick_look_is_a_part_of_the_whole_one_and_without_seaborn_it_has_histograms(stream, monkeypatch):
    monkeypatch.setattr(figures_values, "find_spec", lambda _: None)
    quick = {look.name: look for look in stream_looks(*stream[:2], quick=True)}
    assert list(quick) == ["traces", "missing", "spread", "correlation"]
    assert 'pip install "dlkit[check]"' in quick["spread"].caption and quick["spread"].png.startswith(PNG)
    (whole,) = (look for look in stream[3] if look.name == "spread")
    assert "pip install" not in whole.caption


def test_of_hundreds_of_channels_a_few_are_drawn_and_that_is_said():
    values = noise(400, 5) @ np.random.default_rng(0).normal(size=(5, 330)) + noise(400, 330, seed=1)
    kept, layout = kept_of(values)
    looks = stream_looks(kept, layout, first=["c321"], quick=True)
    complete(looks)
    panels = looks[0].trace.panels
    assert len(panels) == 8 and any(panel.title.startswith("c321 ") for panel in panels)
    assert all("of 330 channels" in look.caption for look in looks)


@pytest.mark.parametrize(
    "values",
    [np.full((50, 2), np.nan), np.zeros((50, 1)), np.ones((1, 3)), np.empty((0, 2)), noise(5, 2), np.eye(40, 3)],
    ids=["nothing", "zeros", "one row", "no row", "few rows", "spikes"],
)
def test_a_poor_stream_has_what_can_be_drawn(values):
    complete(stream_looks(*kept_of(np.asarray(values, float))))


def made(kind, values, labels, classes):
    names = [f"s{k}" for k in range(len(values))]
    return Samples(names, values, ("x",), ("mV",), kind, labels, classes)


TRACES = noise(90 * 40, 1, memory=0.9).reshape(90, 1, 40).astype(np.float32)
IMAGES = np.random.default_rng(0).integers(0, 255, (90, 1, 8, 8)).astype(np.uint8)
THREE = ("a", "b", "c")
LABELS = np.arange(90) % 3


@pytest.mark.parametrize(
    ("samples", "names"),
    [
        (made("labels", IMAGES, np.eye(3, dtype=np.float32)[LABELS], THREE), ["balance", "examples"]),
        (made("values", TRACES, LABELS[:, None].astype(np.float32), ()), ["targets", "courses", "spread"]),
        (made("class", TRACES[:3], np.zeros(3, int), ("a",)), ["courses"]),
        (made("class", TRACES * np.nan, LABELS, THREE), ["balance", "courses"]),
        (made("class", TRACES[:0], LABELS[:0], THREE), []),
    ],
    ids=["labels", "values", "one class", "nothing known", "no sample"],
)
def test_samples_have_the_figures_of_their_kind(samples, names):
    assert complete(sample_looks(samples, quick=True)) == names


def test_traces_and_images_are_points_too():
    traces, images = (sample_looks(made("class", one, LABELS, THREE)) for one in (TRACES, IMAGES))
    assert complete(traces) == ["balance", "courses", "spread", "points"]
    assert complete(images) == ["balance", "examples", "spread", "points"]


# ------------------------------------------------------------------ rows on the page
@given(st.lists(st.floats(-1e6, 1e6) | st.just(np.nan), min_size=1, max_size=50))
@settings(max_examples=30, deadline=None)
def test_packed_values_come_back_within_half_a_step(values):
    values = np.array(values)
    found = packed(values)
    back = np.where(found.codes == MISSING, np.nan, found.low + found.step * found.codes)
    np.testing.assert_array_equal(np.isnan(back), np.isnan(values))
    assert np.nanmax(np.abs(back - values), initial=0.0) <= found.step * 0.5001 + 1e-9


@given(st.integers(1, 10_000), st.sampled_from([1.0, 250.0, 600e3, 1 / 3]))
@settings(max_examples=20, deadline=None)
def test_ticked_places_come_back(seed, step):
    place = 1.6e12 + np.cumsum(np.random.default_rng(seed).integers(1, 9, 100)) * step
    found = ticked(place)
    error = np.abs(found.origin + found.unit * found.at - place).max()
    assert error <= (0 if step >= 1 else 1e-9 * np.ptp(place) + 1e-3)


def test_the_browser_thins_the_rows_as_the_first_view_does():
    if shutil.which("node") is None:
        pytest.skip("node is absent: the script of the page is not run")
    rows, columns = 5000, 2
    values = noise(rows, columns)
    values[700:900, 0] = np.nan
    times = np.arange(rows) * 1.0
    times[3000:] += 100
    axis = lay(times)
    codes, ticks = [packed(one) for one in values.T], ticked(axis.place)
    given = {
        "range": {"start": axis.place[0] - 1, "end": axis.place[-1] + 1}, "at": ticks.at.tolist(),
        "origin": ticks.origin, "unit": ticks.unit, "starts": axis.starts.tolist(),
        "shifts": (axis.when - axis.place)[axis.starts].tolist(), "most": MOST, "missing": MISSING,
        "panels": [{"source": {}, "columns": [vars_of(one) for one in codes]}],
    }  # fmt: skip
    script = (
        f"const g = {json.dumps(given)}, {{range, at, origin, unit, starts, shifts, most, missing, panels}} = g;"
        "globalThis.window = globalThis; globalThis.setTimeout = run => run(); globalThis.clearTimeout = () => 0;"
        f"{CODE}; console.log(JSON.stringify(panels[0].source.data.x ? Object.fromEntries("
        "Object.entries(panels[0].source.data).map(([k, v]) => [k, Array.from(v)])) : {}));"
    )
    data = json.loads(subprocess.run(["node", "-e", script], capture_output=True, check=True, text=True).stdout)
    kept = kept_rows(
        np.stack([np.where(one.codes == MISSING, np.nan, one.codes) for one in codes], 1), axis.stretch, MOST
    )
    drawn = np.array(data["x"])
    shown = np.array(data["when"], float)
    place = np.insert(axis.place[kept], np.searchsorted(kept, 3000), axis.place[2999])
    np.testing.assert_allclose(drawn, place)
    assert np.isnan(shown).sum() == 1 and np.isnan(np.array(data["c0"], float)).sum() > 1
    np.testing.assert_allclose(np.nanmax(np.array(data["c1"], float)), values[:, 1].max(), atol=codes[1].step)


def vars_of(codes):
    return {"codes": codes.codes.tolist(), "low": codes.low, "step": codes.step}


def test_every_row_is_on_the_page_in_three_letters_a_value():
    rows = 100_000
    panels = [Panel(f"c{k}", [Line("", noise(rows, 1, seed=k)[:, 0])]) for k in range(2)]
    axis = lay(np.arange(rows) * 1.0)
    spans = [Spans("on", np.array([[10.0, 50.0]]), "#000000", hatch="x")]
    marked = Panel("m", panels[0].lines, marks=[Marks("far", np.array([5.0]), 4.0, upward=True)])
    few, many = (traces_html([Trace(axis, [panels[1], marked], "all", spans, whole=whole)]) for whole in (False, True))
    added = len(many[1]) - len(few[1])
    assert 8 / 3 * 2 * rows < added < 3 * 2 * rows + 6 * rows  # two panels of 2 bytes, and 4 of the time, in base64
    assert "far" in many[0][0] and "polygon" in many[0][0] and "hatch_pattern" in many[1]


def test_rows_at_one_time_are_no_gap_where_the_step_is_told():
    times = np.repeat(np.arange(100) * 0.05, 4)
    assert len(lay(times).starts) > 90 and len(lay(times, step=0.05).starts) == 1


def test_a_long_recording_is_drawn_by_its_extremes_and_row_by_row():
    values = noise(140_000, 1)
    kept, layout = kept_of(values)
    looks = {look.name: look for look in stream_looks(kept, layout, quick=True)}
    assert "140,000 rows; the smallest and the largest" in looks["traces"].caption
    assert len(looks["closer"].trace.axis.place) == 1024
    assert trace_look(whole_of(kept), layout, [0], None, kept.rows, "").trace.whole


# ------------------------------------------------------------------ words and numbers
@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2e-5, "20 µs"), (0.00958, "9.58 ms"), (1.32, "1.32 s"), (600.0, "10 min"), (3600.0, "1 h"), (604_800.0, "7 d")],
)
def test_durations_are_said_in_a_unit_that_reads_well(seconds, text):
    assert about(seconds) == text


def test_a_unit_is_said_once():
    layout = Layout("", ("T (degC)", "p", "(V)"), ("degC", "mbar", "V"))
    assert without_units(layout).channels == ("T", "p", "(V)")
    twice = Layout("", ("T (degC)", "T (K)"), ("degC", "K"))
    assert without_units(twice) == twice


def test_units_of_power_and_lags():
    assert density_unit("K", "Hz") == "K²/Hz" and density_unit("m/s", "1/h") == "(m/s)²·h"
    assert density_unit("", "Hz") == "1/Hz" and lag_unit(7.0e5) == (3600.0, "h")


def test_cells_of_coarse_values_hold_equally_many_quanta():
    values = np.repeat(np.arange(-60.0, 61.0), 20)
    cells = cells_of(np.stack([values, values], 1))
    assert set(np.histogram(values, cells)[0][:-1]) == {60} and len(cells) < 60


def test_thinned_spectra_keep_their_mean_and_decibels_are_beside_the_median():
    power = np.exp(noise(4000, 1)[:, 0])
    places, fewer = thinned(np.arange(1.0, 4001), power)
    assert len(fewer) <= 500 and fewer[0] == power[0] and places[-1] <= 4000
    np.testing.assert_allclose(np.median(decibels(np.exp(noise(400, 5))), axis=0), 0, atol=0.2)
    assert find_spec("seaborn") is not None
