"""Pages in a narrow window: a verdict is seen whole, and sentences are broken where tables are not."""

import html
import json
import re
import shutil
import subprocess

import pytest

from dlkit.confidence.promise import Promise
from dlkit.report.page.elements import Section, code
from dlkit.report.page.page import page_html
from dlkit.train.report.confidence import promise_table

SENTENCE = "2 of 4 images are left out (truncated: new/round/shot300_a.tif; no such file: new/nofile.tif), " * 2
LINE = (
    f"{'the set holds the answer: wide':<38}90 %{'96.3 %':>18}{'0.0 %':>20}      0.0 to 84.2 %  missed, within chance"
)
MEASURE = """<script>addEventListener("load", () => {
  const box = e => e.getBoundingClientRect(), scroll = document.querySelector(".wide");
  const [sentence, line] = document.querySelectorAll("pre");
  document.title = JSON.stringify({
    cut: [...document.querySelectorAll("td span.warn, td span.good")].map(e => box(e).right - box(scroll).right),
    table: scroll.scrollWidth - scroll.clientWidth, sentence: sentence.scrollWidth - sentence.clientWidth,
    line: line.scrollWidth - line.clientWidth, lines: box(line).height, page: document.body.scrollWidth - innerWidth,
  });
})</script></body>"""


def promised(target, seen):
    """Return a promise that is checked."""
    return Promise("the value lies inside", target, "Split", 0.9, seen, 0.708, 0.976, 27.0, 418.2, "pC")


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium to open the page with")
@pytest.mark.parametrize("width", [1200, 800, 500])
def test_verdicts_are_seen_whole_and_sentences_are_broken_in_a_narrow_window(width, tmp_path):
    table = promise_table([promised("energy", 0.963), promised("charge", 0.889)], timed=False)
    page = page_html("run", "run", [Section("confidence", "Confidence", [table, code(SENTENCE), code(LINE)])])
    path = tmp_path / "page.html"
    path.write_text(page.replace("</body>", MEASURE))
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'user'}",
         f"--window-size={width},2000", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    found = json.loads(html.unescape(re.search("<title>(.*?)</title>", done.stdout, re.DOTALL)[1]))
    assert len(found["cut"]) == 2 and max(found["cut"]) <= 0
    assert found["sentence"] <= 0 and found["page"] <= 0
    assert found["lines"] < 60  # a line of a table stays one
    if width >= 800:
        assert found["table"] <= 0 and found["line"] <= 0
