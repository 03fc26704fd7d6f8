"""Run an exported model: needs numpy and onnxruntime alone (a .pt2 file: torch).

    python run_model.py model.onnx                      says what goes in and what comes out
    python run_model.py model.onnx data.npz out.npz     predicts; data.npz holds an array for each input
    python run_model.py model.onnx --rows rows.npy out.npz      judges rows that follow each other by a detector

In Python: ``Model("model.onnx").predict({"x": array})``. Arrays are in physical units, NaN where missing; their first
axis counts windows or samples, any number of them. Give names of channels and units too, and they are compared.
"""

import importlib
import json
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

META = "dlkit"
AT_ONCE = 256  # windows
PERIODS = {"day": 86_400.0, "week": 604_800.0, "year": 365.2425 * 86_400.0}
Named = dict[str, np.ndarray]


class RefusedError(ValueError):
    """One sentence: what came, and what is needed."""


def require(condition: bool, sentence: str) -> None:
    """Refuse unless the condition holds."""
    if not condition:
        raise RefusedError(sentence)


class Model:
    """An exported model.

    Args:
        path: A file that ``dlkit export`` wrote.
        threads: Of a prediction; None takes all.
    """

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        require(Path(path).is_file(), f"There is no model '{path}': give a file that `dlkit export` wrote.")
        opened = open_program if Path(path).suffix == ".pt2" else open_onnx
        text, self.run = opened(str(path), threads)
        require(bool(text), f"'{path}' was not written by `dlkit export`: it does not say what goes in.")
        self.about: dict[str, Any] = json.loads(text or "")
        self.inputs: dict[str, dict[str, Any]] = {one["name"]: one for one in self.about["inputs"]}
        self.outputs: list[str] = [one["name"] for one in self.about["outputs"]]

    def predict(
        self,
        inputs: Any,
        channels: Mapping[str, Sequence[str]] | Sequence[str] | None = None,
        units: Mapping[str, Sequence[str]] | Sequence[str] | None = None,
    ) -> Named:
        """Return the answers by name; warn of channels whose values are like none of the training.

        Args:
            inputs: Arrays or nested lists by name of the input; instead of one also its channels by name. One alone
                where there is one input.
            channels: Names of the channels as they come, by name of the input; refused in another order.
            units: Units of the channels as they come, by name of the input; refused if others are needed.
        """
        given = self.checked(inputs, channels, units)
        for doubt in self.doubts(given):
            warnings.warn(doubt, stacklevel=2)
        return self.answer(given)

    def answer(self, given: Named) -> Named:
        """Return the answers for checked inputs; windows go through the network some at a time."""
        count = len(next(iter(given.values())))
        parts = [
            self.run({name: value[first : first + AT_ONCE] for name, value in given.items()})
            for first in range(0, count, AT_ONCE)
        ]
        return {name: np.concatenate(found) for name, found in zip(self.outputs, zip(*parts, strict=True), strict=True)}

    def checked(self, inputs: Any, channels: Any = None, units: Any = None) -> Named:
        """Return the inputs as float32 arrays.

        Raises:
            RefusedError: An input is missing or unknown, has another shape, type, order of channels or unit, or a
                window without any value.
        """
        arrays, names, kinds = (self.by_input(one) for one in (inputs, channels, units))
        for name in (*arrays, *names, *kinds):
            require(name in self.inputs, f"There is no input '{name}': give {listed(self.inputs)}.")
        lacking = [name for name in self.inputs if name not in arrays]
        require(not lacking, f"The input {listed(lacking)} is missing: give {listed(self.inputs)}.")
        found = {}
        for name, port in self.inputs.items():
            if name in names:
                check_order(port, texts(name, names[name]))
            if name in kinds:
                check_units(port, texts(name, kinds[name]))
            found[name] = self.array(port, arrays[name])
        sizes = {name: len(value) for name, value in found.items()}
        require(len(set(sizes.values())) == 1, f"The inputs have other numbers of windows: {sizes}.")
        fresh = {name: without_old(port, found) for name, port in self.inputs.items() if port.get("fresh")}
        require_values(self.inputs, found | fresh)
        return found | fresh

    def by_input(self, given: Any) -> dict[str, Any]:
        """Return what was given by name of the input; what has no name belongs to the only input."""
        if given is None:
            return {}
        if isinstance(given, Mapping) and (set(given) & set(self.inputs) or len(self.inputs) > 1):
            return dict(given)
        only = next(iter(self.inputs))
        if isinstance(given, Mapping):
            mine = self.inputs[only]["channels"]
            return {only: given} if set(given) & set(mine) else dict(given)
        require(len(self.inputs) == 1, f"The model has several inputs: give {listed(self.inputs)}, each by its name.")
        return {only: given}

    def array(self, port: dict[str, Any], given: Any) -> np.ndarray:
        """Return an input as float32."""
        given = stacked(port, given) if isinstance(given, Mapping) else given
        value = as_numbers(port["name"], given)
        shape, wanted = value.shape[1:], tuple(port["shape"])
        if self.about.get("padded") and value.ndim == len(wanted) + 1 and 0 < shape[-1] < wanted[-1]:
            behind = [(0, 0)] * (value.ndim - 1) + [(0, wanted[-1] - shape[-1])]
            value, shape = np.pad(value, behind, constant_values=np.nan), wanted
        axes = ", ".join(f"{axis} {size}" for axis, size in zip(port["axes"][1:], wanted, strict=True))
        require(
            shape == wanted,
            f"The input '{port['name']}' has the shape {value.shape}, but (windows, {axes}) is needed.",
        )
        require(
            len(value) > 0, f"The input '{port['name']}' has no windows, the shape {value.shape}: give one or more."
        )
        return value

    def doubts(self, given: Named) -> list[str]:
        """Return a sentence for each channel whose mean lies far outside of what trained, and each absent source."""
        found = []
        for name, value in given.items():
            port = self.inputs[name]
            if port.get("optional") and (absent := empty(value)).any():
                found.append(f"'{name}' is absent or too old in {numbered(absent)}: they are answered without it.")
            if not port["typical"]:
                continue
            axis = port["axes"].index("channels")
            axes = tuple(place for place in range(value.ndim) if place != axis)
            seen = np.isfinite(value)
            mean = np.where(seen, value, 0).sum(axes, dtype=np.float64) / np.maximum(seen.sum(axes), 1)
            low, high = np.array(port["typical"]).T
            for place in np.flatnonzero(((mean < low) | (mean > high)) & seen.any(axes)):
                channel, unit = port["channels"][place], port["units"][place]
                found.append(
                    f"'{channel}' is {mean[place]:.4g} on average, but {low[place]:.4g} to {high[place]:.4g} "
                    f"is usual{' in ' + unit if unit else ''}: look at its unit and at the order of the channels."
                )
        return found

    def text(self) -> str:
        """Return what goes in and what comes out."""
        about = self.about
        lines = [f"{about['name']}: {about['kind']} by {about['network']}, level {about['level']}"]
        if detector := about.get("detector"):
            lines.append(f"alarm above {detector['threshold']}: {detector['knows']}")
        for title, ports in {"in": about["inputs"], "out": about["outputs"]}.items():
            for port in ports:
                axes = ", ".join(f"{axis} {size}" for axis, size in zip(port["axes"][1:], port["shape"], strict=True))
                lines.append(f"{title:<4}{port['name']} (windows, {axes}): {port['meaning']}")
                pairs = zip(port["channels"], port["units"], strict=True)
                named = ", ".join(f"{name} [{unit}]" if unit else name for name, unit in pairs)
                lines += [f"      {line}" for line in (named, self.times(port)) if line]
        return "\n".join(lines)

    def times(self, port: dict[str, Any]) -> str:
        """Return the order of time and its step, in words; "" where there is no time."""
        axis = next((one for one in ("time", "frames") if one in port["axes"]), "")
        window, times = self.about.get("window", {}), port["times"]
        if axis and times:
            step = f"{(times[-1] - times[0]) / (len(times) - 1):g} s apart, " if len(times) > 1 else ""
            return f"{axis}: the oldest first, {step}the last {abs(times[-1]):g} s before the moment of the answer"
        if axis and "look_forward" in window:
            step = window["step_seconds"]
            first = (window.get("gap", 0) + 1) * step
            return f"{axis}: the earliest first, {step:g} s apart, the first {first:g} s after the last input"
        return ""


