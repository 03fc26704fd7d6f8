"""Say in one sentence what is wrong with a configuration, before anything heavy looks at it."""

import difflib
import importlib
import importlib.util
import inspect
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from dlkit.core.checks import InputError, require, suggest
from dlkit.core.discover import modules

SECTIONS = ("seed_everything", "trainer", "model", "data", "name", "runs", "confidence", "check", "config")
EXAMPLE = "configs/experiment/weather_forecast.yaml"
ROOMS = (
    "dlkit.anomaly", "dlkit.data", "dlkit.explain", "dlkit.losses", "dlkit.models", "dlkit.tasks", "dlkit.train",
)  # fmt: skip
FOREIGN = ("torch.optim", "torch.optim.lr_scheduler", "pytorch_lightning.callbacks")


def check_config(args: Sequence[str]) -> None:
    """Read the YAML files among the arguments and refuse what no class could accept.

    Raises:
        InputError: A file is missing or no YAML, a section or setting does not exist, a class cannot be found.
    """
    whole: dict[Path, dict[str, Any]] = {}
    for option, path in yaml_files(args):
        config = with_parts(path, read_yaml(path))
        if option == "--config":
            check_sections(path, config)
            whole[path] = config
        for place, part in classes(config, "" if option == "--config" else option.strip("-")):
            check_class(f"{path}: {place}".rstrip(": "), part)
    for option, value in itertools.pairwise(args):
        if option.startswith("--") and re.fullmatch(r"dlkit(\.\w+)+", value):
            find_class(option.strip("-"), value)
    options = [arg.partition("=")[0] for arg in args if arg.startswith("--")]
    if whole and not {"--help", "--print_config"} & set(options):
        for section in ("data", "model"):
            check_named(section, whole, any(option.startswith(f"--{section}") for option in options))


