"""Export a run: load, trace, write, compare with the run on real windows, and only then keep the file."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlkit.core.checkpoint_file import load_checkpoint
from dlkit.core.checks import InputError, counted, require
from dlkit.core.runfolder import RunFolder, atomic_file
from dlkit.export import cleaning, detector, runtime
from dlkit.export.agreement import Named, require_equal
from dlkit.export.calibrated import Calibrated
from dlkit.export.detector import detecting_of, judged_alone, lacks_detector
from dlkit.export.left_out import left_out
from dlkit.export.metadata import describe
from dlkit.export.physical import Physical
from dlkit.export.tracing import trace
from dlkit.export.windows import Sample, look
from dlkit.export.wish import Wish
from dlkit.tasks.laplace import Laplace
from dlkit.tasks.members import Dropout
from dlkit.train import stages
from dlkit.train.confidence import confidence
from dlkit.train.confidence.trusted import join_members
from dlkit.train.evaluation.members import others_of
from dlkit.train.explain.explaining import require_run
from dlkit.train.run_place import is_trained


def export(arguments: Sequence[str], wish: Wish) -> str:
    """Export a run and return what was written, as text."""
    require_best(arguments)
    cli, found = stages.load(arguments)
    run = require_run(found)
    require(
        is_trained(run),
        f"The training of '{run.path}' has not come to its end: go on with `dlkit run --resume {run.path}`.",
    )
    if (known := confidence.read(run)) is not None and cli.members is None:
        join_members(cli, known.wish, known.members, run=run)
    require(
        not isinstance(cli.model.members, Dropout | Laplace),
        f"'{run.path}' draws its answers (dropout or Laplace), and a file cannot draw: run `dlkit calibrate "
        f"{run.path} --dropout 0` first, which lets the one network answer, with promises of its own.",
    )
    path, about = export_run(cli.model.cpu(), cli.datamodule, run, wish)
    checked = about["checked"]
    lines = [
        f"{path}: {path.stat().st_size / 2**20:.2f} MB",
        f"runs without dlkit: {path.with_name('run_model.py')}",
        f"the answers of the run on {counted(checked['windows'], 'real window')}: largest relative difference "
        f"{checked['largest_difference']:.1e}",
        *cleaning.said_of(about.get("clean", [])),
        *(detector.said_of(about["detector"]) if "detector" in about else []),
        *([f"not inside: {'; '.join(about['left_out'])}"] if about["left_out"] else []),
    ]
    if wish.int8:
        from dlkit.export.int8 import said_of

        lines += said_of(about["int8"], about["int8_largest"])
    return "\n".join(lines)


def require_best(arguments: Sequence[str]) -> None:
    """Refuse a run whose best checkpoint, or that of one of its members, is damaged: nobody tested another.

    Raises:
        InputError: One of them cannot be read.
    """
    folders = [RunFolder(Path(one)) for one in arguments[:1] if Path(one).is_dir()]
    for run in [*folders, *(other for one in folders for other in others_of(one))]:
        for path in sorted(run.checkpoints.glob("best*.ckpt")):
            try:
                load_checkpoint(path)
            except InputError as error:
                raise InputError(
                    f"{str(error).rstrip('.')}: it is the network that was tested, and no other one is exported; copy "
                    f"it again from where it is whole, or remove it and test what is left by `dlkit test {run.path}`."
                ) from error


def export_run(task: Any, data: Any, run: RunFolder, wish: Wish) -> tuple[Path, dict[str, Any]]:
    """Write the file and ``run_model.py`` beside it; return its path and what it says of itself.

    Args:
        task: The trained task, on the CPU.
        data: Its data.
        run: Its folder.
        wish: What is wanted.

    Raises:
        InputError: The answers of the file would not be those of the run.
    """
    known = confidence.read(run)
    detecting = detecting_of(task, data, run)
    network = Physical(task, None if known is None else Calibrated(known.heads), detecting)
    sample = look(network, data, wish.windows)
    about = describe(task, data, run, sample.answers, known, detecting)
    if detecting is not None:
        about["detector"]["alone"] = judged_alone(network, data)
    about["left_out"] = [*lacks_detector(task, run, detecting), *left_out(known)]
    program, path = trace(network, list(sample.given.values())), wish.place(run)
    with atomic_file(path) as work:
        about = (write_program if wish.form == "torch" else write_graph)(work, program, sample, about, wish)
    shutil.copyfile(runtime.__file__, path.with_name("run_model.py"))
    return path, about


def write_program(path: Path, program: Any, sample: Sample, about: dict[str, Any], wish: Wish) -> dict[str, Any]:  # noqa: ARG001
    """Write a program of torch.export that was compared with the run; return what it says of itself."""
    from dlkit.export.torch_file import answers_of, write_torch

    wanted = sample.arrays("answers")
    write_torch(path, program, about)
    about = about | compared(answers_of(path, tuple(sample.given.values()), list(wanted)), wanted, of="program")
    write_torch(path, program, about)
    return about


def write_graph(path: Path, program: Any, sample: Sample, about: dict[str, Any], wish: Wish) -> dict[str, Any]:
    """Write an ONNX file that was compared with the run; return what it says of itself."""
    from dlkit.export.onnx_file import answers_of, describe_file, write_onnx

    given, wanted = sample.arrays("given"), sample.arrays("answers")
    write_onnx(path, program, list(given), list(wanted))
    about = about | compared(answers_of(path, given), wanted, of="graph")
    if wish.int8:
        from dlkit.export.int8 import changes, largest, require_small, write_int8

        write_int8(path, given)
        found = answers_of(path, given)
        about = about | {"int8": changes(found, wanted), "int8_largest": largest(found, wanted)}
        require_small(about["int8"], wish.limit)
    describe_file(path, about)
    return about


def compared(found: Named, wanted: Named, *, of: str) -> dict[str, Any]:
    """Return what is said of the comparison, which was passed."""
    count = len(next(iter(wanted.values())))
    return {"checked": {"windows": count, "largest_difference": require_equal(found, wanted, of=of)}}
