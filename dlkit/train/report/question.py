"""What was asked, and the answer in a few numbers."""

import math
from collections.abc import Mapping
from typing import Any

import torch

from dlkit.core.checks import counted
from dlkit.core.specs import Spec
from dlkit.metrics.confusion import wilson_interval
from dlkit.report.page.elements import Section, Tile, Tone, facts, note, paragraph, tiles
from dlkit.report.promise_table import WITHIN, verdict_of
from dlkit.report.words import clock, count, level_text, named, names, number, percent, span
from dlkit.train.confidence.confidence import Confidence
from dlkit.train.evaluation.measures import MODEL, Values, main_metric
from dlkit.train.report.known import Known
from dlkit.train.report.measures import CALIBRATION, all_measures, direction, shown, units_of, words_of

SHARES = ("accuracy", "exact_match")  # of the samples, whose chance is known


def question(spec: Spec) -> str:
    """Return what is asked of the network in a sentence."""
    if spec.kind == "several":
        return " ".join(question(spec.head(head.name)) for head in spec.heads)
    given = inputs_text(spec)
    if spec.kind == "forecast":
        ahead = f"the next {span(spec.output[0], spec.step)}" if spec.step else f"the next {spec.output[0]} steps"
        after = f", {span(spec.gap, spec.step)} after the last input" if spec.gap else ""
        return f"How does {named(spec.targets, spec.target_units)} go on over {ahead}{after}, given {given}?"
    if spec.kind in ("class", "ordinal"):
        return f"Which of {len(spec.classes)} classes is it ({names(spec.classes, 6)}), given {given}?"
    if spec.kind == "labels":
        return f"Which of {counted(len(spec.classes), 'label')} apply ({names(spec.classes, 6)}), given {given}?"
    if spec.kind == "values":
        when = f" {span(spec.gap, spec.step)} from now" if spec.gap and spec.step else ""
        return f"What is {named(spec.targets, spec.target_units)}{when}, given {given}?"
    return f"What is unusual in {given}, since when, and where does it show?"


def inputs_text(spec: Spec) -> str:
    """Return what the network sees."""
    if spec.parts:
        return f"{counted(len(spec.parts), 'source')} ({names([part.name for part in spec.parts], 6)})"
    measured = spec.measured
    if len(spec.size) == 1:
        long = span(spec.size[0], spec.step) if spec.step != 1 else f"{spec.size[0]} samples"
        return f"{'up to ' if spec.padded else ''}{long} of {counted(measured, 'channel')}"
    return f"an image of {' x '.join(map(str, spec.size))} with {counted(measured, 'channel')}"


def verdict(known: Known) -> tuple[str, Tone]:
    """Return in a sentence whether the model beats its baselines."""
    measures = all_measures(known)
    if not measures:
        return "This run was not tested: nothing is known of its errors yet.", "warn"
    own, units = measures[MODEL], units_of(known)
    rivals = {name: values for name, values in measures.items() if name != MODEL}
    metric = first_metric(own, rivals)
    label, value, where = words_of(metric, units), own[metric], tested_on(known)
    told = f"{label[0].upper() + label[1:]} is {shown(metric, value)} on {where}"
    beside = {name: values[metric] for name, values in rivals.items() if metric in values}
    if not beside or direction(metric) == "neither":
        return f"{told}; there is no baseline to hold it against.", "warn"
    high = direction(metric) == "high"
    best = (max if high else min)(beside, key=lambda name: beside[name])
    rival, wins = beside[best], (value > beside[best]) if high else (value < beside[best])
    if not wins:
        return f"{told}, which does not beat the baseline {best} with {shown(metric, rival)}.", "bad"
    told = f"{told}; the best baseline, {best}, has {shown(metric, rival)}{gain(value, rival, high=high)}"
    but = [within_chance(known, metric, value, best, rival), behind(measures, units)]
    return ". ".join([told, *filter(None, but)]) + ".", "warn" if any(but) else "good"


def gain(value: float, rival: float, *, high: bool) -> str:
    """Return by how much the model is better."""
    if high or rival <= 0:
        return ""
    return f": {100 * (1 - value / rival):.0f} % less"


def within_chance(known: Known, metric: str, value: float, best: str, rival: float) -> str:
    """Say that a win over the best baseline is none: as told it is a tie, or chance explains it; "" where it is one."""
    if shown(metric, value) == shown(metric, rival) or (direction(metric) == "low" and value > 0.995 * rival):
        return "That is a tie"
    *_, target, last = ["", *metric.split("/")]
    low, high = ((known.metrics.get("differences") or {}).get(best) or {}).get(target) or (None, None)
    if last == "mae" and low is not None and low <= 0:
        return f"Chance explains that: the mean difference lies between {number(low)} and {number(high)} (95 %)"
    count_of = next((known.metrics[name] for name in ("test_windows", "test_samples") if name in known.metrics), 0)
    if last not in SHARES or not count_of:
        return ""
    bounds = wilson_interval(torch.tensor(value * count_of), torch.tensor(float(count_of)))
    least, most = (number(float(one)) for one in bounds)
    return f"Chance explains that: it lies between {least} and {most} (95 %)" if float(bounds[0]) <= rival else ""


