"""`dlkit <command>`: nothing heavy is imported before the command is known."""

import errno
import importlib
import os
import sys
from pathlib import Path

from dlkit.core.checks import InputError, suggest

FULL = {errno.ENOSPC: "there is no space left", errno.EACCES: "writing is not allowed", errno.EROFS: "it is read-only",
        errno.EPERM: "it is not permitted", errno.EDQUOT: "the quota is used up"}  # fmt: skip


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
    return "\n".join(
        ["usage: dlkit <command> [arguments]", "", "Deep learning for time series and images, from raw files to a tested answer.",
         "", "commands:", *lines, "", "`dlkit <command> --help` says more; settings are YAML keys, e.g. --data.batch_size 64."]
    )  # fmt: skip


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
    if name not in commands():
        print(f"dlkit: there is no command '{name}'; {suggest(name, commands())}", file=sys.stderr)
        return 2
    return guarded(name, rest)


def guarded(name: str, arguments: list[str]) -> int:
    """Run a command and turn what a user can mend into one sentence."""
    try:
        importlib.import_module(f"dlkit.commands.{name}").main(arguments)
    except InputError as error:
        print(f"dlkit {name}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in FULL:
            raise
        where = error.filename or Path.cwd()
        print(
            f"dlkit {name}: cannot write '{where}': {FULL[error.errno]}; what was written before is whole.",
            file=sys.stderr,
        )
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print(f"dlkit {name}: interrupted; checkpoints written so far are whole.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
