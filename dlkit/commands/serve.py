"""Answer requests over HTTP by an exported model, or by a run that is exported for it."""

import argparse
from pathlib import Path

from dlkit.core.arguments import Parser
from dlkit.core.checks import InputError, require

USAGE = """dlkit serve RUN|FILE [--port 8000] [--host 127.0.0.1]"""
NOTE = """POST /predict takes {"inputs": {name: nested lists}} as JSON, or a NumPy npz file as
application/octet-stream, in physical units; GET /schema says names, shapes and units, GET /health whether it is ready,
GET /metrics what Prometheus collects. It has no password and no encryption: it listens on this machine alone unless
--host says otherwise; put it behind a server that has both. A run is exported first. See docs/export.md."""


def parser() -> Parser:
    """Return the parser of the arguments."""
    own = Parser(
        "dlkit serve", usage=USAGE, description=__doc__, epilog=NOTE, allow_abbrev=False, add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    own.add_argument("model", nargs="?", help="Folder of a run, or a file that `dlkit export` wrote.")
    own.add_argument("--port", type=int, default=8000, help="Where to listen; 0 takes a free one.")
    own.add_argument("--host", default="127.0.0.1", help="Address to listen on; this machine alone by default.")
    own.add_argument("--megabytes", type=float, default=64.0, help="Largest body of a request.")
    own.add_argument("--batch", type=int, default=1024, help="Most windows or samples of a request.")
    own.add_argument("--workers", type=int, default=1, help="Requests that are computed at a time.")
    own.add_argument("--waiting", type=int, default=16, help="Requests that may wait; more are refused.")
    own.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="Time that a request may take.")
    return own


def main(arguments: list[str]) -> None:
    """Serve."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    known = parser().parse_args(arguments)
    from importlib.util import find_spec

    from dlkit.serve.limits import Limits

    require(known.model is not None, "Give the folder of a run, or a file that `dlkit export` wrote.")
    names = ("megabytes", "batch", "workers", "waiting", "timeout")
    limits = Limits(**{name: getattr(known, name) for name in names})
    ready = all(find_spec(name) for name in ("fastapi", "uvicorn", "onnxruntime"))
    require(ready, "dlkit serve needs fastapi, uvicorn and onnxruntime: pip install 'dlkit[serve]'.")
    from dlkit.export.runtime import Model, RefusedError
    from dlkit.serve.serving import listen, serve

    listen(known.host, known.port).close()  # an address that cannot be had is refused before anything is written

    try:
        model = Model(exported(Path(known.model)))
    except RefusedError as error:
        raise InputError(str(error)) from error
    serve(model, known.host, known.port, limits)


def exported(path: Path) -> Path:
    """Return the file to serve; a run is exported first."""
    if not path.is_dir():
        return path
    from dlkit.export.exporting import export
    from dlkit.export.wish import Wish

    print(export([str(path)], Wish.of("onnx", None, int8=False, limit=None, windows=64)), flush=True)
    return path / "export" / "model.onnx"
