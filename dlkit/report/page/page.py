"""The page as a whole: head, contents, sections, foot."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from dlkit.core.runfolder import atomic_file
from dlkit.report.page.elements import Section

TEMPLATE = Path(__file__).with_name("page.html")


def page_html(
    title: str,
    lead: str,
    sections: Sequence[Section],
    *,
    scripts: str = "",
    brand: str = "dlkit",
    foot: str = "",
    tail: str = "",
) -> str:
    """Return a whole page that loads nothing.

    Args:
        title: Its heading.
        lead: HTML above the sections.
        sections: What it holds.
        scripts: HTML of the scripts that make traces interactive.
        brand: Text above the contents.
        foot: HTML below the sections.
        tail: HTML of the scripts that look for parts of the page.
    """
    slots = {
        "TITLE": escape(title),
        "BRAND": escape(brand),
        "CONTENTS": "\n".join(contents_line(section) for section in sections),
        "LEAD": lead,
        "SECTIONS": "\n".join(section.html() for section in sections),
        "FOOT": foot,
        "TAIL": tail,
        "SCRIPTS": scripts,
    }
    parts = TEMPLATE.read_text(encoding="utf-8").split("<!--")
    filled = [parts[0]]
    for part in parts[1:]:
        name, _, rest = part.partition("-->")
        filled.append(slots[name] + rest)
    return "".join(filled)


def contents_line(section: Section) -> str:
    """Return a line of the contents; what is empty is grey."""
    empty = "" if any(section.parts) else ' class="empty"'
    return f'<li><a href="#{section.name}"{empty}>{escape(section.title)}</a></li>'


def write_page(path: Path, content: str) -> Path:
    """Write a page, whole or not at all, and return its path."""
    with atomic_file(path) as work:
        work.write_text(content, encoding="utf-8")
    return path
