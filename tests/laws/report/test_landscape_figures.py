"""Pictures of loss surfaces show the losses that came in, whatever they are, and the page holds them."""

import itertools
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import LogNorm

from dlkit.core.checks import InputError
from dlkit.report.landscape_figures import contour_figure, lines_figure, pair_figure, surface_figure
from dlkit.report.landscape_page import write_page
from dlkit.report.landscape_view import LossView, colour_norm, levels


def view(**fields) -> LossView:
    first, second = np.linspace(-1, 1, 7), np.linspace(-2, 2, 5)
    losses = 0.1 + first[None, :] ** 2 + 3 * second[:, None] ** 2
    return LossView(**{"first": first, "second": second, "losses": losses, "title": "a surface"} | fields)


def changed(value: float) -> np.ndarray:
    losses = view().losses.copy()
    losses[1, 2] = value
    return losses


LOSSES = {
    "positive": view().losses,
    "below zero": view().losses - 5,
    "not a number": changed(np.nan),
    "infinite": changed(np.inf),
    "beyond all numbers": changed(1e38),
    "a deep well": changed(1e-7),
    "flat": np.ones((5, 7)),
    "zero": np.zeros((5, 7)),
}


@pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES)
def test_every_surface_is_drawn(losses):
    one = view(losses=losses)
    for figure in (
        contour_figure(one),
        surface_figure(one),
        lines_figure((one.first, one.first), losses[:2], ("a", "b")),
    ):
        figure.canvas.draw()


@pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES)
def test_the_levels_rise_from_the_lowest_to_the_highest_loss(losses):
    one = view(losses=losses)
    heights = levels(one)
    assert (np.diff(heights) > 0).all()
    known = losses[np.isfinite(losses)]
    highest = 0.1 + 3 * 2**2 + 1 if known.max() > 1e9 else known.max()
    assert heights[0] == pytest.approx(known.min())
    assert heights[-1] >= highest * (1 - 1e-9)


def test_a_loss_beyond_all_others_leaves_the_colours_to_the_others():
    low, high = view(losses=LOSSES["beyond all numbers"]).ends
    assert low == pytest.approx(0.1)
    assert high < 1e6


@pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES)
def test_a_scale_that_is_cut_says_so_in_every_picture_and_no_other_does(losses, tmp_path):
    one = view(losses=losses)
    cut = losses[np.isfinite(losses)].max() > 1e9
    for figure in (contour_figure(one), surface_figure(one)):
        axes, bar = figure.axes
        assert ("1 of 35 points lie higher, up to 1e+38" in axes.get_title("left")) == cut
        assert len(bar.patches) == cut  # the arrow
    page = write_page(one, tmp_path / "page.html").read_text()
    held = json.loads(re.search(r"const data = (.*);", page).group(1))
    assert ("up to 1e+38" in held["beyond"]) == cut and held["ends"] == pytest.approx(one.ends)


def test_positive_losses_have_logarithmic_colours_and_others_do_not():
    assert isinstance(colour_norm(view()), LogNorm)
    assert not isinstance(colour_norm(view(losses=LOSSES["below zero"])), LogNorm)


def test_the_way_of_the_weights_is_drawn_where_it_was():
    path = np.array([[0.9, 1.5], [0.4, 0.2], [0.0, 0.0]])
    axes = contour_figure(view(path=path, epochs=(0, 5, 9))).axes[0]
    [line] = [line for line in axes.lines if line.get_label() == "weights at each snapshot"]
    np.testing.assert_array_equal(line.get_xydata(), path)
    assert [text.get_text() for text in axes.texts if "epoch" in text.get_text()] == ["epoch 0", "epoch 9"]


@pytest.mark.parametrize("losses", [view().losses, view().losses - 5], ids=["positive", "below zero"])
def test_a_face_has_the_colour_of_its_height(losses):
    one = view(losses=losses)
    figure = surface_figure(one)
    (faces,) = figure.axes[0].collections
    heights = np.log10(losses) if one.positive else losses
    mean = (heights[1:, 1:] + heights[1:, :-1] + heights[:-1, 1:] + heights[:-1, :-1]).ravel() / 4
    expected = colormaps["viridis"](colour_norm(one)(10**mean if one.positive else mean))
    figure.canvas.draw()
    drawn = np.array(sorted(map(tuple, faces.get_facecolor())))
    np.testing.assert_allclose(drawn, np.array(sorted(map(tuple, expected))), atol=1e-6)
    assert len(figure.axes) == 2  # a bar of colours


STEEP = {
    "steep": 5e-4 * np.exp(9 * np.hypot(np.linspace(-1, 1, 7)[None, :], np.linspace(-1, 1, 5)[:, None] / 2) ** 0.5)
}


@pytest.mark.parametrize("losses", (LOSSES | STEEP).values(), ids=LOSSES | STEEP)
def test_no_height_is_written_over_an_edge_or_over_the_network_or_another(losses):
    figure = contour_figure(view(losses=losses))
    figure.canvas.draw()
    axes = figure.axes[0]
    cross = axes.transData.transform((0, 0))
    for text in axes.texts:
        box, frame = text.get_window_extent(), axes.bbox
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        assert not box.contains(*cross)
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_a_pair_shares_its_scale():
    figure = pair_figure([view(), view(losses=view().losses * 10)])
    spaces = [axes for axes in figure.axes if hasattr(axes, "get_zlim")]
    assert len({axes.get_zlim() for axes in spaces}) == 1
    np.testing.assert_allclose(spaces[0].get_zlim(), np.log10([0.1, 10 * view().losses.max()]))


def test_a_loss_that_is_nowhere_a_number_is_refused():
    with pytest.raises(InputError, match="--range"):
        view(losses=np.full((5, 7), np.nan))


def test_the_page_holds_every_loss_and_nothing_ends_its_script(tmp_path):
    one = replace(view(losses=changed(np.nan)), title="</script><b>", path=np.zeros((1, 2)), epochs=(3,))
    page = write_page(one, tmp_path / "page.html").read_text()
    held = json.loads(re.search(r"const data = (.*);", page).group(1))
    assert held["losses"][1][2] is None
    found = np.array(held["losses"], dtype=float)
    np.testing.assert_allclose(found, one.losses, rtol=1e-5)
    assert held["title"] == one.title
    assert page.count("</script>") == 1
    assert (held["path"], held["epochs"]) == ([[0.0, 0.0]], [3])
