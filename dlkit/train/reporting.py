"""One page of a run: the whole chain from data to decision."""

from pathlib import Path

from dlkit.core.checks import require
from dlkit.core.runfolder import RunFolder
from dlkit.report.page.elements import Section, paragraph
from dlkit.report.page.page import page_html, write_page


def report_run(run: RunFolder, output: Path | None = None) -> Path:
    """Write the page of a run and return its path.

    Args:
        run: The run.
        output: The page; ``report.html`` in the run by default.

    Raises:
        InputError: The run was not trained.
    """
    require(
        bool(run.checkpoint_files()),
        f"'{run.path}' has no checkpoint, there is nothing to report yet: train it with `dlkit run --into {run.path}`.",
    )
    section = Section("question", "The question", [paragraph(run.path.name)])
    return write_page(output or run.path / "report.html", page_html(run.path.name, "", [section]))
