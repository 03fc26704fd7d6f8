"""Images listed in a table with their labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dlkit.core.checks import counted, require
from dlkit.data.records import Samples
from dlkit.data.samples.files import files_by_role
from dlkit.data.samples.finish import Settings
from dlkit.data.samples.folders import SUFFIXES, identify_images
from dlkit.data.samples.image_source import ImageSource
from dlkit.data.samples.images import Check, fitted_to, image_samples
from dlkit.data.samples.labels import LabelKind
from dlkit.data.samples.listing import Columns, Listing, read_listing
from dlkit.data.samples.pictures import Color, FilePictures
from dlkit.data.samples.problems import Policy, Problems
from dlkit.data.tabular.files import fill_path, identify

TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq")


class Manifest(ImageSource):
    """Images listed in CSV or Parquet tables: the path or the bytes of each, its label or labels, group and role.

    Images are those of :class:`dlkit.data.sources.image_folder.ImageFolder`; bytes are whole JPEG, PNG, ... files in a
    Parquet column.

    Args:
        path: Table, folder or glob of tables, or a list of these; or one of these for each role,
            ``{train: a.parquet, test: b.parquet}``, which makes the roles official.
        image: Column with the path or the bytes of each image.
        label: Column with the label, or several columns: of 0 and 1 for several labels, of numbers for values.
        kind: What the labels are: ``class``, ``ordinal``, several ``labels``, or ``values``; ``auto`` tells by type.
        classes: Names of the classes in their order, or of the labels; by default what occurs, sorted.
        separator: What separates several labels in one cell, e.g. ``;``; the kind is then ``labels``, and an empty cell
            says that the image has none of them. Of new images a column that is empty throughout says nothing.
        groups: Column with the shot, run or device of each image.
        roles: Column with the roles train, val and test.
        name: Column with the name of each sample; by default the path, or ``table (row 1)``.
        root: Folder that paths start from; by default that of the table.
        target_units: Physical unit of each column of values.
        color: ``gray``, ``rgb``, ``all`` channels of the files, or ``auto``: as in the files, colour where they differ.
        channels: Name of each channel.
        units: Physical unit of all channels, or of some by name.
        check: Before training ``all`` images are decoded once to find bad ones, or ``some`` of them (100).
        bad: Rows whose image or label cannot be used: ``fail``, or ``skip`` and record them.
    """

    def __init__(
        self,
        *,
        path: str | Path | Sequence[str | Path] | Mapping[str, str],
        image: str = "path",
        label: str | Sequence[str] = "label",
        kind: LabelKind = "auto",
        classes: Sequence[str] | None = None,
        separator: str | None = None,
        groups: str | None = None,
        roles: str | None = None,
        name: str | None = None,
        root: str | Path | None = None,
        target_units: str | Sequence[str] | None = None,
        color: Color = "auto",
        channels: Sequence[str] | None = None,
        units: str | Mapping[str, str] | None = None,
        check: Check = "all",
        bad: Policy = "fail",
    ) -> None:
        labels = (label,) if isinstance(label, str) else tuple(label)
        require(len(labels) > 0, "`label` is an empty list; name at least one column.")
        require(
            separator is None or len(labels) == 1,
            f"`separator: {separator}` is for one column with several labels in a cell, `label` names {len(labels)}: "
            "name one of them, or leave `separator` out.",
        )
        require(
            separator is None or kind in ("auto", "labels"),
            f"`separator: {separator}` reads several labels from a cell, not `kind: {kind}`: set `kind: labels`, "
            "or leave `separator` out.",
        )
        self.columns = Columns(image=image, labels=labels, separator=separator, groups=groups, roles=roles, name=name)
        settings = Settings(
            kind="labels" if separator is not None else kind, classes=classes, channels=channels, units=units,
            target_units=target_units, bad=bad,
        )  # fmt: skip
        super().__init__(path, color, settings)
        self.root, self.check = root, check

    def _listing(self) -> Listing:
        if self.settings.new:
            self._refuse_images()
        root = None if self.root is None else fill_path(self.root)
        return read_listing(files_by_role(self.path, TABLES), self.columns, root, labelled=not self.settings.new)

    def _refuse_images(self) -> None:
        places = [self.path] if isinstance(self.path, str | Path) else list(self.path)
        files = [file for place in places for file in _below(fill_path(place))]
        images = [file for file in files if file.suffix.lower() in SUFFIXES]
        require(
            not images or any(file.suffix.lower() in TABLES for file in files),
            f"The run reads tables of images, got {counted(len(images), 'image')} without one: list them in a table "
            f"with a column '{self.columns.image}', and give it to --data.",
        )

    def read(self) -> Samples:
        """Return the images.

        Raises:
            InputError: A column is absent, or images cannot be used and ``bad`` is ``fail``.
        """
        listing = self._listing()
        problems = Problems(listing.pictures.names, self.settings.bad, what="images")
        problems.mark("image missing", listing.missing)
        marks, settings = listing.marks(self.columns, self.settings)
        known = self._fitted if self.settings.new else None
        samples = image_samples(
            listing.pictures, marks, settings, problems, color=self.color, check=self.check, fitted=known,
        )  # fmt: skip
        self._fitted = self._fitted or fitted_to(samples, self.color)
        return replace(samples, listed=self.columns.separator is not None)

    def fingerprint(self) -> dict[str, Any]:
        """Return name, size and hash of each table, number, bytes and a hash of listed files, and the settings."""
        tables = [identify(file) for _, files in files_by_role(self.path, TABLES) for file in files]
        pictures = self._listing().pictures
        listed = {}
        if isinstance(pictures, FilePictures):
            listed = identify_images(pictures.names, [Path(file) for file in pictures.files])
        settings = self.settings.plain() | self.columns.plain() | {"color": self.color}
        return {"tables": tables, **listed, "settings": settings}


def _below(place: Path) -> list[Path]:
    """Return the files of a folder or a glob, or the file itself."""
    return list(place.iterdir()) if place.is_dir() else list(place.parent.glob(place.name))