class Stream:
    """Judges rows that follow each other by a detector of windows, as ``dlkit watch`` does.

    Errors are averaged over rows, and an event begins above the threshold, ends below the lower one, is joined over
    short gaps and told when it is over: what one window by itself cannot know.

    Args:
        model: An exported detector.

    Attributes:
        rows: Number of rows that are judged.
        events: Those that are over: first, last and peak row, severity, p_value and the share of each channel.
    """

    def __init__(self, model: Model) -> None:
        self.detector: dict[str, Any] = model.about.get("detector", {})
        require(
            self.detector.get("judges") == "windows",
            f"'{model.about['name']}' has no detector of windows, so rows cannot be judged: give a model of a run of "
            "anomalies in a table.",
        )
        self.model, self.port = model, model.inputs["x"]
        self.look_back, self.dilation = int(self.port["shape"][1]), int(model.about["window"]["dilation"])
        self.rows, self.events = 0, list[dict[str, Any]]()
        self._forget()

    def _forget(self) -> None:
        channels = len(self.port["channels"])
        self._kept = np.empty((0, channels), np.float32)
        self._recent = np.empty((0, channels))
        self._begins, self._open = True, dict[str, Any]()

    def push(self, rows: Any, channels: Sequence[str] | None = None, units: Sequence[str] | None = None) -> Named:
        """Return number, score and alarm of each row that is known by now: the first ones wait for a whole window.

        Args:
            rows: (rows, channels) in physical units, NaN where missing, without a gap to those that came before.
            channels: Names of the channels as they come; refused in another order.
            units: Units of the channels as they come; refused if others are needed.
        """
        values = as_numbers("rows", rows)
        count = len(self.port["channels"])
        require(
            values.ndim == 2 and values.shape[1] == count,
            f"The rows have the shape {values.shape}, but (rows, channels {count}) is needed.",
        )
        if channels is not None:
            check_order(self.port, texts("rows", channels))
        if units is not None:
            check_units(self.port, texts("rows", units))
        self._kept = np.concatenate([self._kept, values])
        reach = (self.look_back - 1) * self.dilation
        if len(self._kept) - reach < (self.dilation if self._begins else 1):
            return self._judged(self._recent[:0])
        errors = self._errors()
        self._kept, self._begins = self._kept[len(self._kept) - reach :], False
        return self._judged(errors)

    def end(self) -> Named:
        """End the series, as before a gap: what comes next does not follow; return what was not known yet."""
        found = self._judged(self._errors() if self._begins else self._recent[:0])
        self._close()
        self._forget()
        return found

    def _errors(self) -> np.ndarray:
        """Return the errors of the rows that no window held before: the last of each, of the first ones all."""
        reach = (self.look_back - 1) * self.dilation
        found = np.full(self._kept.shape, np.nan)
        for first in range(0, len(self._kept) - reach, AT_ONCE):
            starts = np.arange(first, min(first + AT_ONCE, len(self._kept) - reach))
            rows = starts[:, None] + np.arange(self.look_back) * self.dilation
            windows = np.ascontiguousarray(self._kept[rows].transpose(0, 2, 1))
            for doubt in self.model.doubts({"x": windows}) if self._begins and not first else ():
                warnings.warn(doubt, stacklevel=3)
            maps = self.model.answer({"x": windows})["error_map"]
            maps[empty(windows)] = np.nan
            found[rows[:, -1]] = maps[:, :, -1]
            for at in np.flatnonzero(starts < self.dilation) if self._begins else ():
                found[rows[at]] = maps[at].T
        return found if self._begins else found[reach:]

    def _judged(self, errors: np.ndarray) -> Named:
        smooth, center, scale = (np.array(self.detector[name]) for name in ("smooth", "center", "scale"))
        before = np.concatenate([self._recent, errors])
        self._recent = before[max(len(before) - smooth + 1, 0) :]
        scores, alarms = np.full(len(errors), np.nan), np.zeros(len(errors), bool)
        for number, own in enumerate(errors):
            place = len(before) - len(errors) + number
            last = before[max(place - smooth + 1, 0) : place + 1]
            mean = np.nansum(last, 0) / np.maximum((~np.isnan(last)).sum(0), 1)
            above = (np.where(np.isnan(own), np.nan, mean) - center) / scale
            scores[number] = aggregated(above, self.detector["aggregate"]) - self.detector["location"]
            scores[number] /= self.detector["spread"]
            alarms[number] = self._step(float(scores[number]), np.nan_to_num((own - center) / scale))
        return {"row": np.arange(self.rows - len(errors), self.rows), "score": scores, "alarm": alarms}

    def _step(self, score: float, above: np.ndarray) -> bool:
        """Take in the next row; return whether it belongs to an event that is long enough by now."""
        row, event = self.rows, self._open
        high, low = (np.inf if self.detector[name] is None else self.detector[name] for name in ("threshold", "low"))
        self.rows += 1
        if event and row - event["last"] - 1 > self.detector["join_gap"]:
            self._close()
            event = {}
        inside = score > high or (bool(event) and event["inside"] and score > low)
        if inside and not event:
            event = {"first": row, "peak": row, "score": score, "above": 0.0, "waiting": 0.0}
        if event:
            event["waiting"], event["inside"] = event["waiting"] + above, inside
        if inside:
            event |= {"last": row, "above": event["above"] + event["waiting"], "waiting": 0.0}
            event |= {"peak": row, "score": score} if score > event["score"] else {}
        self._open = event
        return inside and row - event["first"] + 1 >= self.detector["min_duration"]

    def _close(self) -> None:
        """Keep the open event where it is long enough."""
        event, self._open = self._open, {}
        if not event or event["last"] - event["first"] + 1 < self.detector["min_duration"]:
            return
        normal, above = self.detector["surprise"], np.maximum(event["above"], 0)
        as_high = int((np.array(normal["maxima"]) >= event["score"]).sum())
        share = above / above.sum() if above.sum() > 0 else np.full(len(above), 1 / len(above))
        self.events.append(
            {
                "first": event["first"],
                "last": event["last"],
                "peak": event["peak"],
                "severity": event["score"] / self.detector["threshold"],
                "p_value": (1 + as_high) / (1 + normal["blocks"]),
                "share": dict(zip(self.port["channels"], share.tolist(), strict=True)),
            }
        )


