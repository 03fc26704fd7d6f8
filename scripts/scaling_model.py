"""What many GPUs and a large store do to a training, on paper: the model behind docs/scaling.md.

Every function is pure. Times are in seconds, sizes in bytes, bandwidths in bytes/s. `scaling_cases.py` prints what it
says of three trainings; `benchmark_scaling.py` compares its step with measured ones,
tests/laws/commands/test_scaling_model.py with published ones.
"""

import math
from dataclasses import dataclass, replace
from statistics import NormalDist

GB, TB, HOUR = 1e9, 1e12, 3600.0


@dataclass(frozen=True)
class Machine:
    """A cluster. The origin of each number stands beside it: measured (M), published (P), or assumed (A)."""

    gpus_per_node: int = 8
    inside: float = 360 * GB  # A: all-reduce bus bandwidth over NVLink 4 (450 GB/s each way by its data sheet)
    between: float = 50 * GB  # A: of a node; one 400 Gbit/s port. With one port a GPU it would be eight times as much
    latency_inside: float = 5e-6  # A: a hop of a ring inside a node
    latency_between: float = 15e-6  # A: a hop between nodes
    cores_per_gpu: int = 14  # A: decoding threads that a GPU has for itself
    cache: float = 1.0 * TB  # A: memory of a node that caches files
    store: float = 50 * GB  # A: reading from the parallel file system, all nodes together
    store_node: float = 12 * GB  # A: reading by one node
    opens: float = 20_000.0  # A: files the metadata server opens in a second, all nodes together
    hashing: float = 1.77 * GB  # M: SHA-256 of a file by one process, one core of an EPYC (Zen 4)
    modules: int = 5_400  # M: files that `dlkit fit` opens up to its first step (audit hook, and 294 shared libraries)
    start: float = 10.0  # M: seconds until the first step on a warm local disk, rounded up
    write: float = 2 * GB  # A: one process writes a checkpoint
    life: float = 54 * 24 * HOUR * 16_384 / 419  # P: GPU-hours per unplanned stop, Llama 3 (arXiv:2407.21783, 3.3.4)
    restart: float = 300.0  # A: requeue, start, read the checkpoint, beside the import storm
    jitter: float = 0.03  # A: deviation of the time of a step between processes, as a share of it


@dataclass(frozen=True)
class Training:
    """What is trained. ``compute`` and ``decode`` are seconds for one sample on one GPU and one core."""

    name: str
    samples: float
    sample_bytes: float
    dataset: float
    batch: int
    compute: float
    decode: float
    parameters: float
    epochs: float
    critical_batch: float
    backward: float = 2 / 3  # P: two of three multiplications are in the backward pass
    kernels: float = 2e-3  # A: a step cannot be shorter: launches of its kernels, about 5 us each
    fixed: float = 1e-3  # M: bookkeeping of a step (docs/performance.md)
    validation: float = 0.02  # A: share of the samples that validates after each epoch, forward only
    alone: float = 5.0  # A: seconds that the first process draws, logs and saves after each epoch while others wait
    on_device: bool = False  # the table lies in the memory of every GPU: nothing is read after the start
    files: float = 1.0  # in which the data lie
    opened: float = 0.0  # files opened for a sample
    passes: float = 2.0  # over all bytes before training: fingerprint and statistics
    by_all: bool = True  # every process prepares for itself, as dlkit does today


def ring_time(n: int, size: float, bandwidth: float, latency: float) -> float:
    """Return the time of a ring all-reduce: 2 (n - 1) steps of size / n (Patarasuk and Yuan, JPDC 2009)."""
    return 2 * (n - 1) * (size / n / bandwidth + latency)


def tree_time(n: int, size: float, bandwidth: float, latency: float) -> float:
    """Return the time of two pipelined binary trees: the bytes of a ring, but log2(n) hops each way."""
    return 2 * (n - 1) / n * size / bandwidth + 2 * math.ceil(math.log2(n)) * latency


def all_reduce_time(n: int, size: float, machine: Machine) -> float:
    """Return the time to add up ``size`` bytes over ``n`` GPUs: inside the nodes, then between them.

    Between nodes each GPU carries its share, so that a node sends ``size`` bytes in all over its network.
    """
    local = min(n, machine.gpus_per_node)
    nodes = math.ceil(n / local)
    within = min(f(local, size, machine.inside, machine.latency_inside) for f in (ring_time, tree_time))
    return within + min(f(nodes, size, machine.between, machine.latency_between) for f in (ring_time, tree_time))


def exposed_time(reduce: float, backward: float, bucket: float = 1.0) -> float:
    """Return what of a reduction is not hidden behind the backward pass.

    Gradients are sent in buckets while earlier layers are still computed; the last bucket, a share ``bucket`` of all,
    has nothing to hide behind.
    """
    return max(reduce - backward * (1 - bucket), reduce * bucket)


def slowest_of(n: int, deviation: float) -> float:
    """Return by how much the slowest of ``n`` normal times exceeds their mean (Blom 1958); nothing for one."""
    return deviation * NormalDist().inv_cdf((n - 0.375) / (n + 0.25))


def bucket_share(size: float) -> float:
    """Return the share of DDP's last bucket, of 25 MB at most."""
    return min(1.0, 25 * 2**20 / size)


def cached_share(dataset: float, cache: float) -> float:
    """Return the share of random reads that a node finds in its memory: every node reads from the whole set."""
    return min(1.0, cache / dataset)


