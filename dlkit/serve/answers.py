"""From the body of a request to the body of its answer."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from dlkit.core.checks import InputError, require
from dlkit.serve.bodies import BINARY, JSON, ROOM, read_arrays, read_json, write_arrays, write_json
from dlkit.serve.limits import Limits

Named = dict[str, np.ndarray]


@runtime_checkable
class Answering(Protocol):
    """An exported model, as dlkit.export.runtime has it."""

    about: dict[str, Any]

    def checked(self, inputs: Any, channels: Any = None, units: Any = None) -> Named:
        """Return the inputs as arrays; a ValueError says in a sentence why not."""
        ...

    def doubts(self, given: Named) -> list[str]:
        """Return sentences on inputs that are like none of the training."""
        ...

    def answer(self, given: Named) -> Named:
        """Return the answers by name."""
        ...


class Asked(NamedTuple):
    """A request.

    Attributes:
        body: What it holds.
        kind: The type of this.
        wanted: The type of the answer.
    """

    body: bytes
    kind: str
    wanted: str


class Answer(NamedTuple):
    """What is sent back.

    Attributes:
        body: It.
        kind: Its type.
        windows: How many windows were asked for.
    """

    body: bytes
    kind: str
    windows: int


def answer(model: Answering, limits: Limits, asked: Asked) -> Answer:
    """Return the answer to a request.

    Raises:
        InputError: The body is damaged, or its inputs are refused.
    """
    fields = read_json(asked.body) if asked.kind == JSON else read_arrays(asked.body, ROOM * limits.bytes)
    try:
        given = model.checked(**fields)
    except ValueError as error:
        raise InputError(str(error)) from error
    count = len(next(iter(given.values())))
    require(count <= limits.batch, f"{count} windows came, more than the {limits.batch} of a request: send fewer.")
    found = model.answer(given)
    if asked.wanted == BINARY:
        return Answer(write_arrays(found), BINARY, count)
    return Answer(write_json(found, {"doubts": model.doubts(given)}), JSON, count)
