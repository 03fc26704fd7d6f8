"""The data are looked at before a run trains: quickly, once, in its first process."""

import time
from typing import Any

from dlkit.core.checks import counted, require
from dlkit.core.failing import discard
from dlkit.core.processes import leads
from dlkit.core.runfolder import RunFolder, write_json
from dlkit.report.check.text import text_of
from dlkit.train.check.checking import about, check_module, left_out
from dlkit.train.check.seen import Wanted
from dlkit.train.environment import command

LINES = 8
FILE = "check.json"


def check_first(data: Any, run: RunFolder, *, keeps: bool, seed: int = 0) -> None:
    """Check the data of a run and write ``check.json``, which stays where they are refused; print the worst findings.

    Args:
        data: Its data module.
        run: Its folder.
        keeps: The folder was there before: leave it there when the data are refused.
        seed: Of what is drawn.

    Raises:
        InputError: No answer from these data could be defended.
    """
    if not leads() or (run.path / FILE).exists():
        return
    try:
        quick_check(data, run, seed)
    except BaseException:
        if not keeps:
            discard(run.path, but=FILE)
        raise


def quick_check(data: Any, run: RunFolder, seed: int) -> None:
    """Look at the data, write down what was found, print what matters, and refuse errors."""
    began, wanted = time.perf_counter(), Wanted(quick=True, seed=seed)
    check, _ = check_module(data, wanted, run.path.name)
    check.left_out += left_out()
    check.about = about(began, wanted) | {"command": command()}
    if check.of("error", "warning"):
        print(text_of(check, run.path / FILE, LINES, whole=False), flush=True)
    write_json(run.path / FILE, check.plain())
    errors = check.of("error")
    require(not errors, sentence(errors[0].what, len(errors) - 1) if errors else "")


def sentence(worst: str, others: int) -> str:
    """Return why a run does not begin."""
    more = f" (and {counted(others, 'more error')})" if others else ""
    return (
        f"{worst.rstrip('.')}{more}; nothing was trained: mend the data (`dlkit check` shows where and how), or train "
        "all the same with `--check false`."
    )
