"""Samples that cannot be used are left out where `bad: skip` says so: told on the screen, listed in a file."""

from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.runfolder import atomic_file
from dlkit.data.labelled.prepare import PreparedSamples
from dlkit.data.records import Samples
from dlkit.data.samples.left_out import causes_text, share_text, unusable
from dlkit.train.evaluation.predictions import beside


def samples_of(data: Any) -> Samples | None:
    """Return the labelled samples of a data module that has been read, None where it has others."""
    ready = getattr(data, "prepared", None)
    return ready.samples if isinstance(ready, PreparedSamples) else None


def left_out_text(data: Any, where: object = "", *, names: bool = False) -> str:
    """Return what was left out of samples in one line, "" where nothing was.

    Args:
        data: The data module.
        where: File that lists it, if any.
        names: Say the first names of each cause too.
    """
    samples = samples_of(data)
    if samples is None:
        return ""
    image = not isinstance(samples.values, np.ndarray) or samples.values.ndim == 4
    share = share_text(len(samples), samples.skipped, "image" if image else "trace")
    verb = "is" if share.startswith("1 ") else "are"
    told = f"{share} {verb} left out ({causes_text(samples.skipped, names=names)})" if share else ""
    return f"{told}: {where} lists them" if told and where else told


def write_left_out(path: Path, data: Any) -> str:
    """Write what was left out of new samples beside their predictions; return it in one line, "" where nothing was."""
    samples, listed = samples_of(data), beside(path, "left_out", ".csv")
    found = {} if samples is None else unusable(samples.skipped)
    if not found:
        listed.unlink(missing_ok=True)  # of an earlier prediction
        return ""
    import pandas as pd

    rows = [(name, cause) for cause, names in found.items() for name in names]
    with atomic_file(listed) as work:
        pd.DataFrame(rows, columns=["sample", "cause"]).to_csv(work, index=False)
    return left_out_text(data, listed, names=True)
