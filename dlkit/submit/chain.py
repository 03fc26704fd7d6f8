"""Jobs that follow a training: commands that take a run folder."""

import importlib
import re
import shlex
from pathlib import Path

from dlkit.core.checks import InputError, require, suggest
from dlkit.train.messages import SECTIONS, known_classes

OURS = ("submit", "status", "cancel", "logs")


def commands_of_runs() -> list[str]:
    """Return those commands whose usage begins with a run folder, from the text of their files."""
    files = sorted((Path(__file__).parents[1] / "commands").glob("*.py"))
    takes = {path.stem: rf"dlkit {path.stem} RUN\b" for path in files}
    return [p.stem for p in files if p.stem not in OURS and re.search(takes[p.stem], p.read_text(encoding="utf-8"))]


def read_chain(text: str) -> list[list[str]]:
    """Return the words of each command of a chain such as "test,explain --method cam".

    Args:
        text: Commands with their options, between commas.

    Raises:
        InputError: One of them does not exist or takes no run folder.
    """
    chain, known = [], commands_of_runs()
    for part in text.split(",") if text else []:
        try:
            words = shlex.split(part)
        except ValueError as error:
            raise InputError(f"--then '{part}' has an open quote: close it.") from error
        require(
            bool(words), f"--then '{text}' has nothing between two commas: give commands, e.g. --then test,explain."
        )
        require(
            words[0] in known,
            f"--then {words[0]}: there is no such command of a run folder; {suggest(words[0], known)}",
        )
        check_options(part.strip(), words)
        chain.append(words)
    return chain


def check_options(part: str, words: list[str]) -> None:
    """Refuse options that a command would refuse after hours of training, as far as its own parser knows them.

    Raises:
        InputError: It would.
    """
    command = importlib.import_module(f"dlkit.commands.{words[0]}")
    if not hasattr(command, "parser"):  # it takes nothing but settings of the run
        return
    try:
        options, rest = command.parser().parse_known_args(words[1:])
        command.parser().check_misspelt(rest, SECTIONS)
        for method in getattr(options, "method", []):
            check_method(method)
    except InputError as error:
        raise InputError(f"--then '{part}': {error}") from error


def check_method(text: str) -> None:
    """Refuse a method of explanation that no class has the name of; torch is not loaded for it."""
    name = text.partition(":")[0]
    known = [path.rpartition(".")[2].lower() for path in known_classes("dlkit.explain")]
    plain = re.sub(r"[-_ ]", "", name.lower().replace("+", "plus"))
    require("." in name or plain in known, f"there is no method '{name}' to explain with; {suggest(plain, known)}")
