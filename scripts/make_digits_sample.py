"""Write the packaged digits from the copy in scikit-learn's wheel: `python scripts/make_digits_sample.py`."""

import gzip
import io
from pathlib import Path

import pandas as pd
from sklearn.datasets import load_digits

TARGET = Path(__file__).parents[1] / "dlkit/data/sources/digits.csv.gz"


def main() -> None:
    """Take values and labels as they are, and write a gzip file that is the same on every machine."""
    values, labels = load_digits(return_X_y=True)
    table = pd.DataFrame(values.astype(int), columns=[f"p{place:02d}" for place in range(64)])
    table.insert(0, "digit", labels)
    content = io.BytesIO()
    with gzip.GzipFile(fileobj=content, mode="wb", filename="", mtime=0, compresslevel=9) as file:
        file.write(table.to_csv(index=False, lineterminator="\n").encode())
    TARGET.write_bytes(content.getvalue())
    print(f"{TARGET.name}: {len(table)} digits, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
