"""From tables of unknown content to the settings that read them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.checks import InputError, require, suggest
from dlkit.core.finding import Finding
from dlkit.data.raw.batches import Ragged, batches
from dlkit.data.raw.guess_columns import SERIES_NAME, Columns, guess_columns, guess_series, guess_units
from dlkit.data.raw.guess_files import Group, guess_order
from dlkit.data.raw.guess_findings import column_notes, encoding_note, time_notes
from dlkit.data.raw.guess_parts import guess_parts, joined_head
from dlkit.data.raw.guess_samples import parts_note
from dlkit.data.raw.guess_time import TimeGuess, guess_times, is_clock, repeated_days, step_of_clocks, step_of_parts
from dlkit.data.raw.settings import DEFAULTS
from dlkit.data.raw.stamps import stamps
from dlkit.data.raw.table import TableRaw
from dlkit.data.sources.files import Files
from dlkit.data.tabular.cells import Missing
from dlkit.data.tabular.columns import Roles
from dlkit.data.tabular.encodings import is_utf8
from dlkit.data.tabular.file_survey import HEAD_ROWS
from dlkit.data.tabular.opening import Opening, time_column
from dlkit.data.tabular.time_column import SECOND, show_duration

PROBE = 200_000  # rows in which a series is looked for


def check_settings(given: Mapping[str, Any]) -> None:
    """Refuse settings that tables do not have."""
    for name in given:
        if name not in DEFAULTS:
            raise InputError(
                f"Tables have no setting `{name}`; {suggest(name, [one for one in DEFAULTS if one != 'self'])}"
            )


def head_of(group: Group, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first rows of all columns of the first file that has rows, as Arrow arrays.

    Raises:
        InputError: None has a row, or columns come twice.
    """
    wanted = given.get("channels", "numeric")
    roles = Roles(
        time=time_column(given.get("time")),
        series=given.get("series"),
        static=tuple(given.get("static", ())),
        channels=(wanted,) if isinstance(wanted, str) else tuple(wanted),
        categories=dict(given.get("categories") or {}),
    )
    roles.check(list(group.columns), group.files[0].name)
    columns = roles.to_look_at(list(group.columns))
    said: list[InputError] = []
    for file in group.files:
        try:
            found = batches(
                file, columns, HEAD_ROWS, opening=Opening.of({"encoding": group.encoding, **given}), ragged=Ragged()
            )
            batch = next(found, None)
            if batch is not None and batch.rows:
                return batch.columns
        except InputError as error:
            said.append(error)
    raise said[0] if said else InputError(f"{group.files[0].name} has no rows; give `path` a file with data.")


def guess_table(
    group: Group, head: Mapping[str, Any], given: Mapping[str, Any], *, name: str = "", notes: Sequence[Finding] = ()
) -> TableRaw:
    """Return the rows of files with the same columns, read with settings found in them.

    Args:
        group: The files.
        head: First rows of their columns.
        given: Settings that are known.
        name: Name of the source among several.
        notes: What is known of the files already.

    Raises:
        InputError: There is no column of numbers, or a setting is wrong.
    """
    check_settings(given)
    missing = Missing.of(given.get("missing_values", ()))
    columns = guess_columns(head, missing, decimal=given.get("decimal"))
    times = guess_times(head, columns.decimal)
    whole = guess_parts(head, times) if "time" not in given and "step" not in given else None
    times = [decided(one, group, given) for one in times]
    if whole is not None:
        whole = decided(whole, group, given)
        head = joined_head(head, whole.parts)
        columns = guess_columns(head, missing, decimal=columns.decimal)
        times = [whole, *(guess for guess in guess_times(head, columns.decimal) if guess.column != whole.column)]
    found: dict[str, Any] = _time_settings(head, times, given)
    if not is_utf8(group.encoding) and "encoding" not in given:
        found["encoding"] = group.encoding
    if columns.decimal != ".":
        found["decimal"] = columns.decimal
    keys = {time_column(given.get("time", found.get("time"))), given.get("series"), *given.get("static", ())}
    settings: dict[str, Any] = {"path": _path(group.files), **found, **given}
    found |= _series(group, columns, head, settings)
    settings = {**found, **settings}
    keys.add(settings.get("series"))
    channels = _channels(columns, settings, keys)
    require(len(channels) > 0, _no_channel(group.files[0], columns, keys))
    if columns.other_mark and "channels" not in given:
        settings["channels"] = channels
    units = guess_units(channels)
    if units and "units" not in given:
        found["units"] = settings["units"] = units
    found |= guess_order(Files(**settings))
    stamped = keys | {guess.column for guess in times} | {column for column in columns.texts if is_clock(head[column])}
    texts = [text for text in columns.texts if text not in stamped]
    said = [
        *notes,
        *encoding_note(name, found),
        *time_notes(name, times, head, settings, given),
        *column_notes(name, columns, keys),
    ]
    source = Files(**{**found, **settings})
    return TableRaw(source, channels=channels, texts=texts, guessed=found, name=name, notes=said)


