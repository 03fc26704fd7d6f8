"""On what a run was made, and how it is made again: the command, and whether it would be the same."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlkit.core.checks import counted
from dlkit.report.page.elements import Section, Tone, code, facts, folded, heading, paragraph, table
from dlkit.train.anomalies.files import stamp_of
from dlkit.train.confidence.confidence import Confidence
from dlkit.train.environment import environment
from dlkit.train.report.known import Known

SAMPLE = 64  # answers that are computed again
CLOSE = 1e-3  # of the spread of the answers: what another batch size and rounding may change


def repeat_section(known: Known) -> Section:
    """Return the section."""
    made = known.environment
    parts = [
        paragraph("The whole run again, with the same data, settings and seeds:"),
        code(f"dlkit run {shlex.quote(str(known.run.config))}"),
        paragraph(f"As it was typed: `{made['command']}`" if made.get("command") else "", "small") if made else "",
        heading("Checked while this page was written"),
        checks_table(known),
        heading("Seeds and fingerprints"),
        facts(fingerprints(known)),
        heading("Environment"),
        facts(environment_facts(made))
        if made
        else paragraph("The run does not say what it was made on: it is older than this page.", "absent"),
        folded("All settings", code(known.run.config.read_text(encoding="utf-8")), printed=True),
    ]
    return Section("repeat", "How to repeat it", parts)


def checks_table(known: Known) -> str:
    """Return what was compared, and whether it is the same."""
    found = [data_check(known), split_check(known), answer_check(known), *version_checks(known)]
    rows = [[name, told, sign_text(tone)] for name, told, tone in found]
    return table(["", "found", "same?"], rows, words=3, signs=[tone for _, _, tone in found])


def sign_text(tone: Tone) -> str:
    """Return a tone in a word."""
    return {"good": "yes", "bad": "no", "warn": "not known", "info": ""}[tone]


Check = tuple[str, str, Tone]


def described(known: Known) -> dict[str, Any] | None:
    """Return what the data module says of its data now."""
    if known.cli is None or not hasattr(known.cli.datamodule, "describe"):
        return None
    import json

    found: dict[str, Any] = json.loads(json.dumps(known.cli.datamodule.describe(), default=str))
    return found


def data_check(known: Known) -> Check:
    """Compare the fingerprint of the sources."""
    now = described(known)
    if now is None:
        return "Data", f"could not be read again: {known.unread or 'nothing describes them'}", "warn"
    same = now.get("source") == known.data.get("source")
    return (
        "Data",
        "the sources have the fingerprint of the run" if same else "the sources have changed since",
        "good" if same else "bad",
    )


def split_check(known: Known) -> Check:
    """Compare split, windows and what was lost."""
    now = described(known)
    if now is None:
        return "Split", "could not be dealt again", "warn"
    differing = [
        key for key in ("split", "audit", "window", "rows", "samples", "columns") if now.get(key) != known.data.get(key)
    ]
    told = f"differs in {', '.join(differing)}" if differing else "the same rows and windows train, validate and test"
    return "Split", told, "bad" if differing else "good"


def answer_check(known: Known) -> Check:
    """Compute the first answers again and compare them with those of the run."""
    if isinstance(known.confidence, Confidence) and known.confidence.members:
        return "Answers", "of several networks, which are not computed again here", "warn"
    if known.spec.kind == "reconstruct":
        return "Answers", "of an anomaly run are scores, which are not computed again here", "warn"
    kept = None if known.cli is None else first_kept(known)
    if kept is None:
        return "Answers", "cannot be compared: no data or no predictions", "warn"
    again = first_answers(known, len(kept))
    count = min(len(again), len(kept))
    spread = float(np.nanstd(kept)) or 1.0
    worst = float(np.nanmax(np.abs(again[:count] - kept[:count]))) / spread if count else np.nan
    same = bool(worst <= CLOSE)
    how = "are those of predictions.parquet to the last digit"
    if worst > 0:
        how = f"differ from predictions.parquet by at most {worst:.1e} of their spread"
    told = f"{count:,} values computed again {how}"
    return "Answers", told, "good" if same else "bad"


def first_kept(known: Known) -> np.ndarray | None:
    """Return the first predictions that the run wrote, as numbers; None where they are no plain answers."""
    import pyarrow.parquet as pq

    spec = known.spec
    names = [f"probability_{name}" for name in spec.classes] if spec.kind in ("class", "ordinal") else ["prediction"]
    if not known.run.predictions.is_file() or spec.kind not in ("class", "ordinal", "values", "forecast"):
        return None
    file = pq.ParquetFile(known.run.predictions)
    if not set(names) <= set(file.schema_arrow.names):
        return None
    each = 1 if spec.kind in ("class", "ordinal") else int(np.prod(spec.output[:-1]))
    for batch in file.iter_batches(batch_size=SAMPLE * each, columns=names):
        found: np.ndarray = batch.to_pandas()[names].to_numpy(np.float64).ravel()
        return found
    return None


@torch.no_grad()
def first_answers(known: Known, count: int) -> np.ndarray:
    """Return the first answers of the network to what tests, as numbers."""
    task, data = known.cli.model.eval(), known.cli.datamodule
    windows = min(SAMPLE, data.count("test"))
    batch = data.make_batch(data.places("test").starts(torch.arange(windows)))
    found: Any = task.predict_step(data.transfer_batch_to_device(batch, task.device, 0), 0)
    values: Tensor = scaled(known, found.probabilities) if hasattr(found, "probabilities") else found.point
    numbers: np.ndarray = values.double().cpu().numpy().ravel()[:count]
    return numbers


def scaled(known: Known, probabilities: Tensor) -> Tensor:
    """Return probabilities as they are written: calibrated, where they were."""
    found = known.confidence
    head = found.heads.get("") if isinstance(found, Confidence) else None
    if head is None or head.scaling is None:
        return probabilities
    calibrated: Tensor = head.scaling.probabilities(probabilities)
    return calibrated


def version_checks(known: Known) -> list[Check]:
    """Compare the versions of what matters."""
    made, now = known.environment, environment()
    if not made:
        return [("Versions", "were not kept", "warn")]
    old, new = {"dlkit": made.get("dlkit"), **made.get("packages", {})}, {"dlkit": now["dlkit"], **now["packages"]}
    changed = [f"{name} {old[name]} \u2192 {new.get(name)}" for name in old if old[name] != new.get(name)]
    found: list[Check] = [
        ("Versions", ", ".join(changed) or "dlkit and its libraries are those of the run", "bad" if changed else "good")
    ]
    if made.get("commit"):
        same = made["commit"] == now["commit"] and "changed" not in made["commit"]
        told = "the code is that of the run" if same else "the code has changed since, or was changed beside its commit"
        found.append(("Code", told, "good" if same else "bad"))
    return found


def fingerprints(known: Known) -> dict[str, str]:
    """Return seeds and digests."""
    data = known.config.get("data", {}).get("init_args", {})
    return {
        "Seed": str(known.config.get("seed_everything")),
        "Seed of the batches": str(data.get("seed", "")),
        "Weights": f"{known.checkpoint.name}, BLAKE2 {stamp_of(known.checkpoint)}",
        "Data": fingerprinted(known.data.get("source") or {}),
    }


def fingerprinted(source: Mapping[str, Any]) -> str:
    """Return by what the data are known again, from the fingerprint of their source."""
    parts = list(nested(source))
    listed = {name: sum(len(part.get(f"{name}s") or []) for part in parts) for name in ("file", "table", "array")}
    listed["image"] = sum(part["images"] for part in parts if "sha256" in part and "images" in part)
    told = [counted(many, name) for name, many in listed.items() if many]
    told = [f"{' and '.join(told)} by SHA-256"] if told else []
    told += ["settings of a simulator"] if any("simulator" in part for part in parts) else []
    return f"{' and '.join(told)}, see Data" if told else "see Data"


def nested(source: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a fingerprint and those of all sources within it, without settings."""
    yield source
    for name, part in source.items():
        if isinstance(part, Mapping) and name != "settings":
            yield from nested(part)


def environment_facts(made: dict[str, Any]) -> dict[str, str]:
    """Return versions and machine."""
    return {
        "dlkit": " ".join(
            part
            for part in (str(made.get("dlkit", "")), f"commit {made['commit']}" if made.get("commit") else "")
            if part
        ),
        "Python": str(made.get("python", "")),
        "Libraries": ", ".join(f"{name} {number}" for name, number in made.get("packages", {}).items()),
        "System": str(made.get("system", "")),
        "Processor": f"{made.get('processor', '')}, {made.get('cores')} cores, {made.get('threads')} threads used",
        "GPU": ", ".join(made.get("gpus", [])),
        "Made": str(made.get("time", "")),
    }