def aggregated(above: np.ndarray, aggregate: str) -> float:
    """Return the mean, the largest, or the mean of the three largest of the channels that are known, NaN of none."""
    known = np.sort(above[~np.isnan(above)])
    most = {"mean": len(known), "max": 1, "top3": 3}[aggregate]
    return float(known[-most:].mean()) if len(known) else float("nan")


def empty(value: np.ndarray) -> np.ndarray:
    """Return which windows have no value at all, (windows,)."""
    return np.asarray(np.isnan(value).reshape(len(value), -1).all(1))


def numbered(which: np.ndarray) -> str:
    """Return how many windows, and the numbers of the first."""
    places = np.flatnonzero(which).tolist()
    shown = ", ".join(map(str, places[:5])) + (", ..." if len(places) > 5 else "")
    return f"{len(places)} of {len(which)} windows (number {shown}, counted from 0)"


def require_values(ports: Mapping[str, dict[str, Any]], given: Named) -> None:
    """Refuse windows without any value; of several sources some may be absent if training had such windows."""
    absent = []
    for name, port in ports.items():
        if not port["channels"] and "frames" in port["axes"]:  # the age of a camera
            continue
        none, optional = empty(given[name]), port.get("optional", False)
        why = " or it is too old, but training always had it" if port.get("fresh") else ""
        require(
            optional or not none.any(), f"The input '{name}' has no value in {numbered(none)}{why}: leave these out."
        )
        absent += [none] if optional else []
    required = sum(bool(port.get("fresh")) for port in ports.values()) > len(absent)
    none = np.asarray(np.array(absent).all(0) if absent and not required else [False])
    require(not none.any(), f"No source has a value that is new enough in {numbered(none)}: leave these out.")


