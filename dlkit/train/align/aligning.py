"""How well the clocks of several sources fit, and what bringing them together costs: `dlkit align`, and every run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlkit.core.checks import InputError, require
from dlkit.core.runfolder import RunFolder, write_json
from dlkit.data.inputs import Timing
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sync.estimate import Sync
from dlkit.data.sync.resolve import added, compare, parse_like
from dlkit.data.sync.survey import survey
from dlkit.data.table.rows import count_rows
from dlkit.report.sync_tables import clock_text, losses_text, missing_text, sources_text, windows_text
from dlkit.train.align.views import clocks_words, draw, pieces_words, sync_words, yaml_line


@dataclass(frozen=True, eq=False)
class Wish:
    """Two sources whose clocks were compared because somebody asked.

    Attributes:
        source: Whose clock would be corrected.
        sync: What was found.
        timing: What its timing would be; that it has now where nothing was found.
    """

    source: str
    sync: Sync
    timing: Timing


def aligned_of(data: Any) -> Aligned | None:
    """Return the sources of a data module that has several on one clock."""
    source = getattr(data, "source", None)
    return source if isinstance(source, Aligned) else None


def write_sync(run: RunFolder, data: Any) -> str:
    """Write ``sync.json`` and ``figures/sync.png`` into a run; return some lines, or "" where there is one source."""
    aligned = aligned_of(data)
    if aligned is None:
        return ""
    found = survey(aligned)
    write_json(run.path / "sync.json", found.report)
    draw(found, found.syncs, run.figures / "sync.png", dated=aligned.dated)
    return "\n".join(filter(None, [pieces_words(data), clocks_words(found.syncs), losses_text(found.report)]))


def dry_run(data: Any, wishes: Sequence[str], output: Path) -> str:
    """Write ``align.json`` and ``sync.png`` of a data module into a folder; return what to print.

    Args:
        data: The data module.
        wishes: Pairs of channels "source.channel=source.channel" whose clocks are compared, the first one's corrected.
        output: The folder.

    Raises:
        InputError: There is only one source, or a wish names none.
    """
    aligned = aligned_of(data)
    if aligned is None:
        raise InputError(
            f"There is nothing to align: {type(data).__name__} has one source; name several, as "
            "configs/experiment/beamline_fusion.yaml does."
        )
    require(not output.is_file(), f"--output {output} is a file: give a folder.")
    wished = {text: wish_of(text, aligned) for text in wishes}
    found, split = survey(aligned), windows_of(data)
    likes = {
        text: {"source": one.source, "timing": {"offset": one.timing.offset, "drift": one.timing.drift}}
        | one.sync.plain()
        for text, one in wished.items()
    }
    write_json(output / "align.json", {"windows": split} | found.report | {"likes": likes})
    syncs = found.syncs | {text: one.sync for text, one in wished.items()}
    figure = draw(found, syncs, output / "sync.png", dated=aligned.dated)
    lines = [f"{text}: {sync_words(one.sync)}" for text, one in wished.items()]
    settings = [yaml_line(name, aligned.timings[name]) for name in found.syncs]
    settings += [yaml_line(one.source, one.timing) for one in wished.values() if one.sync.found]
    said = [clock_text(found.report), missing_text(found.report), clocks_words(found.syncs)]
    words = [pieces_words(data), *said, *lines]
    tables = [sources_text(found.report), "", *filter(None, words)]
    return "\n".join([*tables, *settings, "", windows_text(split), "", f"report: {output / 'align.json'}, {figure}"])


def windows_of(data: Any) -> dict[str, Any]:
    """Return rows, windows and what they cost of each role, and the rows that the embargo keeps from training."""
    split: dict[str, Any] = data.describe()["split"]
    ready = data.prepared
    kept = count_rows(ready.ranges["train"])
    split["train"]["embargo"] = count_rows(data.split.ranges(ready.table)["train"]) - kept
    return split


def wish_of(text: str, aligned: Aligned) -> Wish:
    """Compare two clocks on top of what is known of them."""
    like = parse_like(text, None, aligned.sources, setting="--like")
    sync, own = compare(like, aligned.sources, aligned.timings), aligned.timings[like.own.source]
    return Wish(like.own.source, sync, added(own, sync) if sync.found else own)
