"""How long it takes to check the 60,000 images of CIFAR-10, beside decoding them, and what is found.

    DLKIT_BENCH_DATA=... python scripts/benchmark_check_images.py

Prints seconds of the processor, memory beyond what the files took, and the findings.
"""

import os
import resource
import time
from pathlib import Path

from dlkit.data.cleaning.images import as_pictures
from dlkit.data.sources.manifest import Manifest
from dlkit.quality.images.samples import image_findings


def memory() -> float:
    """Return the largest memory that this process has taken so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Read, decode, check, print."""
    folder = Path(os.environ.get("DLKIT_BENCH_DATA", "../shared/data")) / "images"
    files = {role: str(folder / f"cifar10_{role}.parquet") for role in ("train", "test")}
    samples = Manifest(path=files, image="jpeg", label="class", color="rgb", check="some").read()
    pictures = as_pictures(samples.values)
    began = time.process_time()
    for number in range(len(pictures)):
        pictures.decode(number)
    decoded, before = time.process_time(), memory()
    findings = image_findings(samples)
    checked = time.process_time()
    print(f"{len(samples):,} images: decoded in {decoded - began:.1f} s of the processor, checked in "
          f"{checked - decoded:.1f} s (decoded once in it), {memory() - before:.0f} MB beyond the files")  # fmt: skip
    for one in findings:
        print(f"{one.level}: {one.what}")


if __name__ == "__main__":
    main()
