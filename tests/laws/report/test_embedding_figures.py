"""Thumbnails show what is there; figures of embeddings draw every point, column and gap."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from dlkit.core.checks import InputError
from dlkit.report.canvas import MISSING
from dlkit.report.embedding_figures import Axis, Colouring, Column, columns_figure, map_figure, telling_channels
from dlkit.report.projector import plain, write_projector
from dlkit.report.thumbnails import (
    FRAME,
    INKS,
    SIDE,
    image_thumbnails,
    limits_of,
    line_pixels,
    series_thumbnails,
    sprite,
)


def test_a_line_goes_through_the_pixels_of_its_values():
    ramp = np.linspace(0, 1, SIDE + 1)[None]
    inked = line_pixels(ramp, 12, 0.0, 1.0)[0]
    tops = inked.argmax(0)
    assert (np.diff(tops) <= 0).all()  # it rises
    assert (tops[0], tops[-1]) == (11, 0)
    flat = line_pixels(np.full((1, 500), 0.5), 11, 0.0, 1.0)[0]
    assert flat.sum() == SIDE
    assert flat[5].all()


def test_a_spike_of_one_sample_is_seen_whatever_the_length():
    for time in (SIDE + 1, 500, 5000):
        values = np.zeros((1, time))
        values[0, time // 2] = 1.0
        inked = line_pixels(values, 10, 0.0, 1.0)[0]
        assert inked[0].any()
        assert inked[:, inked[0]].all()  # the line goes up to it


def test_missing_values_are_gaps_and_values_beyond_the_scale_stay_on_its_edge():
    values = np.zeros((1, 97))
    values[0, :40], values[0, 60:] = np.nan, 9.0
    inked = line_pixels(values, 10, 0.0, 1.0)[0]
    assert not inked[:, :19].any()
    assert inked[0, -10:].all()


def test_channels_have_lanes_and_colours_of_their_own():
    values = np.random.default_rng(0).normal(size=(3, 6, 80))
    pictures = series_thumbnails(values, limits_of(values))
    assert pictures.shape == (3, SIDE, SIDE, 3)
    for lane, ink in enumerate(INKS):
        rows = pictures[:, lane * SIDE // 4 : (lane + 1) * SIDE // 4]
        colours = {tuple(colour) for colour in rows.reshape(-1, 3).tolist()}
        assert colours == {ink, (255, 255, 255)}


def test_an_image_keeps_its_aspect_and_its_colours():
    values = np.zeros((2, 3, 10, 20), np.float32)
    values[0, 0] = 1.0
    pictures = image_thumbnails(values, np.array([[0.0] * 3, [1.0] * 3]))
    inside = pictures[0, SIDE // 4 : 3 * SIDE // 4]
    assert (inside == [255, 0, 0]).all()
    assert (pictures[0, : SIDE // 4] == 255).all()
    assert (pictures[1, SIDE // 4 : 3 * SIDE // 4] == 0).all()


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("side", [20, 96])
def test_missing_pixels_of_a_thumbnail_have_the_colour_that_they_have_in_other_figures(channels, side):
    values = np.zeros((1, channels, side, side), np.float32)
    values[0, 0, : side // 2] = np.nan
    (picture,) = image_thumbnails(values, np.array([[0.0] * channels, [1.0] * channels]))
    assert (picture[: SIDE // 2 - 3] == np.round(255 * np.array(to_rgb(MISSING)))).all()
    assert (picture[SIDE // 2 + 3 :] == 0).all()


def test_the_scale_of_series_is_of_each_channel_and_that_of_images_of_all():
    random = np.random.default_rng(0)
    series = np.linspace(0, 1, 5000).reshape(50, 1, 100) * np.array([1.0, 100.0])[:, None]
    np.testing.assert_allclose(limits_of(series), [[0.005, 0.5], [0.995, 99.5]], rtol=1e-6)
    assert limits_of(np.full((2, 1, 5), np.nan)).tolist() == [[0.0], [1.0]]
    images = limits_of(random.uniform(0, 1, (5, 2, 9, 9)))
    assert (images[:, 0] == images[:, 1]).all()


def test_a_sprite_has_the_thumbnails_row_by_row():
    thumbnails = np.zeros((5, SIDE, SIDE, 3), np.uint8) + np.arange(5, dtype=np.uint8)[:, None, None, None]
    whole = np.asarray(sprite(thumbnails))
    assert whole.shape == (3 * SIDE, 3 * SIDE, 3)
    assert [int(whole[SIDE * (k // 3), SIDE * (k % 3), 0]) for k in range(5)] == [0, 1, 2, 3, 4]
    assert (whole[SIDE - 1] == FRAME).all()


def test_the_projector_takes_names_with_tabs_and_breaks(tmp_path):
    thumbnails = np.zeros((2, SIDE, SIDE, 3), np.uint8)
    write_projector(tmp_path, 'a "b"', np.eye(2), {"name": ["x\ty\nz", ""], "k": [1, None]}, thumbnails)
    assert (tmp_path / "embedding" / "metadata.tsv").read_text() == "name\tk\nx y z\t1\n-\tNone\n"
    assert "tensor_name: \"a 'b'\"" in (tmp_path / "projector_config.pbtxt").read_text()
    write_projector(tmp_path, "a", np.eye(2), {"name": ["x", "y"]}, thumbnails)  # a single column has no header
    assert (tmp_path / "embedding" / "metadata.tsv").read_text() == "x\ny\n"
    assert plain("  ") == "-"


def test_every_point_is_drawn_once_in_each_view_and_names_stand_on_points():
    random = np.random.default_rng(0)
    points = random.normal(size=(40, 2))
    points[:5] = np.nan
    classes = Colouring("class", np.arange(40) % 5 - 1, ("a", "b", "c", "d"))
    figure = map_figure({"PCA": points, "t-SNE": points}, [classes, Colouring("value", random.normal(size=40))])
    for axes in figure.axes[:4]:
        assert sum(len(drawn.get_offsets()) for drawn in axes.collections) == 35
    names = {text.get_text(): text.xy for text in figure.axes[0].texts}
    assert set(names) == {"a", "b", "c", "d"}
    assert all((np.abs(points - place).sum(1) == 0).any() for place in names.values())
    few = map_figure({"PCA": points}, [Colouring("class", (np.arange(40) > 30) - 0, ("often", "rare"))]).axes[0]
    assert [drawn.get_label() for drawn in few.collections][-2:] == ["often", "rare"]  # the rare one on top
    assert [text.get_text() for text in few.get_legend().get_texts()] == ["often", "rare"]


def test_raised_categories_are_drawn_over_all_others_and_larger():
    points = np.random.default_rng(0).normal(size=(40, 2))
    new = Colouring("new", np.digitize(np.arange(40), [6, 39]), ("known", "new", "odd"), raised=(1, 2))
    known, usual, odd = map_figure({"PCA": points}, [new]).axes[0].collections[-3:]
    assert [drawn.get_label() for drawn in (known, usual, odd)] == ["known", "new", "odd"]
    assert usual.get_sizes() == odd.get_sizes() > known.get_sizes()


def test_columns_of_series_share_the_scale_of_a_channel_and_of_many_channels_six_are_drawn():
    random, axis = np.random.default_rng(0), Axis([f"c{k}" for k in range(8)], ["V"] * 8, np.arange(20.0) - 19)
    columns = [Column(random.normal(size=(8, 20)), f"n{k}") for k in range(3)]
    figure = columns_figure(columns, axis, title="like this")
    assert len(figure.axes) == 6 * 3
    assert "6 of 8 channels" in figure.get_suptitle()
    for row in range(6):
        assert len({axes.get_ylim() for axes in figure.axes[3 * row : 3 * row + 3]}) == 1


def test_images_stand_in_rows_and_an_empty_column_is_left_white():
    values = np.random.default_rng(0).uniform(size=(3, 5, 5))
    columns = [Column(values, "one"), Column(np.full_like(values, np.nan), "none"), Column(values, "two")]
    figure = columns_figure(columns, Axis(["r", "g", "b"], [""] * 3, None), across=2)
    assert [len(axes.images) for axes in figure.axes] == [1, 0, 1]


def test_the_channels_in_which_columns_differ_beside_their_bands_come_first():
    values = np.zeros((3, 4, 10))
    values[:, 2] = np.arange(3)[:, None]
    values[:, 1] = np.arange(3)[:, None]
    width = np.ones((4, 10))
    width[1] = 50.0
    columns = [Column(one, "", one - width / 2, one + width / 2) for one in values]
    assert telling_channels(columns)[:2] == [2, 1]


def test_figures_of_nothing_are_refused():
    with pytest.raises(InputError, match="nothing to draw"):
        map_figure({}, [])
    with pytest.raises(InputError, match="nothing to draw"):
        columns_figure([], Axis([], [], None))
