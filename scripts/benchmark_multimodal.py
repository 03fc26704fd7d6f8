"""Batches of four sources beside a memcpy of the same bytes, in processor time; contestants take turns."""

import argparse
import time

import numpy as np
import torch

from dlkit.data.base import FrameSource
from dlkit.data.clock import Regular
from dlkit.data.heads import Head
from dlkit.data.inputs import FrameInput, StreamInput
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.data.records import Frames, Pictures
from dlkit.data.sources.arrays import Arrays

parser = argparse.ArgumentParser()
parser.add_argument("--seconds", type=int, default=1800, help="length of the recordings")
parser.add_argument("--batch", type=int, default=64)
parser.add_argument("--rounds", type=int, default=7)
parser.add_argument("--missing", type=float, default=0.0, help="part of the slow samples that is missing")
parser.add_argument("--placement", default="host", choices=["host", "disk"])
args = parser.parse_args()
random = np.random.default_rng(0)


class Noise(Pictures):
    """Frames of one byte a pixel, in memory."""

    def __init__(self, values):
        self.values = values

    def __len__(self):
        return len(self.values)

    @property
    def channels(self):
        return self.values.shape[1]

    def decode(self, number):
        return self.values[number]


class Camera(FrameSource):
    def __init__(self, rate, seconds, size):
        self.times = (np.arange(rate * seconds) * 1e9 / rate).astype(np.int64)
        self.pixels = random.integers(0, 255, (len(self.times), 1, *size), dtype=np.uint8)

    def read(self):
        return [Frames("camera", self.times, Noise(self.pixels), ("grey",), ("",), self.pixels.shape[2:])]

    def fingerprint(self):
        return {"frames": len(self.times)}


def sensors(rate, channels, missing=0.0):
    values = random.normal(size=(rate * args.seconds, channels)).astype(np.float32)
    values[random.random(values.shape) < missing] = np.nan
    return Arrays(values=values, step=f"{1000 // rate}ms", channels=[f"c{i}" for i in range(channels)])


data = MultimodalDataModule(
    clock=Regular(step="10ms"),
    sources={
        "magnets": StreamInput(source=sensors(100, 6), look_back="2s"),
        "monitors": StreamInput(source=sensors(100, 8), look_back="1s", augment=[]),
        "temperatures": StreamInput(source=sensors(1, 4, args.missing), look_back="40s", every="2s", max_age="10s"),
        "camera": FrameInput(source=Camera(15, args.seconds, (32, 32)), look_back=4),
    },
    targets={
        "ahead": Head(kind="forecast", channels=["magnets.c0", "monitors.c1"], look_forward=20),
        "now": Head(kind="values", channels=["temperatures.c0"]),
    },
    batch_size=args.batch,
    placement=args.placement,
    frames="memory",
    cache="/tmp/dlkit-benchmark",
)
data.setup()
maker, places = data.maker("test"), data.places("train")
order = places.starts(torch.randperm(len(places)))
some = [part.sort().values for part in order[: 200 * args.batch].split(args.batch)]
batch = maker(some[0])
source, targets = torch.randn(len(some), *batch.x.shape), [torch.empty_like(batch.x) for _ in range(2)]
bytes_ = batch.x.nbytes


def ours():
    for part in some:
        maker(part)


def memcpy():
    for number, part in enumerate(source):
        targets[number % 2].copy_(part)  # a loader may not write over the batch that is in use


def clock(run):
    begin = time.thread_time()
    run()
    return (time.thread_time() - begin) / len(some)


for run in (ours, memcpy):
    run()
times = np.array([[clock(run) for run in (ours, memcpy)] for _ in range(args.rounds)])
made, copied = np.median(times, 0)
size = f"{batch.x.shape[1]} values each, batches of {args.batch} ({bytes_ / 1e6:.2f} MB)"
print(f"{len(places)} windows, {size}, {args.placement}")
print(f"batches of four sources: {made * 1e6:.0f} us, {bytes_ / made / 1e9:.2f} GB/s")
print(f"memcpy of the same bytes: {copied * 1e6:.0f} us, {bytes_ / copied / 1e9:.2f} GB/s")
print(f"ratio {np.median(times[:, 0] / times[:, 1]):.2f}")
