"""Figures and tables show what came in, and nothing is drawn over it."""

import itertools
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest

from dlkit.core.checks import InputError
from dlkit.report.canvas import lead_times, save_figure
from dlkit.report.forecast_figures import ForecastView, error_by_horizon_figure, forecast_figure
from dlkit.report.tables import Scores, metric_table_text


def view(n: int = 48, horizon: int = 12, *, dated: bool = True, title: str = "") -> ForecastView:
    hours = np.arange(n + horizon)
    times = np.datetime64("2018-02-27T00", "ns") + hours * np.timedelta64(1, "h") if dated else hours * 1e-3
    values = 15 + np.sin(hours / 4)
    point = values[n:] + 0.1
    bands = {0.9: (point - 2, point + 2), 0.5: (point - 1, point + 1)}
    return ForecastView(times[:n], values[:n], times[n:], values[n:], point, bands, title)


def scores(factor: float, targets: int = 2) -> Scores:
    overall = {"mse": 0.4 * factor, "mae": 0.5 * factor, "mase": 0.9 * factor}
    return Scores([1.5 * factor] * targets, [2.5 * factor] * targets, overall)


def table(*factors: float, targets: int = 2, **settings) -> str:
    names = ("DLinear", "repeat last", "seasonal naive", "a method with a name that never ends at all", "fifth")
    methods = {name: scores(factor, targets) for name, factor in zip(names, factors, strict=False)}
    labels = [f"temperature of the winding {i}" for i in range(targets)]
    return metric_table_text(methods, targets=labels, units=["°C"] * targets, **settings)


def leftovers(code: str) -> set[str]:
    """Return the modules of matplotlib that a fresh interpreter holds after ``code``."""
    code += "\nimport sys; print(*(name for name in sys.modules if name.startswith('matplotlib')))"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_importing_the_figures_does_not_import_matplotlib():
    assert leftovers("import dlkit.report.forecast_figures, dlkit.report.tables") == set()


def test_drawing_needs_no_pyplot():
    draw = "error_by_horizon_figure({'model': np.ones(3)}, unit='', step=1.0)"
    held = leftovers(f"import numpy as np\nfrom dlkit.report.forecast_figures import error_by_horizon_figure\n{draw}")
    assert "matplotlib.figure" in held
    assert "matplotlib.pyplot" not in held


def test_drawing_leaves_the_settings_of_the_user_alone():
    before = dict(mpl.rcParams)
    forecast_figure([view()], target="oil temperature", unit="°C")
    assert dict(mpl.rcParams) == before


def test_a_forecast_is_drawn_with_its_unit_its_fan_and_what_came():
    figure = forecast_figure([view(title="window 0")], target="oil temperature", unit="°C")
    (axes,) = figure.axes
    assert axes.get_ylabel() == "oil temperature (°C)"
    assert axes.get_xlabel() == "time (UTC)"
    _, labels = axes.get_legend_handles_labels()
    assert labels == ["measured", "forecast", "90 % interval", "50 % interval", "last input"]
    np.testing.assert_array_equal(axes.lines[2].get_ydata(), view().point)


def test_series_without_dates_have_seconds():
    figure = forecast_figure([view(dated=False)], target="current")
    assert figure.axes[0].get_xlabel() == "time (s)"
    assert figure.axes[0].get_ylabel() == "current"


def test_gaps_in_the_truth_stay_gaps_and_lone_values_are_dots():
    seen = view()
    seen.truth[[3, 5]] = np.nan
    line, dots = forecast_figure([seen], target="x").axes[0].lines[:2]
    assert np.isnan(line.get_ydata()).nonzero()[0].tolist() == [51, 53]
    assert dots.get_ydata().tolist() == [seen.truth[4]]


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_every_window_gets_a_panel(n):
    figure = forecast_figure([view(title=str(i)) for i in range(n)], target="x")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [str(i) for i in range(n)]


