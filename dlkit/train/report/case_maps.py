"""Maps of the best and the worst answers: each explains the label or the target that made it a case."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder
from dlkit.report.page.elements import beside, code, folded, heading, note, picture
from dlkit.train.report.known import Known, json_of
from dlkit.train.report.results import smaller
from dlkit.train.report.worst import Ranked

EXPLAINED = 4  # cases that are explained


def explained(known: Known, found: Ranked) -> list[str]:
    """Explain the worst cases and the best one; return the maps with the verdict of their checks."""
    if known.spec.parts:
        return []  # sources take too long to be explained here; what `dlkit explain` left stands below
    groups = asked(found)
    with tempfile.TemporaryDirectory() as name:
        folders = [RunFolder(Path(name) / str(k)) for k in range(len(groups))]
        try:
            told = [
                explain(known, folder, numbers, target)
                for folder, (target, numbers) in zip(folders, groups.items(), strict=True)
            ]
        except (InputError, RuntimeError) as error:
            return [note(f"These cases could not be explained: {error}", "warn")]
        before = "; how sure: before calibration" if known.scaled else ""
        return [
            heading("What the network looked at in these cases"),
            *maps_of(list(zip(groups, folders, strict=True)), "\n\n".join(told), before=before),
        ]


def asked(found: Ranked) -> dict[str, list[int]]:
    """Return the cases that are explained, by the label or target that made them cases."""
    groups: dict[str, list[int]] = {}
    for k in dict.fromkeys([*found.worst[: EXPLAINED - 1], *found.best[:1]]):
        groups.setdefault(found.by.get(k, ""), []).append(k)
    return groups


def explain(known: Known, folder: RunFolder, numbers: Sequence[int], target: str) -> str:
    """Explain a label or a target of some cases in a folder; return what was printed."""
    from dlkit.train.explain.explaining import explain_run
    from dlkit.train.explain.question import Wanted
    from dlkit.train.explain.result import Choice

    folder.path.mkdir()
    if known.run.metrics.is_file():
        folder.metrics.write_bytes(known.run.metrics.read_bytes())
    methods = [] if known.spec.kind in ("class", "ordinal", "labels") else ["integrated_gradients"]
    choice = Choice(numbers=numbers, wanted=Wanted(target=target))
    told = explain_run(known.cli.model, known.cli.datamodule, folder, methods, choice)
    return f"{target}:\n{told}" if target else told


def case_name(path: Path) -> str:
    """Return the name of the sample or window of a map, from what was written beside it."""
    samples = json_of(path.parent / "summary.json").get("samples") or []
    place = int(path.stem[:2])
    return str(samples[place]["name"]) if place < len(samples) else path.stem[3:]


def maps_of(groups: Sequence[tuple[str, RunFolder]], told: str, *, before: str = "") -> list[str]:
    """Return the maps that were drawn.

    Args:
        groups: What was explained, "" where it has no name, and the folder of the explanations.
        told: What was printed; lines that say where the maps are are left out, since they are here.
        before: What a caption adds.
    """
    parts, failed, open_ = [], [], []
    for target, folder in groups:
        for summary in sorted(folder.path.glob("explain/*/summary.json")):
            method = summary.parent.name.partition("-")[0].replace("_", " ") + f" of {target}" * bool(target)
            for path in sorted(summary.parent.glob("[0-9][0-9]_*.png")):
                case = case_name(path)
                parts.append(picture(smaller(path), f"Explanation of {case} by {method}", f"{case}, {method}{before}"))
            found, name = json_of(summary), f"{target}: " * bool(target)
            failed += [f"{name}{problem}" for problem in found.get("problems") or []]
            open_ += [f"{name}{one}" for one in found.get("undecided") or []]
    said = (
        [note(f"Do not trust these maps, their method failed its checks: {'; '.join(failed)}", "bad")] if failed else []
    )
    said += [note(f"These few cases do not decide {'; '.join(open_)}.", "warn")] if open_ else []
    plain = "\n".join(line for line in told.splitlines() if not line.startswith("maps: "))
    return [*said, beside(parts), folded("How the explanations were checked", code(plain), printed=True)]
