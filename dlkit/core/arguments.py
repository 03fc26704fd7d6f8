"""Arguments of a command that has a parser of its own."""

import argparse
import difflib
import re
from collections.abc import Collection, Sequence
from typing import NoReturn

from dlkit.core.checks import InputError, require


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, with the usage; give it the one that help shows. Help names the defaults."""

    def format_help(self) -> str:
        """Return the help; options whose text does not name their default name it at the end."""
        for action in self._actions:
            action.help = with_default(action.help, action.default)
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments."""
        usage = " or ".join(line.strip() for line in (self.usage or "").splitlines())
        raise InputError(f"{message}; usage: {usage}")

    def check_misspelt(self, rest: Sequence[str], sections: Collection[str]) -> None:
        """Refuse what is nearly an option of this command.

        Args:
            rest: What this parser did not take.
            sections: Options of the settings of a run.

        Raises:
            InputError: Something is.
        """
        own = [option for action in self._actions for option in action.option_strings]
        for name in (word.partition("=")[0] for word in rest if word.startswith("--")):
            setting = name.removeprefix("--").partition(".")[0] in sections
            near = [] if setting else difflib.get_close_matches(name, own, n=1, cutoff=0.75)
            require(not near, f"there is no option {name} of {self.prog}; did you mean {(near or [''])[0]}?")


def with_default(text: str | None, default: object) -> str | None:
    """Return what is said of an option, with the number or word that it has by default."""
    plain = isinstance(default, int | float | str) and not isinstance(default, bool)
    word = str(default).removesuffix(".0")
    if not text or not plain or word in ("", argparse.SUPPRESS) or re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text):
        return text
    return f"{text.removesuffix('.')} ({word})."
