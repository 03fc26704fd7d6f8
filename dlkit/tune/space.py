"""The search space: a YAML file that says which settings are tuned, over which values, how and by what measure."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from dlkit.core.checks import InputError, require, suggest
from dlkit.train.messages import read_yaml
from dlkit.tune.places import find, put, put_new
from dlkit.tune.sampling import Method, read_method
from dlkit.tune.values import Pick, Values, extreme, fill, names, read_values, rounds

KEYS = ("space", "metric", "direction", "sampler", "pruner", "seed", "folds")
Direction = Literal["minimize", "maximize"]
DIRECTIONS = get_args(Direction)
NEVER = {
    "name": "names the run folders",
    "runs": "is the folder of the run folders",
    "data.split": "decides what validates, so that values could not be compared",
    "trainer.devices": "is 1 in each trial: give more --workers instead",
    "trainer.num_nodes": "is 1 in each trial: give more --workers instead",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Space:
    """What is tuned.

    Args:
        path: Where it was read.
        settings: Values of each dotted key of the configuration.
        metric: What is optimized: a measure that validation logs.
        direction: Whether less or more of it is better.
        sampler: How values are chosen.
        pruner: When a trial is given up.
        seed: Seed of the choice.
        folds: Parts of what does not test that validate one after the other; 0 validates as the configuration says.
    """

    path: Path
    settings: dict[str, Values]
    metric: str
    direction: Direction
    sampler: Method
    pruner: Method
    seed: int = 0
    folds: int = 0

    def filled(self, pick: Pick) -> dict[str, Any]:
        """Return a value for each key."""
        return {key: fill(values, key, pick) for key, values in self.settings.items()}

    def extremes(self) -> Iterator[dict[str, Any]]:
        """Yield values for each key, until every end and every choice came once."""
        for turn in range(max(rounds(values) for values in self.settings.values())):
            yield {key: extreme(values, turn) for key, values in self.settings.items()}


def read_space(path: Path) -> Space:
    """Return the space that a YAML file describes.

    Raises:
        InputError: The file is missing, is no YAML, or says something that cannot be.
    """
    try:
        return space_of(read_yaml(path), path)
    except InputError as error:
        text = str(error)
        raise InputError(text if str(path) in text else f"{path}: {text}") from error


def space_of(content: dict[str, Any], path: Path) -> Space:
    """Return the space that the content of a file describes."""
    for key in content:
        require(
            key in KEYS,
            f"there is no setting '{key}'; {suggest(str(key), KEYS)} What is tuned goes below `space`."
            if "." in str(key)
            else f"there is no setting '{key}'; {suggest(str(key), KEYS)}",
        )
    given = content.get("space")
    require(
        isinstance(given, dict) and len(given) > 0,
        "`space` names no setting to tune: write e.g. `space: {model.optimizer.lr: {low: 1.0e-4, high: 1.0e-2, log: "
        "true}}`.",
    )
    assert isinstance(given, dict)
    settings = {str(key): read_values(node, str(key)) for key, node in given.items()}
    metric = content.get("metric", "val/loss")
    require(
        isinstance(metric, str) and metric.startswith("val/"),
        f"metric '{metric}' is not measured in validation: take val/loss or another measure that begins with val/; the "
        "test is never looked at.",
    )
    return Space(
        path=path,
        settings=dict(sorted(settings.items(), key=lambda item: item[0].count("."))),  # what is above comes first
        metric=metric,
        direction=direction_of(content.get("direction"), metric),
        sampler=read_method("sampler", content.get("sampler", "tpe")),
        pruner=read_method("pruner", content.get("pruner", "none")),
        seed=whole("seed", content.get("seed", 0), 0),
        folds=folds_of(content.get("folds", 0)),
    )


def direction_of(given: Any, metric: str) -> Direction:
    """Return whether less or more is better; of a loss it is known."""
    require(given is not None or metric == "val/loss", f"direction of '{metric}' is missing: minimize or maximize?")
    direction = given or "minimize"
    require(direction in DIRECTIONS, f"direction '{direction}' is none; {suggest(str(direction), DIRECTIONS)}")
    require(direction == "minimize" or metric != "val/loss", "direction maximize would look for the highest loss.")
    return "minimize" if direction == "minimize" else "maximize"


def folds_of(given: Any) -> int:
    """Return the number of folds."""
    folds = whole("folds", given, 0)
    require(folds != 1, "folds 1 would leave nothing to train: give at least 2, or 0 to validate as configured.")
    return folds


def whole(name: str, value: Any, least: int) -> int:
    """Return a whole number."""
    good = isinstance(value, int) and not isinstance(value, bool) and value >= least
    require(good, f"{name} '{value}' must be a whole number of at least {least}.")
    return int(value)


# ---------------------------------------------------------------------- the space and the configuration
def check_keys(space: Space, config: dict[str, Any]) -> None:
    """Refuse keys that the configuration does not have, that come twice, or that must not be tuned.

    Raises:
        InputError: Which key, and which was probably meant.
    """
    places: dict[Any, str] = {}
    for key in space.settings:
        place = find(config, key)
        plain = ".".join(str(part) for part in place if part != "init_args")
        for never, why in NEVER.items():
            require(plain != never and not plain.startswith(f"{never}."), f"{key} cannot be tuned: it {why}.")
        require(place not in places, f"{key} and {places.get(place)} are the same setting: leave one of them out.")
        places[place] = key
        require(
            not is_part(plain, space.settings[key], space.metric),
            f"{key} is tuned, and it is part of the metric {space.metric}: values could not be compared; take a metric "
            "that all have, e.g. val/mae of values or val/accuracy of classes.",
        )
        require(
            not (".normalizer" in plain and space.metric in SCALED),
            f"{key} is tuned, and metric {space.metric} is in units of the normalizer: values could not be compared; "
            "take one in physical units, e.g. val/physical_mae.",
        )


LOSS = ("loss", "losses", "balance.weights", "channel_weights", "net.beta")
"""Settings of a task that change the loss of the same answers."""


def is_part(plain: str, values: Values, metric: str) -> bool:
    """Tell whether a setting changes what a metric says of the same answers."""
    if not metric.endswith("/loss"):
        return False
    weighs = plain == "model.balance" and "'weights'" in str(values)  # without weights, all compare by the plain sum
    parts = LOSS if metric == "val/loss" else (metric.replace("val/", "losses.").removesuffix("/loss"),)
    return (weighs and metric == "val/loss") or any(f"{plain}.".startswith(f"model.{part}.") for part in parts)


SCALED = ("val/loss", "val/mae", "val/mse", "val/rmse", "val/mase")
"""Measures of values on the standardized scale."""


def with_values(config: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with the values of some settings.

    Raises:
        InputError: A class that was chosen does not have a setting.
    """
    changed = deepcopy(config)
    for key, value in values.items():
        above = [other for other in values if key.startswith(f"{other}.")]
        if above:
            put_new(changed, key, deepcopy(value), f"{above[-1]}: {name_of(values[above[-1]])}")
        else:
            put(changed, key, deepcopy(value))
    return changed


def name_of(value: Any) -> str:
    """Return a value in a word."""
    return str(value.get("class_path", value)).rpartition(".")[2] if isinstance(value, dict) else str(value)


def names_of(space: Space) -> list[str]:
    """Return the names of all parameters, those within choices as well."""
    return [name for key, values in space.settings.items() for name in names(values, key)]
