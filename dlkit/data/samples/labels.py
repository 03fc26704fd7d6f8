"""From what stands in a file to class numbers, label masks or values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from dlkit.core.checks import require, suggest
from dlkit.core.specs import Kind
from dlkit.data.samples.problems import Problems

LabelKind = Literal["auto", "class", "ordinal", "labels", "values"]
MOST_CLASSES = 10  # below which numbers that are all different may be classes
WORDS = {"", "nan", "null", "<na>"}  # and no more: a class may be called "none"


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels as :class:`dlkit.data.records.Samples` holds them."""

    kind: Kind
    labels: np.ndarray
    classes: tuple[str, ...]
    targets: tuple[str, ...] = ("class",)
    target_units: tuple[str, ...] = ("",)

    def take(self, numbers: np.ndarray) -> "Labels":
        """Return the labels of some samples."""
        return replace(self, labels=np.ascontiguousarray(self.labels[numbers]))

    def refuse_one_class(self) -> None:
        """Refuse samples that are all of one class.

        Raises:
            InputError: There is nothing to tell apart.
        """
        if self.kind in {"class", "ordinal"}:
            present = np.unique(self.labels)
            require(
                len(present) > 1,
                f"All {len(self.labels)} samples are of one class, '{self.classes[present[0]]}': give samples of two "
                "classes or more.",
            )


def encode_labels(
    raw: np.ndarray,
    problems: Problems,
    *,
    kind: LabelKind = "auto",
    classes: Sequence[str] | None = None,
    positions: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    new: bool = False,
    called: str = "",
) -> Labels:
    """Return the labels; samples without a usable one are marked in ``problems``.

    Args:
        raw: Text or numbers, (samples,) or (samples, columns).
        problems: Where bad labels are noted.
        kind: What the labels are; ``auto`` looks at type and shape.
        classes: Names of the classes in their order; by default those that occur, sorted.
        positions: Names of the classes 0, 1, 2 where the labels are numbers that count them.
        targets: Names of the columns for "labels" and "values".
        new: The samples are to be predicted, so that all of their labels may be words such as ``?``, and classes that
            are not named come after those that are.
        called: Name of the array of labels, which names columns without a name of their own.

    Raises:
        InputError: The kind is not known or cannot be told, or there is nothing to tell apart.
    """
    require(kind in get_args(LabelKind), f"`kind: {kind}` is not known; {suggest(kind, get_args(LabelKind))}")
    raw = raw[:, 0] if raw.ndim == 2 and raw.shape[1] == 1 else raw
    require(
        raw.ndim in (1, 2), f"Labels of shape {raw.shape} are not understood; give (samples,) or (samples, columns)."
    )
    known = guess_kind(raw) if kind == "auto" else kind
    if known in ("labels", "values"):
        names = targets if known == "values" else classes or targets or positions
        table = _numbers(raw, problems, f"kind: {known}", names, new=new)
        return (_values if known == "values" else _several)(table, problems, names, called)
    if not (new or classes or positions) and raw.ndim == 1:
        _refuse_values(raw, called)
    return _one(raw, problems, "ordinal" if known == "ordinal" else "class", classes, positions, new=new)


def _refuse_values(raw: np.ndarray, called: str) -> None:
    """Refuse classes that are numbers with decimals, most of them different: values of which the kind was forgotten."""
    text, missing = as_text(raw)
    known = pd.to_numeric(pd.Series(text[~missing]), errors="coerce").to_numpy(np.float64)
    if not np.isfinite(known).all() or (known == np.round(known)).all():
        return
    different, name = len(np.unique(known)), f" `{called}`" if called else ""
    require(
        different < MOST_CLASSES or 2 * different <= len(known),
        f"The {len(known)} labels{name} are {different} different numbers, and no classes: set `kind: values`.",
    )


def guess_kind(raw: np.ndarray) -> Kind:
    """Tell what labels are by their type and shape.

    Raises:
        InputError: It could be either of two.
    """
    number = raw.dtype.kind in "fiub"
    if raw.ndim == 1:
        if not number or raw.dtype.kind in "iub":
            return "class"
        finite = raw[np.isfinite(raw)]
        require(
            bool((finite != np.round(finite)).any()) or len(finite) == 0,
            "The labels are whole numbers stored as floats: set `kind: class` or `kind: values`.",
        )
        return "values"
    require(number, f"{raw.shape[1]} columns of text are no labels: name one column, or columns of 0 and 1.")
    if not np.isin(raw, (0, 1)).all():
        return "values"
    require(
        bool((raw.sum(1) != 1).any()),
        "The label columns hold one 1 in each row: set `kind: class` (one of them) or `kind: labels` (any number).",
    )
    return "labels"


