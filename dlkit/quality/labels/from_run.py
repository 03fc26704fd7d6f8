"""Answers out of fold from the predictions of a run or of a cross-validation, which were trained on other data."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int64

from dlkit.core.checks import require
from dlkit.core.runfolder import RunFolder
from dlkit.data.records import Samples, Stream

PROBABILITY = "probability_"


def read_predictions(folder: Path) -> pd.DataFrame:
    """Return the table of predictions of a run, which holds what tested, or of a cross-validation, which holds all.

    Raises:
        InputError: There is none.
    """
    path = RunFolder(folder).predictions
    require(
        path.is_file(),
        f"'{folder}' has no {path.name}: make it with `dlkit predict`, or give the folder of a `dlkit crossval`.",
    )
    return pd.read_parquet(path)


def sample_answers(folder: Path, samples: Samples) -> Float[np.ndarray, "samples answers"]:
    """Return probabilities of classes or labels, or values, of the samples that a run predicted; NaN for the others.

    Raises:
        InputError: There are no predictions, or they are of other samples.
    """
    table = read_predictions(folder)
    place = {str(name): number for number, name in enumerate(samples.names)}
    if "sample" in table.columns:
        table = table.assign(place=table["sample"].astype(str).map(place)).dropna(subset=["place"])
    require(
        "sample" in table.columns and len(table) > 0,
        f"The predictions of '{folder}' are of none of these samples: give the run that was made with this source.",
    )
    columns, key = (samples.targets, "target") if samples.kind == "values" else (samples.classes, "label")
    found = np.full((len(samples), len(columns)), np.nan)
    numbers = table["place"].to_numpy(np.int64)
    if samples.kind in ("class", "ordinal"):
        found[numbers] = probabilities_of(table, samples.classes, folder)
        return found
    require(key in table.columns, f"The predictions of '{folder}' are of no {key}s: give a run of this task.")
    known = {name: number for number, name in enumerate(columns)}
    said = table["prediction" if samples.kind == "values" else "probability"]
    found[numbers, table[key].map(known).to_numpy(np.int64)] = said.to_numpy(np.float64)
    return found


def row_answers(
    folder: Path, streams: Sequence[Stream], classes: Sequence[str]
) -> list[Float[np.ndarray, "rows classes"]]:
    """Return probabilities of classes at the rows of streams that a run answered for; NaN at the others.

    Raises:
        InputError: There are no predictions, or they have no series and times.
    """
    table = read_predictions(folder)
    require(
        {"series", "time"} <= set(table.columns),
        f"The predictions of '{folder}' have no columns `series` and `time`: give a run that answers rows of a stream.",
    )
    table = table.drop_duplicates(["series", "time"])
    times = nanoseconds_of(table["time"])
    rows = pd.DataFrame(probabilities_of(table, classes, folder))
    rows["series"], rows["time"] = table["series"].to_numpy(), times
    by_series = {str(name): part for name, part in rows.groupby("series", observed=True)}
    found = []
    for one in streams:
        own = by_series.get(one.name, rows.iloc[:0]).set_index("time").drop(columns="series")
        found.append(own.reindex(one.times).to_numpy(np.float64))
    return found


def nanoseconds_of(times: pd.Series) -> Int64[np.ndarray, " rows"]:
    """Return dates, or seconds from a start, in nanoseconds."""
    if times.dtype.kind == "f":
        return (times.to_numpy() * 1e9).round().astype(np.int64)
    return pd.to_datetime(times, utc=True).dt.as_unit("ns").astype(np.int64).to_numpy()


def probabilities_of(table: pd.DataFrame, classes: Sequence[str], folder: Path) -> Float[np.ndarray, "rows classes"]:
    """Return the probability of each class.

    Raises:
        InputError: A class has none.
    """
    absent = [name for name in classes if PROBABILITY + name not in table.columns]
    require(
        not absent,
        f"The predictions of '{folder}' have no probabilities of {absent[:5]}: give a run of these classes.",
    )
    return table[[PROBABILITY + name for name in classes]].to_numpy(np.float64)
