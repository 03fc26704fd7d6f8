"""Spaces are read as they are written, every end is tried, samplers and journals go on as if never stopped."""

import fcntl
import json

import numpy as np
import optuna
import pytest
import yaml

from dlkit.core.checks import InputError
from dlkit.data.records import Samples
from dlkit.data.sample_splits import Stratified
from dlkit.data.splits import ByFraction
from dlkit.data.table.windows import Geometry
from dlkit.tune.claims import alone, claim, heal, is_alive, worker
from dlkit.tune.inner_folds import InnerFold, InnerSampleFold
from dlkit.tune.places import find, put
from dlkit.tune.space import check_keys, names_of, read_space, with_values
from dlkit.tune.study import StudyFolder, open_book, write_study
from dlkit.tune.values import Range, extreme, fill, read_values, rounds
from tests.made_samples import traces
from tests.made_tables import table

GEOMETRY = Geometry(look_back=4, look_forward=2)
LSTM = {"class_path": "dlkit.models.lstm.LSTM", "init_args": {"hidden_size": {"low": 4, "high": 32, "log": True}}}
MLP = {"class_path": "dlkit.models.mlp.MLP", "init_args": {"hidden_size": {"choices": [8, 16]}, "dropout": 0.1}}
CONFIG = {
    "name": "tiny",
    "model": {
        "class_path": "a.Task",
        "init_args": {
            "net": {"class_path": "dlkit.models.mlp.MLP", "init_args": {"hidden_size": 8, "dropout": 0.0}},
            "optimizer": {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.001, "betas": [0.9, 0.999]}},
            "scheduler": None,
            "loss": None,
        },
    },
    "data": {"class_path": "b.Data", "init_args": {"look_back": 8, "split": None, "normalizer": None}},
    "trainer": {"max_epochs": 4, "devices": 1},
}


def space(tmp_path, **content):
    path = tmp_path / "space.yaml"
    content.setdefault("space", {"model.optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True}})
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return read_space(path)


# ---------------------------------------------------------------------- values
def test_yaml_that_takes_numbers_for_text_is_understood():
    assert read_values(yaml.safe_load("{low: 1e-4, high: 1e-2, log: true}"), "lr") == Range(1e-4, 1e-2, None, True)
    assert read_values({"low": 1, "high": 9, "step": 2}, "k").grid == [1, 3, 5, 7, 9]
    assert read_values({"low": 0, "high": 0.5, "step": 0.25}, "k").grid == [0.0, 0.25, 0.5]
    assert not read_values({"low": 0.0, "high": 1.0}, "k").grid


def test_what_stands_in_a_choice_is_asked_only_where_it_is_chosen():
    values, asked = read_values({"choices": [LSTM, MLP, None]}, "net"), []

    def pick(name, among):
        asked.append(name)
        return {"net": "MLP", "net(MLP).hidden_size": 16}[name]

    filled = fill(values, "net", pick)
    assert filled == {"class_path": "dlkit.models.mlp.MLP", "init_args": {"hidden_size": 16, "dropout": 0.1}}
    assert asked == ["net", "net(MLP).hidden_size"]


def test_every_end_and_every_choice_is_tried():
    values = read_values({"choices": [LSTM, MLP, None]}, "net")
    tried = [extreme(values, turn) for turn in range(rounds(values))]
    sizes = [node["init_args"]["hidden_size"] for node in tried if node is not None]
    assert sizes == [4, 32, 8, 16]
    assert tried[-1] is None
    assert extreme(values, 99) is None


def test_settings_of_a_class_may_be_called_low_and_high():
    node = {"choices": [{"class_path": "a.Clip", "init_args": {"low": 0.0, "high": 1.0}}]}
    assert fill(read_values(node, "x"), "x", lambda *_: "Clip") == node["choices"][0]


def test_choices_have_labels_that_tell_them_apart():
    again = {"class_path": "dlkit.models.lstm.LSTM", "init_args": {"hidden_size": 64}}
    values = read_values({"choices": [LSTM, again, [2, 2], "1d", 0.5, None]}, "x")
    assert list(values.options) == ["LSTM 1", "LSTM 2", "[2, 2]", "1d", 0.5, None]


# ---------------------------------------------------------------------- places
def test_short_and_long_keys_name_the_same_place():
    assert find(CONFIG, "data.look_back") == find(CONFIG, "data.init_args.look_back")
    assert find(CONFIG, "model.optimizer.betas.1")[-1] == 1
    changed = with_values(CONFIG, {"model.optimizer.lr": 1.0})
    assert changed["model"]["init_args"]["optimizer"]["init_args"]["lr"] == 1.0
    assert CONFIG["model"]["init_args"]["optimizer"]["init_args"]["lr"] == 0.001


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("model.optimizer.lrr", "Adam has no setting 'lrr'; did you mean 'lr'"),
        ("data.lookback", "Data has no setting 'lookback'; did you mean 'look_back'"),
        ("dat.look_back", "the configuration has no setting 'dat'; did you mean 'data'"),
        ("model.scheduler.gamma", "holds None in the configuration, so there is no 'gamma' below it"),
        ("model.optimizer.betas.7", "has no setting '7'; there is 0, 1"),
    ],
)
def test_a_key_that_does_not_exist_is_answered_by_the_one_that_was_meant(key, says):
    with pytest.raises(InputError, match=says.replace("(", r"\(")):
        put(CONFIG, key, 1)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"data.look_back": {"choices": [1]}, "data.init_args.look_back": {"choices": [2]}}, "are the same setting"),
        ({"name": {"choices": ["a"]}}, "name cannot be tuned"),
        ({"data.split": {"choices": [None]}}, "decides what validates"),
        ({"trainer.devices": {"choices": [2]}}, "give more --workers"),
        ({"model.loss": {"choices": [None]}}, "is part of the metric val/loss"),
        ({"data.normalizer": {"choices": [None]}}, "in units of the normalizer"),
    ],
)
def test_what_would_make_values_incomparable_is_refused(tmp_path, settings, says):
    with pytest.raises(InputError, match=says):
        check_keys(space(tmp_path, space=settings), CONFIG)