def as_text(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return labels as text, whole numbers without a point, and where one is missing."""
    cells = raw.tolist()
    if raw.dtype.kind == "f":
        cells = [int(cell) if np.isfinite(cell) and cell == int(cell) else cell for cell in cells]
    words = ["" if cell is None else _word(cell) for cell in cells]
    missing = np.array([word.lower() in WORDS for word in words], dtype=bool)
    return np.array(words, dtype=object), missing


def _word(cell: object) -> str:
    return cell.decode("utf-8", "replace").strip() if isinstance(cell, bytes) else str(cell).strip()


def _one(
    raw: np.ndarray,
    problems: Problems,
    kind: Kind,
    classes: Sequence[str] | None,
    positions: Sequence[str] | None,
    *,
    new: bool,
) -> Labels:
    if raw.ndim == 2:
        problems.mark("no single 1 among the label columns", ~(np.isin(raw, (0, 1)).all(1) & (raw.sum(1) == 1)))
        raw, classes, positions = raw.argmax(1), None, classes or positions
    text, missing = as_text(raw)
    problems.mark("label missing", missing)
    if positions and raw.dtype.kind in "iuf":
        names, codes = positions, [str(number) for number in range(len(positions))]
    else:
        names = classes or positions or _sorted(set(text[~missing]), kind)
        codes = _codes(names, text[~missing], new=new)
    if new:
        more = sorted(set(text[~missing]) - set(codes))
        names, codes = [*names, *more], [*codes, *more]
    order = {code: number for number, code in enumerate(codes)}
    numbers = np.array([order.get(item, -1) for item in text], dtype=np.int64)
    problems.mark(f"unknown class, {suggest('', names)}", numbers < 0)
    return Labels(kind, numbers, tuple(names))


def _codes(names: Sequence[str], text: np.ndarray, *, new: bool) -> list[str]:
    """Return what stands for each class in the labels: its name, or its number where no label is a name.

    Numbers beyond the names are classes never trained in new files; in training files they say that names are lacking.
    """
    counts = [str(number) for number in range(len(names))]
    by_number = not set(text) & set(names) and (bool(set(text) & set(counts)) if new else set(text) <= set(counts))
    return counts if by_number else list(names)


def _sorted(names: set[str], kind: Kind) -> list[str]:
    try:
        return sorted(names, key=float)
    except ValueError:
        message = (
            f"Ordinal classes named by words have an order that must be given: set `classes`; {suggest('', names)}"
        )
        require(kind != "ordinal", message)
        return sorted(names)


def _several(table: np.ndarray, problems: Problems, names: Sequence[str] | None, called: str) -> Labels:
    names = names or [f"{called or 'label'}{number}" for number in range(table.shape[1])]
    require(
        len(names) == table.shape[1], f"`classes` names {len(names)} labels, the data hold {table.shape[1]} columns."
    )
    problems.mark("label missing", np.isnan(table).any(1))
    problems.mark("a label that is neither 0 nor 1", np.asarray(~np.isin(table, (0, 1)).all(1)))
    return Labels("labels", table, tuple(names), tuple(names), ("",) * len(names))


def _values(table: np.ndarray, problems: Problems, targets: Sequence[str] | None, called: str) -> Labels:
    name, count = called or "value", table.shape[1]
    names = tuple(targets or ((name,) if count == 1 else (f"{name}{number}" for number in range(count))))
    require(len(names) == table.shape[1], f"`targets` names {len(names)}, the labels have {table.shape[1]} columns.")
    problems.mark("label missing", np.isnan(table).all(1))
    problems.mark("infinite label", np.isinf(table).any(1))
    return Labels("values", table, (), names, ("",) * len(names))


def _numbers(
    raw: np.ndarray, problems: Problems, setting: str, names: Sequence[str] | None, *, new: bool
) -> np.ndarray:
    """Return labels as float32, (samples, columns), NaN where missing; words are marked as problems.

    Raises:
        InputError: Most labels of a column are words, and the samples are not new.
    """
    columns = raw[:, None] if raw.ndim == 1 else raw
    if columns.dtype.kind in "fiub":
        return np.ascontiguousarray(columns.astype(np.float32))
    found = []
    for number, column in enumerate(columns.T):
        words, missing = as_text(column)
        known = pd.to_numeric(pd.Series(np.where(missing, "nan", words)), errors="coerce").to_numpy(np.float32)
        wrong = np.isnan(known) & ~missing
        name = names[number] if names and number < len(names) else ""
        if wrong.any():
            first, count = words[wrong.argmax()], int(wrong.sum())
            require(
                new or 2 * count <= int((~missing).sum()),
                f"{count} of {len(words)} labels{name and f' in {name}'} are no numbers, such as '{first}', and "
                f"`{setting}` needs numbers: change `kind`, or name another label.",
            )
            problems.mark(f"{name or 'the label'} is no number, such as '{first}'", wrong)
        found.append(known)
    return np.stack(found, axis=1)
