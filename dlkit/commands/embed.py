"""Put windows or images in order by what a network sees in them: clusters, neighbours, a map."""

import argparse
import re
from pathlib import Path

from dlkit.core.arguments import Parser
from dlkit.core.checks import InputError, require

USAGE = (
    """dlkit embed RUN [--role test] [--clusters 4] [--method kmeans gmm hdbscan] [--like WINDOW] [--data FILE ...]"""
)
NOTE = """Works on every trained network. Writes RUN/embedding/: embeddings.parquet, clusters.json, a map (PCA and
t-SNE), the mean input of each cluster, neighbours beside what was asked for; and the points with thumbnails for the
projector tab of TensorBoard. Labels are compared with, never used. --data embeds new files, looks for their neighbours
among the run's own data and says which are like nothing known: RUN/embedding_FILE/, of several files
RUN/embedding_FIRST_and_N_more/. See docs/embeddings.md."""


def parser() -> Parser:
    """Return the parser of the arguments."""
    own = Parser(
        "dlkit embed", usage=USAGE, description=__doc__, epilog=NOTE, allow_abbrev=False, add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    own.add_argument("--role", default=None, metavar="ROLE",
                     help="train, val, test or all; test by default, train beside new files.")  # fmt: skip
    own.add_argument("--method", nargs="+", default=None, metavar="METHOD", help="kmeans, gmm, hdbscan; all of them.")
    own.add_argument("--clusters", type=int, default=None, metavar="N",
                     help="Number of clusters of kmeans and gmm; without it 2 to 12 are tried.")  # fmt: skip
    own.add_argument("--smallest", type=int, default=None, metavar="N",
                     help="Fewest members of a cluster of hdbscan; a fiftieth of all by default.")  # fmt: skip
    own.add_argument(
        "--like", nargs="+", default=[], metavar="WHAT",
        help="Find what is most like these: the name of a sample, a number from 0, or a moment: the window that "
        "holds it and ends first.",
    )  # fmt: skip
    own.add_argument("--neighbours", type=int, default=5, metavar="N", help="How many neighbours each has.")
    own.add_argument(
        "--data", nargs="+", default=[], metavar="FILE",
        help="New files in the format of the training files; NAME=FILE for each where there are several sources.",
    )  # fmt: skip
    own.add_argument("--most", type=int, default=50_000, metavar="N", help="Most windows or samples, spread evenly.")
    own.add_argument("--tsne", type=int, default=3_000, metavar="N", help="Most points of the t-SNE; 0 leaves it out.")
    own.add_argument("--seed", type=int, default=0, help="Seed of clusters and t-SNE.")
    return own


def check(known: argparse.Namespace) -> None:
    """Refuse what can be refused before anything is read."""
    for name, least in {"neighbours": 1, "most": 3, "tsne": 0, "clusters": 2, "smallest": 2, "seed": 0}.items():
        value = getattr(known, name)
        require(value is None or value >= least, f"--{name} {value} must be at least {least}.")
    for name, methods in {"clusters": {"kmeans", "gmm"}, "smallest": {"hdbscan"}}.items():
        if getattr(known, name) is not None and known.method is not None and not methods & set(known.method):
            raise InputError(
                f"--{name} is for {' and '.join(sorted(methods))}, but --method is {' '.join(known.method)}: leave it "
                "out, or name one of them."
            )


def folder_of(paths: list[str], kind: str = "embedding") -> str:
    """Return the name of the folder for new files: that of the first, and how many more there are."""
    first = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(paths[0]).name.split(".")[0])
    return f"{kind}_{first}" + (f"_and_{len(paths) - 1}_more" if len(paths) > 1 else "")


def main(arguments: list[str]) -> None:
    """Embed."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    known, rest = parser().parse_known_args(arguments)
    check(known)
    from dlkit.embedding.clusters import NAMES, require_method
    from dlkit.train import stages
    from dlkit.train.embedding.embedding import embed_run, on_new_files
    from dlkit.train.embedding.result import Wish
    from dlkit.train.explain.explaining import require_run

    for method in known.method or ():
        require_method(method)
    cli, found = stages.load(rest)
    run = require_run(found)
    task, data, new, name = cli.model.to(cli.trainer.strategy.root_device), cli.datamodule, None, "embedding"
    if known.data:
        new = on_new_files(cli, run, known.data)
        name = folder_of(known.data)
    wish = Wish(
        role=known.role or ("train" if known.data else "test"),
        methods=tuple(dict.fromkeys(known.method or NAMES)),
        like=tuple(known.like),
        **{key: getattr(known, key) for key in ("clusters", "smallest", "neighbours", "most", "tsne", "seed")},
    )
    print(embed_run(task, data, run, wish, new, name))
