"""Import Lightning without what a command seldom needs: it takes half of the time until a command begins.

- torchmetrics imports torchvision and scipy.signal for a few functions that are never called here.
- torchvision, Lightning and optimizers import the compiler of torch, see :mod:`dlkit.core.compiler`.
- The garbage collector walks through 800,000 new objects again and again, none of which is garbage.

Upstream has no switch for it (Lightning issues 12786 and 19261, torchmetrics issue 3314). Nothing is patched: a finder
stands before Python's own, in processes of the command line alone. Who imports dlkit imports as ever.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from dlkit.core import compiler
from dlkit.core.later import named

SELDOM = {"torchmetrics": ("torchvision", "torchvision.models", "scipy.signal")}
LARGE = ("torch", "torchmetrics", "pytorch_lightning")


class Light(Loader):
    """Loads a large package without collecting garbage and without what it seldom needs.

    Args:
        true: What loads it.
    """

    def __init__(self, true: Loader) -> None:
        self.true = true

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the true loader."""
        return self.true.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Load it."""
        with uncollected(), named(SELDOM.get(module.__name__, ())):
            self.true.exec_module(module)


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage, and never look at what was made meanwhile: modules stay."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()


class Finder(MetaPathFinder):
    """Finds the large packages and the compiler."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return where a package is found and how it is loaded, None for all others."""
        if name.startswith(f"{compiler.NAME}.") and compiler.asleep():
            return compiler.part(name)
        if name not in (*LARGE, compiler.NAME):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = Light(spec.loader) if name in LARGE else compiler.Asleep(spec.loader)
        return spec


def import_lightly() -> None:
    """Import the large packages lightly from now on, in this process."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
