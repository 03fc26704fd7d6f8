"""Trace a network from physical units to physical units once, with any number of windows."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from dlkit.core.checks import InputError
from dlkit.export.physical import Physical


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what the exporters warn of, which nobody who exports can mend, from the screen."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def trace(network: Physical, given: Sequence[Tensor]) -> ExportedProgram:
    """Return the program of a network.

    Args:
        network: Takes and gives physical units.
        given: Real inputs, at least two windows.

    Raises:
        InputError: The network does what a program cannot hold.
    """
    batch = Dim("batch")
    shapes = {"given": tuple({0: batch} for _ in given)}
    try:
        with quiet():
            return torch.export.export(network.eval(), tuple(given), dynamic_shapes=shapes)
    except Exception as error:
        name, reason = type(network.task.net).__name__, str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(
            f"{name} cannot be exported, it does what a program for any number of windows cannot hold ({reason[0]}): "
            "choose another network in `net`, or keep to `dlkit predict`."
        ) from error
