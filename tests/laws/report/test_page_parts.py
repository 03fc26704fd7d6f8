"""Parts of a page: what is drawn is what there is, and nothing from outside becomes markup."""

from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.confidence.promise import Promise
from dlkit.core.specs import Spec
from dlkit.report.check.fitness import fitness_parts
from dlkit.report.page.charts import Curve, Seen, coverage_image, curves_image, steps_image
from dlkit.report.page.decimate import kept_rows
from dlkit.report.page.elements import (
    Section,
    Tile,
    beside,
    code,
    facts,
    folded,
    note,
    paragraph,
    picture,
    table,
    tiles,
)
from dlkit.report.page.interactive import pieces, traces_html
from dlkit.report.page.laid import lay
from dlkit.report.page.page import page_html
from dlkit.report.page.traces import Band, Line, Panel, Spans, Trace
from dlkit.report.promise_table import promise_table_text
from dlkit.report.promises_elsewhere import Elsewhere, elsewhere_text
from dlkit.train.confidence.confidence import Confidence, HeadConfidence
from dlkit.train.confidence.wish import Wish
from dlkit.train.report.confidence import holds, tone, verdict
from dlkit.train.report.data import interleaved
from dlkit.train.report.measures import own_level, words_of
from dlkit.train.report.question import promised, question

HOUR = np.timedelta64(1, "h")
VOID = {"meta", "link", "img", "rect", "line"}


