"""What is wrong with the labels of images and traces."""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from dlkit.core.finding import Finding
from dlkit.core.spread import evenly
from dlkit.data.records import Samples
from dlkit.data.samples.dealing import strata_of
from dlkit.quality.labels.balance import balance_findings, class_counts
from dlkit.quality.labels.copies import conflict_findings, contents, near_copies
from dlkit.quality.labels.features import features_of, most_of, read_small
from dlkit.quality.labels.leaks import leak_findings
from dlkit.quality.labels.names import name_findings
from dlkit.quality.labels.one_group import one_group_findings
from dlkit.quality.labels.quick_model import class_probabilities, folds_of, label_probabilities
from dlkit.quality.labels.report import LabelReport
from dlkit.quality.labels.ridge import axes_of, out_of_fold
from dlkit.quality.labels.values import value_findings
from dlkit.quality.labels.words import words_of
from dlkit.quality.labels.wrong import SMALLEST, judge, judgeable, ranked_table, wrong_finding

QUICK = "a quick model that did not see them"
GIVEN = "the predictions out of fold"
QUICK_BYTES = 256 << 20  # of arrays that are compared with each other when time is short

Answers = Float[np.ndarray, "samples answers"]


def samples_findings(
    samples: Samples, seed: int = 0, probabilities: np.ndarray | None = None, source: str = ""
) -> LabelReport:
    """Return what is wrong with the labels of samples; of more than 10,000 as many are looked at, spread evenly.

    Args:
        samples: Images or traces with their labels.
        seed: Of folds and of the built-in model.
        probabilities: Out of fold, (samples, classes), of "labels" each alone; for "values" the answers in physical
            units, (samples, targets). NaN where there is none: those are not judged. None asks a quick built-in model.
        source: Name of the source.
    """
    classes = samples.kind in ("class", "ordinal")
    findings = balance_findings(samples, source) if samples.kind != "values" else []
    findings += name_findings(samples, source)
    findings += leak_findings(samples, source) if classes else []
    findings += one_group_findings(samples, source)
    facts: dict[str, Any] = {"samples": len(samples), "kind": samples.kind}
    if samples.kind != "values":
        facts["counts"] = dict(zip(samples.classes, class_counts(samples).tolist(), strict=True))
    known = known_samples(samples)
    chosen = known[evenly(len(known), most_of(samples))]
    if len(chosen) < SMALLEST:
        return LabelReport(findings, facts=facts | {"judged": 0})
    values, readable = read_small(samples, chosen)
    chosen = chosen[readable]
    content, axes = contents(values), None
    if probabilities is None and len(chosen) >= SMALLEST:
        lengths = None if samples.lengths is None else samples.lengths[chosen]
        axes = axes_of(features_of(values, lengths, seed))
    findings += copies_of(samples, chosen, content, axes, source)
    answers, how = answered(samples, chosen, content, axes, probabilities, seed)
    more, table, judged = judged_labels(samples, chosen, answers, how["by"], source)
    return LabelReport(findings + more, table, facts | how | judged)


def quick_findings(samples: Samples, source: str = "") -> list[Finding]:
    """Return what is wrong with labels that needs no model: rare classes, classes of one group, equal arrays.

    Args:
        samples: Images or traces with their labels.
        source: Name of the source.
    """
    if samples.kind == "values":
        return []
    findings, known = balance_findings(samples, source), known_samples(samples)
    findings += [*name_findings(samples, source), *one_group_findings(samples, source)]
    arrays = samples.values  # noqa: PD011 - no DataFrame
    if isinstance(arrays, np.ndarray) and arrays.nbytes <= QUICK_BYTES and len(known):
        findings += copies_of(samples, known, contents(arrays[known]), None, source)
    return findings


def known_samples(samples: Samples) -> Int[np.ndarray, " known"]:
    """Return the numbers of the samples whose label, or one of whose labels, is known."""
    labels = samples.labels
    return np.flatnonzero(labels >= 0 if labels.ndim == 1 else np.isfinite(labels).any(1))


def copies_of(
    samples: Samples,
    chosen: Int[np.ndarray, " chosen"],
    content: Int[np.ndarray, " chosen"],
    axes: np.ndarray | None,
    source: str,
) -> list[Finding]:
    """Return the findings of copies with different labels; of values equal content alone counts."""
    names = np.array([samples.names[number] for number in chosen.tolist()], dtype=object)
    near = near_copies(axes, content) if axes is not None and samples.kind != "values" else np.empty((0, 2), np.int64)
    return conflict_findings(content, near, samples.labels[chosen], names, words_of(samples, chosen), source)


