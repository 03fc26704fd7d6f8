"""Listen until somebody asks to stop: Ctrl-C or SIGTERM; requests under way are answered first."""

import asyncio
import signal
import socket
import threading
from contextlib import nullcontext
from typing import Any

import uvicorn

from dlkit.core.checks import InputError, require
from dlkit.serve.answers import Answering
from dlkit.serve.app import make_app
from dlkit.serve.limits import Limits

GRACE = 10  # seconds that requests under way have


class Server(uvicorn.Server):
    """Leaves signals to whoever calls it: the process then ends as it should, with code 0."""

    def capture_signals(self) -> Any:
        """Change nothing."""
        return nullcontext()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        InputError: The address cannot be taken.
    """
    require(0 <= port < 65536, f"--port {port} must lie between 0 and 65535.")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise InputError(
            f"--host {host} --port {port} cannot be listened on ({error.strerror}): give others."
        ) from error


async def serve_on(server: Server, place: socket.socket) -> None:
    """Serve until the server is told to stop."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, setattr, server, "should_exit", True)
    await server.serve(sockets=[place])


def serve(model: Answering, host: str, port: int, limits: Limits) -> None:
    """Serve a model; return when asked to stop."""
    place = listen(host, port)
    server = Server(
        uvicorn.Config(
            make_app(model, limits), log_level="warning", timeout_graceful_shutdown=GRACE, server_header=False
        )
    )
    shown = f"[{host}]" if ":" in host else host
    print(f"{model.about['name']}: http://{shown}:{place.getsockname()[1]}/predict; Ctrl-C ends it", flush=True)
    asyncio.run(serve_on(server, place))
    print("stopped", flush=True)