class Reader(HTMLParser):
    """Reads a page: the tags that are open, and every text and attribute."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.addresses, self.texts = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@given(st.integers(3, 400), st.integers(1, 3), st.integers(20, 120), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_no_extreme_of_any_part_is_lost(rows, columns, most, seed):
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, columns))
    values[random.random((rows, columns)) < 0.2] = np.nan
    stretch = np.sort(random.integers(0, 3, rows))
    kept = kept_rows(values, stretch, most)
    assert (np.diff(kept) > 0).all()
    if rows <= most:
        assert len(kept) == rows
        return
    parts = max(1, most // (2 * columns))
    assert len(kept) <= 2 * parts * columns + 2 * len(np.unique(stretch))
    width = -(-rows // parts)
    for first in range(0, rows, width):
        block, inside = values[first : first + width], kept[(kept >= first) & (kept < first + width)]
        for k in range(columns):
            if np.isfinite(block[:, k]).any():
                assert np.nanmax(block[:, k]) == np.nanmax(values[inside, k])
                assert np.nanmin(block[:, k]) == np.nanmin(values[inside, k])
    for name in np.unique(stretch):
        own = np.flatnonzero(stretch == name)
        assert {own[0], own[-1]} <= set(kept.tolist())


def test_small_gaps_stay_as_they_are():
    times = np.datetime64("2024-01-01T00", "ns") + np.r_[0:50, 60:120] * HOUR
    axis = lay(times)
    assert not axis.closed
    np.testing.assert_array_equal(axis.place, axis.when)
    assert axis.starts.tolist() == [0, 50]


@given(st.lists(st.integers(100, 20_000), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_closed_gaps_keep_the_order_the_steps_and_the_hour_of_the_day(gaps):
    rows = np.concatenate([k * 96 + np.arange(96) + sum(gaps[:k]) for k in range(len(gaps) + 1)])
    axis = lay(np.datetime64("2024-01-01T00", "ns") + rows * HOUR)
    assert (np.diff(axis.place) > 0).all()
    inside = np.diff(axis.stretch) == 0
    np.testing.assert_allclose(np.diff(axis.place)[inside], 3_600_000)
    if axis.closed:
        np.testing.assert_allclose((axis.when - axis.place) % 86_400_000, 0)
        assert np.diff(axis.place).max() < 3 * 86_400_000


def test_series_at_the_same_times_stand_side_by_side():
    times = np.tile(np.arange(100.0), 3)
    axis = lay(times, np.repeat(["a", "b", "c"], 100))
    assert axis.closed
    assert (np.diff(axis.place) > 0).all()
    assert axis.starts.tolist() == [0, 100, 200]
    np.testing.assert_array_equal(axis.when, times * 1e3)


def test_a_band_has_one_outline_for_each_piece_and_ends_where_values_are_missing():
    lower = np.array([0.0, 1.0, np.nan, 3.0, 4.0, 5.0])
    xs, ys = pieces(np.arange(6.0), lower, lower + 1)
    assert [len(x) for x in xs] == [4, 6]
    np.testing.assert_array_equal(xs[0], [0, 1, 1, 0])
    np.testing.assert_array_equal(ys[0], [0, 1, 2, 1])


@given(st.text(min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_no_text_from_outside_becomes_markup(text):
    text += "<script>alert(1)</script>\"'&"
    parts = [
        paragraph(text), note(text), facts({text: text}), tiles([Tile(text, text, text)]), code(text),
        table([text, text], [[text, text]], caption=text), picture(b"x", text, text), folded(text, paragraph(text)),
        Section("a", text, [beside([paragraph(text), paragraph(text)])]).html(), Section("b", text, absent=text).html(),
    ]  # fmt: skip
    for part in parts:
        read = Reader(part)
        assert not read.open
        assert "script" not in [tag for tag, _ in read.tags]


def made_trace():
    times = np.datetime64("2024-01-01T00", "ns") + np.r_[0:60, 4000:4060] * HOUR
    axis, values = lay(times), np.sin(np.arange(120.0))
    panel = Panel("a (mm)", [Line("measured", values), Line("said", values + 1, "#0072B2", "dotted")],
                  [Band("90 %", values - 1, values + 1, "#56B4E9")], level=0.5, level_name="threshold")  # fmt: skip
    spans = Spans("test", axis.place[[[0, 20]]].astype(float), "#e69f00")
    return Trace(axis, [panel, panel], "a and what was said of it", [spans], caption="`a` & b")


def test_a_page_with_a_trace_is_whole_and_loads_nothing():
    drawn, scripts = traces_html([made_trace()])
    sections = [Section("time", "Time", drawn), Section("none", "None", absent="There is none: `do` it.")]
    page = page_html("a <page>", paragraph("lead"), sections, scripts=scripts)
    read = Reader(page)
    assert not read.open
    assert [one for one in read.addresses if not one.startswith(("#", "data:"))] == []
    pictures = [attrs for tag, attrs in read.tags if tag == "img"]
    assert len(pictures) == 1
    assert all(attrs.get("alt") for attrs in pictures)
    assert page.count("BEGIN bokeh.min.js") == 1
    assert 'class="empty"' in page
    assert len(page) < 2_000_000


def test_a_page_without_traces_carries_no_scripts_of_bokeh():
    drawn, scripts = traces_html([])
    assert (drawn, scripts) == ([], "")


@pytest.mark.parametrize(
    "image",
    [
        lambda: curves_image(
            [Curve("loss", "step", {"training": (np.arange(3), np.array([1.0, 0.1, 0.01]))}, mark=2.0)]
        ),
        lambda: coverage_image([Seen("a", 0.9, 0.91, 0.88, 0.95), Seen("b", 0.9, 0.7, 0.6, 0.8, tone="bad")]),
        lambda: steps_image(np.array([0.9, 0.91]), np.array([0.8, 0.8]), np.array([0.95, 0.97]), 0.9),
    ],
)
def test_charts_are_the_same_bytes_each_time(image):
    first = image()
    assert first == image()
    assert b"<svg" in first


def test_the_text_of_a_note_is_one_box_however_much_code_is_in_it():
    assert note("Do `this` and `that`.", "bad").count("<span>") == 1
    assert note("Do `this`.", "bad").endswith("<span>Do <code>this</code>.</span></p>")


@pytest.mark.parametrize(
    ("seen", "high", "words", "colour"),
    [
        (0.95, 0.99, "yes", "good"),
        (0.845, 0.95, "missed, within chance", "warn"),
        (0.7, 0.8, "no", "bad"),
        (None, None, "unknown", "warn"),
    ],
)
def test_only_a_promise_that_was_seen_is_green_and_one_that_is_refuted_red(seen, high, words, colour):
    one = Promise("interval", "", "split conformal", 0.9, seen, None if seen is None else 0.6, high, 9.0)
    assert holds(one) == words
    assert tone(one) == colour
    head = HeadConfidence("values", promises=[one])
    boxes = promised(Confidence(Wish(), {"": head}))
    assert [box.tone for box in boxes] == ([] if seen is None else [colour])
    assert ("good" in verdict([one] if seen is not None else [])) == (words == "yes")


def test_a_promise_that_is_missed_within_chance_is_not_said_to_hold_by_luck():
    kept = Promise("interval", "", "split conformal", 0.9, 0.95, 0.9, 0.99, 9.0, 5.0, "m")
    missed = Promise("interval", "", "split conformal", 0.9, 0.85, 0.7, 0.95, 9.0, 5.0, "m")
    head, _, *rows, _ = promise_table_text([kept, missed]).splitlines()
    assert [row[head.index("holds?") : head.index("mean size")].strip() for row in rows] == [
        "yes",
        "missed, within chance",
    ]
    elsewhere = Elsewhere("interval", 0.9, 0.95, 0.85, 0.7, 0.95)
    assert elsewhere_text([elsewhere], "new.csv").splitlines()[2].endswith("missed, within chance")
    (tile,) = promised(Confidence(Wish(), {"": HeadConfidence("values", promises=[missed])}))
    assert "missed, within chance" in tile.more


def test_a_folded_part_is_printed_where_a_reviewer_needs_it():
    assert 'class="printed"' in folded("All settings", "a", printed=True)
    assert "printed" not in folded("Losses", "a")
    assert folded("All settings", "", printed=True) == ""


@pytest.mark.parametrize(
    ("loss", "level"),
    [({"init_args": {"quantiles": [0.1, 0.5, 0.9]}}, "80 %"), ({"level": 0.9, "floor": 1e-3}, "90 %"), (None, "")],
)
def test_the_interval_of_the_network_itself_is_named_by_its_level(loss, level):
    said = words_of("standardized/coverage", {}, own_level(loss))
    assert said.split() == f"inside the network's own {level} interval, before calibration (share)".split()


@pytest.mark.parametrize(("gap", "when"), [(0, ""), (5, " 50 ms from now")])
def test_the_question_says_how_far_ahead_the_answer_lies(gap, when):
    spec = Spec(("a",), (4,), (1, 1), ("x",), ("A",), ("mm",), kind="values", step=0.01, gap=gap)
    assert question(spec) == f"What is x (mm){when}, given 40 ms of 1 channel?"


def test_the_question_counts_neither_padding_nor_masks_as_channels():
    spec = Spec(("a", "b", "valid"), (4,), (3,), kind="class", classes=("x", "y", "z"), step=1e-3, padded=True)
    assert question(spec) == "Which of 3 classes is it (x, y and z), given up to 4 ms of 2 channels?"


def test_times_that_overlap_are_told_to_be_split_series_by_series():
    split = {"train": {"from": "2020-01", "to": "2021-01"}, "val": {"from": "2020-03", "to": "2021-02"}}
    assert "each series is split by itself" in interleaved({"split": split, "series": 12})
    apart = {"train": {"from": "2020-01", "to": "2020-02"}, "val": {"from": "2020-03", "to": "2021-02"}}
    assert interleaved({"split": apart, "series": 12}) == ""


def test_what_fits_the_question_is_told_in_words_and_nothing_is_lost():
    known = {
        "drift": [{"channel": "p<1", "role": "test", "level": 1.5, "spread": 2.0, "p_value": None, "blocks": [7, 3]}],
        "independent": {"train": {"items": 4986, "effective": 33.4, "slowest": "p<1"}},
        "classes": {"state": {"train": {"on": 3, "off": 5}, "test": {"on": 1}}},
        "far": {"share": 0.28, "expected": 0.05}, "repeated rows": {"test": 0.25}, "told apart": {}, "new": 3.25,
    }  # fmt: skip
    html = "".join(fitness_parts(known))
    assert "p&lt;1" in html and "7, 3" in html and "4,986" in html and "Classes of state" in html
    assert "28.0 %" in html and "test 25.0 %" in html and "New" in html and "3.25" in html
    assert "p-value" not in html.replace("No p-value", "") and "p_value" not in html
    assert fitness_parts({}) == [""]
