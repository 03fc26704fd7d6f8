"""How values are chosen and when a trial is given up: Optuna's samplers and pruners, by the names of the field."""

import importlib.util
import inspect
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.core.checks import InputError, require, suggest
from dlkit.tune.values import Choice, Values, nested

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

NAMES = {
    "sampler": {"tpe": "TPESampler", "random": "RandomSampler", "grid": "GridSampler", "gp": "GPSampler",
                "cmaes": "CmaEsSampler"},
    "pruner": {"none": "NopPruner", "median": "MedianPruner", "hyperband": "HyperbandPruner",
               "wilcoxon": "WilcoxonPruner"},
}  # fmt: skip
OWN = {"seed", "search_space", "storage", "study_name", "max_resource"}
NEEDS = {"gp": "scipy", "cmaes": "cmaes", "wilcoxon": "scipy"}


@dataclass(frozen=True)
class Method:
    """A sampler or a pruner.

    Args:
        kind: "sampler" or "pruner".
        name: Its name.
        options: Arguments of Optuna's class.
    """

    kind: str
    name: str
    options: dict[str, Any] = field(default_factory=dict)

    def make(self, **own: Any) -> Any:
        """Return Optuna's object."""
        import optuna

        cls = getattr(getattr(optuna, f"{self.kind}s"), NAMES[self.kind][self.name])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is experimental in one release is the default of the next
            try:
                return cls(**self.options, **own)
            except (ValueError, TypeError) as error:
                raise InputError(f"{self.kind} {self.name} cannot be made from {self.options}: {error}") from error


def require_optuna() -> None:
    """Refuse to go on without Optuna."""
    require(
        importlib.util.find_spec("optuna") is not None,
        "`dlkit tune` needs Optuna: install the extra with pip install 'dlkit[tune]'.",
    )


def read_method(kind: str, given: Any) -> Method:
    """Return a sampler or pruner, given by its name or as ``{name: ..., option: value}``.

    Raises:
        InputError: There is no such one, or it has no such option.
    """
    require_optuna()
    options = dict(given) if isinstance(given, dict) else {"name": "none" if given is None else given}
    name = str(options.pop("name", ""))
    require(name in NAMES[kind], f"there is no {kind} '{name}'; {suggest(name, NAMES[kind])}")
    import optuna

    cls = getattr(getattr(optuna, f"{kind}s"), NAMES[kind][name])
    known = set(inspect.signature(cls.__init__).parameters) - {"self"} - OWN
    for option in options:
        require(option in known, f"{kind} {name} has no option '{option}'; {suggest(str(option), known)}")
    package = NEEDS.get(name, "optuna")
    require(importlib.util.find_spec(package) is not None, f"{kind} {name} needs {package}: pip install {package}.")
    method = Method(kind, name, options)
    if name != "grid":
        method.make()
    return method


# ---------------------------------------------------------------------- samplers
def seeded_sampler(method: Method, settings: dict[str, Values], seed: int) -> "BaseSampler":
    """Return the sampler of a study: it draws each trial from the seed and the trial's number alone.

    So a study that was stopped goes on with the trials that it would have had, and no two workers draw the same.
    """
    from optuna.samplers import BaseSampler

    class Seeded(BaseSampler):
        """Makes Optuna's sampler anew for each trial; what it learned is in the study."""

        def __init__(self) -> None:
            self.inner: BaseSampler = make_sampler(method, settings, seed)

        def before_trial(self, study: Any, trial: Any) -> None:
            drawn = sum(not lost(other) for other in study.get_trials(deepcopy=False)[: trial.number])
            own = int(np.random.SeedSequence([seed, drawn]).generate_state(1)[0])
            self.inner = make_sampler(method, settings, seed if method.name == "grid" else own)
            self.inner.before_trial(study, trial)

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return self.inner.infer_relative_search_space(study, trial)

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
            return self.inner.sample_relative(study, trial, search_space)

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            return self.inner.sample_independent(study, trial, param_name, param_distribution)

    return Seeded()


def lost(trial: Any) -> bool:
    """Tell whether a trial was begun again as another one, because its worker was killed."""
    return "lost" in trial.user_attrs


def make_sampler(method: Method, settings: dict[str, Values], seed: int) -> "BaseSampler":
    """Return Optuna's sampler."""
    made: BaseSampler
    if method.name == "grid":
        made = method.make(search_space=grid_of(settings), seed=seed)
    elif method.name == "tpe":
        # Settings are drawn together, also those of one choice, and as if running trials had ended badly.
        together = {"multivariate": True, "group": True, "constant_liar": True} | method.options
        made = Method("sampler", "tpe", together).make(seed=seed)
    elif method.name == "cmaes":
        made = Method("sampler", "cmaes", {"warn_independent_sampling": False} | method.options).make(seed=seed)
    else:
        made = method.make(seed=seed)
    return made


def grid_of(settings: dict[str, Values]) -> dict[str, list[Any]]:
    """Return all values of each setting.

    Raises:
        InputError: A setting has no end of values, or is one only with another.
    """
    found = {}
    for key, values in settings.items():
        require(not nested(values), f"{key}: sampler grid takes no choices that hold further ones: take tpe.")
        grid = list(values.options) if isinstance(values, Choice) else values.grid
        require(bool(grid), f"{key}: sampler grid needs a finite number of values: give `step`, or choices.")
        found[key] = grid
    return found


def grid_size(settings: dict[str, Values]) -> int:
    """Return the number of points of the grid."""
    return int(np.prod([len(values) for values in grid_of(settings).values()]))


def check_methods(sampler: Method, pruner: Method, settings: dict[str, Values], folds: int) -> None:
    """Refuse a sampler or a pruner that cannot work here.

    Raises:
        InputError: Why, and what to change.
    """
    if sampler.name == "grid":
        grid_of(settings)
    numbers = [key for key, values in settings.items() if not isinstance(values, Choice)]
    require(
        sampler.name != "cmaes" or len(numbers) >= 2,
        "sampler cmaes moves in at least two ranges of numbers at once, and the space has "
        f"{len(numbers)}: take tpe, or more ranges {{low:, high:}}.",
    )
    require(
        pruner.name != "wilcoxon" or folds >= 2,
        "pruner wilcoxon compares trials fold by fold: set `folds`, e.g. folds: 5, or take median.",
    )


def make_pruner(method: Method, reports: int | None) -> "BasePruner":
    """Return Optuna's pruner.

    Args:
        method: Which.
        reports: How many values a trial reports at most; None where it is not known.
    """
    own = {"max_resource": reports or "auto"} if method.name == "hyperband" else {}
    made: BasePruner = method.make(**own)
    return made
