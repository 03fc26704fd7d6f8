"""Servers on this machine: one of MLflow, and a wire to it that can be cut."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def answers(address: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with suppress(OSError), direct.open(f"{address}/health", timeout=10) as reply:
        return bool(reply.status == 200)
    return False


@contextmanager
def mlflow_server(folder: Path, patience: float = 600) -> Iterator[str]:
    """Yield the address of a server that keeps everything in ``folder``."""
    port, log = free_port(), folder / "server.log"
    settings = ["--backend-store-uri", f"sqlite:///{folder}/runs.db", "--artifacts-destination", f"{folder}/files"]
    command = [sys.executable, "-m", "mlflow", "server", *settings, "--host", "127.0.0.1", "--port", str(port)]
    quiet = os.environ | dict.fromkeys(("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"), "true")
    quiet["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # starts sooner
    with log.open("w") as out:
        server = subprocess.Popen(
            [*command, "--workers", "1"], stdout=out, stderr=out, cwd=folder, env=quiet, start_new_session=True
        )
    address, until = f"http://127.0.0.1:{port}", time.monotonic() + patience
    try:
        while not answers(address):
            assert server.poll() is None and time.monotonic() < until, log.read_text()[-2000:]
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


class Wire:
    """Hands bytes on from a port of its own to that of a server, until it is cut.

    Args:
        address: Of the server.
    """

    def __init__(self, address: str) -> None:
        self.to, self.port = int(address.rpartition(":")[2]), free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.ends: list[socket.socket] = []
        self.join()

    def join(self) -> None:
        """Take calls."""
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._take, args=(self.listener,), daemon=True).start()

    def cut(self) -> None:
        """Refuse calls and break off those under way."""
        for one in (self.listener, *self.ends):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self.ends.clear()

    def _take(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.to))
                self.ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=hand_on, args=(one, other), daemon=True).start()


def hand_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while content := one.recv(65536):
            other.sendall(content)
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def history(client: Any, run_id: str, name: str) -> list[tuple[int, float]]:
    """Return steps and values of a measure."""
    return sorted((value.step, value.value) for value in client.get_metric_history(run_id, name))
