"""Embed what a run was trained on, or new files: clusters, neighbours, a map; the wiring of `dlkit embed`."""

import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.checks import InputError, counted, require
from dlkit.core.runfolder import RunFolder, atomic_folder, write_json
from dlkit.data.batches.batching import Batching
from dlkit.embedding.neighbours import nearest
from dlkit.report.canvas import save_figure
from dlkit.tasks.network import NetTask
from dlkit.train.cli import RunCLI
from dlkit.train.embedding.drawings import cluster_figures, map_of, neighbour_figures, stem_of
from dlkit.train.embedding.files import views_of, write_table
from dlkit.train.embedding.points import ROLES, Embedded, embed
from dlkit.train.embedding.projector import write_points
from dlkit.train.embedding.query import find
from dlkit.train.embedding.result import RARE, Found, Wish, search, summary_of
from dlkit.train.embedding.text import neighbours_text, text_of
from dlkit.train.evaluation.base import evaluation_of
from dlkit.train.explain.heads import one_head
from dlkit.train.explain.question import Wanted
from dlkit.train.left_out import left_out_text
from dlkit.train.new_recordings import source_of


def embed_run(task: Any, data: Any, run: RunFolder, wish: Wish, new: Any = None, name: str = "embedding") -> str:
    """Embed, find clusters and neighbours, write the folder and return what to say.

    Args:
        task: The trained task, on the device to compute on.
        data: Its data.
        run: Where ``name`` is written.
        wish: What is asked for.
        new: Data module of new files, or None.
        name: Name of the folder.

    Raises:
        InputError: There is too little to compare, or more is asked for than there is.
    """
    require(
        isinstance(task, NetTask) and isinstance(data, Batching),
        f"Embeddings need a task and a data module of dlkit; the config has {type(task).__name__} and "
        f"{type(data).__name__}.",
    )
    own, _, _ = one_head(task.eval(), Wanted())
    known = embed(task, data, roles_of(wish.role), wish.most)
    fresh = None if new is None else embed(task, new, ("test",), wish.most, called="new")
    queries = [(text, find(text, known if fresh is None else fresh)) for text in wish.like]
    require(
        not wish.like or wish.neighbours < len(known.starts),
        f"--neighbours {wish.neighbours} of {counted(len(known.starts), 'point')}: there must be more points than "
        "neighbours; ask for fewer, or choose another `--role`.",
    )
    found = search(known, fresh, wish)
    summary = summary_of(found, wish)
    folder, told = run.path / name, [one for one in [left_out_text(new, names=True)] if one]
    with atomic_folder(folder) as work:
        write_json(work / "clusters.json", summary)
        views = views_of(found, wish)
        write_table(work / "embeddings.parquet", found, views)
        save_figure(map_of(found, views, f"{run.path.name}, {wish.role}"), work / "map.png")
        for clusters in found.clusters:
            for stem, figure in cluster_figures(own, found, clusters):
                save_figure(figure, work / f"{stem}.png")
        for number, (text, place) in enumerate(queries):
            told.append(write_neighbours(work, own, found, (text, place), wish, number))
        shutil.rmtree(folder, ignore_errors=True)
    projected = write_points(run.tensorboard, own, found, f"{run.path.name} {wish.role}") if new is None else 0
    return "\n".join([text_of(found, summary, wish, projected, RARE), *told, f"embedding: {folder}"])


def on_new_files(cli: RunCLI, run: RunFolder, paths: Sequence[str]) -> Any:
    """Return the data module of new files, scaled as in training."""
    source = source_of(cli.datamodule, list(paths), run, cli.model.spec, cli.arguments)
    return evaluation_of(cli.model, cli.datamodule).on_new(source).data


def roles_of(role: str) -> tuple[str, ...]:
    """Return the roles that are meant.

    Raises:
        InputError: There is no such role.
    """
    if role == "all":
        return ROLES
    require(role in ROLES, f"--role {role} is none of train, val, test and all.")
    return (role,)


def write_neighbours(folder: Path, task: Any, found: Found, query: tuple[str, int], wish: Wish, number: int) -> str:
    """Draw and list what is nearest to a window or sample; return a table of it."""
    (text, place), from_new = query, found.new is not None
    among: Embedded = found.new if found.new is not None else found.known
    points = found.new_points if found.new_points is not None else found.points
    one = points.some(np.array([place]))
    numbers, gone = nearest(one, found.points, wish.neighbours, own=None if from_new else place)
    if not len(numbers):
        raise InputError(f"--like {text}: every other window shares rows with it, so that it has no neighbour.")
    name, names = among.spans(np.array([place]))[0], found.known.spans(numbers)
    rare = float(found.rarity(gone[:1])[0])
    said = [f"{short(name)}\n{label_of(among, place)}"]
    for near, called, far in zip(numbers.tolist(), names, gone.tolist(), strict=True):
        said.append(f"{short(called)}\n{label_of(found.known, near)}distance {far:.3g}")
    stem = f"neighbours_{number:02d}_{stem_of(among.names(np.array([place]))[0])}"
    for source, figure in neighbour_figures(task, found, (among, place), numbers, said):
        save_figure(figure, folder / f"{stem}{'_' + source if source else ''}.png")
    rows = [
        {"name": called, "role": str(found.known.roles[near]), "label": label_of(found.known, near).strip() or None,
         "distance": far}
        for near, called, far in zip(numbers.tolist(), names, gone.tolist(), strict=True)
    ]  # fmt: skip
    label = label_of(among, place).strip() or None
    content = {"query": name, "label": label, "p_value": rare, "neighbours": rows}
    write_json(folder / f"{stem}.json", content)
    return neighbours_text(content, short=wish.neighbours - len(numbers))


def short(name: str) -> str:
    """Return a name in three lines at most."""
    return textwrap.fill(name, 22, max_lines=3, placeholder="…", break_on_hyphens=False)


def label_of(among: Embedded, place: int) -> str:
    """Return what is known of a point and a line break, "" where nothing is."""
    truth = among.truth
    if truth.classes:
        return f"{truth.classes[int(truth.values[place])]}\n" if truth.values[place] >= 0 else ""
    return "" if truth.name in ("", "time") else f"{truth.name} {truth.values[place]:.3g}\n"
