"""The sources of a data module, each looked at as it stands in its files."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from dlkit.core.checks import InputError
from dlkit.data.base import EventSource, FrameSource, SampleSource, Source
from dlkit.data.batches.sample_batching import SampleBatching
from dlkit.data.raw.base import Progress
from dlkit.data.raw.open import lenient
from dlkit.data.records import Samples
from dlkit.data.sources.aligned import Aligned
from dlkit.quality.checked import SourceFacts
from dlkit.train.check.seen import Seen, Wanted, see

SOURCES = (Source, SampleSource, FrameSource, EventSource)


def sources_of(data: Any) -> dict[str, Any]:
    """Return the sources of a data module, or of a source, by name."""
    source = data if isinstance(data, SOURCES) else getattr(data, "source", None)
    if isinstance(source, Aligned):
        return {name: given.source for name, given in source.sources.items()}
    return {} if source is None else {"": source}


def size_of(sources: Mapping[str, Any]) -> int:
    """Return the bytes of all sources of which they are known."""
    return sum(source.size for source in sources.values() if isinstance(source, Source))


def see_source(source: Any, facts: SourceFacts, wanted: Wanted, progress: Progress, data: Any) -> Seen:
    """Look at a source of any kind, of a data module or alone."""
    if isinstance(source, EventSource):
        return see_events(source, facts)
    raw = lenient(source, facts.name)
    roles = roles_of(data, raw.samples()) if raw.kind == "samples" else None
    return see(raw, sized(wanted, data, facts.name), progress, facts, roles)


def sized(wanted: Wanted, data: Any, name: str) -> Wanted:
    """Return how a source is looked at, with the size that a data module brings its images to."""
    source = getattr(data, "source", None)
    given = source.sources.get(name) if isinstance(source, Aligned) else data
    size = getattr(given, "size", None)
    return replace(wanted, size=tuple(size) if isinstance(size, list | tuple) else None)


def see_events(source: EventSource, facts: SourceFacts) -> Seen:
    """Look at labelled intervals."""
    events, facts.kind = source.read(), "events"
    facts.rows = sum(len(one.onset) for one in events)
    classes = events[0].classes if events else ()
    facts.facts = {"classes": ", ".join(classes)}
    return Seen(facts=facts)


def roles_of(data: Any, samples: Samples) -> np.ndarray | None:
    """Return the role that a data module gives to each sample, "" for none; None where there is no split."""
    if not isinstance(data, SampleBatching):
        return None
    try:
        ready = data.prepared
    except InputError:  # told as a finding of its own
        return None
    role = {ready.samples.names[n]: role for role, numbers in ready.numbers.items() for n in numbers.tolist()}
    return np.array([role.get(name, "") for name in samples.names])


def place_of(source: Any) -> str:
    """Return where a source comes from, in words."""
    settings = getattr(source, "settings", None)
    path = settings.get("path") if isinstance(settings, Mapping) else getattr(source, "path", None)
    name = type(source).__name__
    many = path.values() if isinstance(path, Mapping) else path if isinstance(path, list | tuple) else [path]
    return name if path is None else f"{', '.join(map(str, many))} ({name})"
