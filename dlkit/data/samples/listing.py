"""Tables that list images and their labels."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlkit.core.checks import InputError, require, suggest
from dlkit.data.samples.finish import Marks, Settings, unique_names
from dlkit.data.samples.labels import as_text
from dlkit.data.samples.pictures import BytePictures, EncodedPictures, FilePictures
from dlkit.data.tabular.files import reader_for

ROWS = 50_000


@dataclass(frozen=True)
class Columns:
    """The columns of a table and their parts, see :class:`dlkit.data.sources.manifest.Manifest`."""

    image: str
    labels: tuple[str, ...]
    separator: str | None = None
    groups: str | None = None
    roles: str | None = None
    name: str | None = None

    def plain(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return asdict(self) | {"labels": list(self.labels)}

    @property
    def wanted(self) -> dict[str, str]:
        """Every column to read, with the setting that names it."""
        parts = {"groups": self.groups, "roles": self.roles, "name": self.name}
        others = {column: setting for setting, column in parts.items() if column is not None}
        return {**others, **dict.fromkeys(self.labels, "label"), self.image: "image"}


@dataclass(frozen=True, eq=False)
class Listing:
    """Images and the rows that list them.

    Attributes:
        pictures: The images.
        rows: The other columns.
        missing: Rows without an image.
        roles: Role of each row where the tables have one each.
    """

    pictures: EncodedPictures
    rows: pd.DataFrame
    missing: np.ndarray
    roles: np.ndarray | None

    def marks(self, columns: Columns, settings: Settings) -> tuple[Marks, Settings]:
        """Return labels, groups and roles, and the settings with what the columns say."""
        if settings.new and not self._labelled(columns, settings):
            return Marks(None), settings
        if settings.new:
            columns = replace(columns, groups=None, roles=None)
        groups = None if columns.groups is None else self.rows[columns.groups].to_numpy(dtype=object)
        roles = self.roles if columns.roles is None else self.rows[columns.roles].to_numpy(dtype=object)
        if columns.separator is not None:
            labels, names = _several(
                self.rows[columns.labels[0]], columns.separator, settings.classes, new=settings.new
            )
            return Marks(labels, groups, roles), replace(settings, classes=names)
        if settings.kind == "auto" and settings.classes is None:
            said = [few for column in columns.labels if (few := _few_words(self.rows[column]))]
            require(not said or settings.bad == "skip", next(iter(said), ""))
            settings = replace(settings, kind="values") if said else settings
        table = [
            _numbers_or_text(self.rows[column]) if column in self.rows else np.full(len(self.rows), np.nan)
            for column in columns.labels
        ]
        labels = table[0] if len(table) == 1 else np.stack(table, axis=1)
        return Marks(labels, groups, roles), replace(
            settings, targets=columns.labels if _names_targets(labels, settings) else None
        )

    def _labelled(self, columns: Columns, settings: Settings) -> bool:
        """Tell whether new rows say anything of their labels; of values and columns of labels, some may be absent."""
        there = [column for column in columns.labels if column in self.rows]
        if columns.separator is not None:
            return bool(there) and not bool(as_text(self.rows[there[0]].to_numpy(dtype=object))[1].all())
        return bool(there) and (settings.kind in ("labels", "values") or len(there) == len(columns.labels))


def read_listing(
    tables: Iterable[tuple[str | None, Sequence[Path]]], columns: Columns, root: Path | None, *, labelled: bool = True
) -> Listing:
    """Return what the tables list.

    Args:
        tables: Files of each role.
        columns: The parts of the columns.
        root: Folder that paths start from; None is the folder of each table.
        labelled: Whether columns but that of the images must be there.

    Raises:
        InputError: A column is absent, or no image is listed.
    """
    frames, roles, places, folders = [], [], [], []
    for role, files in tables:
        for file in files:
            frame = _read(file, columns, labelled=labelled)
            frames.append(frame)
            roles += [role] * len(frame)
            places += [(file.stem, f"row {number}") for number in range(1, len(frame) + 1)]
            folders += [root or file.parent] * len(frame)
    rows = pd.concat(frames, ignore_index=True)
    require(len(rows) > 0, f"`path` lists no image: give a table with rows under `image: {columns.image}`.")
    images = [_file_of(item) for item in rows[columns.image]]
    missing = np.array([not isinstance(item, bytes | str) or not item for item in images], dtype=bool)
    named = rows[columns.name].astype(str).to_list() if columns.name in rows.columns else None
    pictures = _pictures(images, missing, named, places, folders)
    known = np.array(roles) if all(role is not None for role in roles) else None
    return Listing(pictures, rows, missing, known)


def _read(file: Path, columns: Columns, *, labelled: bool) -> pd.DataFrame:
    reader = reader_for(file)
    there = reader.columns(file)
    for column, setting in columns.wanted.items():
        if column not in there and (labelled or column == columns.image):
            raise InputError(f"{file.name} has no column '{column}' for `{setting}`; {suggest(column, there)}")
    names = [column for column in columns.wanted if column in there]
    chunks = list(reader.chunks(file, names, ROWS))
    return pd.concat(chunks, ignore_index=True) if chunks else pd.DataFrame(columns=names)


def _file_of(item: Any) -> Any:
    """Return the bytes or the path; some data sets keep both side by side."""
    return item.get("bytes") or item.get("path") if isinstance(item, dict) else item


def _pictures(
    images: list[Any], missing: np.ndarray, named: list[str] | None, places: list[tuple[str, str]], folders: list[Path]
) -> EncodedPictures:
    one = len({stem for stem, _ in places}) == 1
    rows = [row if one else f"{stem}, {row}" for stem, row in places]
    by_row = [f"{stem} ({row})" for stem, row in places]
    if any(isinstance(item, str) for item in images):
        paths = ["" if gone else item for item, gone in zip(images, missing, strict=True)]
        names = unique_names(named or [path or place for path, place in zip(paths, by_row, strict=True)], rows)
        return FilePictures(names, [folder / path for folder, path in zip(folders, paths, strict=True)])
    content = [b"" if gone else item for item, gone in zip(images, missing, strict=True)]
    ends = np.cumsum([len(item) for item in content], dtype=np.int64)
    borders = np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1)
    buffer = np.frombuffer(bytearray().join(content), dtype=np.uint8)  # of a bytearray, so that it may be written
    return BytePictures(unique_names(named or by_row, rows), buffer, borders)


def _numbers_or_text(column: pd.Series) -> np.ndarray:
    """Return a column as numbers where every cell is one or empty, else as text."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=None if not column.isna().any() else np.float64)
    text, missing = as_text(column.to_numpy(dtype=object))
    numbers = pd.to_numeric(pd.Series(np.where(missing, "nan", text)), errors="coerce").to_numpy(dtype=np.float64)
    whole = "".join(text[~missing]).replace("-", "").isdigit()
    if missing.all() or np.isnan(numbers[~missing]).any() or (whole and missing.any()):
        return column.to_numpy(dtype=object)
    return numbers.astype(np.int64) if whole else numbers