def yaml_files(args: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Yield every YAML file among the arguments, after the option that it stands behind."""
    for option, after in zip(args, [*args[1:], ""], strict=True):
        name, equals, value = option.partition("=")
        value = value if equals else after
        if name == "--config" or (name.startswith("--") and value.endswith((".yaml", ".yml"))):
            yield name, Path(value)


def with_parts(path: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with the files that stand for its sections read, from the folder of the configuration."""
    files = {key: value for key, value in config.items() if str(value).endswith((".yaml", ".yml"))}
    return config | {key: read_yaml(path.parent / value) for key, value in files.items()}


def check_sections(path: Path, config: dict[str, Any]) -> None:
    """Refuse sections that do not exist, and settings that the trainer does not have."""
    for key in config:
        require(key in SECTIONS, f"{path}: there is no section '{key}'; {suggest(str(key), SECTIONS)}")
    trainer = config.get("trainer") or {}
    require(isinstance(trainer, dict), f"{path}: trainer must hold settings (name: value), it is {trainer!r:.40}.")
    if trainer:
        from pytorch_lightning import Trainer

        known = list(inspect.signature(Trainer.__init__).parameters)[1:]
        for key in trainer:
            require(key in known, f"{path}: the trainer has no setting '{key}'; {suggest(str(key), known)}")


def check_named(section: str, configs: dict[Path, dict[str, Any]], on_the_line: bool) -> None:
    """Refuse a job without data or without a model."""
    files = " and ".join(str(path) for path in configs)
    given = [config[section] for config in configs.values() if config.get(section) is not None]
    require(
        bool(given) or on_the_line,
        f"{files} has no section `{section}`; add one with class_path and init_args, as in {EXAMPLE}.",
    )
    named = any(isinstance(part, str) or (isinstance(part, dict) and "class_path" in part) for part in given)
    require(
        named or on_the_line,
        f"{files}: the section `{section}` has no class_path; add the import path of a class, see {EXAMPLE}.",
    )


class NamedOnce:
    """Reads YAML in which no setting comes twice: YAML itself would silently take the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the settings below a key."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and keys.count(key.value) > 1 and key.value != "<<":
                raise yaml.MarkedYAMLError(problem=f"'{key.value}' comes twice", problem_mark=key.start_mark)
        found: dict[Any, Any] = super().construct_mapping(node, deep)  # type: ignore[misc]
        return found


class Careful(NamedOnce, yaml.SafeLoader):
    """Says best what is wrong."""


class Quick(NamedOnce, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads five times as fast."""


def content_of(text: str) -> Any:
    """Return what YAML holds."""
    try:
        return yaml.load(text, Quick)  # noqa: S506 - safe loaders
    except yaml.YAMLError:
        return yaml.load(text, Careful)  # noqa: S506


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file."""
    if not path.is_file():
        near = [str(p) for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        raise InputError(f"There is no file '{path}'; {suggest(str(path), near)}")
    try:
        content = content_of(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it holds other characters than text"
        raise InputError(
            f"{path} is not valid YAML{where} ({problem}): check names, indentation, colons and quotes there."
        ) from error
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
    extra = [key for key in part if key not in ("class_path", "init_args", "dict_kwargs", "__path__")]
    require(
        not extra,
        f"{place}: '{(extra or [''])[0]}' stands beside class_path; settings of the class go under `init_args`.",
    )
    cls = find_class(place, path)
    require(
        callable(cls) and not inspect.isabstract(cls),
        f"{place}: '{path}' is no class that can be made; give the import path of a class, `dlkit list` shows them.",
    )
    settings = part.get("init_args") or {}
    require(isinstance(settings, dict), f"{place}.init_args must hold settings (name: value), it is {settings!r:.40}.")
    known = accepted(cls)
    if known is not None:
        for name in settings:
            require(name in known, f"{place}: {cls.__name__} has no setting '{name}'; {suggest(str(name), known)}")


def find_class(place: str, path: str) -> Any:
    """Import what a path names."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        start = f"{place}: " if place else ""
        raise InputError(f"{start}there is no class '{path}'; {nearest(path, error)}") from error


def nearest(path: str, error: Exception) -> str:
    """Say which class was probably meant, or why none can be found."""
    module, _, name = path.rpartition(".")
    if path.startswith("dlkit."):
        room = ".".join(path.split(".")[:2])
        return suggest(path, known_classes(room) if room in ROOMS else [c for r in ROOMS for c in known_classes(r)])
    if not module:
        return nearest_name(name)
    if isinstance(error, ImportError):
        return f"{module} cannot be imported ({error}); is the package installed, and the path complete?"
    return suggest(path, held_classes(module))


def nearest_name(name: str) -> str:
    """Say which import path was probably meant by the name of a class alone."""
    paths: dict[str, list[str]] = {}
    for path in [c for r in ROOMS for c in known_classes(r)] + [c for m in FOREIGN for c in held_classes(m)]:
        paths.setdefault(path.rpartition(".")[2].lower(), []).append(path)
    close = difflib.get_close_matches(name.lower(), paths, n=1, cutoff=0.75)
    meant = " or ".join(f"'{path}'" for path in paths[close[0]][:3]) if close else ""
    return f"did you mean {meant}?" if meant else "write its whole import path, `dlkit list` shows them."


def held_classes(module: str) -> list[str]:
    """Return the import paths of the classes that a module holds."""
    held = vars(importlib.import_module(module))
    return [f"{module}.{key}" for key, value in held.items() if inspect.isclass(value)]


def known_classes(package: str) -> list[str]:
    """Return the import paths of the classes below a package of dlkit, from the text of its files."""
    found = []
    for name in modules(package):
        origin = importlib.util.find_spec(name)
        text = Path(origin.origin).read_text(encoding="utf-8") if origin and origin.origin else ""
        names = re.findall(r"^class ([A-Z]\w*)", text, flags=re.MULTILINE)
        found += [f"{name}.{cls}" for cls in names]
    return found


def accepted(cls: Any) -> list[str] | None:
    """Return the settings of a class or function; None when it takes any."""
    names: list[str] = []
    for base in inspect.getmro(cls) if inspect.isclass(cls) else (cls,):
        own = base.__init__ if inspect.isclass(base) else base
        try:
            if own is object.__init__ and set(names) - {"self"}:  # open keywords, but not for a base class
                return None
            parameters = list(inspect.signature(own).parameters.values()) if own is not object.__init__ else []
        except ValueError:  # written in C, without a signature
            return None
        names += [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            return [name for name in names if name != "self"]
    return None
