"""Answer requests over HTTP by an exported model, or by a run that is exported for it."""

from dlkit.core.arguments import Parser

USAGE = """dlkit serve RUN|FILE.onnx [--port 8000] [--host 127.0.0.1]"""


def parser() -> Parser:
    """Return the parser of the arguments."""
    own = Parser("dlkit serve", usage=USAGE, description=__doc__, allow_abbrev=False, add_help=False)
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
    raise NotImplementedError
