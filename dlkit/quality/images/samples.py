"""What is wrong with labelled images."""

from collections.abc import Iterator

import numpy as np

from dlkit.core.finding import Finding, ranked
from dlkit.data.records import Pictures, Samples
from dlkit.quality.images.about import About
from dlkit.quality.images.blur import blur_findings
from dlkit.quality.images.channels import channel_findings
from dlkit.quality.images.copies import copy_findings
from dlkit.quality.images.cut import cut_findings
from dlkit.quality.images.depth import depth_findings
from dlkit.quality.images.encoding import encoding_findings
from dlkit.quality.images.light import light_findings
from dlkit.quality.images.missing import missing_findings
from dlkit.quality.images.pixels import pixel_findings
from dlkit.quality.images.sizes import size_findings
from dlkit.quality.images.traits import traits_of
from dlkit.quality.images.unreadable import unreadable_findings


def image_findings(
    samples: Samples, roles: np.ndarray | None = None, source: str = "", *, size: tuple[int, int] | None = None
) -> list[Finding]:
    """Return what is wrong with images; each is decoded once, and nothing of it but a few numbers is kept.

    Args:
        samples: The images, read with ``bad: skip`` so that those that cannot be read are known by name.
        roles: "train", "val" or "test" for each of them, "" for none; by default what the samples say.
        source: Name of the source.
        size: Height and width that they are brought to; None where they stay as they are.

    Returns:
        The findings by level; none for traces.
    """
    if not isinstance(samples.values, Pictures) and samples.values.ndim != 4:
        return []
    return ranked(_every(samples, samples.roles if roles is None else roles, source, size))


def _every(samples: Samples, roles: np.ndarray | None, source: str, size: tuple[int, int] | None) -> Iterator[Finding]:
    unit = samples.units[0] if samples.units else ""
    about = About(samples.names, source, unit=f" {unit}" if unit else "")
    traits, sums, kind = traits_of(samples.values)
    yield from unreadable_findings(about, traits, samples.skipped)
    yield from missing_findings(about, traits)
    yield from light_findings(about, traits, kind)
    yield from blur_findings(about, traits)
    yield from size_findings(about, traits)
    yield from cut_findings(about, traits, size)
    yield from depth_findings(about, traits, kind)
    yield from channel_findings(about, traits)
    yield from encoding_findings(about, traits, samples)
    yield from copy_findings(about, traits, roles, samples)
    yield from pixel_findings(about, sums)