ASKED = {
    "loss": {"class_path": "dlkit.losses.classification.Focal", "init_args": {"gamma": 2.0, "class_weights": False}},
    "losses": {"fault": {"class_path": "dlkit.losses.pointwise.Huber", "init_args": {"delta": 1.0}}},
    "balance": {"class_path": "dlkit.losses.balance.Fixed", "init_args": {"weights": {"fault": 1.0}, "alpha": 1.5}},
    "net": {
        "class_path": "dlkit.models.variational.VariationalAutoencoder",
        "init_args": {"beta": 1.0, "net": {"class_path": "a.B", "init_args": {"width": 4}}},
    },
    "channel_weights": {"u": 1.0},
}
FIXED = {"class_path": "dlkit.losses.balance.Fixed", "init_args": {"weights": {"fault": 9.0}}}
INSIDE = {
    "model.loss.gamma": {"low": 0.0, "high": 5.0},
    "model.loss.init_args.class_weights": {"choices": [True, False]},
    "model.losses": {"choices": [{}]},
    "model.losses.fault.delta": {"low": 0.1, "high": 5.0},
    "model.balance": {"choices": [FIXED, None]},
    "model.balance.weights": {"choices": [{"fault": 1.0}, {"fault": 9.0}]},
    "model.balance.weights.fault": {"low": 0.1, "high": 5.0},
    "model.channel_weights.u": {"low": 0.1, "high": 5.0},
    "model.net.beta": {"low": 0.1, "high": 5.0},
}
OUTSIDE = {
    "model.balance": {"choices": [{"class_path": "dlkit.losses.balance.GradNorm"}, None]},
    "model.balance.alpha": {"low": 0.1, "high": 5.0},
    "model.net": {"choices": [None]},
    "model.net.net.width": {"choices": [4, 8]},
}


def checked(tmp_path, key, values, metric="val/loss"):
    content = {"space": {key: values}, "metric": metric, "direction": "minimize"}
    check_keys(space(tmp_path, **content), {"model": {"class_path": "a.Task", "init_args": ASKED}})


@pytest.mark.parametrize("key", INSIDE)
def test_what_changes_the_loss_of_the_same_answers_is_not_tuned_by_it(tmp_path, key):
    with pytest.raises(InputError, match="is part of the metric val/loss"):
        checked(tmp_path, key, INSIDE[key])
    checked(tmp_path, key, INSIDE[key], metric="val/accuracy")


