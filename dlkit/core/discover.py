"""Find what can be used: the import path is the registry."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import UnionType
from typing import TypeVar

T = TypeVar("T")


def modules(package: str) -> Iterator[str]:
    """Yield the import path of every module below ``package``."""
    root = importlib.import_module(package)
    for found in pkgutil.walk_packages(root.__path__, prefix=package + "."):
        if not found.ispkg:
            yield found.name


def discover(package: str, base: type[T] | UnionType) -> list[type[T]]:
    """Return the concrete classes that the modules below ``package`` define, by import path.

    Args:
        package: Where to look.
        base: What they are: a class, which is one of them where it is concrete, or a union of classes.
    """
    found: dict[str, type[T]] = {}
    for name in modules(package):
        for member in vars(importlib.import_module(name)).values():
            own = inspect.isclass(member) and member.__module__ == name
            if own and issubclass(member, base) and not inspect.isabstract(member):
                found[f"{name}.{member.__qualname__}"] = member
    return [found[path] for path in sorted(found)]


def import_path(cls: type) -> str:
    """Return the path that names ``cls`` in a YAML file."""
    return f"{cls.__module__}.{cls.__qualname__}"


def headline(cls: type) -> str:
    """Return the first line of the documentation of ``cls``."""
    return (inspect.getdoc(cls) or "").partition("\n")[0]
