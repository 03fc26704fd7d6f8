"""The loss of each answer of a run, in an order that is that of another run on the same test data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from dlkit.compare.contenders import Contender
from dlkit.core.checks import require
from dlkit.metrics.paired import Paired, bootstrap, diebold_mariano, mcnemar
from dlkit.train.report.known import require_readable

COLUMNS = ("series", "issued", "time", "sample", "label", "target", "horizon", "truth", "prediction")
MOST = 60_000_000  # rows of predictions that are read


@dataclass(frozen=True, eq=False)
class Losses:
    """Losses of the answers of a run.

    Attributes:
        keys: What each answer is about, (answers,); series and time, or the name of a sample.
        truth: Digest of the truth of each answer, (answers,).
        loss: (answers,), in standard deviations of the truth, 1 where a class is wrong, or the share of wrong labels.
        series: Number of its series, -1 of samples, (answers,).
        overlap: Neighbouring answers that share predicted rows.
        classes: Whether they are of classes or labels.
        shares: Whether they are between right and wrong, as those of several labels are.
    """

    keys: np.ndarray
    truth: np.ndarray
    loss: np.ndarray
    series: np.ndarray
    overlap: int
    classes: bool
    shares: bool = False


def losses_of(one: Contender) -> Losses | None:
    """Return the losses of a run; None where its answers were not written or are not of one question."""
    path = one.path / "predictions.parquet"
    require_readable(path, "predict")
    if not path.is_file() or pq.ParquetFile(path).metadata.num_rows > MOST:
        return None
    names = set(pq.ParquetFile(path).schema_arrow.names)
    if "head" in names or not {"truth", "prediction"} <= names:
        return None
    wanted = [name for name in COLUMNS if name in names]
    found = pq.read_table(path, columns=wanted).to_pandas()
    if found["truth"].dtype.kind not in "fi":
        return label_losses(found) if "label" in names else class_losses(found)
    return value_losses(found)


def class_losses(found: Any) -> Losses:
    """Return 1 where a class is wrong."""
    loss = np.where(found["truth"].isna(), np.nan, (found["truth"] != found["prediction"]).astype(float))
    truth = pd.factorize(found["truth"], sort=True)[0].astype(np.float64)
    return Losses(key_of(found), truth, loss, series_of(found), 1, classes=True)


def label_losses(found: Any) -> Losses:
    """Return the share of wrong labels of each sample or window; their mean is the share of all that are known.

    Labels of one sample err together, so it is samples that are compared.
    """
    numbers, keys = pd.factorize(key_of(found))  # in the order of the table
    known = found["truth"].notna().to_numpy()
    wrong = known & (found["truth"] != found["prediction"]).fillna(value=True).to_numpy(bool)
    counts, misses = np.bincount(numbers, known), np.bincount(numbers, wrong)
    with np.errstate(invalid="ignore"):
        loss = np.where(counts > 0, misses / (counts.sum() / (counts > 0).sum()), np.nan)
    marks = pd.util.hash_array((found["label"].astype(str) + " " + found["truth"].astype(str)).to_numpy(object))
    truth = np.bincount(numbers, marks / 2.0**64)  # the same in any order of the labels
    first = found.iloc[np.unique(numbers, return_index=True)[1]]
    return Losses(np.asarray(keys), truth, loss, series_of(first), 1, classes=True, shares=True)


def value_losses(found: Any) -> Losses:
    """Return the mean absolute error of each window or sample, each target in its standard deviations."""
    each = int(found["target"].nunique()) * (int(found["horizon"].max()) if "horizon" in found else 1)
    miss = (found["prediction"] - found["truth"]).abs()
    spread = found.groupby("target", sort=False)["truth"].transform("std")
    relative = (miss / spread.where(spread > 0, 1.0)).to_numpy(np.float64).reshape(-1, each)
    seen = np.isfinite(relative).sum(1)
    with np.errstate(invalid="ignore"):
        loss = np.where(seen > 0, np.nansum(relative, 1) / seen, np.nan)
        truth = np.nansum(found["truth"].to_numpy(np.float64).reshape(-1, each), 1)
    first = found.iloc[::each]
    overlap = int(found["horizon"].max()) if "horizon" in found else 1
    return Losses(key_of(first), truth, loss, series_of(first), overlap, classes=False)


def key_of(found: Any) -> np.ndarray:
    """Return what an answer is about."""
    if "sample" in found:
        keys: np.ndarray = found["sample"].astype(str).to_numpy()
        return keys
    when = found["issued"] if "issued" in found else found["time"]
    joined: np.ndarray = (found["series"].astype(str) + " " + when.astype(str)).to_numpy()
    return joined


def series_of(found: Any) -> np.ndarray:
    """Return the number of the series of each answer, -1 of samples."""
    if "series" not in found:
        return np.full(len(found), -1)
    numbers: np.ndarray = pd.factorize(found["series"])[0]
    return numbers


def paired(first: Losses, second: Losses, names: tuple[str, str]) -> Paired:
    """Return whether the answers of two runs are equally good.

    Forecasts and answers on a time axis by Diebold & Mariano, classes of samples by McNemar, labels and values of
    samples by the bootstrap.

    Raises:
        InputError: They are about different windows or samples.
    """
    shared, mine, its = np.intersect1d(first.keys, second.keys, return_indices=True)
    require(
        len(shared) == len(first.keys) == len(second.keys),
        f"'{names[0]}' and '{names[1]}' answered other windows or samples ({len(shared):,} of {len(first.keys):,} and "
        f"{len(second.keys):,} are shared): predict both on the same test data, or use --metrics-only.",
    )
    order = np.argsort(mine)  # in the order of the first table, which is that of time
    mine, its = mine[order], its[order]
    same = np.allclose(first.truth[mine], second.truth[its], rtol=1e-4, atol=1e-6, equal_nan=True)
    require(same, f"'{names[0]}' and '{names[1]}' have other truths for the same answers: test both on the same data.")
    a, b, series = first.loss[mine], second.loss[its], first.series[mine]
    if series.min(initial=0) >= 0:
        return diebold_mariano(a - b, overlap=first.overlap, series=series)
    if first.classes and not first.shares:
        known = np.isfinite(a) & np.isfinite(b)
        return mcnemar(a[known] == 0, b[known] == 0)
    return bootstrap(a - b)
