"""Where a number in the name tells the label, the repair is whole: a split by groups, and the groups of the source."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from dlkit.__main__ import main
from dlkit.core.finding import Cure, Finding
from dlkit.core.runfolder import read_json
from dlkit.quality.checked import Check, SourceFacts, check_of
from dlkit.report.check.text import text_of
from dlkit.train.check.name_groups import pattern_of
from dlkit.train.check.repairs import repairs_of, repairs_yaml

SHOTS = np.repeat(np.arange(60), 3)
CURES = (
    Cure(place="data", line="split: {class_path: dlkit.data.sample_splits.Grouped}"),
    Cure(place="source", line=r"groups: 'shot(\d+)'", further=True),
    Cure(place="data", line="seed: 1"),
)
FINDING = Finding(kind="label follows name", level="warning", what="Told.", why="", cures=CURES)


def merged(config, block):
    """Return a config with the settings of a block."""
    if not (isinstance(config, dict) and isinstance(block, dict)):
        return block
    return config | {name: merged(config.get(name), value) for name, value in block.items()}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("shot{shot:03d}_{letter}.png", r"shot(\d+)"),
        ("{shot}-{letter}.png", r"(\d+)"),
        ("cam2/run {shot:02d} frame {copy}.png", r"^(?:\D*\d+){1}\D*(\d+)"),
        ("{copy}/{letter}{shot}.png", r"^(?:\D*\d+){1}\D*(\d+)"),
        ("shot{copy}_{letter}.png", ""),
    ],
)
def test_the_pattern_takes_the_number_that_parts_the_names_and_no_other(form, expected):
    paths = [form.format(shot=shot, copy=n % 3, letter="abc"[n % 3]) for n, shot in enumerate(SHOTS)]
    assert pattern_of(paths, SHOTS) == expected


@pytest.mark.parametrize("official", [False, True])
def test_the_repairs_of_a_folder_whose_names_tell_the_class_make_a_config_that_keeps_shots_apart(tmp_path, official):
    random, kinds = np.random.default_rng(0), np.arange(60) % 2
    for number, shot in enumerate(SHOTS.tolist()):
        part = ("train", "test")[shot % 4 == 3] if official else "."
        folder = tmp_path / "images" / part / f"kind{kinds[shot] + 1}"
        folder.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(random.integers(0, 255, (12, 12), dtype=np.uint8))
        image.save(folder / f"shot{shot:03d}_{'abc'[number % 3]}.png")
    assert main(["check", str(tmp_path / "images"), "--output", str(tmp_path / "out")]) == 0
    check = check_of(read_json(tmp_path / "out" / "check.json"))
    (finding,) = [one for one in check.findings if one.kind == "label follows name" and one.cures]
    assert [(one.place, one.line.partition(":")[0]) for one in finding.first_repair] == [
        ("data", "split"),
        ("source", "groups"),
    ]
    source = yaml.safe_load(check.sources[0].yaml)["source"]
    block = {"class_path": "dlkit.data.sample_modules.ImageDataModule", "init_args": {"source": source}}
    config = merged({"data": block}, yaml.safe_load(repairs_yaml(check)))
    assert config["data"]["init_args"]["source"]["init_args"]["groups"] == r"shot(\d+)"
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    assert main(["check", str(tmp_path / "config.yaml"), "--output", str(tmp_path / "again"), "--quick"]) == 0
    again = check_of(read_json(tmp_path / "again" / "check.json"))
    assert not [one for one in again.findings if one.kind in ("refused", "groups in two roles", "label follows name")]


def test_all_lines_of_a_first_repair_are_told_and_no_line_of_the_second():
    said = text_of(Check(asked="a", findings=[FINDING]), Path("page"))
    assert CURES[0].line in said and CURES[1].line in said and CURES[2].line not in said
    assert repairs_of([FINDING]) == {
        "source": {"groups": r"shot(\d+)"},
        "data": {"split": {"class_path": "dlkit.data.sample_splits.Grouped"}},
    }
    assert check_of(Check(asked="a", findings=[FINDING]).plain()).findings[0].cures == CURES


@pytest.mark.parametrize("names", [("",), ("s", "t")])
def test_repairs_in_one_place_stand_where_a_config_has_them(names):
    step = "{class_path: dlkit.data.cleaning.mask.Mask, init_args: {channels: [a], values: [0]}}"
    cures = [Cure(place="clean", line=step), Cure(place="source", line="gaps: fill", further=True)]
    findings = [Finding(kind="k", level="note", what="", why="", cures=tuple(cures), source=name) for name in names]
    findings.append(Finding(kind="k", level="note", what="", why="", cures=(Cure(place="data", line="size: [1, 2]"),)))
    check = Check(asked="a", sources=[SourceFacts(name=name) for name in names], findings=findings)
    own = {"source": {"init_args": {"gaps": "fill"}}, "clean": [yaml.safe_load(step)]}
    settings = own if names == ("",) else {"sources": {name: {"init_args": own} for name in names}}
    assert yaml.safe_load(repairs_yaml(check)) == {"data": {"init_args": settings | {"size": [1, 2]}}}
    assert repairs_yaml(Check(asked="a")) == ""
