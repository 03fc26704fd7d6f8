"""What knowing the data costs: `dlkit check` beside reading the same file, its memory, its page, and beside ydata.

    OMP_NUM_THREADS=1 python scripts/benchmark_check.py [--rows 100e6] [--rounds 1] [--folder DIR]
    python -m venv ydata && ydata/bin/pip install ydata-profiling && \
        python scripts/benchmark_check.py --ydata ydata/bin/python

A Parquet file of a date and 8 channels in float32 (noise, waves, steps of 0.1, missing values, a gap, sentinels) is
made and read three ways, each in a process of its own, in turns: read only, read with all scans of the rows, and
`dlkit check` with its figures and page. Processor time is told as ratio of that of reading, so that other users of
the machine count less; memory is the peak beyond that of reading. Then 20,000 rows are checked by dlkit and by
ydata-profiling in its mode for time series, which needs a virtual environment of its own.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CHANNELS, PART = 8, 1_000_000
WAYS = ("read", "scan", "check")
YDATA = """
import resource, sys, time
import pandas as pd
frame = pd.read_parquet(sys.argv[1])
begin, wall = time.process_time(), time.perf_counter()
from ydata_profiling import ProfileReport
ProfileReport(frame, tsmode=True, sortby="time", progress_bar=False).to_file(sys.argv[2])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(time.process_time() - begin, time.perf_counter() - wall, peak)
"""


def make(path: Path, rows: int) -> None:
    """Write rows a millisecond apart, a million at a time."""
    random = np.random.default_rng(0)
    schema = pa.schema([("time", pa.timestamp("ns")), *((f"x{i}", pa.float32()) for i in range(CHANNELS))])
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, rows, PART):
            number = np.arange(first, min(first + PART, rows))
            values = random.standard_normal((CHANNELS, len(number)), dtype=np.float32)
            values[1] += 5 * np.sin(number / 9000).astype(np.float32)
            values[2] = np.round(20 + 5 * np.sin(number / 50_000) + 0.2 * values[2], 1)
            values[3] += 1013
            values[4, random.random(len(number)) < 0.001] = np.nan
            values[5] = np.maximum(values[5], -1.0)
            values[6, 1000:1010], values[7, 5000:5500] = -9999, values[7, 5000]
            times = 10**18 + (number + (number > rows // 2) * 5000) * 10**6
            writer.write_table(
                pa.table([pa.array(times).cast(pa.timestamp("ns")), *map(pa.array, values)], schema=schema)
            )


def run(way: str, path: Path) -> None:
    """Do it one way and print seconds of the processor, seconds, and peak memory in MB."""
    from dlkit.data.raw.open import open_raw
    from dlkit.quality.signals.all import scans_of

    begin, wall = time.process_time(), time.perf_counter()
    if way == "check":
        from dlkit.__main__ import main

        main(["check", str(path), "--output", str(path.with_suffix(""))])
    else:
        raw = open_raw(path)
        scans = scans_of(raw.layout) if way == "scan" else []
        for rows, first in raw.chunks():
            for scan in scans:
                scan.add(rows, first)
        print(len([one for scan in scans for one in scan.findings()]), "findings")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(time.process_time() - begin, time.perf_counter() - wall, peak)


def measured(*command: str) -> tuple[float, float, int]:
    """Return seconds of the processor, seconds, and MB of a process that prints them last."""
    said = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True).stdout
    processor, wall, peak = said.strip().splitlines()[-1].split()
    return float(processor), float(wall), int(peak)


def compare(path: Path, rows: int, rounds: int) -> None:
    """Print what each way costs; they take turns."""
    found: dict[str, list[tuple[float, float, int]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            found[way].append(measured(__file__, "--way", way, "--file", str(path)))
    read = statistics.median(one[0] for one in found["read"])
    base = statistics.median(one[2] for one in found["read"])
    print("| way | s of the processor | s | x reading | ns/value | MB beyond reading |\n|-|-|-|-|-|-|")
    for way, runs in found.items():
        processor, wall, peak = (statistics.median(one[i] for one in runs) for i in range(3))
        speed = processor / rows / CHANNELS * 1e9
        print(f"| {way} | {processor:.1f} | {wall:.1f} | {processor / read:.2f} | {speed:.1f} | {peak - base:.0f} |")
    for name in ("check.html", "check.json"):
        print(f"{name}: {(path.with_suffix('') / name).stat().st_size / 1e6:.2f} MB", flush=True)


def beside_ydata(python: Path, folder: Path, rows: int) -> None:
    """Print how long both take for a table that both can manage."""
    if not python.exists():
        print(f"ydata-profiling is left out: {python} is absent (see --help).")
        return
    small = folder / "small.parquet"
    make(small, rows)
    ours = measured(__file__, "--way", "check", "--file", str(small))
    script = folder / "ydata.py"
    script.write_text(YDATA, encoding="utf-8")
    page = folder / "ydata.html"
    said = subprocess.run([python, script, small, page], capture_output=True, text=True, check=False)
    if said.returncode:
        print(f"ydata-profiling failed: {said.stderr.strip().splitlines()[-1]}")
        return
    theirs = [float(part) for part in said.stdout.strip().splitlines()[-1].split()]
    html = small.with_suffix("") / "check.html"
    print(f"{rows:,} rows x {CHANNELS}: | dlkit check | ydata-profiling | ratio |")
    for name, i in (("s of the processor", 0), ("s", 1), ("peak MB", 2)):
        print(f"| {name} | {ours[i]:.1f} | {theirs[i]:.1f} | {theirs[i] / ours[i]:.1f} |")
    print(f"| page, MB | {html.stat().st_size / 1e6:.2f} | {page.stat().st_size / 1e6:.2f} | |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=float, default=100e6)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="Where the files are made (5 GB); a temporary one by default.")
    parser.add_argument("--ydata", type=Path, default=Path("ydata/bin/python"), help="Python that has ydata-profiling.")
    parser.add_argument("--ydata-rows", type=int, default=20_000)
    parser.add_argument("--skip", choices=["large", "ydata"])
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        run(args.way, args.file)
        return
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        if args.skip != "large":
            large = Path(folder) / "large.parquet"
            make(large, int(args.rows))
            print(json.dumps({"rows": int(args.rows), "MB": round(large.stat().st_size / 1e6)}), flush=True)
            compare(large, int(args.rows), args.rounds)
        if args.skip != "ydata":
            beside_ydata(args.ydata, Path(folder), args.ydata_rows)


if __name__ == "__main__":
    main()