def test_so_it_is_with_the_loss_of_one_head(tmp_path):
    with pytest.raises(InputError, match="is part of the metric val/fault/loss"):
        checked(tmp_path, "model.losses.fault.delta", {"low": 0.1, "high": 5.0}, metric="val/fault/loss")
    checked(tmp_path, "model.losses.fault.delta", {"low": 0.1, "high": 5.0}, metric="val/ahead/loss")
    checked(tmp_path, "model.balance.weights.fault", {"low": 0.1, "high": 5.0}, metric="val/fault/loss")


@pytest.mark.parametrize("key", OUTSIDE)
def test_what_leaves_it_as_it_is_may_be_tuned_by_it(tmp_path, key):
    checked(tmp_path, key, OUTSIDE[key])


def test_a_setting_below_a_choice_that_lacks_it_is_sent_into_the_choice():
    values = {"model.net": {"class_path": "a.Linear", "init_args": {}}, "model.net.hidden_size": 4}
    with pytest.raises(InputError, match=r"with model.net: Linear: put model.net.hidden_size into the choices"):
        with_values(CONFIG, values)


# ---------------------------------------------------------------------- studies
def book_of(tmp_path, trials=20, **content):
    found = space(tmp_path, **content)
    folder = StudyFolder(tmp_path / "study")
    if not folder.journal.is_file():
        folder.path.mkdir()
        write_study(folder, yaml.safe_dump(CONFIG), found.path)
    book = open_book(folder)
    book.study.set_user_attr("trials", trials)
    return book


def cost(trial):
    return sum((value if isinstance(value, float) else len(str(value))) ** 2 for value in trial.params.values())


def run(book, most=99, name="me"):
    """Run trials that train nothing."""
    while most and (claimed := claim(book, name)):
        book.study.tell(claimed[0], cost(claimed[0]))
        most -= 1


def drawn(book):
    return [trial.params for trial in book.finished()]


