"""The page of a check: what is there, what is wrong, and what it looks like; read in five minutes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from dlkit.core.finding import LEVELS, Finding
from dlkit.quality.checked import Check
from dlkit.report.check import overview
from dlkit.report.check.cards import card
from dlkit.report.check.fitness import fitness_parts
from dlkit.report.check.groups import groups_of
from dlkit.report.check.labels import label_parts
from dlkit.report.check.look import Look
from dlkit.report.check.previews import Preview, preview_html
from dlkit.report.page.elements import Section, code, folded, heading, paragraph, picture
from dlkit.report.page.interactive import traces_html
from dlkit.report.page.page import page_html

NARROW = 640  # pixels across up to which a picture is read on a telephone
OPEN = 12  # cards of a level that are not folded
COPY = """<script>
document.querySelectorAll(".cure pre").forEach(pre => {
  const button = document.createElement("button"), text = pre.querySelector("code").innerText;
  button.type = "button"; button.textContent = "Copy";
  button.addEventListener("click", () => navigator.clipboard.writeText(text).then(() => button.textContent = "Copied"));
  pre.append(button);
});
</script>"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawn:
    """What a page shows besides what was written down.

    Attributes:
        looks: Figures of each source.
        previews: What repairs change.
        repairs: All repairs in one place, as YAML.
        dated: Whether the times of each source are dates.
    """

    looks: Mapping[str, Sequence[Look]] = field(default_factory=dict)
    previews: Sequence[Preview] = ()
    repairs: str = ""
    dated: Mapping[str, bool] = field(default_factory=dict)


def check_page(check: Check, drawn: Drawn) -> str:
    """Return the page of a check."""
    looks = [look for found in drawn.looks.values() for look in found if look.trace is not None]
    traces, scripts = traces_html([look.trace for look in looks if look.trace is not None])
    html = {id(look): trace for look, trace in zip(looks, traces, strict=True)}
    sections = [
        Section("found", "What is wrong", found_parts(check.findings, drawn), "Nothing was found."),
        Section("there", "What is there", [part for one in check.sources for part in overview.source_parts(one)]),
        Section("repairs", "Repairs", repair_parts(drawn), "No finding has a repair that can be written down."),
        Section("looks", "What it looks like", look_parts(drawn.looks, html), "A quick check draws nothing."),
        Section("fitness", "Are these the right data?", fitness_parts(check.fitness), NO_QUESTION),
        Section("labels", "Labels", label_parts(check.labels), "There are no labels to be judged."),
        Section("again", "How to repeat it", overview.repeat_parts(check)),
    ]
    foot = overview.foot(check)
    return page_html(
        overview.title(check),
        overview.lead(check),
        sections,
        scripts=scripts,
        brand="dlkit check",
        foot=foot,
        tail=COPY,
    )


NO_QUESTION = (
    "Only a config says what is asked of the data: `dlkit check CONFIG` compares training with validation and test, "
    "and inputs with targets."
)


def found_parts(findings: Sequence[Finding], drawn: Drawn) -> list[str]:
    """Return the findings, the worst first; what is taken care of at the end."""
    open_ones = groups_of(one for one in findings if not one.handled)
    parts = []
    for level in LEVELS:
        html = [dated_card(group, drawn) for group in open_ones if group[0].level == level]
        parts += [*html[:OPEN], folded(f"{len(html) - OPEN} more of level {level}", "".join(html[OPEN:]))]
    done = groups_of(one for one in findings if one.handled)
    said = f"Taken care of by settings: {sum(map(len, done))}"
    return [*parts, folded(said, "".join(dated_card(group, drawn) for group in done))]


def dated_card(group: Sequence[Finding], drawn: Drawn) -> str:
    """Return a card in the times of its source."""
    return card(group, dated=drawn.dated.get(group[0].source, True))


def repair_parts(drawn: Drawn) -> list[str]:
    """Return what repairs change, and all of them in one place."""
    parts = [preview_html(one) for one in drawn.previews]
    if drawn.repairs:
        said = (
            "All first repairs together, each where it stands in a config: merge them into its block `data`, try them, "
            "and read each before you keep it."
        )
        parts += [heading("In one place"), paragraph(said, "small"), code(drawn.repairs)]
    return parts


def look_parts(looks: Mapping[str, Sequence[Look]], traces: Mapping[int, str]) -> list[str]:
    """Return the figures of each source."""
    parts = []
    for source, found in looks.items():
        several = len([one for one in looks.values() if one]) > 1
        parts.append(heading(source) if several and found else "")
        for look in found:
            head = f'<h4 id="{escape(f"{source}-{look.name}", quote=True)}">{escape(look.title)}</h4>'
            inner = traces[id(look)] if look.trace is not None else ""
            inner += still_html(look.png, look) if look.png is not None else ""
            parts.append(f'<div class="look">{head}{inner}</div>')
    return parts


def still_html(png: bytes, look: Look) -> str:
    """Return a picture; one that is wide is moved sideways on a telephone instead of made small."""
    wide = int.from_bytes(png[16:20]) > NARROW
    return picture(png, look.alt, look.caption, kind="panels" if wide else "")
