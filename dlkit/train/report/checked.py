"""What the check before a run found: its worst findings, for the page of the run."""

from dlkit.core.finding import ranked
from dlkit.core.runfolder import read_json
from dlkit.quality.checked import Check, check_of
from dlkit.report.check.cards import cards
from dlkit.report.check.overview import verdict
from dlkit.report.page.elements import folded, heading, note, paragraph
from dlkit.train.check.run import FILE
from dlkit.train.report.known import Known

SHOWN = 3


def checked_parts(known: Known) -> list[str]:
    """Return the verdict on the data and the worst findings; nothing of a run that did not check."""
    path = known.run.path / FILE
    if not path.is_file():
        return []
    check: Check = check_of(read_json(path))
    tone, said = verdict(check)
    worst = ranked(check.of("error", "warning"))
    more = paragraph(f"`dlkit check {known.run.path}` shows all of them with figures and repairs.", "small")
    return [
        heading("What a check of the data found"),
        note(said, tone),
        cards(worst[:SHOWN]),
        folded(f"{len(worst) - SHOWN} more", cards(worst[SHOWN:])),
        more,
    ]
