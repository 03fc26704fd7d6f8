"""Measures reach a server once and in order, whatever it does; whoever logs never waits."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.train.mlflow.client import clean
from dlkit.train.mlflow.sender import Sender, Value


def values(count):
    return [Value("a", float(number), number, number) for number in range(count)]


def test_what_is_put_in_arrives_once_and_in_order_whatever_fails():
    arrived, faults, turns = [], [], iter([True, False, True, True, False] * 100)

    def send(batch):
        assert len(batch) <= 1000
        if next(turns):
            raise ConnectionError
        arrived.extend(batch)

    sender = Sender(send, faults.append, every=1e6)
    sender.put(values(2500))
    while sender.flush():
        pass
    assert arrived == values(2500) and faults


def test_whoever_logs_does_not_wait_for_the_server():
    asked, answered, arrived = threading.Event(), threading.Event(), []

    def send(batch):
        asked.set()
        assert answered.wait(60)
        arrived.extend(batch)

    sender = Sender(send, print, every=0.001)
    sender.put(values(1))
    assert asked.wait(60)
    sender.put(values(3)[1:])  # the server has not answered, and this line is passed
    answered.set()
    while sender.flush():
        pass
    assert arrived == values(3)


def test_beyond_the_most_that_is_kept_the_oldest_are_lost_and_counted():
    def refuse(_):
        raise ConnectionError

    sender = Sender(refuse, lambda _: None, every=1e6, most=10)
    sender.put(values(25))
    assert sender.flush() == 25 and sender.lost == 15
    assert list(sender._waiting) == values(25)[15:]


def test_any_name_is_made_one_that_mlflow_takes():
    rules = pytest.importorskip("mlflow.utils.validation", reason="mlflow is not installed")

    @settings(deadline=None)
    @given(st.text(max_size=300))
    def holds(name):
        rules._validate_metric_name(clean(name))
        rules._validate_param_name(clean(name))
        assert clean(clean(name)) == clean(name)

    holds()


def test_after_its_end_nothing_is_sent_but_by_a_flush():
    arrived = []
    sender = Sender(arrived.extend, print, every=0.001)
    sender.put(values(1))
    assert sender.close() == 0
    sender.thread.join(60)
    assert not sender.thread.is_alive()
    sender.put(values(2))
    assert arrived == values(1)
    sender.flush()
    assert arrived == [*values(1), *values(2)]