def behind(measures: Mapping[str, Values], units: Mapping[str, str]) -> str:
    """Say in which rows of the table of measures a baseline is ahead; "" where it is in none."""
    own, rivals = measures[MODEL], [values for name, values in measures.items() if name != MODEL]
    lost = []
    for name, value in own.items():
        way, others = direction(name), [one[name] for one in rivals if math.isfinite(one.get(name, math.nan))]
        if way == "neither" or name.endswith(CALIBRATION) or not others or not math.isfinite(value):
            continue
        rival = (max if way == "high" else min)(others)
        ahead = rival > value if way == "high" else rival < value
        if ahead and shown(name, rival) != shown(name, value) and name.removesuffix("mse") + "rmse" not in own:
            lost.append(words_of(name, units))
    return f"A baseline is ahead in {names(lost, 5)}" if lost else ""


def first_metric(own: Mapping[str, float], rivals: Mapping[str, Mapping[str, float]]) -> str:
    """Return the metric that is told first: in physical units, and known of a baseline too, where there is one."""
    wanted = ["anomalies/vus_pr", "anomalies/auprc"]
    physical = [name for name in own if "physical/" in name and name.endswith("/mae")]
    compared = [name for name in own if any(name in values for values in rivals.values())] or list(own)
    ranked = [name for name in [*wanted, *physical[:1]] if name in compared]
    return ranked[0] if ranked else main_metric({name: own[name] for name in compared})


def tested_on(known: Known) -> str:
    """Return what tested."""
    found = known.metrics
    for name, one in (("test_windows", "test window"), ("test_samples", "test sample")):
        if name in found:
            return count(int(found[name]), one)
    return "everything that tests"


def headline(known: Known) -> list[Tile]:
    """Return the numbers that everybody asks for."""
    measures, found = all_measures(known), known.metrics
    boxes: list[Tile] = []
    if measures:
        own = measures[MODEL]
        rivals = {name: values for name, values in measures.items() if name != MODEL}
        metric = first_metric(own, rivals)
        beside = [f"{name} {shown(metric, values[metric])}" for name, values in rivals.items() if metric in values]
        label = words_of(metric, units_of(known))
        boxes.append(
            Tile(label[0].upper() + label[1:], shown(metric, own[metric]), ", ".join(beside[:2]), verdict(known)[1])
        )
    boxes += promised(known.confidence)
    if known.tested:
        many, _, of = tested_on(known).partition(" ")
        boxes.append(Tile("Tested on", many, of))
    if "parameters" in found:
        boxes.append(Tile("Parameters", f"{found['parameters']:,}", names_of_net(known)))
    if fit := found.get("fit"):
        boxes.append(Tile("Training", clock(fit["seconds"]), count(fit["epochs"], "epoch")))
    return boxes


def promised(found: Any) -> list[Tile]:
    """Return the promise that holds worst, else the first one, and whether it holds."""
    if not isinstance(found, Confidence):
        return []
    promises = [one for head in found.heads.values() for one in head.promises if one.seen is not None]
    if not promises:
        return []
    worst = {"no": 0, WITHIN: 1}
    one = min(promises, key=lambda each: worst.get(verdict_of(each.level, each.seen, holds=each.holds), 2))
    verdict = verdict_of(one.level, one.seen, holds=one.holds)
    tones: dict[str, Tone] = {"yes": "good", "no": "bad"}
    more = f"promised {level_text(one.level)}, {one.what}" + (f", {one.target}" if one.target else "")
    more += f"; {WITHIN}" if verdict == WITHIN else ""
    return [Tile("Coverage on test", percent(one.seen), more, tones.get(verdict, "warn"))]


def names_of_net(known: Known) -> str:
    """Return the classes of the network, from the outside to the inside."""
    found, node = [], known.settings.get("net")
    while isinstance(node, dict) and "class_path" in node:
        found.append(str(node["class_path"]).rpartition(".")[2])
        node = (node.get("init_args") or {}).get("net")
    return " of ".join(found)


def question_section(known: Known) -> Section:
    """Return the section."""
    spec, words = known.spec, verdict(known)
    pairs = {
        "Asked": {"forecast": "a forecast", "class": "one class", "ordinal": "one of ordered classes",
                  "labels": "any number of labels", "values": "values", "reconstruct": "to give back its input",
                  "several": "several questions at once"}[spec.kind],
        "Targets": named(spec.targets, spec.target_units),
        "Classes": names(spec.classes, 12),
        "Inputs": inputs_text(spec),
        "Known ahead": names(spec.future, 8),
        "Constants": names(spec.static, 8),
    }  # fmt: skip
    return Section("question", "Question and answer", [note(*words), never_found(known), facts(pairs)])


def never_found(known: Known) -> str:
    """Say which classes the test never found, however good the mean is."""
    each = (known.metrics.get("test") or {}).get("per_class") or {}
    lost = [name for name, one in each.items() if one.get("recall") == 0]
    return note(f"Never found on the test (recall 0): {names(lost, 6)}.", "bad") if lost else ""


def lead(known: Known) -> str:
    """Return what stands above all sections."""
    made = str(known.environment.get("time", ""))[:16].replace("T", " ")
    by = " · ".join(part for part in (f"run {known.run.path.name}", f"made {made} UTC" if made else "") if part)
    return "".join(
        [paragraph(by, "by"), paragraph(question(known.spec), "lead"), unfinished(known), tiles(headline(known))]
    )


def unfinished(known: Known) -> str:
    """Return a banner where the run did not come to its end."""
    if "fit" not in known.metrics:
        steps = max((int(steps[-1]) for steps, _ in known.curves.values() if len(steps)), default=0)
        return note(
            f"Unfinished: training did not come to its end (step {steps:,}); what follows is of the best checkpoint so "
            f"far. `dlkit run --resume {known.run.path}` goes on.",
            "bad",
        )
    if not known.tested:
        return note(f"Not tested yet: `dlkit test {known.run.path}` measures it beside baselines.", "warn")
    return ""