def _few_words(column: pd.Series) -> str:
    """Return what to say of words among fractional numbers, which would make a class of every number.

    It is "" unless there are some, and at most a fifth of the cells.
    """
    text, missing = as_text(column.to_numpy(dtype=object))
    numbers = pd.to_numeric(pd.Series(np.where(missing, "nan", text)), errors="coerce").to_numpy(dtype=np.float64)
    wrong, known = np.flatnonzero(np.isnan(numbers) & ~missing), numbers[np.isfinite(numbers)]
    if not 0 < len(wrong) <= len(known) / 4 or (known == np.round(known)).all():
        return ""
    return (
        f"row {wrong[0] + 1}, {column.name}: '{text[wrong[0]]}' is no number, as in {len(wrong)} of {len(text)} rows; "
        "mend them, set `bad: skip` to leave them out, or `kind: class` if these are classes."
    )


def _several(
    column: pd.Series, separator: str, classes: Sequence[str] | None, *, new: bool
) -> tuple[np.ndarray, list[str]]:
    """Return 0 or 1 for each label, (rows, labels), and the labels; an empty cell has none of them.

    Labels of new rows that are not among ``classes`` come after these.
    """
    cells = [
        {word.strip() for word in text.split(separator)} - {""} for text in as_text(column.to_numpy(dtype=object))[0]
    ]
    names = list(classes) if classes is not None else sorted(set().union(*cells))
    unknown = sorted(set().union(*cells) - set(names))
    names += unknown if new else []
    require(
        new or not unknown,
        f"The labels {unknown[:5]} are not among `classes`: {', '.join(names)}; add them, or mend the table.",
    )
    require(len(names) > 0, "The table names no label at all; give another column in `label`.")
    return np.array([[name in cell for name in names] for cell in cells], dtype=np.float32), names


def _names_targets(labels: np.ndarray, settings: Settings) -> bool:
    """Tell whether the columns name the labels or values, not one class."""
    return labels.ndim == 2 or settings.kind == "values" or (settings.kind == "auto" and labels.dtype.kind == "f")
