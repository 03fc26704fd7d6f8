"""Methods of explanation by name: the import path is the registry, and the name of the class is its short form."""

import importlib
import inspect
import re

import yaml

from dlkit.core.checks import InputError, require, suggest
from dlkit.core.discover import discover
from dlkit.explain.base import Explainer


def short_name(cls: type[Explainer]) -> str:
    """Return the name of a method in commands and folders: ``gradcam``, ``integrated_gradients``."""
    name = cls.__name__
    return name.lower() if re.search("[A-Z]{2}", name) else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def known_methods() -> dict[str, type[Explainer]]:
    """Return every method below ``dlkit.explain`` by its short name."""
    return {short_name(cls): cls for cls in discover("dlkit.explain", Explainer)}


def find_method(name: str) -> type[Explainer]:
    """Return the method of a short name (case, ``-`` and ``_`` do not matter, ``+`` is ``plus``) or an import path.

    Raises:
        InputError: There is none.
    """
    known = known_methods()
    plain = {key.replace("_", ""): cls for key, cls in known.items()}
    short = re.sub(r"[-_ ]", "", name.lower().replace("+", "plus"))
    if short in plain:
        return plain[short]
    module, _, member = name.rpartition(".")
    if not module:
        raise InputError(f"There is no method '{name}' to explain with; {suggest(name.lower(), known, most=20)}")
    try:
        cls = getattr(importlib.import_module(module), member)
    except (ImportError, AttributeError) as error:
        raise InputError(f"There is no method '{name}' to explain with; {suggest(member.lower(), known)}") from error
    is_method = inspect.isclass(cls) and issubclass(cls, Explainer) and not inspect.isabstract(cls)
    require(is_method, f"'{name}' is no method of explanation; {suggest(member.lower(), known, most=20)}")
    return cls  # type: ignore[no-any-return]  # checked above


def make_method(text: str) -> Explainer:
    """Return the method of ``NAME`` or ``NAME:SETTING=VALUE,SETTING=VALUE``.

    Raises:
        InputError: There is no such method or setting.
    """
    name, _, given = text.partition(":")
    cls = find_method(name)
    known = [key for base in cls.__mro__ for key in inspect.signature(base).parameters if key not in ("args", "kwargs")]
    settings = {}
    for part in filter(None, given.split(",")):
        key, equals, value = part.partition("=")
        require(bool(equals), f"'{part}' in '{text}' has no value: write {key}=VALUE.")
        require(key in known, f"{cls.__name__} has no setting '{key}'; {suggest(key, known)}")
        settings[key] = yaml.safe_load(value)
    try:
        return cls(**settings)
    except TypeError as error:
        kinds = "give each setting a value of the kind that its default has"
        raise InputError(f"{cls.__name__} cannot work with '{given}'; {kinds}.") from error
