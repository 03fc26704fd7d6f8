"""One page of a run: the whole chain from data to decision."""

import re
from pathlib import Path

import pyarrow as pa

from dlkit import __version__
from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder
from dlkit.report.page.elements import Section
from dlkit.report.page.interactive import traces_html
from dlkit.report.page.page import page_html, write_page
from dlkit.train.report.anomalies import anomalies_section
from dlkit.train.report.cases import cases_section, explanations_section
from dlkit.train.report.confidence import confidence_section
from dlkit.train.report.data import data_section
from dlkit.train.report.known import Known, know
from dlkit.train.report.novelty import novelty_section, robustness_section
from dlkit.train.report.question import lead, question_section
from dlkit.train.report.repeat import repeat_section
from dlkit.train.report.results import results_section
from dlkit.train.report.time import time_section
from dlkit.train.report.training import model_section, training_section

SECTIONS = (
    question_section,
    data_section,
    model_section,
    training_section,
    results_section,
    confidence_section,
    time_section,
    cases_section,
    explanations_section,
    anomalies_section,
    robustness_section,
    novelty_section,
    repeat_section,
)
"""What a page holds, in its order; each returns one section of what is known."""


def report_run(run: RunFolder, output: Path | None = None) -> Path:
    """Write the page of a run and return its path.

    Args:
        run: The run.
        output: The page; ``report.html`` in the run by default.

    Raises:
        InputError: The run was not trained, or its files are damaged.
    """
    known = know(run)
    try:
        page = page_of(known)
    except pa.ArrowException as error:
        raise InputError(f"'{run.predictions}' is damaged: make it anew by `dlkit predict {run.path}`.") from error
    return write_page(output or run.path / "report.html", page)


def page_of(known: Known) -> str:
    """Return the page."""
    sections = [section(known) for section in SECTIONS]
    drawn, scripts = traces_html(known.traces)

    def placed(part: str) -> str:
        return re.sub(r"<!--trace (\d+)-->", lambda found: drawn[int(found.group(1))], part)

    whole = [Section(one.name, one.title, [placed(part) for part in one.parts], one.absent) for one in sections]
    name = str(known.config.get("name") or known.run.path.name).replace("_", " ")
    foot = f"Written by dlkit {__version__} from the run folder {known.run.path.name}; this file loads nothing."
    return page_html(name, lead(known), whole, scripts=scripts, brand="dlkit report", foot=foot)
