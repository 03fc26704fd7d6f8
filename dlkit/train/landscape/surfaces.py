"""From a run and its data to the surface of its loss: the wiring of `dlkit landscape`."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dlkit.core.runfolder import RunFolder, read_json, write_json
from dlkit.explain.landscape.directions import Direction, cosine, movable, random_directions
from dlkit.explain.landscape.grid import axis, lines, plane
from dlkit.explain.landscape.hessian import HessianProduct, lanczos
from dlkit.explain.landscape.surface import Surface
from dlkit.explain.landscape.trajectory import Trajectory, principal_plane
from dlkit.report.canvas import save_figure
from dlkit.report.landscape_figures import contour_figure, lines_figure, surface_figure
from dlkit.report.landscape_page import write_page
from dlkit.report.landscape_view import LossView
from dlkit.tasks.base import Task
from dlkit.train.checkpoints import best_or_newest
from dlkit.train.cli import RunCLI
from dlkit.train.landscape.data import Measured, Wish, channels_last, measured, rounded
from dlkit.train.landscape.rows import Rows, digest
from dlkit.train.trajectory import read_snapshots

MARGIN = 1.15  # from the middle of the way of the weights to the border of the picture


class Plan(NamedTuple):
    """Where the loss is asked for.

    Attributes:
        directions: Two steps of the weights.
        first: Places on the first axis.
        second: Places on the second axis.
        way: The trajectory in the plane, or None.
        epochs: Epochs of its snapshots.
    """

    directions: tuple[Direction, Direction]
    first: Tensor
    second: Tensor
    way: Trajectory | None = None
    epochs: tuple[int, ...] = ()


def plan(task: Task, run: RunFolder, wish: Wish) -> Plan:
    """Choose directions and axes."""
    if wish.directions == "random":
        places = axis(-wish.reach, wish.reach, wish.points)
        return Plan(random_directions(task, torch.Generator().manual_seed(wish.seed)), places, places)
    end = {name: weight.detach().cpu() for name, weight in movable(task).items()}
    snapshots = read_snapshots(run, end)
    way = principal_plane(list(snapshots.values()), end)
    axes = [_around(way.positions[:, k], wish) for k in range(2)]
    return Plan(way.directions, axes[0], axes[1], way, tuple(snapshots))


def _around(positions: Tensor, wish: Wish) -> Tensor:
    """Return an axis around the way of the weights and their end."""
    low, high = min(float(positions.min()), 0.0), max(float(positions.max()), 0.0)
    middle, half = (low + high) / 2, (high - low) / 2 * MARGIN * wish.reach
    return axis(middle - half, middle + half, wish.points)


def landscape(cli: RunCLI, run: RunFolder, wish: Wish, *, shard: int = 1, shards: int = 1) -> tuple[Path, list[str]]:
    """Measure what is wished, as far as this shard goes; draw what is complete.

    Returns:
        The folder of the landscape, and what is still missing, in words.
    """
    ready, folder = measured(cli, wish), run.path / "landscape"
    planned = plan(ready.task, run, wish)
    if shard == 1 and wish.eigenvalues > 0:
        measure_curvature(ready, folder, wish)
    kinds = [name for name, asked in (("lines", wish.lines), ("surface", wish.plane)) if asked]
    found, missing = {}, []
    for kind in kinds:
        rows, losses = measure(ready, folder, planned, kind, wish, (shard, shards))
        if losses is None:
            missing.append(f"{len(rows.missing())} of {rows.count} rows of the {kind}")
        else:
            found[kind] = losses
    for kind, losses in found.items():
        draw(folder, planned, kind, losses, f"{run.path.name}, {wish.split} loss", loss_name(ready.task))
    if not missing:
        write_summary(run, folder, planned, found, wish, sum(len(batch.x) for batch in ready.batches))
    return folder, missing


def loss_name(task: Task) -> str:
    """Return what the loss is called, and whether it is of standardized values."""
    loss, spec = getattr(task, "loss", None), getattr(task, "spec", None)
    name = "loss" if loss is None else f"{type(loss).__name__} loss"
    return f"{name}, standardized" if getattr(spec, "kind", "") in ("forecast", "values") else name


def draw(folder: Path, planned: Plan, kind: str, losses: np.ndarray, title: str, loss: str = "loss") -> None:
    """Draw the lines; or the plane as contours, in space and as a page, and the way of the weights."""
    first, second, names = planned.first.numpy(), planned.second.numpy(), axis_names(planned)
    if kind == "lines":
        save_figure(lines_figure((first, second), losses, names, loss), folder / "lines.png")
        return
    view = LossView(first, second, losses, names, title, loss=loss)
    save_figure(surface_figure(view), folder / "surface.png")
    if planned.way is not None:
        save_figure(contour_figure(view), folder / "contour.png")
        view = replace(view, path=planned.way.positions.numpy(), epochs=planned.epochs)
    save_figure(contour_figure(view), folder / ("contour.png" if planned.way is None else "trajectory.png"))
    write_page(view, folder / "surface.html")


def axis_names(planned: Plan) -> tuple[str, str]:
    """Return what the two directions are."""
    if planned.way is None:
        return "first random direction", "second random direction"
    shares = (100 * planned.way.explained).tolist()
    return f"first principal direction ({shares[0]:.3g} %)", f"second principal direction ({shares[1]:.3g} %)"


def measure(
    ready: Measured, folder: Path, planned: Plan, kind: str, wish: Wish, shard: tuple[int, int]
) -> tuple[Rows, np.ndarray | None]:
    """Compute the missing rows of a shard and merge them when every shard is done."""
    shape: Callable[[Tensor, Tensor], Tensor] = plane if kind == "surface" else lines
    places = shape(planned.first, planned.second)
    mark = digest(ready.mark, kind, wish.directions, wish.seed, planned.epochs, places, torch.__version__)
    rows = Rows(folder, kind, mark, len(places))
    losses = rows.merged()
    if losses is not None:
        return rows, losses
    if rows.missing():
        last = channels_last(ready.batches[0].x.device, wish.precision)
        options: dict[str, Any] = {"precision": wish.precision, "channels_last": last}
        batches = rounded(ready.batches, wish.precision)
        with Surface(ready.task, ready.cost, batches, planned.directions, **options) as surface:
            rows.compute(lambda row: surface.row(places[row]), *shard)
    return rows, rows.merge(first=planned.first.numpy(), second=planned.second.numpy())


def measure_curvature(ready: Measured, folder: Path, wish: Wish) -> None:
    """Find the ends of the Hessian's spectrum, unless they were found before."""
    path, mark = folder / "curvature.json", digest(ready.mark, "curvature", wish.eigenvalues)
    if path.is_file() and read_json(path).get("mark") == mark:
        return
    product = HessianProduct(ready.task, ready.cost, ready.batches)
    start = torch.randn(product.size, generator=torch.Generator().manual_seed(wish.seed))
    found = lanczos(product, start.to(product.parameters[0]), wish.eigenvalues)
    ratio = abs(found.smallest / found.largest[0]) if found.largest[0] else None
    write_json(path, asdict(found) | {"|smallest| / largest": ratio, "mark": mark})