def without_old(port: dict[str, Any], given: Named) -> np.ndarray:
    """Return the values of a source, all NaN where it counts as absent, as in training: nothing is new enough."""
    value, frames, limit = given[port["name"]], "frames" in port["axes"], port["max_age"]
    age = given.get(f"{port['name']}.age", value[:, -1] if port["aged"] else None)
    if age is not None:
        require_ages(port["name"], age, ~empty(value[:, -1]) if frames else None)
    if age is not None and limit is not None:
        old = age > np.float32(limit * (1 + 1e-6))
        old = (
            old[:, -1:, None, None, None]
            if frames
            else old[:, None] & np.isin(np.arange(value.shape[1]), port["telling"])[:, None]
        )
        value = np.where(old, np.float32(np.nan), value)
    seen = ~np.isnan(value)
    new = seen[:, -1:] if frames else seen[:, port["telling"], -port["fresh"] :]
    there = new.reshape(len(value), -1).any(1).reshape(-1, *[1] * (value.ndim - 1))
    return np.where(there, value, np.float32(np.nan))


def require_ages(name: str, age: np.ndarray, needed: np.ndarray | None) -> None:
    """Refuse ages below 0, and a frame whose age is not said."""
    below = np.asarray((age < -1e-6).any(1))  # what was scaled and unscaled is rounded
    require(
        not below.any(),
        f"The age of '{name}' is negative, {np.nanmin(age):.4g} s, in {numbered(below)}: it is the time since its "
        "sample or frame, in seconds.",
    )
    lacking = np.isnan(age[:, -1]) & needed if needed is not None else np.zeros(1, bool)
    require(not lacking.any(), f"The age of the last frame of '{name}' is missing in {numbered(lacking)}: give it.")


