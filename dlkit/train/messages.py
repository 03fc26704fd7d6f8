"""Say in one sentence what is wrong with a configuration, before anything heavy looks at it."""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dlkit.core.checks import InputError, require, suggest
from dlkit.core.discover import modules

SECTIONS = ("seed_everything", "trainer", "model", "data", "name", "runs", "config", "optimizer", "lr_scheduler")


def check_config(args: list[str]) -> None:
    """Read the YAML files among the arguments and refuse what no class could accept.

    Raises:
        InputError: A file is missing or no YAML, a section or setting does not exist, a class cannot be found.
    """
    for option, value in zip(args, [*args[1:], ""], strict=True):
        if option in ("--config", "-c"):
            config = read_yaml(Path(value))
            for key in config:
                require(key in SECTIONS, f"{value}: there is no section '{key}'; {suggest(key, SECTIONS)}")
            for place, part in classes(config, ""):
                check_class(f"{value}: {place}", part)
        elif option in ("--model", "--data") and value.endswith((".yaml", ".yml")):
            for place, part in classes(read_yaml(Path(value)), ""):
                check_class(f"{value}: {place}".rstrip(": "), part)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file."""
    if not path.is_file():
        near = [str(p) for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        raise InputError(f"There is no file '{path}'; {suggest(str(path), near)}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise InputError(f"{path} is not valid YAML{where}: check indentation, colons and quotes there.") from error
    require(
        isinstance(content, dict), f"{path} must hold settings such as `data:` and `model:`, it holds {content!r:.40}."
    )
    assert isinstance(content, dict)
    return content


def classes(node: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every part of a configuration that names a class, and its place."""
    if isinstance(node, dict):
        if isinstance(node.get("class_path"), str):
            yield place, node
        for key, value in node.items():
            yield from classes(value, f"{place}.{key}".lstrip("."))
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from classes(value, f"{place}[{i}]")


def check_class(place: str, part: dict[str, Any]) -> None:
    """Refuse a class that does not exist and settings that it does not have."""
    path = part["class_path"]
    extra = [key for key in part if key not in ("class_path", "init_args", "dict_kwargs")]
    require(
        not extra,
        f"{place}: '{(extra or [''])[0]}' stands beside class_path; settings of the class go under `init_args`.",
    )
    cls = find_class(place, path)
    settings = part.get("init_args") or {}
    require(isinstance(settings, dict), f"{place}.init_args must hold settings (name: value), it is {settings!r:.40}.")
    known = accepted(cls)
    for name in settings if known is not None else ():
        require(name in known, f"{place}: {cls.__name__} has no setting '{name}'; {suggest(name, known or ())}")


def find_class(place: str, path: str) -> type:
    """Import the class that a path names."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return] # whatever stands there
    except (ImportError, AttributeError, ValueError) as error:
        if not path.startswith("dlkit."):
            raise InputError(
                f"{place}: there is no class '{path}': is the package installed, and the path complete?"
            ) from error
        below = ".".join(path.split(".")[:2])
        raise InputError(f"{place}: there is no class '{path}'; {suggest(path, known_classes(below))}") from error


def known_classes(package: str) -> list[str]:
    """Return the import paths of the classes below a package of dlkit, from the text of its files."""
    try:
        names = list(modules(package))
    except ImportError:
        return [f"dlkit.{room}" for room in ("data", "losses", "models", "tasks")]
    found = []
    for name in names:
        origin = importlib.util.find_spec(name)
        text = Path(origin.origin).read_text(encoding="utf-8") if origin and origin.origin else ""
        found += [
            f"{name}.{cls}" for cls in re.findall(r"^class (\w+)", text, flags=re.MULTILINE) if not cls.startswith("_")
        ]
    return found


def accepted(cls: type) -> list[str] | None:
    """Return the settings of a class; None when it takes any."""
    names: list[str] = []
    for base in inspect.getmro(cls) if inspect.isclass(cls) else (cls,):
        own = base.__init__ if inspect.isclass(base) else base
        parameters = list(inspect.signature(own).parameters.values()) if own is not object.__init__ else []
        names += [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            return [name for name in names if name != "self"]
    return None


def one_sentence(text: str) -> str:
    """Return the part of a parser's message that says what is wrong."""
    text = re.sub(r"usage:.*?(?=error:|$)", "", text, flags=re.DOTALL)
    text = re.sub(r"^\s*error:\s*", "", text.strip())
    lines = [line.strip(" -|\t") for line in text.splitlines() if line.strip(" -|\t")]
    place = re.search(r'(?:Parser key|key) "([\w.\[\]]+)"', text)
    useful = [
        line
        for line in lines
        if re.search(r"Expected|not allowed|required|not valid|No such|Does not|does not|Invalid", line)
    ]
    core = (useful or lines or ["the settings could not be read"])[-1 if useful else 0]
    core = re.sub(r"\s+", " ", core)[:400].rstrip(" .")
    where = f"Setting `{place.group(1)}`: " if place and place.group(1) not in core else ""
    return f"{where}{core}; see `dlkit run --help` for what is accepted."
