"""Deep learning for time series and images, from raw files to a tested answer.

Nothing heavy is imported before the command is known.
"""

import errno
import importlib
import os
import sys
from pathlib import Path

from dlkit.core.checks import InputError, suggest
from dlkit.core.failing import end_all, first_to_fail, together
from dlkit.core.light_imports import import_lightly
from dlkit.core.processes import leads
from dlkit.core.signal import Stopped, leaving, listening

TRAINS = ("fit", "run")  # saves and leaves when it is asked to stop

# What the machine refuses: nothing in the code can mend it, the user can.
REFUSALS = {
    errno.ENOSPC: "there is no space left",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "the file would exceed the allowed size",
    errno.EACCES: "it is not allowed",
    errno.EPERM: "it is not permitted",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "a part of this path is a file, not a folder",
    errno.EIO: "the device failed",
}


def commands() -> dict[str, str]:
    """Return the name of each command and the first line of its file."""
    found = {}
    for path in sorted((Path(__file__).parent / "commands").glob("*.py")):
        if path.stem != "__init__":
            with path.open(encoding="utf-8") as file:
                found[path.stem] = file.readline().strip().strip('"')
    return found


def overview() -> str:
    """Return what `dlkit --help` prints."""
    lines = [f"  {name:<10} {text}" for name, text in commands().items()]
    head = ["usage: dlkit <command> [arguments]", "", __doc__.partition("\n")[0], "", "commands:"]
    tail = ["", "`dlkit <command> --help` says more; settings are YAML keys, e.g. --data.batch_size 64."]
    return "\n".join([*head, *lines, *tail])


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return 0, or 2 after one sentence when the user can mend what is wrong."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ("-h", "--help"):
        print(overview())
        return 0
    if arguments[0] == "--version":
        from dlkit import __version__

        print(f"dlkit {__version__}")
        return 0
    name, rest = arguments[0], arguments[1:]
    if not {"-h", "--help"}.isdisjoint(rest):
        rest = ["--help"]  # whatever stands beside it; else it would pass for a setting
    if name not in commands():
        print(f"dlkit: there is no command '{name}'; {suggest(name, commands())}", file=sys.stderr)
        return 2
    return guarded(name, rest)


def guarded(name: str, arguments: list[str]) -> int:
    """Run a command and turn what a user can mend into one sentence; faults of dlkit keep their traceback."""
    # Threads that wait for each other without sleeping take the processor from the one that works: beside busy
    # neighbours a small training took five times as long. They wait for microseconds and then sleep, which costs
    # nothing on an idle machine. GNU's OpenMP reads it when torch is loaded, so it is set before.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "20000")
    import_lightly()
    try:
        with together(name), listening() if name in TRAINS else leaving():  # before anything heavy is imported
            return importlib.import_module(f"dlkit.commands.{name}").main(arguments) or 0
    except Stopped as stop:
        tell(f"dlkit {name}: {stop}")
        return stop.code
    except KeyboardInterrupt as stop:
        kept = "checkpoints written so far are whole" if name in TRAINS else "files written so far are whole"
        further = f"; {stop}" if str(stop) else ""
        tell(f"dlkit {name}: interrupted; {kept}{further}.")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        sentence = explain(first := first_to_fail(error))
        if sentence is not None:
            print(f"dlkit {name}: {sentence}", file=sys.stderr)
        end_all(first if sentence is None else None)
        if sentence is None:
            raise
        return 2
    return 0  # whoever read the output left


def tell(sentence: str) -> None:
    """Say something in the first process."""
    if leads():
        print(sentence, file=sys.stderr)


def explain(error: Exception) -> str | None:
    """Return what the user can mend, None when she cannot."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError):
        where = f"'{error.filename}'" if error.filename else f"in '{Path.cwd()}'"
        why = REFUSALS.get(error.errno or 0)
        return why and f"Cannot write or read {where}: {why}; what was written before is whole."
    from dlkit.train.parser_errors import mendable

    return mendable(error)


if __name__ == "__main__":
    sys.exit(main())
