"""The Lightning data module of several sources: from sources with clocks of their own to packed batches."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dlkit.core.checks import require
from dlkit.core.likeness import with_times_of
from dlkit.core.specs import Spec
from dlkit.data.base import Augment, Source
from dlkit.data.batches.batching import KNOWN_SPEC, TRAINED_SPEC
from dlkit.data.batches.placement import Placement, choose_placement
from dlkit.data.cleaning.learning import Spans
from dlkit.data.clock import Clock
from dlkit.data.cluster import Cluster
from dlkit.data.heads import Targets, named_heads
from dlkit.data.inputs import EventInput, Input, StreamInput
from dlkit.data.normalize import ChannelScaling, Normalizer, Standard
from dlkit.data.several.batching import SourcesBatching
from dlkit.data.several.cleaning import learnt, recall_sources, steps_of, training_spans
from dlkit.data.several.columns import InOrder, check_heads, check_sources
from dlkit.data.several.describe import describe_sources
from dlkit.data.several.dropout import Dropout, dropout_rates
from dlkit.data.several.lay import Wanted
from dlkit.data.several.new import WithTargets, asked_beyond_inputs, known_scalings, only_sources
from dlkit.data.several.place import FramesPlace
from dlkit.data.several.prepare import SourcesPrepared, prepare_new_sources, prepare_sources
from dlkit.data.several.ticks import Ticks
from dlkit.data.sources.aligned import Aligned, Span
from dlkit.data.sources.parallel import Parallel
from dlkit.data.splits import ByFraction, Split
from dlkit.data.table.disk import map_table
from dlkit.data.table.tables import Table, read_table
from dlkit.data.table.windows import Geometry


class MultimodalDataModule(SourcesBatching):
    """Windows of several sources on one clock, split without leaks, normalized with what the training rows say.

    Args:
        clock: Says where the rows are.
        sources: What is wanted of each source, by name: channels, frames or events.
        targets: Names or globs of the channels to forecast, ``source.channel``; or one head, or several by name, see
            :class:`dlkit.data.heads.Head`.
        inputs: Names or globs of the channels and cameras to predict from; None takes all but channels whose value of
            the same row is asked for.
        look_forward: Rows to forecast, or a duration, of heads that say none.
        gap: Rows between the last input and the first forecast, or a duration, of heads that say none.
        stride: Rows between the starts of neighbouring windows.
        split: Which rows train, validate and test.
        embargo: Rows next to validation and test rows that do not train, or a duration.
        normalizer: How channels are brought to a common scale, of sources that say none.
        modality_dropout: Probability with which a source is left out of a training window, or one for each source;
            one source always stays.
        season: Main season in rows or as a duration, for the seasonal baseline and MASE; None takes a day where the
            step is a minute or more, else one row.
        span: Take the time in which all sources run ("overlap"), or any ("union").
        batch_size: Windows a training batch.
        eval_batch_size: Windows a batch in validation, test and prediction; None takes ``batch_size``.
        placement: Where the table lies: "device" (GPU memory), "host" (memory), "disk" (memory map), or "auto".
        frames: Where frames lie: decoded in "memory" (of the device, with the table), in "files" until their batch is
            made, or "auto".
        cache: Folder of the memory maps.
        cluster: Workers that align many files at once; None aligns them in this process.
        num_workers: Processes that read batches ahead; useful with "disk" and with frames in "files".
        batches_per_step: Batches that Lightning sees as one step; "auto" measures, see docs/performance.md.
        seed: Seed of the order of windows and of what chance does to them.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        sources: dict[str, Input],
        targets: Targets,
        inputs: list[str] | None = None,
        look_forward: int | str = 1,
        gap: int | str = 0,
        stride: int = 1,
        split: Split | None = None,
        embargo: int | str = 0,
        normalizer: Normalizer | None = None,
        modality_dropout: Dropout = 0.0,
        season: int | str | None = None,
        span: Span = "overlap",
        batch_size: int = 32,
        eval_batch_size: int | None = None,
        placement: Literal["auto", "device", "host", "disk"] = "auto",
        frames: FramesPlace = "auto",
        cache: str = "~/.cache/dlkit",
        cluster: Cluster | None = None,
        num_workers: int = 0,
        batches_per_step: int | Literal["auto"] = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__(
            modality_dropout=modality_dropout,
            frames=frames,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            batches_per_step=batches_per_step,
            seed=seed,
        )
        heads = named_heads(targets)
        check_sources(sources)
        check_heads(heads, sources)
        dropout_rates(modality_dropout, [name for name, one in sources.items() if not isinstance(one, EventInput)])
        require(stride > 0, f"stride={stride} must be positive: change `stride`.")
        require(inputs is None or len(inputs) > 0, "inputs=[] is empty: name at least one channel, or leave it out.")
        self.source = Aligned(clock=clock, sources=sources, span=span)
        self.wanted = Wanted(
            sources=sources, inputs=inputs, heads=heads, look_forward=look_forward, gap=gap, stride=stride,
            regular=clock.driver is None,
        )  # fmt: skip
        self.split, self.normalizer = split or ByFraction(), normalizer or Standard()
        self.embargo, self.season = embargo, season
        self.placement, self.cache, self.cluster = placement, Path(cache).expanduser(), cluster
        self._prepared: SourcesPrepared | None = None
        self._placed: Placement | None = None
        self._parallel: Parallel | None = None

    @property
    def prepared(self) -> SourcesPrepared:
        """The table with its split, windows and scaling; made when first asked for.

        Once batches can be made, a table in memory has no rows any more: they were normalized and turned.
        """
        if self._prepared is None:
            self.source = learnt(self.source, self._training)
            table, regular = self._read(), self.wanted.regular
            wanted = replace(self.wanted, sources=self.source.sources, timings=self.source.timings)
            found = prepare_sources(
                table, wanted, split=self.split, normalizer=self.normalizer,
                embargo=Ticks(table.step, regular).rows(self.embargo, setting="embargo"),
                season=Ticks(table.step, regular).season(self.season),
            )  # fmt: skip
            trained = TRAINED_SPEC.get()
            spec = found.spec if trained is None else with_times_of(found.spec, trained, regular=regular)
            found = replace(found, spec=spec)
            self.start(found)  # refused here, before a run begins
            self._prepared = found
        return self._prepared

    @property
    def geometry(self) -> Geometry:
        """Extent of a window in rows."""
        return self.prepared.geometry

    @property
    def changes(self) -> Mapping[str, Sequence[Augment]]:
        """Augmentations of each source."""
        return {name: one.augment for name, one in self.wanted.sources.items() if not isinstance(one, EventInput)}

    @property
    def on_device(self) -> bool:
        """Whether the table should lie where the network is."""
        return self._placement() == "device"

    @property
    def pieces(self) -> int | None:
        """Pieces that the cluster made: 1 was made in this process, 0 lay on disk already; None without a cluster."""
        return None if self._parallel is None else self._parallel.made

    @property
    def spec(self) -> Spec:
        """What a network must take and return."""
        known = KNOWN_SPEC.get()
        return self.prepared.spec if known is None else known

    def recall(self, known: Mapping[str, Any]) -> None:
        """Take over what the steps of ``clean`` learnt when a run was trained, from its ``data.json``."""
        self.source = recall_sources(self.source, known)

    def describe(self) -> dict[str, Any]:
        """Return sources, split, windows and what they cost, and the audit, as plain types for ``data.json``."""
        found = describe_sources(self.prepared, self.source, self.wanted)
        pieces = {} if self.pieces is None else {"pieces": self.pieces}
        return found | pieces | {"placement": self._placement(), "modality dropout": self.modality_dropout}

    def clock(self, times: np.ndarray) -> np.ndarray:
        """Return int64 nanoseconds as dates, or as seconds where the sources count from a start."""
        return times.astype("datetime64[ns]") if self.source.dated else times / 1e9

    def for_new_data(
        self,
        source: Aligned,
        scaling: ChannelScaling,
        *,
        spec: Spec | None = None,
        static_scaling: ChannelScaling | None = None,  # noqa: ARG002 - there are no constants
        target_scaling: ChannelScaling | None = None,
    ) -> "MultimodalDataModule":
        """Return a data module that predicts every window of other recordings with scalings fitted before.

        Rows without values are added after the end of each series, so that the last window predicts what comes next.

        Args:
            source: The new recordings, with the names of the sources, as ``self.source.with_sources`` gives them; those
                of what is to be predicted may be left out.
            scaling: Of the training data: of the columns of the spec, or of its channels.
            spec: Of the network; by default that of the training data.
            static_scaling: Taken as other data modules take it.
            target_scaling: Of the targets, where ``scaling`` holds the channels alone.
        """
        self.source = learnt(self.source, self._training)
        source = source.with_steps(steps_of(self.source))
        spec = self.spec if spec is None else spec
        known = known_scalings(spec, scaling, target_scaling)
        parts, (measured, classes) = {part.name: part for part in spec.parts}, asked_beyond_inputs(spec)
        other = copy.copy(self)
        wanted = replace(self.wanted, sources=source.sources, parts=parts, timings=source.timings, classes=classes)
        vars(other).update(source=source, wanted=wanted, _placed=None, _sources=None)
        ahead = spec.heads or (spec,)
        extend = max(one.gap + one.output[0] if one.kind == "forecast" else one.gap for one in ahead)
        table = other._read(extend=extend, targets=measured)  # noqa: SLF001
        vars(other)["_prepared"] = prepare_new_sources(table, wanted, spec, known)
        return other

    def with_sources(self, sources: Mapping[str, Any], scaling: ChannelScaling, **known: Any) -> "MultimodalDataModule":
        """Return :meth:`for_new_data` of these sources alone, by name.

        Raises:
            InputError: A source does not exist, or one that goes in is not given.
        """
        new = only_sources(self.source.with_sources(sources), list(sources))
        return self.for_new_data(new, scaling, **known)

    def _placement(self) -> Placement:
        if self._placed is None:  # decided once: free memory changes
            self._placed = choose_placement(self.source.size) if self.placement == "auto" else self.placement
        return self._placed

    def _training(self, source: Aligned) -> Spans:
        return training_spans(self._read(source), self.wanted, self.split, self.embargo)

    def _read(
        self, source: Aligned | None = None, *, extend: int = 0, targets: Mapping[str, str] | None = None
    ) -> Table:
        wanted, given = self.wanted, self.source if source is None else source
        record: Source = given if targets is None else WithTargets(given, targets)
        if self.cluster is not None and targets is None:
            record = self._parallel = Parallel(source=given, cluster=self.cluster)
        rows = InOrder(record, wanted.sources, wanted.inputs, wanted.heads, extend=extend)
        streams = any(isinstance(one, StreamInput) for one in wanted.sources.values())
        return map_table(rows, self.cache) if streams and self._placement() == "disk" else read_table(rows)
