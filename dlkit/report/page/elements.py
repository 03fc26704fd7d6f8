"""Parts of a page as HTML; everything that comes from outside is escaped here."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

Tone = Literal["good", "warn", "bad", "info"]
SHORT = 26  # letters of a cell that is not broken into lines
LETTERS = 96  # letters of a line that fits beside the contents of a page
SIGNS: dict[str, str] = {"good": "✓", "warn": "!", "bad": "✗", "info": "i"}


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
        inner = "\n".join(part for part in self.parts if part) or paragraph(self.absent, "absent")
        head = f'<h2 id="{self.name}-h">{escape(self.title)}</h2>'
        return f'<section id="{self.name}" aria-labelledby="{self.name}-h">{head}\n{inner}\n</section>'


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of plain text; words between backticks are code."""
    return f'<p class="{kind}">{inline(text)}</p>' if kind else f"<p>{inline(text)}</p>"


def inline(text: str) -> str:
    """Return plain text as HTML; words between backticks are code."""
    parts = escape(text).split("`")
    whole = len(parts) % 2 == 1
    return "".join(f"<code>{part}</code>" if whole and k % 2 else part for k, part in enumerate(parts))


def heading(text: str) -> str:
    """Return a heading within a section."""
    return f"<h3>{escape(text)}</h3>"


def note(text: str, tone: Tone = "info") -> str:
    """Return a remark with a sign and a colour."""
    sign = f'<span class="sign" aria-hidden="true">{SIGNS[tone]}</span>'
    return f'<p class="note {tone}">{sign}<span>{inline(text)}</span></p>'


def facts(pairs: Mapping[str, str]) -> str:
    """Return names and what is known of them."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{inline(value)}</dd>" for name, value in pairs.items() if value)
    return f"<dl>{rows}</dl>" if rows else ""


@dataclass(frozen=True)
class Tile:
    """One number that everybody asks for.

    Attributes:
        name: What it is.
        value: The number.
        more: What to hold it against.
        tone: Whether that is good.
    """

    name: str
    value: str
    more: str = ""
    tone: Tone = "info"


def tiles(found: Sequence[Tile]) -> str:
    """Return numbers beside each other."""
    boxes = "".join(
        f'<div class="tile {tile.tone}"><div class="name">{escape(tile.name)}</div>'
        f'<div class="value">{escape(tile.value)}</div><div class="more">{escape(tile.more)}</div></div>'
        for tile in found
    )
    return f'<div class="tiles">{boxes}</div>' if boxes else ""


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    caption: str = "",
    best: Sequence[int | None] = (),
    words: int = 1,
    signs: Sequence[Tone | None] = (),
) -> str:
    """Return a table; numbers stand to the right.

    Args:
        head: Names of the columns.
        rows: Cells.
        caption: What the table shows.
        best: Column of the best cell of each row.
        words: Number of leading columns of words.
        signs: Tone of the last cell of each row.
    """
    if not rows:
        return ""
    best, last = list(best) or [None] * len(rows), len(head) - 1 if any(signs) else None
    signs = list(signs) or [None] * len(rows)
    top = "".join(f'<th scope="col"{_side(k, words, last)}>{inline(name)}</th>' for k, name in enumerate(head))
    body = "".join(_row(cells, words, best[k], signs[k], last) for k, cells in enumerate(rows))
    said = f"<caption>{inline(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide" tabindex="0"><table>{said}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _row(cells: Sequence[str], words: int, best: int | None, sign: Tone | None, last: int | None) -> str:
    parts = []
    for k, cell in enumerate(cells):
        content = f"<strong>{inline(cell)}</strong>" if k == best else inline(cell)
        if sign is not None and k == len(cells) - 1:
            content = f'<span class="{sign}">{SIGNS[sign]}&nbsp;{content}</span>'
        tag = 'th scope="row"' if k == 0 else "td"
        side = ' class="short"' if k < words and len(cell) <= SHORT else _side(k, words, last)
        parts.append(f"<{tag}{side}>{content}</{tag[:2]}>")
    return f"<tr>{''.join(parts)}</tr>"


def _side(column: int, words: int, last: int | None) -> str:
    if column == last:
        return ' class="verdict"'
    return "" if column < words else ' class="number"'


def picture(content: bytes, alt: str, caption: str = "", *, form: str = "png", kind: str = "") -> str:
    """Return a figure whose picture is part of the page.

    Args:
        content: The file.
        alt: What it shows, for those who do not see it.
        caption: Text below it.
        form: "png", "jpeg" or "svg+xml".
        kind: Class of the style.
    """
    data = b64encode(content).decode("ascii")
    below = f"<figcaption>{inline(caption)}</figcaption>" if caption else ""
    image = f'<img loading="lazy" src="data:image/{form};base64,{data}" alt="{escape(alt, quote=True)}">'
    return f'<figure class="{kind}">{image}{below}</figure>' if kind else f"<figure>{image}{below}</figure>"


def beside(parts: Sequence[str]) -> str:
    """Return parts beside each other where there is room."""
    found = [part for part in parts if part]
    return f'<div class="beside">{"".join(found)}</div>' if len(found) > 1 else "".join(found)


def folded(summary: str, content: str, *, printed: bool = False) -> str:
    """Return content that is shown when it is asked for, and on paper too where it is ``printed``."""
    kind = ' class="printed"' if printed else ""
    return f"<details{kind}><summary>{inline(summary)}</summary>{content}</details>" if content else ""


def code(text: str) -> str:
    """Return text as it stands in a terminal: sentences are broken where there is no room, lines of tables are not."""
    lines = text.splitlines()
    sentences = [len(line) > LETTERS and "  " not in line.strip() and " " in line for line in lines]
    most = max([LETTERS, *(len(line) for line, said in zip(lines, sentences, strict=True) if not said)])
    inner = "\n".join(
        f'<span class="said">{escape(line)}</span>' if said else escape(line)
        for line, said in zip(lines, sentences, strict=True)
    )
    return f'<pre class="plain" style="--letters: {most}" tabindex="0"><code>{inner}</code></pre>'
