"""Points for the projector of TensorBoard: tables of text, a picture of thumbnails and a file that names them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dlkit.core.runfolder import atomic_file
from dlkit.report.thumbnails import SIDE, sprite

CONFIG = """embeddings {{
  tensor_name: "{name}"
  tensor_path: "{folder}/tensors.tsv"
  metadata_path: "{folder}/metadata.tsv"
  sprite {{
    image_path: "{folder}/sprite.png"
    single_image_dim: {side}
    single_image_dim: {side}
  }}
}}
"""


def write_projector(
    folder: Path, name: str, places: np.ndarray, columns: Mapping[str, Sequence[object]], thumbnails: np.ndarray
) -> None:
    """Write points, what is said of each, and their thumbnails where TensorBoard finds them.

    Args:
        folder: That of the event files.
        name: What the points are called.
        places: (points, axes).
        columns: What is said of each point, by name.
        thumbnails: (points, SIDE, SIDE, 3) uint8.
    """
    within = folder / "embedding"
    with atomic_file(within / "tensors.tsv") as work:
        np.savetxt(work, places, fmt="%.5g", delimiter="\t")
    lines = ["\t".join(map(plain, row)) for row in zip(*columns.values(), strict=True)]
    if len(columns) > 1:  # a single column has no header, as the projector wants it
        lines = ["\t".join(columns), *lines]
    with atomic_file(within / "metadata.tsv") as work:
        work.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with atomic_file(within / "sprite.png") as work:
        sprite(thumbnails).save(work, format="PNG")
    with atomic_file(folder / "projector_config.pbtxt") as work:
        work.write_text(CONFIG.format(name=plain(name), folder=within.name, side=SIDE), encoding="utf-8")


def plain(value: object) -> str:
    """Return a value on one line of a table."""
    return " ".join(str(value).replace('"', "'").split()) or "-"
