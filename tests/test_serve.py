"""A service answers as its model does, refuses in one sentence what it cannot take, and goes on after that."""

import io
import json
import pickle
import signal
import subprocess
import sys
import threading
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from starlette.testclient import TestClient

from dlkit.commands import serve as command
from dlkit.core.checks import InputError
from dlkit.export.runtime import Model
from dlkit.serve.app import make_app
from dlkit.serve.bodies import BINARY
from dlkit.serve.limits import Limits
from dlkit.serve.serving import listen
from tests.made_onnx import ABOUT, write_model

SMALL = Limits(megabytes=0.01, batch=8, waiting=1, timeout=120.0)
HASTY = replace(SMALL, timeout=3.0)
X = np.linspace(0, 30, 24).reshape(3, 2, 4) + np.array([[[0.0], [1000.0]]])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Model(write_model(tmp_path_factory.mktemp("made") / "model.onnx"), threads=1)


@pytest.fixture(scope="module")
def client(model):
    with TestClient(make_app(model, SMALL)) as found:
        yield found


def packed(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def ask(client, body, kind="application/json", **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/predict", content=content, headers={"content-type": kind} | headers)


def test_json_and_arrays_get_the_answers_of_the_model(client):
    said = ask(client, {"inputs": {"x": X.tolist()}, "channels": {"x": ["temperature", "pressure"]}})
    assert said.status_code == 200
    np.testing.assert_allclose(said.json()["outputs"]["point"], X.mean(2), rtol=1e-6)
    binary = ask(client, packed(x=X), BINARY)
    np.testing.assert_array_equal(
        np.load(io.BytesIO(binary.content))["point"], np.float32(said.json()["outputs"]["point"])
    )
    assert "point" in ask(client, packed(x=X), BINARY, accept="application/json").json()["outputs"]


def test_what_is_no_number_is_null_both_ways_and_doubts_are_told(client):
    holes = X.tolist()
    holes[0][1][2] = None
    said = ask(client, {"inputs": holes}).json()
    assert said["outputs"]["point"][0][1] is None and said["doubts"] == []
    assert "temperature" in ask(client, {"inputs": (X + np.array([[300], [0]])).tolist()}).json()["doubts"][0]


def test_the_service_tells_what_it_takes_how_it_is_and_what_it_did(client):
    schema = client.get("/schema").json()
    assert schema["inputs"] == ABOUT["inputs"] and schema["limits"]["batch"] == 8
    assert client.get("/health").json() == {"status": "ready", "model": "weather-001", "running": 0}

    def counted(line):
        found = [row for row in client.get("/metrics").text.splitlines() if row.startswith(line)]
        return float(found[0].split()[-1]) if found else 0.0

    before = [counted(line) for line in ('dlkit_requests_total{status="200"}', "dlkit_windows_total")]
    ask(client, {"inputs": X.tolist()})
    after = [counted(line) for line in ('dlkit_requests_total{status="200"}', "dlkit_windows_total")]
    assert after == [before[0] + 1, before[1] + 3]
    assert counted('dlkit_request_seconds_bucket{le="+Inf"}') == counted("dlkit_request_seconds_count")


def bomb():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(5_000_000))
    return file.getvalue()


def objects():
    file = io.BytesIO()
    np.savez(file, x=np.array([{"a": 1}], dtype=object))
    return file.getvalue()


REFUSED = {
    "no json": (b"{", "application/json", 422, "no JSON"),
    "deep json": (b"[" * 9_000, "application/json", 422, "no JSON"),
    "a list": (b"[1]", "application/json", 422, "needs `inputs`"),
    "unknown field": ({"inputs": {}, "input": 1}, "application/json", 422, "`input`, which is unknown"),
    "order": ({"inputs": X.tolist(), "channels": ["pressure", "temperature"]}, "application/json", 422, "in another"),
    "units": ({"inputs": X.tolist(), "units": ["K", "mbar"]}, "application/json", 422, "'degC' is needed"),
    "shape": ({"inputs": X[0].tolist()}, "application/json", 422, "is needed"),
    "text": ({"inputs": {"x": "warm"}}, "application/json", 422, "real numbers"),
    "channels are a number": ({"inputs": X.tolist(), "channels": 3}, "application/json", 422, "come as a list"),
    "too many windows": ({"inputs": np.zeros((9, 2, 4)).tolist()}, "application/json", 422, "more than the 8"),
    "another type": (b"<x/>", "text/xml", 415, "text/xml is unknown"),
    "too long": (b" " * 20_000, "application/json", 413, "larger than 0.01 MB"),
    "no npz": (b"PK", BINARY, 422, "no npz"),
    "a pickle": (pickle.dumps(X), BINARY, 422, "no npz"),
    "objects": (objects(), BINARY, 422, "no npz"),
    "a bomb": (bomb(), BINARY, 422, "arrays take 5000000 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_request_gets_one_sentence_and_the_next_one_its_answer(client, name):
    body, kind, status, says = REFUSED[name]
    said = ask(client, body, kind)
    assert said.status_code == status, said.text
    assert says in said.json()["error"] and "\n" not in said.json()["error"]
    assert ask(client, {"inputs": X.tolist()}).status_code == 200


def test_an_unknown_place_and_an_answer_nobody_can_give_are_refused_in_the_same_form(client):
    for said, status, says in (
        (client.get("/nowhere"), 404, "/nowhere is not there: POST /predict"),
        (client.get("/predict"), 405, "/predict takes no GET: POST /predict"),
        (ask(client, {"inputs": X.tolist()}, accept="text/html"), 406, "text/html cannot be given: accept app"),
        (ask(client, {"inputs": X.tolist()}, accept="application/json;q=0"), 406, "cannot be given"),
    ):
        assert said.status_code == status
        assert says in said.json()["error"] and set(said.json()) == {"error"}
    assert client.get("/predict").headers["allow"] == "POST"
    for accept in ("*/*", "text/html, application/*;q=0.5", "", "text/html, application/json"):
        assert ask(client, {"inputs": X.tolist()}, accept=accept).status_code == 200


def test_windows_without_any_value_are_refused_by_their_number(client):
    said = ask(client, {"inputs": [X[0].tolist(), [[None] * 4] * 2]})
    assert said.status_code == 422 and "number 1, counted from 0" in said.json()["error"]


def test_a_body_that_hides_its_length_is_cut_off(client):
    said = client.post(
        "/predict", content=(b" " * 4096 for _ in range(10)), headers={"content-type": "application/json"}
    )
    assert said.status_code == 413


class Slow:
    """A model whose answers wait until they are let go."""

    about = ABOUT

    def __init__(self, model):
        self.model, self.go = model, threading.Event()

    def checked(self, *inputs, **named):
        return self.model.checked(*inputs, **named)

    def doubts(self, given):
        return []

    def answer(self, given):
        self.go.wait(300)
        return self.model.answer(given)


def test_who_comes_when_too_many_wait_is_told_at_once_and_who_waits_too_long_too(model):
    slow = Slow(model)
    with TestClient(make_app(slow, HASTY)) as client, ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(ask, client, {"inputs": X.tolist()}) for _ in range(6)]
        said = [one.result() for one in asked]
        assert {one.status_code for one in said} == {503}
        sentences = [one.json()["error"] for one in said]
        assert sum("under way already" in one for one in sentences) == 4  # one works, one waits
        assert sum("more than 3 seconds" in one for one in sentences) == 2
        assert all(one.headers["retry-after"] == "1" for one in said)
        slow.go.set()
        while client.get("/health").json()["running"]:
            pass
        assert ask(client, {"inputs": X.tolist()}).status_code == 200


def test_requests_at_the_same_time_get_their_own_answers(model):
    limits = Limits(workers=4, waiting=64)
    with TestClient(make_app(model, limits)) as client, ThreadPoolExecutor(8) as pool:
        inputs = [X + number for number in range(40)]
        for one, said in zip(inputs, pool.map(lambda x: ask(client, {"inputs": x.tolist()}), inputs), strict=True):
            np.testing.assert_allclose(said.json()["outputs"]["point"], one.mean(2), rtol=1e-6)


def test_it_listens_on_this_machine_answers_and_ends_with_code_0_when_asked_to(tmp_path):
    command = [sys.executable, "-m", "dlkit", "serve", str(write_model(tmp_path / "model.onnx")), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        place = served.stdout.readline().split()[1].rstrip(";")
        assert place.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(place.replace("/predict", "/health"), timeout=300) as said:
            assert json.load(said)["status"] == "ready"
        served.send_signal(signal.SIGTERM)
        assert served.wait(300) == 0
        assert served.stdout.read() == "stopped\n"


def test_an_address_that_is_taken_is_refused():
    with listen("127.0.0.1", 0) as taken, pytest.raises(InputError, match="cannot be listened on"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_an_address_is_refused_before_a_run_is_exported(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "exported", lambda path: pytest.fail("was exported"))
    for more in (["--port", "99999"], ["--host", "256.0.0.1"]):
        with pytest.raises(InputError, match=more[0]):
            command.main([str(tmp_path), *more])
