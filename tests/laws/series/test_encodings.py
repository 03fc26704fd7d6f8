"""Text reads the same however its letters are written."""

import gzip
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from dlkit.core.checks import InputError
from dlkit.data.raw.open import lenient, open_raw
from dlkit.data.sources.files import Files
from dlkit.data.tabular.encodings import guess_encoding
from dlkit.train.check.repairs import repairs_of

ROWS = 300
VALUES = np.random.default_rng(0).normal(size=ROWS).astype(np.float32)
TIMES = pd.date_range("2024-01-01", periods=ROWS, freq="h")
NAME = "Temp (°C) außen"
LATIN, WESTERN = ("latin-1", NAME, "Süd"), ("cp1252", "Preis (€)", "„Süd“")
WAYS = {
    "utf-8": ("utf-8", NAME, "Süd"),
    "utf-8-sig": ("utf-8", NAME, "Süd"),
    "latin-1": LATIN,
    "cp1252": WESTERN,
    "utf-16": ("utf-16", NAME, "Süd"),
    "utf-16-le": ("utf-16-le", NAME, "Süd"),
    "utf-16-be": ("utf-16-be", NAME, "Süd"),
}


def table(name, word, rows=ROWS):
    lines = [f"t;{name};wo"]
    values = np.resize(VALUES, rows)
    lines += [f"{row};{values[row]};{word if row % 2 else 'Nord'}" for row in range(rows)]
    return "\n".join(lines) + "\n"


def settings(path, encoding):
    return {
        "path": str(path),
        "time": "t",
        "time_format": "relative",
        "encoding": encoding,
        "categories": {"wo": "onehot"},
    }


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("way", sorted(WAYS))
def test_names_numbers_and_words_are_the_same_in_every_encoding(way, packed, tmp_path):
    encoding, name, word = WAYS[way]
    content = table(name, word).encode(way)
    path = tmp_path / ("x.csv.gz" if packed else "x.csv")
    path.write_bytes(gzip.compress(content) if packed else content)
    (stream,) = Files(**settings(path, encoding)).chunks()
    assert stream.channels == (name, *sorted(f"wo={one}" for one in ("Nord", word)))
    np.testing.assert_array_equal(stream.values[:, 0], VALUES)
    assert stream.values[:, 1:].sum() == ROWS


@pytest.mark.parametrize("way", sorted(WAYS))
def test_a_bare_file_tells_its_encoding_and_its_settings_read_it(way, tmp_path):
    encoding, name, word = WAYS[way]
    (tmp_path / "x.csv").write_bytes(table(name, word).encode(way))
    assert guess_encoding(tmp_path / "x.csv") == encoding
    raw = open_raw(tmp_path / "x.csv")
    assert raw.guessed.get("encoding", "utf-8") == encoding and raw.layout.channels == (name,)
    rows = np.concatenate([rows.values for rows, _ in raw.chunks()])
    np.testing.assert_array_equal(rows[:, 0], VALUES)
    notes = [one for one in raw.findings() if one.kind == "encoding"]
    assert [one.cures[0].line for one in notes] == ([] if encoding == "utf-8" else [f"encoding: {encoding}"])
    assert repairs_of(notes).get("source", {}) == ({} if encoding == "utf-8" else {"encoding": encoding})
    (stream,) = Files(**raw.source[1]).chunks()
    assert len(stream.times) == ROWS


def test_letters_far_below_the_header_are_seen(tmp_path):
    lines = table("a", "Nord").encode() + b"300;1.5;S\xfcd\n"
    (tmp_path / "x.csv").write_bytes(lines)
    assert open_raw(tmp_path / "x.csv").guessed["encoding"] == "latin-1"
    with pytest.raises(InputError, match=r"x\.csv cannot be read as UTF-8 text; set `encoding`"):
        list(Files(**settings(tmp_path / "x.csv", "utf-8")).chunks())


def test_ascii_says_nothing_and_files_that_are_written_alike_are_read_alike(tmp_path):
    (tmp_path / "a.csv").write_text(table("a", "Nord"))
    assert guess_encoding(tmp_path / "a.csv") == ""
    (tmp_path / "b.csv").write_bytes(table("a", "Süd").encode("latin-1"))
    assert open_raw(tmp_path).guessed["encoding"] == "latin-1"


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        (table(NAME, "Süd").encode("utf-16"), "utf-8", "set `encoding`"),
        (table(NAME, "Süd").encode("latin-1"), "utf-16", "cannot be read as utf-16 text"),
        (table("a", "\x81").encode("latin-1"), "cp1252", "cannot be read as cp1252 text"),
        (table("a", "Nord").encode(), "latin1x", "`encoding: latin1x` is not known"),
        (table("a", "Nord").encode(), "base64", "`encoding: base64` is not known"),
    ],
)
def test_bytes_that_are_no_text_in_the_encoding_are_refused_in_one_sentence(content, encoding, said, tmp_path):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(InputError, match=said):
        list(Files(**settings(tmp_path / "x.csv", encoding)).chunks())


def test_a_format_that_is_no_text_has_no_encoding(tmp_path):
    pd.DataFrame({"t": TIMES, "a": VALUES}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(InputError, match="is no text file; remove `encoding: latin-1`"):
        list(Files(path=str(tmp_path / "x.parquet"), time="t", encoding="latin-1").chunks())


def test_other_encodings_are_read_in_bounded_memory(tmp_path):
    (tmp_path / "x.csv").write_bytes(table(NAME, "Süd", 400_000).encode("utf-16"))
    source = Files(**settings(tmp_path / "x.csv", "utf-16") | {"categories": None, "rows_per_chunk": 10_000})
    source.survey.step(source.files)
    tracemalloc.start()
    rows = sum(len(stream.times) for stream in source.chunks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 400_000 and peak < 16e6


def test_a_config_with_another_encoding_is_told_which_setting_to_change(tmp_path):
    (tmp_path / "x.csv").write_bytes(table("a", "Nord", 300_000).encode() + b"300000;\xb0;Nord\n")
    raw = lenient(Files(**settings(tmp_path / "x.csv", "utf-8") | {"categories": None, "step": 1}))
    assert sum(len(rows.times) for rows, _ in raw.chunks()) == 300_001
    (one,) = [one for one in raw.findings() if one.kind == "not UTF-8"]
    assert one.level == "error" and one.cures[0].line == "encoding: latin-1"
