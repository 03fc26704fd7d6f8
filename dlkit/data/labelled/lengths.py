"""New traces at the length that a network was trained on."""

from dataclasses import replace
from typing import cast

import numpy as np

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.data.cleaning.leave_out import without
from dlkit.data.records import Samples
from dlkit.data.samples.layout import refuse_swapped
from dlkit.data.samples.problems import Policy, Problems


def fit_lengths(samples: Samples, spec: Spec, policy: Policy = "fail") -> Samples:
    """Pad new traces with NaN to the length that the network was trained on.

    Args:
        samples: The traces.
        spec: What the network takes.
        policy: Traces that are longer, or shorter where the network was trained on traces of one length: ``fail``, or
            ``skip`` and record them.

    Raises:
        InputError: There are such traces and the policy is to fail, there are no others, or channels and samples are
            the wrong way round.
    """
    time, width = spec.size[-1], cast(np.ndarray, samples.values).shape[-1]
    refuse_swapped(len(samples.channels), width, spec.channels[: len(spec.channels) - spec.padded])
    lengths = np.full(len(samples), width, np.int64) if samples.lengths is None else samples.lengths
    short, long = lengths < time, lengths > time
    wrong = long if spec.padded else short | long
    require(
        not wrong.all(),
        f"The new traces are up to {lengths.max()} samples long, the run was trained on traces of "
        f"{'at most ' if spec.padded else ''}{time}: cut or resample them to this length.",
    )
    problems = Problems(samples.names, policy, what="new traces")
    problems.mark(f"longer than the {time} samples of a training trace", long)
    problems.mark(f"shorter than the {time} samples of each training trace", wrong & short)
    good = problems.settle()
    if wrong.any():
        samples = replace(without(samples, good), skipped={**samples.skipped, **problems.found})
    known = lengths[good] if spec.padded else None
    if width == time:
        return replace(samples, lengths=known)
    values, kept = cast(np.ndarray, samples.values), min(time, width)
    fitted = np.full((*values.shape[:-1], time), np.nan, np.float32)
    fitted[..., :kept] = values[..., :kept]
    return replace(samples, values=fitted, lengths=known, informative=None)