NESTED = {"model.net": {"choices": [LSTM, MLP]}, "model.optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True}}
GRID = {"model.net": {"choices": ["a", "b"]}, "data.look_back": {"low": 2, "high": 6, "step": 2}}
NUMBERS = {"model.optimizer.lr": {"low": 0.0, "high": 1.0}, "model.net.dropout": {"low": 0.0, "high": 0.5}}


@pytest.mark.parametrize(
    ("sampler", "settings"),
    [
        ({"name": "tpe", "n_startup_trials": 3}, NESTED),
        ("random", NESTED),
        ("grid", GRID),
        ({"name": "cmaes", "n_startup_trials": 2}, NUMBERS),
        ({"name": "gp", "n_startup_trials": 3}, NUMBERS),
    ],
    ids=lambda value: value.get("name", "") if isinstance(value, dict) else value,
)
def test_the_same_seed_draws_the_same_trials_also_when_the_study_was_stopped(tmp_path, sampler, settings):
    trials = 6
    for name in ("whole", "parts", "other"):
        (tmp_path / name).mkdir()
    whole = book_of(tmp_path / "whole", trials, sampler=sampler, space=settings)
    run(whole)
    for part in (4, 99):  # each part opens the journal anew, as another process would
        parts = book_of(tmp_path / "parts", trials, sampler=sampler, space=settings)
        run(parts, part)
    other = book_of(tmp_path / "other", trials, sampler=sampler, space=settings, seed=7)
    run(other)
    assert len(drawn(whole)) == trials
    assert drawn(whole) == drawn(parts)
    assert drawn(whole) != drawn(other)


def test_a_grid_visits_every_point_once(tmp_path):
    book = book_of(tmp_path, 6, sampler="grid", space=GRID)
    run(book)
    assert len({json.dumps(params, sort_keys=True) for params in drawn(book)}) == 6


def test_a_killed_trial_is_given_out_once_more_and_nothing_else_changes(tmp_path):
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    few = {"space": NESTED, "sampler": {"name": "tpe", "n_startup_trials": 3}}
    whole = book_of(tmp_path / "whole", 8, **few)
    run(whole)
    book = book_of(tmp_path / "killed", 8, **few)
    run(book, 5)
    trial, _ = claim(book, "gone")  # its worker holds no lock
    assert not is_alive(book.folder.workers, "gone")
    run(book)
    assert drawn(book) == drawn(whole)
    again = [t for t in book.study.get_trials() if t.user_attrs.get("again") == trial.number]
    assert len(again) == 1
    assert again[0].user_attrs["run"] == trial.user_attrs["run"]  # goes on in the same folder
    assert len({t.number for t in book.study.get_trials()}) == 9


def test_a_trial_of_a_living_worker_is_left_alone(tmp_path):
    book = book_of(tmp_path, 3)
    with worker(book.folder.workers) as name:
        claim(book, name)
        assert is_alive(book.folder.workers, name)
        run(book, name="other")
        states = [trial.state.name for trial in book.study.get_trials()]
        assert states == ["RUNNING", "COMPLETE", "COMPLETE"]
    heal(book)
    assert next(iter(book.study.get_trials())).state.name == "FAIL"


def test_a_trial_that_kills_its_worker_each_time_is_given_up(tmp_path):
    book = book_of(tmp_path, 1)
    for _ in range(3):
        assert claim(book, "gone") is not None
    assert claim(book, "gone") is None
    [ended] = book.finished()
    assert "was killed 3 times" in ended.user_attrs["why"]


def test_a_preempted_trial_is_never_given_up(tmp_path):
    book = book_of(tmp_path, 1)
    for _ in range(5):
        trial, _ = claim(book, "gone")
        checkpoints = book.folder.trials / trial.user_attrs["run"] / "checkpoints"
        checkpoints.mkdir(exist_ok=True)
        (checkpoints / "last.ckpt").write_text("whole")


def test_a_line_that_was_cut_off_does_not_spoil_the_journal(tmp_path, caplog):
    book = book_of(tmp_path, 4)
    run(book, 2)
    with book.folder.journal.open("a") as file:
        file.write('{"op_code":4,"worker_id"')
    run(open_book(book.folder))
    assert len(open_book(book.folder).finished()) == 4
    assert "was not whole" in caplog.text


def test_the_first_trials_that_fail_for_one_reason_stop_the_study(tmp_path):
    book = book_of(tmp_path, 9)
    for number in range(3):
        trial, _ = claim(book, "me")
        trial.set_user_attr("why", f"dropout={number}.5 is no probability.")
        book.study.tell(trial, state=optuna.trial.TrialState.FAIL)
    with pytest.raises(InputError, match=r"first 3 trials .* all failed for the same reason: dropout=0.5"):
        claim(book, "me")


def test_names_tell_choices_and_what_is_in_them(tmp_path):
    assert names_of(space(tmp_path, space=NESTED)) == [
        "model.net", "model.net(LSTM).hidden_size", "model.net(MLP).hidden_size", "model.optimizer.lr",
    ]  # fmt: skip


def test_only_one_looks_at_the_study_at_a_time(tmp_path):
    with alone(tmp_path), (tmp_path / "claims.lock").open("a") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


# ---------------------------------------------------------------------- folds
def test_inner_folds_of_samples_never_touch_the_test():
    made = traces(60)
    samples = Samples(
        names=[str(i) for i in range(60)], values=made["X"], channels=("a", "b"), units=("", ""), kind="class",
        labels=made["y"], classes=("0", "1", "2"),
    )  # fmt: skip
    test, vals = Stratified().roles(samples)["test"], []
    for fold in range(4):
        roles = InnerSampleFold(folds=4, fold=fold).roles(samples)
        assert np.array_equal(roles["test"], test)
        assert not set(roles["train"]) & set(roles["val"])
        assert not (set(roles["train"]) | set(roles["val"])) & set(test)
        vals.append(roles["val"])
    assert sorted(np.concatenate(vals).tolist()) == sorted(set(range(60)) - set(test.tolist()))


def rows_of(ranges):
    return {row for start, stop in ranges.tolist() for row in range(start, stop)}


def test_inner_folds_of_tables_never_touch_the_test():
    made = table([[50, 70], [80]])
    test, vals = rows_of(ByFraction().ranges(made)["test"]), []
    for fold in range(3):
        roles = {role: rows_of(ranges) for role, ranges in InnerFold(folds=3, fold=fold).ranges(made).items()}
        assert roles["test"] == test
        assert not roles["train"] & roles["val"]
        assert not (roles["train"] | roles["val"]) & test
        vals += sorted(roles["val"])
        apart = InnerFold(folds=3, fold=fold).window_ranges(made, GEOMETRY)
        inputs = {row - back for row in rows_of(apart["val"]) for back in range(GEOMETRY.lead + 1)}
        borders = rows_of(np.array([[row, row + GEOMETRY.lead] for row in (0, 50, 120)]))  # no window reaches over them
        assert not rows_of(apart["train"]) & (inputs - borders)
    assert sorted(vals) == sorted(set(range(200)) - test)
