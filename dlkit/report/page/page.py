"""The page as a whole: head, contents, sections, foot."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from dlkit.core.runfolder import atomic_file
from dlkit.report.page.elements import Section


def page_html(title: str, lead: str, sections: Sequence[Section], *, scripts: str = "") -> str:
    """Return a whole page that loads nothing.

    Args:
        title: Its heading.
        lead: HTML above the sections.
        sections: What it holds.
        scripts: HTML with the scripts of what is interactive.
    """
    body = "\n".join(section.html() for section in sections)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>{scripts}</head>'
        f"<body><h1>{escape(title)}</h1>{lead}{body}</body></html>\n"
    )


def write_page(path: Path, content: str) -> Path:
    """Write a page, whole or not at all, and return its path."""
    with atomic_file(path) as work:
        work.write_text(content, encoding="utf-8")
    return path