def test_the_legend_lies_outside_of_the_data(tmp_path):
    for figure in (
        forecast_figure([view()], target="x"),
        error_by_horizon_figure({"model": np.ones(9), "repeat last": np.ones(9)}, unit="", step=1.0),
    ):
        save_figure(figure, tmp_path / "figure.png")
        (legend,) = figure.legends
        assert not any(legend.get_window_extent().overlaps(axes.bbox) for axes in figure.axes)


def test_date_labels_do_not_overlap(tmp_path):
    figure = forecast_figure([view(336, 96)], target="x", unit="°C")
    save_figure(figure, tmp_path / "figure.png")
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert len(boxes) >= 4
    assert not any(left.overlaps(right) for left, right in itertools.pairwise(boxes))


@pytest.mark.parametrize(
    ("step", "steps", "gap", "unit", "last"),
    [
        (1e-6, 50, 0, "µs", 50.0),
        (1e-3, 100, 0, "ms", 100.0),
        (1.0, 60, 10, "s", 70.0),
        (60.0, 60, 0, "min", 60.0),
        (3600.0, 96, 0, "h", 96.0),
        (3600.0, 720, 0, "d", 30.0),
    ],
)
def test_lead_times_read_well(step, steps, gap, unit, last):
    times, found = lead_times(steps, step, gap)
    assert found == unit
    assert times[-1] == pytest.approx(last)
    assert times[0] == pytest.approx(last * (gap + 1) / (gap + steps))


def test_methods_differ_in_more_than_colour():
    curves = {f"method {i}": np.arange(1.0, 9.0) * i for i in range(1, 6)}
    axes = error_by_horizon_figure(curves, unit="°C", step=3600.0).axes[0]
    assert axes.get_ylabel() == "MAE (°C)"
    assert axes.get_xlabel() == "lead time (h)"
    assert len({line.get_marker() for line in axes.lines}) == 5
    assert axes.get_ylim()[0] == 0


def test_a_saved_figure_is_whole_or_absent(tmp_path, monkeypatch):
    path = tmp_path / "figures" / "figure.png"
    figure = forecast_figure([view()], target="x")
    assert save_figure(figure, path).read_bytes().startswith(b"\x89PNG")
    whole = path.read_bytes()

    def break_off(partial, **_):
        partial.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", break_off)
    with pytest.raises(OSError, match="disk full"):
        save_figure(figure, path)
    assert path.read_bytes() == whole
    assert list(path.parent.iterdir()) == [path]


def test_a_figure_of_nothing_is_refused():
    with pytest.raises(InputError, match="no window"):
        forecast_figure([], target="x")


def test_the_table_marks_the_best_and_prints_the_skill_against_the_best_baseline():
    rows = table(0.8, 2.0, 1.0).splitlines()
    assert rows[0].split() == ["DLinear", "repeat", "last", "seasonal", "naive", "skill"]
    (row,) = [row for row in rows if "MASE" in row]
    assert row.split() == ["MASE", "0.7200*", "1.800", "0.9000", "+20.0", "%"]
    (row, _) = [row for row in rows if "RMSE" in row]
    assert row.split() == ["RMSE", "2.000*", "5.000", "2.500", "+20.0", "%"]
    assert "temperature of the windi… (°C)" in "\n".join(rows)


def test_the_table_says_when_a_baseline_wins():
    assert "-50.0 %" in table(1.5, 1.0)


def test_values_that_do_not_exist_are_dashes():
    assert table(float("nan"), 1.0).count("-\n") >= 3
    assert "nan" not in table(float("nan"), float("nan"))


@pytest.mark.parametrize("methods", [1, 2, 3, 4, 5])
def test_the_table_is_aligned_and_fits_the_page(methods):
    rows = table(*np.geomspace(1e-9, 1e9, methods).tolist()).splitlines()
    assert max(map(len, rows)) <= 120
    body = [row for row in rows if " MAE " in row or "MSE " in row]
    assert {len(row) for row in body} == {len(rows[0])}
    assert {row[30:32] + row[37:39] for row in body} == {" " * 4}


def test_a_table_of_many_targets_stays_short_and_says_so():
    text = table(1.0, 2.0, targets=300, most=3)
    assert len(text.splitlines()) < 16
    assert "297 more targets" in text
