"""What an explanation leaves in the run folder: figures, maps and a summary for each method, and a table."""

import re
import shutil
from itertools import count, repeat
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.runfolder import atomic_folder, read_json, write_json
from dlkit.explain.truth import boxes
from dlkit.report.canvas import save_figure
from dlkit.tasks.base import Task
from dlkit.train.evaluation.classes import UNCALIBRATED
from dlkit.train.explain.figures import RELATIVE, legend_of, map_figures
from dlkit.train.explain.inputs import baseline_kind
from dlkit.train.explain.progress import Progress
from dlkit.train.explain.question import Wanted
from dlkit.train.explain.result import Choice, Explained
from dlkit.train.explain.source_files import (
    source_arrays,
    source_figures,
    source_sample,
    source_summary,
)
from dlkit.train.explain.times import moments


def folder_name(method: str, wanted: Wanted) -> str:
    """Return the name of the folder of a method; a target, steps and a baseline that were asked for have their own."""
    parts = [method]
    if wanted.target not in ("", "predicted"):
        parts.append(file_stem(wanted.target))
    if wanted.horizon is not None:
        steps = sorted(wanted.horizon)
        few = "-".join(map(str, steps))
        parts.append(f"step{few}" if len(steps) <= 4 else f"steps{steps[0]}to{steps[-1]}of{len(steps)}")
    return "-".join([*parts, *([wanted.baseline] if wanted.baseline else [])])


def file_stem(name: str) -> str:
    """Return what a file may be called that shows a sample, without the suffix of an image."""
    bare = re.sub(r"\.(png|jpe?g|tiff?|bmp|gif|webp)$", "", name, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", bare)[-60:]


def replaced(folder: Path, samples: int) -> list[str]:
    """Say where maps of more samples than there are now are about to be replaced; nothing where there are none."""
    summary = folder / "summary.json"
    before = len(read_json(summary).get("samples", [])) if summary.is_file() else 0
    now, again = f"{samples} sample{'s' * (samples > 1)}", f"--samples {before} makes as many again"
    return [f"replaced: the maps of {before} samples by those of {now} ({again}): {folder}"] * (before > samples)


def write_explained(folder: Path, task: Task, found: Explained, choice: Choice, told: Progress) -> None:
    """Write figures, maps and summary of a method; an older folder is replaced."""
    relevance = found.relevance.float().cpu().numpy()
    around = boxes_of(found)
    with atomic_folder(folder) as work:
        write_json(work / "summary.json", summary_of(found, choice, around))
        write_maps(work / "maps.npz", found, relevance)
        warning = "; ".join(warnings_of(found))
        legend = legend_of(found.method, found.inputs, found.question, warning)
        several = bool(found.inputs.parts)
        figures = (
            source_figures(found, relevance, legend)
            if several
            else map_figures(task, found.inputs, found.question, relevance, legend, around)
        )
        number = count()
        for drawn, (name, figure) in enumerate(figures):
            told("figures", drawn, len(found.inputs.names) + 1)
            stem = name if name in ("overview", "misalignment") else f"{next(number):02d}_{file_stem(name)}"
            save_figure(figure, work / f"{stem}.png")
        shutil.rmtree(folder, ignore_errors=True)


def warnings_of(found: Explained) -> list[str]:
    """Return what a figure must say of its maps."""
    problems, undecided = found.verdict.problems, found.verdict.undecided
    said = [f"FAILED ITS CHECKS: {'; '.join(problems)}"] * bool(problems)
    said += [f"NOT DECIDED: {'; '.join(undecided)}"] * bool(undecided)
    said += [f"few samples: {len(found.inputs.names)}"] * found.few
    return said + [found.weak] * bool(found.weak)


def boxes_of(found: Explained) -> np.ndarray | None:
    """Return the box around the largest part of each class activation map of an image."""
    if found.inputs.batch.x.ndim != 4 or not found.method.spatial:
        return None
    return boxes(found.relevance[:, 0].abs().sum(1)).cpu().numpy()


def write_maps(path: Path, found: Explained, relevance: np.ndarray) -> None:
    """Write the raw maps with everything needed to draw them again."""
    inputs = found.inputs
    arrays: dict[str, Any] = {"names": np.array(inputs.names), "scores": np.array(found.question.scores)}
    if inputs.parts:
        arrays |= source_arrays(found, relevance)
    else:
        arrays |= {"relevance": relevance, "inputs": inputs.values}
        arrays |= {"channels": np.array(inputs.channels), "units": np.array(inputs.units)}
    if inputs.times is not None:
        arrays["times"] = inputs.times
        arrays["time_unit"] = np.array(inputs.time_unit)
    if inputs.truth is not None:
        arrays["truth"] = inputs.truth.cpu().numpy()
    np.savez_compressed(path, **arrays)


def summary_of(found: Explained, choice: Choice, around: np.ndarray | None) -> dict[str, Any]:
    """Return what ``summary.json`` says."""
    settings = {key: value for key, value in vars(found.method).items() if not key.startswith("_") and key != "sources"}
    samples = []
    for number, name in enumerate(found.inputs.names):
        one: dict[str, Any] = {"name": name, "said": found.question.lines[number]}
        one["explained"] = (
            source_sample(found, number)
            if found.inputs.parts
            else [
                {"score": score, "relevance_per_channel": part.flatten(1).sum(1).tolist()}
                for score, part in zip(found.question.scores[number], found.relevance[number], strict=True)
            ]
        )
        when = moments(found.inputs.times, found.question.ahead, number)
        one["explained"] = [told | moment for told, moment in zip(one["explained"], when or repeat({}), strict=False)]
        samples.append(one | ({} if around is None else {"box": around[number].tolist()}))
    told = {
        "method": f"{type(found.method).__module__}.{type(found.method).__name__}",
        "settings": settings,
        "split": choice.split,
        "score": found.question.score,
        "relevance": found.question.score if found.method.in_unit else RELATIVE,
        "baseline": baseline_kind(choice.wanted, found.method.references),
        "channels": list(found.inputs.channels),
        "few_samples": found.few,
        "model_warning": found.weak,
        "held_fixed": found.question.fixed,
        "note": UNCALIBRATED if found.question.rises else "",
    } | found.verdict.as_dict()
    return told | (source_summary(found) if found.inputs.parts else {}) | {"samples": samples}