def _path(files: Sequence[Path]) -> Any:
    return str(files[0]) if len(files) == 1 else [str(file) for file in files]


def _time_settings(head: Mapping[str, Any], times: Sequence[TimeGuess], given: Mapping[str, Any]) -> dict[str, Any]:
    wanted = time_column(given.get("time"))
    best = next((guess for guess in times if wanted in (None, guess.column)), None)
    if wanted is None and (best is None or repeated_days(best, head[best.column])):
        apart = step_of_parts(head) if best is None else step_of_clocks(head)
        if apart or best is None:
            return {} if "step" in given else {"step": show_duration((apart or 1) * SECOND)}
    if best is None:
        return {}
    found = {} if wanted is not None else {"time": best.setting}
    return found if best.form == "auto" else {**found, "time_format": best.form}


def decided(guess: TimeGuess, group: Group, given: Mapping[str, Any]) -> TimeGuess:
    """Return which of two ways to read stamps fits more rows than the first ones; both still where both do."""
    if not guess.other:
        return guess
    opening = Opening.of({"encoding": group.encoding, **given, "time": guess.setting})
    for file in group.files:
        with suppress(InputError):  # whoever reads it tells what is wrong
            for batch in islice(batches(file, [guess.column], PROBE, opening=opening, ragged=Ragged()), 1):
                known = [stamps(batch.columns[guess.column], form, UTC)[1] for form in (guess.form, guess.other)]
                share = [1.0 if one is None else float(one.mean()) for one in known]
                if share[0] != share[1]:
                    return replace(guess, form=guess.form if share[0] > share[1] else guess.other, other="")
    return guess


def _series(group: Group, columns: Columns, head: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the column of the series, where stamps do not rise and it says why."""
    time = time_column(settings.get("time"))
    names = [text for text in columns.texts if text != time]
    names += [name for name in columns.channels if name != time and SERIES_NAME.fullmatch(name)]
    if time is None or time not in head or not names or settings.get("series") or settings.get("series_from"):
        return {}
    reading = Files(**settings).survey
    for batch in batches(group.files[0], [time, *names], PROBE, opening=Opening.of(settings), ragged=Ragged()):
        form = settings.get("time_format", "auto")
        found, known = stamps(batch.columns[time], form, reading.zone, reading.missing.decimal)
        if known is not None and not known.all():
            return {}
        series = guess_series(np.asarray(found), {name: batch.columns[name] for name in names})
        return {"series": series} if series else {}
    return {}


def _channels(columns: Columns, settings: Mapping[str, Any], keys: set[Any]) -> list[str]:
    wanted = settings.get("channels", "numeric")
    if wanted == "numeric":
        return [name for name in columns.channels if name not in keys and not name.startswith("__index_level_")]
    texts = set(settings.get("categories") or {})
    return [name for name in Files(**settings).survey.columns(Files(**settings).files) if name not in texts]


def _no_channel(file: Path, columns: Columns, keys: set[Any]) -> str:
    key = ", ".join(f"'{one}'" for one in keys if one)
    beside = f" besides {key}" if key else ""
    text = f" ({', '.join(columns.texts[:5])} hold text)" if columns.texts else ""
    said = f"{file.name} has no column of numbers{beside}{text}; a check of a table needs at least one."
    return said + parts_note(file)
