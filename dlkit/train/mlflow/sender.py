"""A thread that sends measures to a server, so that training never waits for the network."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

AT_ONCE = 1000
"""Values in one request: the most that MLflow takes."""


class Value(NamedTuple):
    """A measure at a step; ``time`` in milliseconds since 1970."""

    name: str
    value: float
    time: int
    step: int


class Sender:
    """Sends what is put in, in order, every ``every`` seconds; what cannot be sent is kept and tried again.

    Args:
        send: Sends some values; raises when it cannot. The same values may come twice.
        failed: Called with what ``send`` raised.
        every: Seconds between two requests; after a failure they double, up to a minute.
        most: Values that are kept while the server is gone; beyond that the oldest are lost.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Value]], None],
        failed: Callable[[Exception], None],
        *,
        every: float = 1.0,
        most: int = 100_000,
    ) -> None:
        self._send, self._failed, self._every, self._most = send, failed, every, most
        self._waiting: deque[Value] = deque()
        self._one_at_a_time, self._closed = threading.Lock(), threading.Event()
        self.lost = 0
        self.thread = threading.Thread(target=self._work, daemon=True, name="tracking")
        self.thread.start()

    def put(self, values: Sequence[Value]) -> None:
        """Take values over; returns at once."""
        self._waiting.extend(values)
        while len(self._waiting) > self._most:
            self._waiting.popleft()
            self.lost += 1

    def flush(self) -> int:
        """Send what is waiting now; return how many values did not arrive."""
        self._send_waiting()
        return len(self._waiting) + self.lost

    def close(self) -> int:
        """Flush and end the thread: what is put in later is sent by the next flush."""
        self._closed.set()
        return self.flush()

    def _work(self) -> None:
        pause = self._every
        while not self._closed.wait(pause):
            pause = self._every if self._send_waiting() else min(2 * pause, 60.0)

    def _send_waiting(self) -> bool:
        with self._one_at_a_time:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                try:
                    self._send(batch)
                except Exception as error:  # noqa: BLE001 - whatever a client of the network raises, training goes on
                    self._waiting.extendleft(reversed(batch))
                    self._failed(error)
                    return False
        return True