def answered(
    samples: Samples,
    chosen: Int[np.ndarray, " chosen"],
    content: Int[np.ndarray, " chosen"],
    axes: np.ndarray | None,
    probabilities: np.ndarray | None,
    seed: int,
) -> tuple[Answers, dict[str, Any]]:
    """Return answers out of fold and what they come from; groups, or else equal samples, stay in one fold."""
    if probabilities is not None or axes is None or not axes.shape[1]:
        given = np.full((len(chosen), 1), np.nan) if probabilities is None else probabilities[chosen]
        return np.asarray(given, np.float64), {"by": GIVEN}
    labels, groups = samples.labels[chosen], None if samples.groups is None else samples.groups[chosen]
    together = content if groups is None else np.unique(groups, return_inverse=True)[1].reshape(-1)
    if len(np.unique(together)) < 2:
        return np.full((len(chosen), 1), np.nan), {"by": QUICK}
    fold = folds_of(strata_of(samples)[chosen], together, seed)
    if samples.kind == "values":
        known = np.isfinite(labels)
        level = np.nanmean(np.where(known, labels, np.nan), 0)
        found, penalty = out_of_fold(axes, np.where(known, labels, level).astype(np.float64), fold)
    elif samples.kind == "labels":
        found, penalty = label_probabilities(axes, labels, fold)
    else:
        found, penalty = class_probabilities(axes, labels, len(samples.classes), fold)
    return found, {"by": QUICK, "penalty": penalty, "folds": len(np.unique(fold)), "grouped": groups is not None}


def judged_labels(
    samples: Samples, chosen: Int[np.ndarray, " chosen"], answers: Answers, by: str, source: str
) -> tuple[list[Finding], pd.DataFrame, dict[str, Any]]:
    """Return findings, ranked samples and facts of the samples that have answers."""
    there = np.isfinite(answers).all(1)
    chosen, answers = chosen[there], answers[there]
    if len(chosen) < SMALLEST:
        return [], pd.DataFrame(), {"judged": 0}
    if samples.kind == "values":
        found, errors = value_findings(samples, chosen, answers, source)
        names = [samples.names[number] for number in chosen.tolist()]
        table = pd.DataFrame({"number": chosen, "name": names, "label": words_of(samples, chosen), "error": errors})
        table["suspect"] = errors > 1
        return found, table.sort_values("error", ascending=False, ignore_index=True), {"judged": len(chosen)}
    if samples.kind == "labels":
        return judged_each(samples, chosen, answers, by, source)
    return judged_classes(samples, chosen, answers, by, source)


def judged_classes(
    samples: Samples, chosen: Int[np.ndarray, " chosen"], p: Answers, by: str, source: str
) -> tuple[list[Finding], pd.DataFrame, dict[str, Any]]:
    """Return the same for classes."""
    can = judgeable(samples.labels[chosen], len(samples.classes))
    if not can.any():
        return [], pd.DataFrame(), {"judged": 0}
    chosen, p, labels = chosen[can], p[can], samples.labels[chosen[can]]
    wrong = judge(labels, p)
    names = np.array([samples.names[number] for number in chosen.tolist()], dtype=object)
    table = ranked_table(wrong, names, chosen, labels, samples.classes)
    facts = {
        "judged": len(chosen), "accuracy": round(float((wrong.judged.suggested == labels).mean()), 4),
        **wrong.noise.plain(),
        "confident_learning": {"wrong": round(wrong.judged.wrong, 4), "suspects": int(wrong.judged.suspect.sum())},
    }  # fmt: skip
    return wrong_finding(wrong, table, by=by, source=source), table, facts


def judged_each(
    samples: Samples, chosen: Int[np.ndarray, " chosen"], p: Answers, by: str, source: str
) -> tuple[list[Finding], pd.DataFrame, dict[str, Any]]:
    """Return the same for any number of labels, each alone."""
    findings, tables, facts = [], [], {}
    for place, name in enumerate(samples.classes):
        known = np.isfinite(samples.labels[chosen, place])
        labels, own = (samples.labels[chosen[known], place] > 0.5).astype(np.int64), p[known, place]
        if not judgeable(labels, 2).all():
            continue
        wrong = judge(labels, np.stack([1 - own, own], 1))
        names = np.array([samples.names[number] for number in chosen[known].tolist()], dtype=object)
        table = ranked_table(wrong, names, chosen[known], labels, (f"not {name}", name))
        tests = len(samples.classes)
        findings += wrong_finding(wrong, table, by=by, source=source, channel=name, tests=tests)
        tables.append(table)
        facts[name] = wrong.noise.plain()
    if not tables:
        return [], pd.DataFrame(), {"judged": 0}
    joined = pd.concat(tables, ignore_index=True)
    joined = joined.sort_values(["suspect", "confidence"], ascending=[False, True], kind="stable", ignore_index=True)
    return findings, joined, {"judged": len(chosen), "labels": facts}
