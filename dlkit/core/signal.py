"""Signals that ask a job to stop: a handler only notes them, whoever works looks when it can be stopped."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ASKS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)  # Ctrl-C (INT) keeps its meaning
_noted: list[str] = []
_listening = False


class Stopped(BaseException):
    """Work was left because somebody asked; what was worth keeping is kept. Not a fault, so no ``Exception``.

    Args:
        sentence: What was kept and how to go on.
        code: Exit code of the process.
    """

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.code = code


def _note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler has both
    _noted.append(signal.Signals(number).name)


def asked() -> str | None:
    """Return the name of the signal that asked this process to stop, None as long as none did."""
    return _noted[0] if _noted else None


@contextmanager
def listening(*more: signal.Signals) -> Iterator[None]:
    """Note signals instead of dying by them; inside another ``listening`` nothing changes, nor in a thread.

    Args:
        more: Signals beside ``ASKS``, such as INT; a process in the background is often started deaf to it.
    """
    global _listening  # noqa: PLW0603 - handlers belong to the process
    if _listening or threading.current_thread() is not threading.main_thread():
        yield
        return
    _listening, before = True, {number: signal.signal(number, _note) for number in (*ASKS, *more)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        _listening = False
        _noted.clear()


@contextmanager
def leaving() -> Iterator[None]:
    """Leave at SIGTERM by an exception, so that what is half written is removed; in a thread nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler has both
    raise Stopped("stopped by SIGTERM; files written so far are whole.", 128 + number)
