"""The settings of a run, read and checked without making anything."""

from collections.abc import Sequence

from dlkit.core.runfolder import RunFolder, atomic_file
from dlkit.train.cli import RunCLI, build, with_config
from dlkit.train.cli_checks import require_training


class Settings(RunCLI):
    """Reads and checks every setting: what is misspelt is found before a job has waited for hours."""

    def instantiate_classes(self) -> None:
        """Make nothing: a login node has neither the GPUs nor the memory."""
        require_training(self.config["trainer"])

    def save(self, run: RunFolder) -> None:
        """Write all settings into a run folder."""
        with atomic_file(run.config) as work:
            self.parser.save(self.config, work, skip_unset=False, overwrite=True, multifile=False)


def read_settings(arguments: Sequence[str]) -> Settings:
    """Return the settings of YAML files and overrides.

    Raises:
        InputError: A setting does not exist, or its value is not accepted.
    """
    rest, _ = with_config(list(arguments))
    made = build(rest, trains=True, kind=Settings)
    assert isinstance(made, Settings)
    return made
