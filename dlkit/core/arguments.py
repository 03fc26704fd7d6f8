"""Arguments of a command that has a parser of its own."""

import argparse
from typing import NoReturn

from dlkit.core.checks import InputError


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, with the usage; give it the one that help shows."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments."""
        usage = " or ".join(line.strip() for line in (self.usage or "").splitlines())
        raise InputError(f"{message}; usage: {usage}")