def read_time(n: int, training: Training, machine: Machine) -> float:
    """Return the time to read and decode the samples of one step of ``n`` GPUs."""
    if training.on_device:
        return 0.0
    nodes, local = math.ceil(n / machine.gpus_per_node), min(n, machine.gpus_per_node)
    missed = training.batch * training.sample_bytes * (1 - cached_share(training.dataset, machine.cache))
    over = min(machine.store / nodes, machine.store_node) / local
    opened = n * training.batch * training.opened / machine.opens
    return max(missed / over, opened, training.batch * training.decode / machine.cores_per_gpu)


def prepare_time(n: int, training: Training, machine: Machine) -> float:
    """Return the time before training: every file is opened, and all bytes are read ``passes`` times.

    Processes of one node read the same bytes at the same time, which leave the store once.
    """
    several = n if training.by_all else 1
    nodes = math.ceil(several / machine.gpus_per_node)
    speed = min(machine.hashing, machine.store_node, machine.store / nodes)
    return several * training.files / machine.opens + training.passes * training.dataset / speed


@dataclass(frozen=True)
class StepTime:
    """Parts of a step in seconds; reading runs beside the rest, only what exceeds it counts."""

    compute: float
    exposed: float
    slowest: float
    reading: float

    @property
    def busy(self) -> float:
        """Everything but reading."""
        return self.compute + self.exposed + self.slowest

    @property
    def total(self) -> float:
        """The step."""
        return max(self.busy, self.reading)


def step_time(n: int, training: Training, machine: Machine) -> StepTime:
    """Return the time of a step of ``n`` GPUs."""
    compute, size = max(training.batch * training.compute, training.kernels), 4 * training.parameters
    reduce = 0.0 if n == 1 else all_reduce_time(n, size, machine)
    exposed = exposed_time(reduce, training.backward * compute, bucket_share(size))
    return StepTime(
        compute + training.fixed,
        exposed,
        slowest_of(n, machine.jitter * compute),
        read_time(n, training, machine),
    )


def start_time(n: int, machine: Machine, *, image: bool = False) -> float:
    """Return the time until all processes have imported; with a container image a process opens one file of it."""
    return machine.start + n * (1 if image else machine.modules) / machine.opens


def best_interval(save: float, life: float) -> float:
    """Return the time between two checkpoints that loses least (Young 1974; Daly, FGCS 2006, equation 37)."""
    if save >= 2 * life:
        return life
    root = math.sqrt(save / (2 * life))
    return math.sqrt(2 * save * life) * (1 + root / 3 + root**2 / 9) - save


def time_with_failures(work: float, interval: float, save: float, restart: float, life: float) -> float:
    """Return the expected time of ``work`` seconds with stops at random (Daly 2006, equation 20)."""
    return life * math.exp(restart / life) * math.expm1((interval + save) / life) * work / interval


def samples_needed(batch: float, critical: float) -> float:
    """Return how many times the samples of small batches a batch needs (McCandlish et al., arXiv:1812.06162)."""
    return 1 + batch / critical


def speedup(n: int, serial: float) -> float:
    """Return Amdahl's speed-up where a share ``serial`` of the work of one process is not divided."""
    return 1 / (serial + (1 - serial) / n)


@dataclass(frozen=True)
class Forecast:
    """A whole training on ``n`` GPUs, in seconds."""

    n: int
    batch: int
    step: StepTime
    samples_per_second: float
    efficiency: float
    parts: dict[str, float]

    @property
    def total(self) -> float:
        """Time of the whole training."""
        return sum(self.parts.values())


def forecast(n: int, training: Training, machine: Machine, *, image: bool = False) -> Forecast:
    """Return how long a training takes whose loss shall be that of small batches, and what the time is made of."""
    step = step_time(n, training, machine)
    steps = training.epochs * math.ceil(training.samples / (n * training.batch))
    more = samples_needed(n * training.batch, training.critical_batch) / samples_needed(0, training.critical_batch)
    checked = training.epochs * training.validation * training.samples * training.compute / 3 / n
    save = 12 * training.parameters / machine.write
    life = machine.life / n
    parts = {
        "compute": steps * step.compute,
        "communication": steps * step.exposed,
        "slowest": steps * step.slowest,
        "reading": steps * (step.total - step.busy),
        "more samples": (more - 1) * steps * step.total,
        "validation": checked,
        "rank 0 alone": training.epochs * (training.alone + save),
        "start": start_time(n, machine, image=image),
        "preparing": prepare_time(n, training, machine),
    }
    work = sum(parts.values())
    interval = best_interval(save, life)
    restart = machine.restart + parts["start"] + parts["preparing"]
    parts["failures"] = time_with_failures(work, interval, save, restart, life) - work
    single = step_time(1, training, machine).total
    return Forecast(n, training.batch, step, n * training.batch / step.total, single / step.total, parts)


def quickest(n: int, training: Training, machine: Machine, *, image: bool = False) -> Forecast:
    """Return the forecast for the batch of a GPU, halved as often as it pays, that reaches the loss soonest."""
    batches = [training.batch >> k for k in range(training.batch.bit_length())]
    single = step_time(1, training, machine).total / training.batch
    found = [forecast(n, replace(training, batch=batch), machine, image=image) for batch in batches]
    best = min(found, key=lambda one: one.total)
    return replace(best, efficiency=best.samples_per_second * single / n)
