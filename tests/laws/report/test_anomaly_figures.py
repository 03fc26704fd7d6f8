"""Laws of the pictures of events and of images that are given back: what must be seen, and on which scale."""

from types import SimpleNamespace

import numpy as np
import pytest

from dlkit.report.anomaly_figures import ScoreView, event_figure
from dlkit.report.reconstruction_figures import BackView, image_back_figure
from dlkit.report.time_gaps import opened, opened_times
from dlkit.train.anomalies.views import around


def view_of(seconds, rows=200):
    times = np.datetime64("2024-03-05T23:51:17", "ns") + (np.linspace(0, seconds, rows) * 1e9).astype("timedelta64[ns]")
    return ScoreView(times, np.ones(rows), 2.0, np.arange(rows) < 3)


@pytest.mark.parametrize("seconds", [7, 20, 60, 100, 200, 470, 500, 1500, 4000, 9000, 40_000])
def test_the_picture_of_an_event_has_three_labels_or_more_and_the_days_of_its_ends(seconds):
    axes = event_figure(view_of(seconds), [], title="").axes[0]
    low, high = axes.get_xlim()
    ticks = axes.xaxis.get_major_locator()()
    assert 3 <= sum(low <= tick <= high for tick in ticks) <= 9
    later = " to 06 Mar 2024" if seconds > 523 else ""
    assert axes.get_xlabel() == f"time (UTC), 05 Mar 2024{later}"


def test_nothing_is_drawn_across_a_gap():
    times = np.datetime64("2024-03-05", "ns") + np.array([0, 1, 2, 9, 10]) * np.timedelta64(1, "s")
    assert ((opened_times(times) - times[0]) / np.timedelta64(1, "s")).tolist() == [0, 1, 2, 3, 8, 9, 10]
    np.testing.assert_array_equal(opened(times, np.arange(5.0)), [0, 1, 2, np.nan, np.nan, 3, 4])
    assert opened(times, np.ones(5, bool)).tolist() == [True] * 3 + [False] * 2 + [True] * 2
    np.testing.assert_array_equal(opened_times(times[:3]), times[:3])
    figure = event_figure(ScoreView(times, np.ones(5), 2.0, np.zeros(5, bool)), [], title="")
    assert "no data" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_labelled_interval_is_drawn_whole_unless_it_is_much_longer_than_the_event():
    labels = np.zeros(1000, bool)
    labels[300:340] = labels[600:900] = True
    data = SimpleNamespace(geometry=SimpleNamespace(lead=2), labels=labels, segments=lambda role: [(250, 1000)])
    first, past = around(data, 335, 354)
    assert 250 <= first < 300 and past == 365
    assert around(data, 700, 719) == (690, 730)
    assert around(data, 400, 419) == (390, 430)


def test_images_share_a_scale_that_a_bar_tells():
    views = [BackView(np.full((1, 4, 4), k) + np.eye(4), np.full((1, 4, 4), k), str(k)) for k in (1.0, 5.0)]
    figure = image_back_figure(views, ["light"], unit="V")
    grey = [image for axes in figure.axes for image in axes.images if image.get_cmap().name == "gray"]
    assert len(grey) == 4 and len({image.get_clim() for image in grey}) == 1
    assert {"measured, given back (V)", "|measured - given back| (V)"} <= {axes.get_ylabel() for axes in figure.axes}
