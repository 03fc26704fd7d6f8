"""The detector of a run on its way out: read, described, and measured on windows that are judged by themselves."""

from typing import Any

from dlkit.core.checks import counted
from dlkit.core.runfolder import RunFolder
from dlkit.data.sample_modules import SampleDataModule
from dlkit.export.detecting import Detecting
from dlkit.export.tracing import quiet
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.train.anomalies.files import read_detector

SEEN = 512  # validation windows that are judged by themselves


def detecting_of(task: Any, data: Any, run: RunFolder) -> Detecting | None:
    """Return what judges the answers of a run; None where it fitted no detector.

    Raises:
        InputError: The detector belongs to other weights, or is damaged.
    """
    if not isinstance(task, Reconstruct) or task.spec.parts or not (run.path / "detector.json").exists():
        return None
    if isinstance(data, SampleDataModule):
        return Detecting(read_detector(run, "samples"), rows=None)
    fitted = read_detector(run, "causal")
    held = (fitted.smooth - 1) // data.geometry.dilation + 1
    return Detecting(fitted, rows=min(task.spec.size[0], held))


def lacks_detector(task: Any, run: RunFolder, detecting: Detecting | None) -> list[str]:
    """Say why an exported reconstruction judges nothing; nothing where it does, or is none."""
    if detecting is not None or not isinstance(task, Reconstruct):
        return []
    if task.spec.parts:
        return ["score and alarm: a run of several sources keeps no detector"]
    return [f"score and alarm: the run has no fitted detector, `dlkit test {run.path}` fits it"]


def about_detector(detecting: Detecting, task: Reconstruct, merge: str) -> dict[str, Any]:
    """Return what an exported file says of its detector.

    Args:
        detecting: It.
        task: The task.
        merge: How the run itself merges windows.
    """
    fitted, rows = detecting.fitted, detecting.rows
    about = fitted.to_dict() | {
        "judges": "samples" if rows is None else "windows",
        "channels": list(task.spec.channels[: task.spec.measured]),
        "low": None if fitted.to_dict()["threshold"] is None else fitted.low,
        "averaged": rows,
    }
    return about | {"knows": knows(about, merge)}


def knows(about: dict[str, Any], merge: str) -> str:
    """Say what one window or sample cannot know."""
    if about["judges"] == "samples":
        return "an image or trace is judged as by the run: alarm is score > threshold"
    other = f", which the run does for rows of its test (`merge: {merge}`)" if merge != "causal" else ""
    return (
        f"a window is judged by itself, at its last row, by the threshold of `dlkit watch`: errors are averaged over "
        f"{counted(about['averaged'], 'sample')} of it, where a stream averages {counted(about['smooth'], 'row')}; it "
        f"knows no hysteresis ({about['hysteresis']:g} of the threshold), no join_gap ({about['join_gap']} rows), no "
        f"min_duration ({about['min_duration']} rows), and no mean over windows that overlap{other}; Stream of "
        "run_model.py judges rows one after the other, with all of these but the last, as `dlkit watch` does"
    )


def judged_alone(network: Any, data: Any) -> dict[str, Any]:
    """Return how many validation windows raise an alarm when each is judged by itself."""
    if network.detecting.rows is None or not data.count("val"):
        return {}
    with quiet():
        alarms = network.answers_to(data.pick_batch("val", SEEN))["alarm"]
    return {"windows": len(alarms), "alarms": int(alarms.sum())}


def said_of(detector: dict[str, Any]) -> list[str]:
    """Return what is said to the one who exports."""
    threshold = detector["threshold"]
    lines = ["threshold: infinite, no alarm is ever raised" if threshold is None else f"threshold: {threshold:.4g}"]
    if alone := detector["alone"]:
        lines[0] += f"; {alone['alarms']} of {alone['windows']} validation windows lie above it, each judged by itself"
    return [*lines, detector["knows"]]
