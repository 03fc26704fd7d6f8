"""New files for a run: of its source, or of several by the name of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from dlkit.core.checks import InputError, require, suggest
from dlkit.core.runfolder import RunFolder, read_json
from dlkit.core.specs import Spec
from dlkit.data.base import Source
from dlkit.data.normalize import ChannelScaling
from dlkit.data.several.new import only_sources
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sources.files import Files
from dlkit.data.table.calendar import calendar_names
from dlkit.train.checkpoints import warn_once
from dlkit.train.new_clocks import ClockWish, clock_warnings

NESTED = "--data.init_args.source.init_args.sources"


def source_of(data: Any, paths: list[str], run: RunFolder | None, spec: Spec, arguments: Sequence[str] = ()) -> Any:
    """Return the source of a run with other files.

    Args:
        data: The data module of the run.
        paths: The files.
        run: Its folder.
        spec: Says what its network takes.
        arguments: The command line, of which settings of clocks count.
    """
    recall(data, run)
    source = getattr(data, "source", None)
    if isinstance(source, Aligned):
        known = {} if run is None else read_json(run.data)
        asked = ClockWish.of(known, arguments)
        new = new_recordings(source, paths, known.get("fitted", {}), sources_of(spec, source), asked)
        for told in clock_warnings(new, asked, "--data.sources" if hasattr(data, "with_sources") else NESTED):
            warn_once(told)
        return new
    with_path = getattr(source, "with_path", None)
    if with_path is None and isinstance(source, Source) and spec.kind in ("forecast", "reconstruct"):
        return plain_files(paths, spec)
    if with_path is None:
        raise InputError(
            f"--data needs a run whose source reads files, but {type(source).__name__} reads none: leave out "
            "--data, or train with a source such as dlkit.data.sources.files.Files."
        )
    if run is None:
        raise InputError("--data needs the folder of a run: give it before --data.")
    return with_or_without(getattr(data, "label", None), with_path, paths, read_json(run.data).get("fitted", {}))


def recall(data: Any, run: RunFolder | None) -> None:
    """Let the cleaning steps of a data module know what they learnt when a run was trained."""
    if run is not None and hasattr(data, "recall") and run.data.is_file():
        data.recall(read_json(run.data))


def new_recordings(
    source: Aligned,
    given: Sequence[str],
    fitted: Mapping[str, Any],
    needed: Sequence[str] = (),
    asked: ClockWish | None = None,
) -> Aligned:
    """Return the sources that are named, each with its new files.

    Args:
        source: The sources of the run.
        given: ``name=file`` of each source; several files of one source each with its name.
        fitted: What was found in the training files: settings of each source, offset and drift of its clock.
        needed: Names of the sources that must be given.
        asked: What settings ask of clocks; they count before what was found.

    Raises:
        InputError: A source does not exist, reads no files, or is needed and not given.
    """
    files: dict[str, list[str]] = {}
    for one in given:
        name, equals, path = one.partition("=")
        require(
            equals == "=" and name in source.sources,
            f"--data {one}: the run has several sources, so write NAME=FILE for each; "
            f"{suggest(name if equals else '', source.sources)}",
        )
        files.setdefault(name, []).append(path)
    lacking = [name for name in needed if name not in files]
    require(
        not lacking,
        f"--data {' '.join(given)} leaves out {', '.join(lacking)}, which the network needs: give "
        f"{' '.join(f'{name}=FILE' for name in lacking)} too.",
    )
    new = {name: _with_files(name, source.sources[name].source, paths, fitted) for name, paths in files.items()}
    found = only_sources(source.with_sources(new), list(new))
    timings, asked = fitted.get("timings", {}), asked or ClockWish({})
    moved = {
        name: replace(one, timing=asked.timing(name, one.timing, timings.get(name)))
        for name, one in found.sources.items()
    }
    return Aligned(clock=found.clock, sources=moved, span=found.span, rows_per_chunk=found.rows_per_chunk)


def _with_files(name: str, source: Any, paths: list[str], fitted: Mapping[str, Any]) -> Any:
    with_path = getattr(source, "with_path", None)
    require(
        with_path is not None,
        f"--data {name}={paths[0]}: the source {type(source).__name__} takes no other files: give it a method "
        "with_path, as dlkit.data.sources.recording.Recording has, or leave out --data.",
    )
    assert with_path is not None
    return with_path(paths, fitted=fitted.get("sources", {}).get(name, {}))


def plain_files(paths: Any, spec: Spec) -> Files:
    """Return files for a run on a source that reads none, such as a simulator: stamps in ``time``, channels by name."""
    made = calendar_names(("day", "week", "year"))
    return Files(path=paths, time="time", channels=[name for name in spec.columns if name not in made], step=spec.step)


def with_or_without(
    label: str | None, with_path: Callable[..., Any], paths: list[str], fitted: Mapping[str, Any]
) -> Any:
    """Return the source of new files, which may lack the column of labels that those of the training had.

    Args:
        label: Name of this column, or None.
        with_path: Makes the source.
        paths: The files.
        fitted: What was found in the training files.
    """
    source, channels = with_path(paths, fitted=fitted), fitted.get("channels", ())
    if label is None or label not in channels:
        return source
    try:
        next(iter(source.chunks()), None)
    except InputError:
        return with_path(paths, fitted={**fitted, "channels": [name for name in channels if name != label]})
    return source


def sources_of(spec: Spec, source: Aligned) -> list[str]:
    """Return the sources that a network takes; all that it asks for too, where it forecasts one table of them all."""
    if spec.parts:
        return [part.name for part in spec.parts]
    known = {column.partition(".")[0] for column in (*spec.columns, *spec.static)}
    return [name for name in source.sources if name in known]


def warn_of_other_scaling(task: Any, data: Any) -> None:
    """Say that data are not scaled as those that a network was trained on were, where settings name other data."""
    trained, ready = getattr(task, "scaling", None), getattr(data, "prepared", None)
    own = getattr(ready, "scaling", None)
    if not isinstance(trained, ChannelScaling) or not isinstance(own, ChannelScaling):
        return
    if not same_scaling(trained, own):
        warn_once(
            "The settings name other training data than those of the run, and its network gets values scaled by them: "
            "give new files by --data of `dlkit predict`, which scales them as in training."
        )


def same_scaling(one: ChannelScaling, other: ChannelScaling, within: float = 1e-4) -> bool:
    """Tell whether two scalings make the same of all values, to within a part of a standard deviation."""
    first, second = ({name: part.cpu() for name, part in each.state_dict().items()} for each in (one, other))
    if any(first[name].shape != second[name].shape for name in first):
        return False
    allowed = within * first["scale"] + 4 * torch.finfo(torch.float32).eps * first["shift"].abs()
    moved = (first["shift"] - second["shift"]).abs()
    stretched = (second["scale"] / first["scale"] - 1).abs()
    return bool(((moved <= allowed) & (stretched <= within) & (first["log"] == second["log"])).all())