def open_onnx(path: str, threads: int | None) -> tuple[str | None, Any]:
    """Return what an ONNX file says of itself, and what runs it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise RefusedError(f"'{path}' is damaged or no ONNX file: export it again.") from error
    return session.get_modelmeta().custom_metadata_map.get(META), lambda given: session.run(None, given)


def open_program(path: str, threads: int | None) -> tuple[str | None, Any]:  # noqa: ARG001 - torch has its own setting
    """Return what a torch program says of itself, and what runs it."""
    torch: Any = importlib.import_module("torch")
    extra: dict[str, Any] = {META: ""}
    try:
        network = torch.export.load(path, extra_files=extra).module()
    except Exception as error:
        raise RefusedError(f"'{path}' is damaged or no program of torch.export: export it again.") from error

    def run(given: Named) -> list[np.ndarray]:
        with torch.no_grad():
            return [one.numpy() for one in network(*(torch.from_numpy(value) for value in given.values()))]

    text = extra[META]
    return (text.decode() if isinstance(text, bytes) else text) or None, run


def listed(names: Any) -> str:
    """Return names in quotes."""
    return ", ".join(f"'{name}'" for name in names)


def as_numbers(name: str, given: Any) -> np.ndarray:
    """Return float32 values; NaN is a missing one, None too."""
    try:
        value = np.asarray(given)
        value = np.asarray(given, np.float64) if value.dtype == object else value
    except (ValueError, TypeError) as error:
        raise RefusedError(
            f"The input '{name}' is no array of numbers: give lists of one length, or an array."
        ) from error
    require(value.dtype.kind in "fiub", f"The input '{name}' has the type {value.dtype}: give real numbers.")
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(value, dtype=np.float32)
    require(not bool(np.isinf(found).any()), f"The input '{name}' has infinite values: write NaN where one is missing.")
    return found


def stacked(port: dict[str, Any], given: Mapping[str, Any]) -> np.ndarray:
    """Return the channels of an input, given by their names, in the order that is needed."""
    wanted = port["channels"]
    for name in given:
        require(name in wanted, f"The input '{port['name']}' has no channel '{name}': give {listed(wanted)}.")
    lacking = [name for name in wanted if name not in given]
    require(not lacking, f"The channels {listed(lacking)} of '{port['name']}' are missing: give NaN where unknown.")
    parts = [as_numbers(name, given[name]) for name in wanted]
    shapes = {name: part.shape for name, part in zip(wanted, parts, strict=True)}
    require(len(set(shapes.values())) == 1, f"The channels of '{port['name']}' have other shapes: {shapes}.")
    axis = port["axes"].index("channels")
    require(parts[0].ndim >= axis, f"A channel of '{port['name']}' has the shape {parts[0].shape}: windows come first.")
    return np.stack(parts, axis)


def texts(name: str, given: Any) -> list[str]:
    """Return names of channels, or units."""
    require(
        isinstance(given, (list, tuple)), f"Channels and units of '{name}' come as a list of names: {given!r} came."
    )
    return [str(one) for one in given]


def check_order(port: dict[str, Any], given: list[str]) -> None:
    """Refuse channels in another order, or other ones."""
    wanted = list(port["channels"])
    order = "in another order" if sorted(given) == sorted(wanted) else "not those that are needed"
    require(given == wanted, f"The channels of '{port['name']}' are {order}: {given} came, {wanted} is needed.")


def check_units(port: dict[str, Any], given: list[str]) -> None:
    """Refuse other units."""
    wanted = list(port["units"])
    require(len(given) == len(wanted), f"'{port['name']}' has {len(wanted)} channels, but {len(given)} units came.")
    for name, came, needed in zip(port["channels"], given, wanted, strict=True):
        require(
            came == needed or not needed,
            f"'{name}' of '{port['name']}' came in '{came}', but '{needed}' is needed: convert it first.",
        )


def calendar(times: Any, names: Sequence[str]) -> np.ndarray:
    """Return what a model calls sin_of_day, cos_of_week and so on, (windows, names, horizon).

    Args:
        times: datetime64 in UTC, (windows, horizon).
        names: The names, e.g. ``model.inputs["future"]["channels"]``.
    """
    stamps = np.asarray(times, "datetime64[ns]").astype(np.int64)
    columns = []
    for name in names:
        wave, _, period = name.partition("_of_")
        require(wave in ("sin", "cos") and period in PERIODS, f"'{name}' is no encoding of the calendar.")
        length = round(PERIODS[period] * 1e9)
        phase = 2 * np.pi * ((stamps % length) / length)
        columns.append(np.sin(phase) if wave == "sin" else np.cos(phase))
    return np.stack(columns, 1).astype(np.float32)


def read_data(path: str) -> Any:
    """Return the arrays in a file, by name where it is an npz file."""
    require(Path(path).is_file(), f"There is no data file '{path}': give an npz file with an array for each input.")
    try:
        with Path(path).open("rb") as file:
            data = np.load(file, allow_pickle=False)
            return data if isinstance(data, np.ndarray) else {name: data[name] for name in data.files}
    except Exception as error:  # numpy has many
        raise RefusedError(f"'{path}' is no npz or npy file of plain numbers: write it by numpy.savez.") from error


def judged(model: Model, path: str) -> Named:
    """Return number, score and alarm of each row in a file; say which events there were."""
    stream, given = Stream(model), read_data(path)
    rows = next(iter(given.values())) if isinstance(given, dict) and len(given) == 1 else given
    require(not isinstance(rows, dict), f"'{path}' has several arrays: give one, (rows, channels).")
    parts = [stream.push(rows), stream.end()]
    for event in stream.events:
        print(json.dumps(event))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def write(path: Path, answers: Named) -> None:
    """Write answers under another name and rename the file, so that it is whole or not there."""
    path = path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")  # as numpy does
    work = path.with_name(f".{path.name}.{os.getpid()}.npz")
    try:
        np.savez(work, **answers)  # type: ignore[arg-type]  # names of answers are no argument of savez
        work.replace(path)
    finally:
        work.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> int:
    """Predict, or say what goes in; return 2 after one sentence when something is wrong."""
    try:
        rows = "--rows" in arguments
        arguments = [one for one in arguments if one != "--rows"]
        require(
            len(arguments) == 3 or (len(arguments) == 1 and not rows),
            "Give MODEL alone, or MODEL DATA.npz OUT.npz, or MODEL --rows ROWS.npy OUT.npz.",
        )
        model = Model(arguments[0])
        if len(arguments) == 1:
            print(model.text())
            return 0
        answers = judged(model, arguments[1]) if rows else model.predict(read_data(arguments[1]))
        write(Path(arguments[2]), answers)
    except (RefusedError, OSError, ValueError) as error:
        print(f"run_model: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
