"""Parts of a page as HTML text; everything that comes from outside is escaped here."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape


@dataclass(frozen=True)
class Section:
    """A part of a page with a heading.

    Attributes:
        name: Its anchor.
        title: Its heading.
        parts: HTML, from the functions of this file; none where there is nothing.
        absent: Why there is nothing, in one sentence.
    """

    name: str
    title: str
    parts: Sequence[str] = field(default_factory=tuple)
    absent: str = ""

    def html(self) -> str:
        """Return the section."""
        inner = "\n".join(part for part in self.parts if part) or f'<p class="absent">{escape(self.absent)}</p>'
        return f'<section id="{self.name}" aria-labelledby="{self.name}-h"><h2 id="{self.name}-h">{escape(self.title)}</h2>\n{inner}\n</section>'


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of plain text."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def picture(content: bytes, alt: str, caption: str = "", form: str = "png") -> str:
    """Return a figure whose picture is part of the page.

    Args:
        content: The file.
        alt: What it shows, for those who do not see it.
        caption: Text below it.
        form: "png", "jpeg" or "svg+xml".
    """
    data = b64encode(content).decode("ascii")
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img src="data:image/{form};base64,{data}" alt="{escape(alt, quote=True)}">{below}</figure>'
