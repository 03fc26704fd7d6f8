"""Read what a request holds and write what is answered: JSON, or arrays as NumPy's npz."""

import io
import json
import math
import zipfile
from typing import Any

import numpy as np

from dlkit.core.checks import InputError, require

JSON, BINARY = "application/json", "application/octet-stream"
FIELDS = ("inputs", "channels", "units")
ROOM = 4  # times the largest body: what compressed arrays may take


def read_json(body: bytes) -> dict[str, Any]:
    """Return the fields of a request in JSON.

    Raises:
        InputError: It is none.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError("The body is no JSON: send {'inputs': {name: nested lists}}, null where missing.") from error
    require(isinstance(found, dict) and "inputs" in found, "The body needs `inputs`: {name: nested lists}.")
    more = [name for name in found if name not in FIELDS]
    require(not more, f"The body has `{''.join(more[:1])}`, which is unknown: it takes `inputs`, `channels`, `units`.")
    return dict(found)


def read_arrays(body: bytes, most: int) -> dict[str, Any]:
    """Return the fields of a request in NumPy's npz: one array an input.

    Args:
        body: Of the request.
        most: Bytes that its arrays may take, unpacked.

    Raises:
        InputError: It is none, or would run code.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            size = sum(one.file_size for one in archive.infolist())
        require(
            size <= most, f"The arrays take {size} bytes, more than the {most} that this service takes: send fewer."
        )
        with np.load(io.BytesIO(body), allow_pickle=False) as data:
            return {"inputs": {name: data[name] for name in data.files}}
    except InputError:
        raise
    except Exception as error:
        raise InputError("The body is no npz file of plain arrays: write it by numpy.savez.") from error


def write_json(answers: dict[str, np.ndarray], more: dict[str, Any]) -> bytes:
    """Return answers as JSON; what is no finite number becomes null."""
    outputs = {name: plain(value.tolist()) for name, value in answers.items()}
    return json.dumps({"outputs": outputs} | more, allow_nan=False).encode()


def plain(value: Any) -> Any:
    """Return nested lists without NaN and infinity, which JSON lacks."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_arrays(answers: dict[str, np.ndarray]) -> bytes:
    """Return answers as npz."""
    file = io.BytesIO()
    np.savez(file, **answers)  # type: ignore[arg-type]  # names of answers are no argument of savez
    return file.getvalue()
