"""The packaged images: real handwritten digits."""

from importlib.resources import as_file, files
from typing import Any

import numpy as np
import pandas as pd

from dlkit.data.base import SampleSource
from dlkit.data.records import Samples
from dlkit.data.tabular.files import identify

PACKAGED = files("dlkit.data.sources") / "digits.csv.gz"


class Digits(SampleSource):
    """1,797 real handwritten digits of 13 writers, 8 x 8 pixels, about 180 of each of 10 classes.

    Each value counts the inked pixels (0 to 16) in a block of 4 x 4 pixels of a scan of 32 x 32. They are the test part
    of the source; which writer wrote which digit is not known.

    Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository,
    1998, doi:10.24432/C50P49, CC BY 4.0; taken as they are from scikit-learn (BSD-3-Clause). The file is the work of
    ``scripts/make_digits_sample.py``.
    """

    def read(self) -> Samples:
        """Return the digits in the order of the source; uint8 values, (1797, 1, 8, 8)."""
        with as_file(PACKAGED) as path:
            table = pd.read_csv(path, dtype=np.uint8)
        values = np.ascontiguousarray(table.iloc[:, 1:].to_numpy()).reshape(-1, 1, 8, 8)
        return Samples(
            names=[f"digit_{number:04d}" for number in range(len(table))],
            values=values,
            channels=("ink",),
            units=("pixels",),
            kind="class",
            labels=table["digit"].to_numpy(np.int64),
            classes=tuple("0123456789"),
            targets=("digit",),
        )

    def fingerprint(self) -> dict[str, Any]:
        """Return name, size and hash of the packaged file."""
        with as_file(PACKAGED) as path:
            return {"files": [identify(path)]}
