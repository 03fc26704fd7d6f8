"""What can be done where a trained run refuses other data: its own settings were chosen for the data of training."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dlkit.core.checks import InputError, SettingError

ALONE = "where it holds several series, give each in a file of its own"
CURES = {
    "gaps": "where the whole file has another step, bring it to that of the run; where rows are missing, cut the file "
    "there and give the pieces one by one",
    "irregular": "bring the file to the step of the run",
    "disorder": f"sort the rows of the file by time; {ALONE}",
    "duplicates": f"leave one row a stamp in the file; {ALONE}",
    "bad": "mend them",
    "categories": "the run takes this channel as numbers, so write numbers there, and nothing where there is none",
}
CHOICES = {"gaps": "split", "irregular": "split", "disorder": "sort", "duplicates": "first", "bad": "skip"}


@contextmanager
def other_data(source: Any) -> Iterator[None]:
    """Say what can be done about other data that are refused while they are read.

    Args:
        source: That of the run; it may have the setting that helps, or not.
    """
    try:
        yield
    except SettingError as error:
        raise InputError(f"{error.fact}; {cure(error.setting, source)}.") from error


def cure(setting: str, source: Any) -> str:
    """Return what helps other data, and the key of the source of the run that does too, where it has one."""
    key, choice = f"--data.init_args.source.init_args.{setting}", CHOICES.get(setting)
    if choice is None or setting not in inspect.signature(type(source)).parameters:
        return CURES[setting]
    return f"{CURES[setting]}, or add `{key} {choice}` to the command"
