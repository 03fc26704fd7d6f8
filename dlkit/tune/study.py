"""The study folder: the base configuration, the space, the journal of all trials, their run folders, what was found."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dlkit.core.checks import InputError, require, suggest
from dlkit.core.runfolder import atomic_file
from dlkit.tune.sampling import lost, make_pruner, require_optuna, seeded_sampler
from dlkit.tune.space import Space, read_space

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import JournalStorage
    from optuna.trial import FrozenTrial

logger = logging.getLogger(__name__)
NAME = "dlkit"  # of the study in its journal; Hyperband deals trials to brackets by it


class StudyFolder:
    """Names of what a study leaves behind.

    Args:
        path: The folder of a study.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.base = self.path / "base.yaml"
        self.space = self.path / "space.yaml"
        self.journal = self.path / "journal.log"
        self.workers = self.path / "workers"
        self.trials = self.path / "trials"
        self.best = self.path / "best.yaml"
        self.table = self.path / "trials.csv"
        self.summary = self.path / "study.json"
        self.figures = self.path / "figures"

    @classmethod
    def open(cls, path: Path) -> "StudyFolder":
        """Return an existing study.

        Raises:
            InputError: There is no such folder, or it is not the folder of a study.
        """
        folder = cls(path)
        if not folder.path.is_dir():
            near = [str(found.parent) for found in folder.path.parent.glob("*/space.yaml")]
            known = (
                suggest(str(path), near) if near else "give the folder that `dlkit tune CONFIG --space ...` printed."
            )
            raise InputError(f"There is no study folder '{path}'; {known}")
        missing = [part.name for part in (folder.base, folder.space, folder.journal) if not part.is_file()]
        require(
            not missing,
            f"'{path}' is not the folder of a study: it has no {' and no '.join(missing)}; give the folder that "
            "`dlkit tune CONFIG --space ...` printed, or a YAML file and --space to begin one.",
        )
        return folder


@dataclass(frozen=True, eq=False)
class Book:
    """A study that is open.

    Args:
        folder: Its folder.
        space: What is tuned.
        config: The whole base configuration.
        storage: Optuna's journal.
        study: Optuna's study.
    """

    folder: StudyFolder
    space: Space
    config: dict[str, Any]
    storage: "JournalStorage"
    study: "Study"

    def trials(self) -> list["FrozenTrial"]:
        """Return all trials but those that were begun again as others."""
        return [trial for trial in self.study.get_trials(deepcopy=False) if not lost(trial)]

    def finished(self) -> list["FrozenTrial"]:
        """Return the trials that came to an end."""
        return [trial for trial in self.trials() if trial.state.is_finished()]

    @property
    def wanted(self) -> int:
        """How many trials were asked for."""
        return int(self.study.user_attrs.get("trials", 0))

    def note(self, number: int, key: str, value: Any) -> None:
        """Write an attribute of a trial that is not finished, also one that another process began."""
        study = self.storage.get_study_id_from_name(NAME)
        self.storage.set_trial_user_attr(
            self.storage.get_trial_id_from_study_id_trial_number(study, number), key, value
        )


def write_study(folder: StudyFolder, config: str, space: Path) -> None:
    """Write what a study begins with."""
    for path, text in ((folder.base, config), (folder.space, space.read_text(encoding="utf-8"))):
        with atomic_file(path) as work:
            work.write_text(text, encoding="utf-8")
    folder.workers.mkdir(exist_ok=True)
    folder.journal.touch()


def open_book(folder: StudyFolder) -> Book:
    """Open a study; what a power failure cut off at the end of its journal is removed."""
    require_optuna()
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = read_space(folder.space)
    config = yaml.safe_load(folder.base.read_text(encoding="utf-8"))
    mend(folder.journal)
    try:
        with quiet_optuna():
            storage = JournalStorage(JournalFileBackend(str(folder.journal)))
            study = optuna.create_study(
                storage=storage, study_name=NAME, direction=space.direction, load_if_exists=True,
                sampler=seeded_sampler(space.sampler, space.settings, space.seed),
                pruner=make_pruner(space.pruner, reports(config, space)),
            )  # fmt: skip
    except (ValueError, KeyError, AssertionError) as error:
        raise InputError(
            f"The journal '{folder.journal}' is damaged and cannot be read ({type(error).__name__}): take the runs in "
            f"{folder.trials}, and begin a new study."
        ) from error
    return Book(folder, space, config, storage, study)


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Leave out Optuna's hints about what may change in its next release."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"optuna\..*")
        warnings.filterwarnings("ignore", category=FutureWarning)
        yield


def reports(config: dict[str, Any], space: Space) -> int | None:
    """Return how many values a trial reports at most: one an epoch that validates, or one a fold."""
    if space.folds:
        return space.folds
    epochs, every = config["trainer"].get("max_epochs"), config["trainer"].get("check_val_every_n_epoch") or 1
    return max(1, epochs // every) if isinstance(epochs, int) and epochs > 0 else None


def mend(journal: Path) -> None:
    """Cut off a last line that is not whole, on which every later reading would fail."""
    from optuna.storages.journal import JournalFileSymlinkLock

    with journal.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 1))
        if size == 0 or file.read() == b"\n":
            return
    lock = JournalFileSymlinkLock(str(journal))
    lock.acquire()
    try:
        content = journal.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            logger.warning("the last line of '%s' was not whole and is removed", journal)
            with journal.open("r+b") as file:
                file.truncate(whole)
    finally:
        lock.release()
