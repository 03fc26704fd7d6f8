"""What `dlkit embed` says of what it found."""

from typing import Any

import numpy as np

from dlkit.embedding.clusters import JUDGED
from dlkit.report.tables import shorten
from dlkit.train.embedding.result import Found, Wish

LISTED = 12  # clusters, and new windows, that are listed


def text_of(found: Found, summary: dict[str, Any], wish: Wish, projected: int, rare: float) -> str:
    """Return the measures of each method, the clusters of the first, and which new ones are like nothing known."""
    thing = "window" if found.known.windows else "sample"
    lines = [head_line(summary, thing), table_text(summary["methods"])]
    if (same := summary["same_label"]) is not None:
        chance = f"{100 * same['by_chance']:.1f} % of random pairs"
        lines.append(f"the same {summary['label']} as the nearest neighbour: {100 * same['nearest']:.1f} %, {chance}")
    method, measured = next(iter(summary["methods"].items()))
    lines += [member_line(method, one, thing) for one in measured["members"][:LISTED]]
    lines += caps(found, summary, wish, projected, thing)
    return "\n".join(lines + ([] if found.new is None else new_lines(found, rare, thing)))


def head_line(summary: dict[str, Any], thing: str) -> str:
    """Return what was embedded."""
    count, of = summary["embedded"], summary["of"]
    some = f"{count:,}" if count == of else f"{count:,} of {of:,}, spread evenly (--most),"
    return (
        f"{some} {thing}s of {summary['role']}: {summary['features']} features, {summary['axes']} axes keep "
        f"{100 * summary['variance_kept']:.1f} % of their variance"
    )


def table_text(methods: dict[str, dict[str, Any]]) -> str:
    """Return a line for each method."""
    labelled = any("ari" in one for one in methods.values())
    lines = [
        f"{'method':<9}{'clusters':>9}{'noise':>8}{'silhouette':>12}"
        + f"{'ARI':>7}{'NMI':>7}{'accuracy':>10}" * labelled
    ]
    for name, one in methods.items():
        score = "-" if one["silhouette"] is None else f"{one['silhouette']:.3f}"
        line = f"{name:<9}{one['clusters']:>9}{100 * one['noise']:>6.0f} %{score:>12}"
        if labelled:
            line += f"{one['ari']:>7.3f}{one['nmi']:>7.3f}{one['accuracy']:>10.3f}"
        most = (
            ", the most that was tried"
            if str(one["clusters"] + 1) not in one.get("tried", {}) and "tried" in one
            else ""
        )
        lines.append(f"{line}  {one['chosen by']}{most}")
    return "\n".join(lines)


def member_line(method: str, one: dict[str, Any], thing: str) -> str:
    """Return what is in a cluster."""
    line = f"{method} {one['cluster']}: {one['count']:,} {thing}s ({100 * one['share']:.0f} %), typical "
    labels = one.get("labels", {})
    return (
        line
        + shorten(one["typical"], 40)
        + "".join(f", {count:,} '{shorten(name, 20)}'" for name, count in list(labels.items())[:3])
    )


def caps(found: Found, summary: dict[str, Any], wish: Wish, projected: int, thing: str) -> list[str]:
    """Say what was done with some of the points only."""
    count, said = len(found.places()), []
    if wish.tsne and count > wish.tsne:
        said.append(f"t-SNE of {wish.tsne:,} of {count:,} {thing}s, spread evenly (--tsne)")
    fitted = [name for name, one in summary["methods"].items() if one.get("fitted on", count) < summary["embedded"]]
    if fitted:
        number = summary["methods"][fitted[0]]["fitted on"]
        said.append(f"{', '.join(fitted)} fitted on {number:,} {thing}s, spread evenly; the others are assigned")
    if summary["embedded"] > JUDGED:
        said.append(f"silhouettes of {JUDGED:,} {thing}s, spread evenly")
    if 0 < projected < summary["embedded"]:
        said.append(f"TensorBoard's projector has {projected:,} of them, spread evenly")
    return said


def new_lines(found: Found, rare: float, thing: str) -> list[str]:
    """Say which of the new ones are farther from all known ones than nearly all known ones are from each other."""
    assert found.new is not None
    assert found.new_nearest is not None
    numbers, gone = found.new_nearest
    values = found.rarity(gone)
    odd, reference = np.flatnonzero(values < rare), int(np.isfinite(found.nearest[2]).sum())
    lines = [
        f"{len(values):,} new {thing}s, {len(odd):,} of them like nothing known (p < {rare:g}; by chance "
        f"{rare * len(values):.0f} would be)"
    ]
    if 1 / (1 + reference) >= rare:
        lines.append(
            f"{reference} known {thing}s are too few to say so: a p-value cannot be below {1 / (1 + reference):.2g}"
        )
    first = odd[np.argsort(values[odd], kind="stable")][:LISTED]
    for place, name in zip(first.tolist(), found.new.names(first), strict=True):
        near = found.known.names(numbers[[place]])[0]
        lines.append(f"{name}: p {values[place]:.2g}, distance {gone[place]:.3g} to the nearest, {near}")
    return lines


def neighbours_text(content: dict[str, Any], *, short: int) -> str:
    """Return the neighbours of a window or sample as a table.

    Args:
        content: Query and neighbours.
        short: How many fewer there are than were asked for.
    """
    label = f", {content['label']}" if content["label"] else ""
    lines = [
        f"like {content['query']}{label}: {100 * content['p_value']:.3g} % of known ones are as far from their nearest"
    ]
    for number, one in enumerate(content["neighbours"], 1):
        label = f", {one['label']}" if one["label"] else ""
        lines.append(f"{number:>3}  {one['distance']:<8.3g} {one['role']:<6} {one['name']}{label}")
    return "\n".join(lines + [f"{short} fewer: all others share rows with these"] * (short > 0))
