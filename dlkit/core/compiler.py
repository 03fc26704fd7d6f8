"""The compiler of torch, loaded when something is compiled.

``torch._dynamo`` takes a second and a half, with sympy, triton and FSDP. Lightning imports it to ask whether a network
was compiled; every optimizer imports it to have its functions left alone and its graph broken. Before the compiler is
loaded, nothing can be compiled: these three have their answers without it.
"""

import sys
from collections.abc import Callable
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from threading import RLock
from types import ModuleType
from typing import Any

from dlkit.core.later import Later

NAME = "torch._dynamo"
LOADING = RLock()


class Compiler(ModuleType):
    """torch._dynamo before it is loaded; whatever else is asked loads it, in its place and for all who have it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        load()
        return getattr(self, name)


def asleep() -> bool:
    """Return whether the compiler has been imported and not been loaded."""
    return isinstance(sys.modules.get(NAME), Compiler)


def load() -> None:
    """Load the compiler if it is asleep."""
    with LOADING:
        module = sys.modules.get(NAME)
        if isinstance(module, Compiler):
            loader = module.__loader__
            assert isinstance(loader, Asleep)
            module.__class__ = ModuleType  # type: ignore[assignment]
            loader.true.exec_module(module)


class Compiled(Later):
    """The class of compiled networks."""

    def __init__(self) -> None:
        super().__init__(NAME, "OptimizedModule")

    def _it(self) -> Any:
        load()
        return super()._it()

    def __instancecheck__(self, thing: object) -> bool:
        return not asleep() and super().__instancecheck__(thing)


def left_alone(function: Callable[..., Any], *options: Any, **more: Any) -> Callable[..., Any]:
    """Have a function left alone as soon as there is a compiler."""
    told: list[Callable[..., Any]] = []

    def call(*args: Any, **kwargs: Any) -> Any:
        if asleep():
            return function(*args, **kwargs)
        if not told:
            told.append(sys.modules[NAME].disable(function, *options, **more))
        return told[0](*args, **kwargs)

    return call


class Asleep(Loader):
    """Lets the compiler sleep.

    Args:
        true: What loads it.
    """

    def __init__(self, true: Loader) -> None:
        self.true = true

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Give the answers that need no compiler."""
        vars(module).update(disable=left_alone, graph_break=lambda *_, **__: None, OptimizedModule=Compiled())
        module.__class__ = Compiler


class Present(Loader):
    """Gives a part of the compiler, all of which was loaded because this part was asked for."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the part."""
        module = sys.modules[spec.name]
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Undo what importing has written on it."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


def part(name: str) -> ModuleSpec | None:
    """Load the compiler; return a part of it that is there now, None if it is to be found in the usual way."""
    load()
    return ModuleSpec(name, Present()) if name in sys.modules else None
