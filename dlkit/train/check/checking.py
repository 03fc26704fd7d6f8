"""A check of data, from what was asked to check.json and its page."""

import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dlkit import __version__
from dlkit.core.checks import InputError, SettingError
from dlkit.core.finding import Finding, ranked
from dlkit.core.runfolder import write_json
from dlkit.data.batches.batching import Batching
from dlkit.data.raw.base import Raw
from dlkit.data.raw.open import open_all
from dlkit.data.sources.aligned import Aligned
from dlkit.quality.checked import Check, SourceFacts
from dlkit.quality.fitness.fitness import Fitness, fitness_findings
from dlkit.report.check.text import text_of
from dlkit.train.check.asked import Asked, made
from dlkit.train.check.bar import Bar, bar_of, doing
from dlkit.train.check.drifts import drift_findings
from dlkit.train.check.handled import with_handled
from dlkit.train.check.intervals import intervals_of
from dlkit.train.check.left import with_cleaned
from dlkit.train.check.seen import Seen, Wanted, look_at, refused
from dlkit.train.check.sources import place_of, see_source, size_of, sources_of
from dlkit.train.environment import command, version_of

PACKAGES = ("numpy", "pandas", "pyarrow", "scipy", "scikit-learn", "statsmodels", "scikit-image", "cleanlab", "seaborn")
EXTRAS = {
    "statsmodels": "tests of stationarity (ADF, KPSS)",
    "seaborn": "some figures",
    "scikit-image": "steps that clean images",
    "cleanlab": "the comparison of label scores",
}


def check_data(asked: Asked, output: Path, *, quick: bool = False, seed: int = 0) -> tuple[Check, str]:
    """Check data and write ``check.json`` and ``check.html``; return what was found and what to print.

    Args:
        asked: What is to be checked.
        output: Folder of the files.
        quick: Without labels, embeddings and page.
        seed: Of folds, samples and models.

    Raises:
        InputError: There is nothing to check.
    """
    began, wanted = time.perf_counter(), Wanted(quick=quick, seed=seed, run=asked.run)
    check, seen = (check_files if asked.section is None else check_config)(asked, wanted)
    check.left_out += left_out()
    check.about = about(began, wanted) | {"command": command()}
    write_json(output / "check.json", check.plain())
    page = None
    if not quick:
        from dlkit.train.check.page import write_check_page

        page = write_check_page(output / "check.html", check, seen)
    return check, text_of(check, page or output / "check.json")


def check_files(asked: Asked, wanted: Wanted) -> tuple[Check, list[Seen]]:
    """Look at files as they lie."""
    raws: dict[str, tuple[Raw, Path]] = {}
    for path in asked.paths:
        found = open_all(path, asked.settings)
        several = len(asked.paths) > 1
        raws |= {(name or path.name if several else name): (raw, path) for name, raw in found.items()}
    seen = []
    with bar_of(sum(raw.size for raw, _ in raws.values())) as bar:
        for name, (raw, path) in raws.items():
            seen.append(look_at(raw, wanted, bar, name, str(path)))
            bar.ended(raw.size)
    return gathered(asked.words, seen), seen


def check_config(asked: Asked, wanted: Wanted) -> tuple[Check, list[Seen]]:
    """Look at what a config, a data module or a source names."""
    return check_module(made(asked), wanted, asked.words)


def check_module(data: Any, wanted: Wanted, words: str) -> tuple[Check, list[Seen]]:
    """Look at the sources of a data module, then at what it makes of them."""
    sources = sources_of(data)
    with bar_of(size_of(sources)) as bar:
        seen = see_sources(sources, wanted, bar, data)
    check = gathered(words, seen)
    source = getattr(data, "source", data)
    if isinstance(source, Aligned) and not wanted.quick:
        check.findings += drift_findings(source, {one.facts.name: one.signals for one in seen})
    judge(check, data, wanted, seen)
    return check, seen


def see_sources(sources: dict[str, Any], wanted: Wanted, bar: Bar, data: Any) -> list[Seen]:
    """Look at sources one after the other; one of several that refuses is a finding."""
    seen = []
    for name, source in sources.items():
        facts = SourceFacts(name=name, place=place_of(source))
        try:
            seen.append(see_source(source, facts, wanted, bar, data))
        except InputError as error:
            if len(sources) == 1 and not isinstance(error, SettingError):
                raise
            seen.append(refused(facts, error))
        bar.ended(facts.size)
    return seen


def judge(check: Check, data: Any, wanted: Wanted, seen: list[Seen]) -> None:
    """Add what the data module says of its data, and what its settings and steps take care of."""
    of_roles: list[Finding] = []  # they are found in rows that were cleaned
    if isinstance(data, Batching):
        try:
            doing("Comparing training with validation and test")
            intervals = {} if wanted.quick else intervals_of(data, wanted)
            fitness = fitness_findings(data, seed=wanted.seed, quick=wanted.quick)
        except SettingError as error:  # of the data; a mistake of the config ends here
            intervals, fitness = {}, Fitness([refusal(error)])
        finally:
            doing("")
        of_roles = [*fitness.findings, *(one for report in intervals.values() for one in report.findings)]
        check.fitness = fitness.facts | clocks_of(data)
        check.labels |= {name: report.plain() for name, report in intervals.items()}
    of_sources = with_cleaned(with_handled(check.findings, data), data, seen, wanted)
    check.findings = ranked([*of_sources, *with_handled(of_roles, data)])


def clocks_of(data: Any) -> dict[str, Any]:
    """Return offset and drift of each clock that was found by what two sources both saw."""
    source = getattr(data, "source", None)
    syncs = source.syncs if isinstance(source, Aligned) else {}
    names = {"offset_s": "offset", "offset_error_s": "offset_error", "drift_ppm": "drift"}
    found = {name: sync.plain() for name, sync in syncs.items()}
    each = {name: {key: one.get(known) for key, known in names.items()} for name, one in found.items()}
    return {"clocks": each} if each else {}


def refusal(error: SettingError) -> Finding:
    """Return what a data module that refuses its data says."""
    why = "A run of this config ends here, before anything is trained."
    return Finding(kind="refused", level="error", what=str(error), why=why)


def gathered(words: str, seen: list[Seen]) -> Check:
    """Return what was found in all sources."""
    findings = ranked(finding for one in seen for finding in one.findings)
    labels = {one.facts.name: one.labels.plain() for one in seen if one.labels is not None}
    return Check(asked=words, sources=[one.facts for one in seen], findings=findings, labels=labels)


def left_out() -> list[str]:
    """Return what cannot be looked at because a package is missing, in one sentence."""
    absent = [f"{what} ({name})" for name, what in EXTRAS.items() if not version_of(name)]
    return [f'Left out: {", ".join(absent)}; `pip install "dlkit[check]"` adds them.'] if absent else []


def about(began: float, wanted: Wanted) -> dict[str, Any]:
    """Return when, with what and how long."""
    versions = {"python": platform.python_version()} | {name: version_of(name) for name in PACKAGES}
    return {
        "dlkit": __version__,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - began, 2),
        "quick": wanted.quick,
        "seed": wanted.seed,
        "versions": {name: one for name, one in versions.items() if one},
    }
