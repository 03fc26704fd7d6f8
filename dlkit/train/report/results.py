"""The measures of a run beside its baselines, and the figures of its test."""

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from dlkit.report.page.elements import Section, beside, code, folded, heading, paragraph, picture, table
from dlkit.report.words import number
from dlkit.train.confidence.confidence import Confidence
from dlkit.train.evaluation.measures import MODEL, Values
from dlkit.train.report.known import Known
from dlkit.train.report.measures import CALIBRATION, all_measures, direction, own_level, shown, units_of, words_of

SAY = {
    "error_per_horizon": "Mean absolute error by lead time, the model beside the baselines.",
    "confusion": "What is taken for what: rows are the truth.",
    "reliability": "How often an answer is right against how sure it was; on the diagonal it can be taken at its word.",
    "roc": "Share of a class that is found against the share of others taken for it.",
    "scores_of_classes": "Recall, precision and F1 of each class.",
    "scores": "Scores of validation and test, with the threshold.",
    "overview": "Scores and the errors of each channel at a glance.",
    "baselines": "The network beside classical methods.",
    "label_counts": "Labels that are right, missed and wrongly said.",
}  # fmt: skip
ELSEWHERE = (
    "mistakes",
    "largest_errors",
    "event_",
    "overview",
    "scores",
    "sync",
    "forecast_",
    "embedding",
    "reliability",
)


def results_section(known: Known) -> Section:
    """Return the section."""
    measures = all_measures(known)
    if not measures:
        return Section("results", "Results", absent=f"Not tested yet: `dlkit test {known.run.path}` measures it.")
    parts = [
        measures_table(known, measures),
        *classical(known),
        class_part(known),
        figures_part(known),
        folded("The table of the test, as printed", code(summary_text(known.run.summary)), printed=True),
    ]
    return Section("results", "Results beside baselines", parts)


def summary_text(path: Path) -> str:
    """Return what the test printed."""
    return path.read_text(encoding="utf-8").rstrip() if path.is_file() else ""


def measures_table(known: Known, measures: Mapping[str, Values]) -> str:
    """Return the model beside its baselines, the best of each row in bold."""
    methods, units = list(measures), units_of(known)
    names = [name for name in measures[MODEL] if math.isfinite(measures[MODEL][name])][:40]
    rows, best, level = [], [], own_level(known.settings.get("loss"))
    for name in names:
        values = [measures[method].get(name, math.nan) for method in methods]
        rows.append(
            [
                words_of(name, units, level) + calibrated(known, name),
                *(shown(name, value) for value in values),
                skill(name, values),
            ]
        )
        best.append(best_column(name, values))
    caption = (
        "Bold is the best of its row. Skill is the share of the error of the best baseline that the model avoids; it "
        "is negative where the model loses."
    )
    caption += " Probabilities are those of the network, before calibration." if known.scaled else ""
    return table(["", *methods, "skill"], rows, caption=caption, best=best)


def calibrated(known: Known, name: str) -> str:
    """Say that the test measured an answer before it was calibrated, where it was."""
    return ", before calibration" if name.endswith(CALIBRATION) and isinstance(known.confidence, Confidence) else ""


def best_column(name: str, values: Sequence[float]) -> int | None:
    """Return the column of the best value."""
    known = [value for value in values if math.isfinite(value)]
    if len(known) < 2 or direction(name) == "neither" or len(set(known)) == 1:
        return None
    return values.index((max if direction(name) == "high" else min)(known)) + 1


def skill(name: str, values: Sequence[float]) -> str:
    """Return the share of the error of the best other method that the first avoids."""
    others = [value for value in values[1:] if math.isfinite(value)]
    way = direction(name)
    if not others or way == "neither" or name.endswith(("r2", CALIBRATION)):
        return ""
    own, rival = (1 - values[0], 1 - max(others)) if way == "high" else (values[0], min(others))
    return f"{100 * (1 - own / rival):+.1f} %".replace("-", "\u2212") if rival > 0 else ""


def classical(known: Known) -> list[str]:
    """Return the comparison with classical methods and single sources, where it was made."""
    parts = []
    printed = summary_text(known.run.path / "baselines.txt")
    if printed:
        parts.append(heading("Classical methods on the same data"))
        parts.append(code(printed))
    else:
        parts.append(
            paragraph(f"Classical methods were not fitted: `dlkit baselines {known.run.path}` does it.", "small")
        )
    sources = known.metrics.get("single_sources") or {}
    if sources:
        names = list(dict.fromkeys(name for each in sources.values() for name in each))
        rows = [[method, *(number(each.get(name)) for name in names)] for method, each in sources.items()]
        parts.append(table(["source", *names], rows, caption="Each source alone, trained and tested in the same way"))
    return parts


def class_part(known: Known) -> str:
    """Return the measures of each class, the worst first."""
    each = (known.metrics.get("test") or {}).get("per_class") or {}
    if not each:
        return ""
    names = list(next(iter(each.values())))
    key = "f1" if "f1" in names else names[-1]
    order = sorted(each, key=lambda name: each[name].get(key) if each[name].get(key) is not None else math.inf)
    rows = [[name, *(shown(one, each[name].get(one)) for one in names)] for name in order[:40]]
    caption = "Measures of each class, the hardest first" + (f"; 40 of {len(each)}" if len(each) > 40 else "")
    return table(["class", *(name.replace("_", " ") for name in names)], rows, caption=caption)


def figures_part(known: Known) -> str:
    """Return the figures of the test: small ones beside each other, then the wide ones."""
    found = [path for path in sorted(known.run.figures.glob("*.png")) if not path.stem.startswith(ELSEWHERE)][:12]
    wide = [path for path in found if is_wide(path)]
    small = [figure_of(path, kind="small") for path in found if path not in wide]
    return beside(small) + "".join(figure_of(path) for path in wide)


def is_wide(path: Path) -> bool:
    """Tell whether a picture has several panels beside each other."""
    from PIL import Image

    with Image.open(path) as image:
        return image.width > 1.9 * image.height


def figure_of(path: Path, caption: str = "", alt: str = "", *, kind: str = "") -> str:
    """Return a picture of the run with what it shows."""
    said = caption or SAY.get(path.stem, path.stem.replace("_", " "))
    return picture(smaller(path), alt or f"{path.stem.replace('_', ' ')}: {said}", said, kind=kind)


def smaller(path: Path) -> bytes:
    """Return a PNG with 256 colours, which is a third of the size and looks the same."""
    from PIL import Image

    with Image.open(path) as image:
        content = io.BytesIO()
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(content, format="PNG", optimize=True)
    return min(content.getvalue(), path.read_bytes(), key=len)
