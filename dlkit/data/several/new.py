"""Recordings that were never seen: what is to be predicted need not be in them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.data.around import Around
from dlkit.data.base import Source
from dlkit.data.normalize import ChannelScaling
from dlkit.data.records import Stream
from dlkit.data.several.scaling import Scalings, by_name
from dlkit.data.sources.aligned import Aligned


class WithTargets(Around):
    """A source with columns of missing values for targets that were not measured.

    Args:
        source: The source.
        targets: Names of the targets with their units.
    """

    def __init__(self, source: Source, targets: Mapping[str, str]) -> None:
        self.source, self.targets = source, dict(targets)

    def fingerprint(self) -> dict[str, Any]:
        """Return the fingerprint of the source and the targets."""
        return {"source": self.source.fingerprint(), "targets": self.targets}

    def chunks(self) -> Iterator[Stream]:
        """Yield the streams with a column for each target."""
        for stream in self.source.chunks():
            added = [name for name in self.targets if name not in stream.channels]
            none = np.full((len(stream.times), len(added)), np.nan, np.float32)
            yield replace(
                stream,
                values=np.concatenate([stream.values, none], 1),
                channels=(*stream.channels, *added),
                units=(*stream.units, *(self.targets[name] for name in added)),
            )


def only_sources(source: Aligned, names: Sequence[str]) -> Aligned:
    """Return some of aligned sources.

    Raises:
        InputError: The source whose stamps are the clock is not among them.
    """
    driver = source.clock.driver
    require(driver is None or driver in names, f"The clock is that of '{driver}': give its new recording too.")
    found = {name: one for name, one in source.sources.items() if name in names}
    return Aligned(clock=source.clock, sources=found, span=source.span, rows_per_chunk=source.rows_per_chunk)


def asked_beyond_inputs(spec: Spec) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Return the measured targets with their units, and the classes of each source of events, that a spec asks for."""
    heads = spec.heads or (spec,)
    measured = {
        name: unit
        for head in heads
        if head.kind in ("forecast", "values")
        for name, unit in zip(head.targets, head.target_units, strict=True)
    }
    return measured, {head.targets[0]: head.classes for head in heads if head.kind == "class"}


def known_scalings(spec: Spec, scaling: ChannelScaling, target_scaling: ChannelScaling | None) -> Scalings:
    """Return the scaling of each channel and target by name.

    Args:
        spec: Of the network.
        scaling: Of its columns, or at least of its channels, which come first.
        target_scaling: Of its targets, where ``scaling`` does not hold them.

    Raises:
        InputError: The scaling is of fewer channels.
    """
    count, channels = len(scaling.shift), len(spec.channels)
    require(
        count >= channels,
        f"The run scales {count} channels, its spec has {channels}: use the checkpoint and the config of one run.",
    )
    names = spec.columns if count == len(spec.columns) else spec.channels
    targets = {} if target_scaling is None else by_name(spec.targets[: len(target_scaling.shift)], target_scaling)
    return targets | by_name(names, scaling.select(list(range(len(names)))))
