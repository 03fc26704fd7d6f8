"""The text files of the UCR and UEA archives."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlkit.core.checks import InputError, require
from dlkit.data.tabular.files import refuse_damage


@dataclass(frozen=True, eq=False)
class Traces:
    """Traces with their labels.

    Attributes:
        traces: Each (channels, time), NaN where missing.
        labels: Text or numbers, (samples,); None where the file says that it has none.
        classes: Names of the classes in the order of the header, or None.
        values: Whether the labels are numbers to be predicted.
        padded: Whether NaN at the end of a trace is padding.
    """

    traces: list[np.ndarray]
    labels: np.ndarray | None
    classes: list[str] | None = None
    values: bool = False
    padded: bool = False


def read_ts(path: Path) -> Traces:
    """Read a ``.ts`` file: ``@`` lines, then ``channel:channel:label`` with values between commas, ``?`` where missing.

    Raises:
        InputError: The file is not like this, or has time stamps.
    """
    header: dict[str, list[str]] = {}
    traces, labels = [], []
    with refuse_damage(path, "text of the UCR archive"):
        for number, line in _lines(path):
            if line.startswith("@"):
                word, *rest = line[1:].split()
                header[word.lower()] = rest
            else:
                require("data" in header, f"{path.name}, line {number}: values come before the line '@data'.")
                _refuse_stamps(path, header)
                *channels, label = line.split(":") if _labelled(header) else [*line.split(":"), ""]
                traces.append(_trace(path, number, channels))
                labels.append(label.strip())
    require(len(traces) > 0, f"{path.name} holds no trace below '@data'; give a whole .ts file in `path`.")
    known = np.array(labels, dtype=object) if _labelled(header) else None
    return Traces(traces, known, header.get("classlabel", [])[1:] or None, _says(header, "targetlabel"))


def _says(header: dict[str, list[str]], word: str) -> bool:
    return header.get(word, ["false"])[:1] in (["true"], ["True"])


def _labelled(header: dict[str, list[str]]) -> bool:
    return _says(header, "classlabel") or _says(header, "targetlabel")


def read_tsv(path: Path) -> Traces:
    """Read a ``.tsv`` file of the UCR archive: the label, then the values of one channel, NaN where missing.

    Raises:
        InputError: The file is not like this.
    """
    traces, labels = [], []
    with refuse_damage(path, "text of the UCR archive"):
        for number, line in _lines(path):
            label, *values = line.split("\t") if "\t" in line else line.replace(",", " ").split()
            traces.append(_trace(path, number, [",".join(values)]))
            labels.append(label.strip())
    require(len(traces) > 0, f"{path.name} holds no trace; give a whole .tsv file in `path`.")
    return Traces(traces, _numbers_if(labels), padded=True)


def _numbers_if(labels: list[str]) -> np.ndarray:
    """Return labels as numbers where they all are, which some files write as 1.0000000e+00."""
    try:
        return np.array(labels, dtype=np.float64)
    except ValueError:
        return np.array(labels, dtype=object)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            text = line.strip()
            if text and not text.startswith(("#", "%")):
                yield number, text


def _refuse_stamps(path: Path, header: dict[str, list[str]]) -> None:
    require(
        not _says(header, "timestamps"),
        f"{path.name} has time stamps: give `path` a file whose values are one step apart.",
    )


def _trace(path: Path, number: int, channels: list[str]) -> np.ndarray:
    """Return one trace, (channels, time); channels of unequal length are padded with NaN."""
    try:
        rows = [np.array(text.replace("?", "nan").split(","), dtype=np.float64) for text in channels]
    except ValueError as error:
        raise InputError(
            f"{path.name}, line {number}: {error}; values are numbers or '?', separated by commas."
        ) from error
    require(len(rows) > 0, f"{path.name}, line {number}: a label without a trace; write 'values:label'.")
    trace = np.full((len(rows), max(map(len, rows))), np.nan, dtype=np.float32)
    for row, values in zip(trace, rows, strict=True):
        row[: len(values)] = values
    return trace
