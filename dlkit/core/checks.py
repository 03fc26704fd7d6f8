"""The one kind of error a user can mend, and the words that help her do it."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """The input or a setting is wrong: one sentence that says what came, what is needed and which setting to change.

    The command line prints the sentence and exits with code 2; anything else that is raised is a fault of dlkit.
    """


class SettingError(InputError):
    """An :class:`InputError` of data that a setting of their source can mend; elsewhere another cure may be needed.

    Attributes:
        fact: What came and what is needed, without the cure.
        setting: Name of the setting.
    """

    fact: str = ""
    setting: str = ""


def setting_error(fact: str, cure: str, setting: str) -> SettingError:
    """Return the error that says a fact and its cure."""
    error = SettingError(f"{fact}; {cure}.")
    error.fact, error.setting = fact, setting
    return error


def suggest(name: str, options: Iterable[str], *, most: int = 12) -> str:
    """Say which of ``options`` was probably meant by ``name``; without a likely one, list what there is."""
    known = sorted({str(option) for option in options})
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    shown = ", ".join(known[:most]) + (", ..." if len(known) > most else "")
    return f"there is {shown}." if known else "there is none."


def require(condition: bool, message: str) -> None:
    """Raise an :class:`InputError` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise InputError(message)


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: ``1 class``, ``3 classes``."""
    plural = many or (one + "es" if one.endswith("s") else one + "s")
    return f"{number} {one if number == 1 else plural}"