def write_summary(
    run: RunFolder, folder: Path, planned: Plan, found: dict[str, np.ndarray], wish: Wish, samples: int
) -> None:
    """Write the numbers of what was measured."""
    settings: dict[str, Any] = asdict(wish) | {"range": wish.reach, "checkpoint": best_or_newest(run).name}
    del settings["reach"]
    summary: dict[str, Any] = {
        "settings": settings,
        "samples measured": samples,
        "cosine of the directions": cosine(*planned.directions),
    }
    if planned.way is not None:
        summary["variance explained"] = planned.way.explained.tolist()
    if "surface" in found:
        summary["loss of the network"] = float(
            found["surface"][int(planned.second.abs().argmin()), int(planned.first.abs().argmin())]
        )
    elif found:
        summary["loss of the network"] = float(found["lines"][0, int(planned.first.abs().argmin())])
    summary["weights that move"] = sum(part.numel() for part in planned.directions[0].values())
    summary |= {kind: extremes(losses) for kind, losses in found.items()}
    path = folder / "curvature.json"
    if path.is_file() and wish.eigenvalues > 0:
        summary["curvature"] = {key: value for key, value in read_json(path).items() if key != "mark"}
    write_json(folder / "summary.json", summary)


def in_words(folder: Path) -> str:
    """Return the main numbers of a summary in a sentence or two."""
    summary = read_json(folder / "summary.json")
    of = f"{summary['samples measured']} samples of the {summary['settings']['split']} split"
    said = f"loss of the network {summary['loss of the network']:.4g} on {of}"
    for kind in ("surface", "lines"):
        if kind in summary and summary[kind]["lowest"] is not None:
            said += f"; over the {kind} from {summary[kind]['lowest']:.4g} to {summary[kind]['highest']:.4g}"
    if found := summary.get("curvature"):
        largest = ", ".join(f"{value:.4g}" for value in found["largest"])
        said += f"\nlargest eigenvalues of the Hessian {largest}; the smallest {found['smallest']:.4g}"
    return said


def extremes(losses: np.ndarray) -> dict[str, Any]:
    """Return the range of some losses and how many of them are no number."""
    known = losses[np.isfinite(losses)]
    ends: list[float | None] = [None, None] if known.size == 0 else [float(known.min()), float(known.max())]
    return {"lowest": ends[0], "highest": ends[1], "not a number": int(losses.size - known.size)}
