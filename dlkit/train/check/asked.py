"""What is to be checked: files as they lie, the data of a config, or those of a run."""

import inspect
import io
import json
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dlkit.core.checks import InputError, require
from dlkit.data.tabular.files import fill_path
from dlkit.train.messages import check_class, classes, find_class, read_yaml, with_parts

CONFIGS = ("config.yaml", "experiment.yaml")  # of a run, and of a cross-validation
EXAMPLE = "`dlkit check recordings/` or `dlkit check configs/experiment/weather_forecast.yaml`"


@dataclass(eq=False, kw_only=True)
class Asked:
    """What is to be checked.

    Attributes:
        words: As it was typed.
        paths: Files, folders or globs that are looked at as they lie.
        settings: Of their source.
        section: The block ``data:`` of a config, or that of a source.
        overrides: Settings of it on the command line.
        run: Folder of the run or the cross-validation that the config belongs to.
    """

    words: str
    paths: list[Path] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    section: dict[str, Any] | None = None
    overrides: list[str] = field(default_factory=list)
    run: Path | None = None


def asked_for(arguments: Sequence[str]) -> Asked:
    """Return what the command line asks for.

    Raises:
        InputError: It names nothing, or something that cannot be.
    """
    names: list[str] = []
    rest = list(arguments)
    while rest and not rest[0].startswith("-"):
        names.append(rest.pop(0))
    require(bool(names), f"Nothing to check: give a file, a folder or a YAML file, e.g. {EXAMPLE}.")
    words, places = " ".join(names), [fill_path(name) for name in names]
    if is_config(places[0]):
        run = places[0] if places[0].is_dir() else None
        return Asked(words=words, section=section_of(places), overrides=data_settings(rest), run=run)
    mixed = [place for place in places if is_config(place)]
    require(not mixed, f"'{mixed[0] if mixed else ''}' is a config: check it alone, or name it before its overrides.")
    return Asked(words=words, paths=places, settings=source_settings(rest))


def is_config(place: Path) -> bool:
    """Tell whether a place is a YAML file, or the folder of a run or of a cross-validation."""
    return place.suffix.lower() in (".yaml", ".yml") or config_in(place) is not None


def config_in(place: Path) -> Path | None:
    """Return the config in the folder of a run or of a cross-validation; None where there is none."""
    return next((place / name for name in CONFIGS if (place / name).is_file()), None)


def section_of(places: Sequence[Path]) -> dict[str, Any]:
    """Return the block of the data, of several files the last one that names it; or that of a source."""
    found: dict[str, Any] | None = None
    for place in places:
        path = config_in(place) or place
        config = with_parts(path, read_yaml(path))
        found = config if "class_path" in config else config.get("data", found)
    names = " and ".join(str(place) for place in places)
    if not isinstance(found, dict) or "class_path" not in found:
        raise InputError(
            f"{names} has no data to check: give the YAML file of a job with a section `data`, or the block of a data "
            "module or source alone, with class_path and init_args."
        )
    for inside, part in classes(found, "data"):
        check_class(f"{names}: {inside}", part)
    return found


def data_settings(rest: Sequence[str]) -> list[str]:
    """Return overrides, of the data alone."""
    other = [word for word in rest if word.startswith("--") and not word.startswith("--data.")]
    require(
        not other,
        f"there is no option {(other or [''])[0]} of dlkit check; settings of the data begin with --data., e.g. "
        "--data.init_args.look_back 6h.",
    )
    return list(rest)


def source_settings(rest: Sequence[str]) -> dict[str, Any]:
    """Return settings of a source: ``--name value`` or ``--name=value``, values as YAML writes them."""
    found: dict[str, Any] = {}
    words = iter(rest)
    for word in words:
        name, equals, value = word.partition("=")
        given = value if equals else next(words, None)
        if not name.startswith("--") or given is None:
            raise InputError(
                f"'{word}' is no setting: write --name value, e.g. --time_format ms; options of dlkit check are "
                "--output, --strict, --quick and --seed."
            )
        found[name.removeprefix("--")] = value_of(given)
    return found


def value_of(text: str) -> Any:
    """Return a value as YAML writes it; what is no YAML is text, such as a comma."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def made(asked: Asked) -> Any:
    """Return the data module or source of a config; nothing is read yet.

    Raises:
        InputError: A setting is wrong; one sentence says which.
    """
    from jsonargparse import ArgumentError, ArgumentParser

    from dlkit.train.parser_errors import one_sentence, what_is_wrong
    from dlkit.train.parser_null import know_null

    assert asked.section is not None
    know_null()
    parser, said = ArgumentParser(exit_on_error=False), io.StringIO()
    parser.add_subclass_arguments(kind_of(asked.section), "data")
    try:
        with redirect_stderr(said):
            known = parser.parse_args([f"--data={json.dumps(asked.section, default=str)}", *asked.overrides])
            return parser.instantiate(known).data
    except ArgumentError as error:
        raise InputError(one_sentence(str(error))) from error
    except ValueError as error:
        raise what_is_wrong(error) from error
    except SystemExit as stop:
        raise InputError(one_sentence(said.getvalue())) from stop


def kind_of(section: dict[str, Any]) -> type:
    """Return the base class of what a block names: a data module, or a kind of source.

    Raises:
        InputError: It is neither.
    """
    from pytorch_lightning import LightningDataModule

    from dlkit.data.base import EventSource, FrameSource, SampleSource, Source

    cls = find_class("data", section["class_path"])
    for base in (LightningDataModule, Source, SampleSource, FrameSource, EventSource):
        if inspect.isclass(cls) and issubclass(cls, base):
            return base
    raise InputError(f"`{section['class_path']}` is no data: give the block of a data module or of a source.")
