"""The HTTP service of an exported model."""

import json
import time
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from dlkit.core.checks import InputError
from dlkit.serve.answers import Answering, Asked, answer
from dlkit.serve.bodies import BINARY, JSON
from dlkit.serve.limits import Limits
from dlkit.serve.measures import Measures
from dlkit.serve.work import BusyError, Work


class RefusedError(Exception):
    """A request that is refused before anybody looks at what it holds."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def make_app(model: Answering, limits: Limits | None = None) -> FastAPI:
    """Return the service: ``POST /predict``, ``GET /schema``, ``GET /health``, ``GET /metrics``.

    Args:
        model: An exported model.
        limits: What is taken.
    """
    limits, measures = limits or Limits(), Measures()
    work = Work(limits, measures)
    app = FastAPI(title=model.about["name"], docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        there = {404: "is not there", 405: f"takes no {request.method}"}.get(error.status_code, str(error.detail))
        sentence = f"{request.url.path} {there}: POST /predict, GET /schema, /health or /metrics."
        return Response(json.dumps({"error": sentence}), error.status_code, error.headers, media_type=JSON)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"status": "ready", "model": model.about["name"], "running": measures.running}

    @app.get("/schema")
    async def schema() -> dict[str, Any]:
        return model.about | {"limits": vars(limits)}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(measures.text(), media_type="text/plain; version=0.0.4")

    @app.post("/predict")
    async def predict(request: Request) -> Response:
        since, windows = time.perf_counter(), 0
        try:
            asked = await asked_by(request, limits)
            found = await work(lambda: answer(model, limits, asked))
            response, windows = Response(found.body, media_type=found.kind), found.windows
        except (RefusedError, InputError, BusyError) as error:
            response = refused(error)
        measures.answered(response.status_code, time.perf_counter() - since, windows)
        return response

    return app


def refused(error: RefusedError | InputError | BusyError) -> Response:
    """Return one sentence that says why there is no answer."""
    status = {InputError: 422, BusyError: 503}.get(type(error), getattr(error, "status", 422))
    headers = {"Retry-After": "1"} if status == 503 else None
    return Response(json.dumps({"error": str(error)}), status, headers, media_type=JSON)


async def asked_by(request: Request, limits: Limits) -> Asked:
    """Return what a request holds and wants.

    Raises:
        RefusedError: Its type is unknown, or it is too long.
    """
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if kind not in (JSON, BINARY):
        raise RefusedError(415, f"The type {kind} is unknown: send {JSON}, or {BINARY} with an npz file.")
    wanted = wanted_by(request.headers.get("accept") or "*/*", kind)
    return Asked(await body_of(request, limits), kind, wanted)


def wanted_by(accepted: str, kind: str) -> str:
    """Return the type of the answer: the one that is named, else that of the body.

    Raises:
        RefusedError: There is none that is accepted.
    """
    parts = [one.replace(" ", "").lower().split(";") for one in accepted.split(",")]
    names = {name for name, *more in parts if not any(one in ("q=0", "q=0.0") for one in more)}
    if named := [one for one in (JSON, BINARY) if one in names]:
        return named[0]
    if not names & {"*/*", "application/*"}:
        raise RefusedError(406, f"Answers of the type {accepted} cannot be given: accept {JSON} or {BINARY}.")
    return kind


async def body_of(request: Request, limits: Limits) -> bytes:
    """Return the body of a request; one that says that it is too long is refused before it is read.

    Raises:
        RefusedError: It is too long.
    """
    length = request.headers.get("content-length", "0")
    too_long = RefusedError(413, f"The body is larger than {limits.megabytes:g} MB: send fewer windows.")
    if not length.isdigit() or int(length) > limits.bytes:
        raise too_long
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limits.bytes:
            raise too_long
        parts.append(part)
    return b"".join(parts)
