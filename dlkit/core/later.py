"""Names that are imported from a module now and loaded when they are used."""

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class Later:
    """What has a name in a module that is loaded once it is used.

    Args:
        module: The module.
        name: The name.
    """

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def _it(self) -> Any:
        return getattr(importlib.import_module(self._module), self._name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # typing asks for these
            raise AttributeError(name)
        return getattr(self._it(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        return self._it()(*args, **kwargs)

    def __instancecheck__(self, thing: object) -> bool:
        """Return whether something is an instance of it."""
        return isinstance(thing, self._it())


class Named(ModuleType):
    """Stands for a module of which names are imported that are used later, or never."""

    def __getattr__(self, name: str) -> Later:
        if name.startswith("__"):
            raise AttributeError(name)
        return Later(self.__name__, name)


@contextmanager
def named(modules: Sequence[str]) -> Iterator[None]:
    """Let names be imported from modules that are not loaded; whoever imports them afterwards gets the true ones."""
    placed = {name: Named(name) for name in modules if name not in sys.modules}
    sys.modules.update(placed)
    try:
        yield
    finally:
        for name, stand_in in placed.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
