"""What a service counts of itself, as text for Prometheus."""

import threading
from bisect import bisect_left

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Measures:
    """Counts requests by their status, windows, and how long answers took; safe in several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[int, int] = {}
        self._buckets = [0] * (len(SECONDS) + 1)
        self._seconds, self._windows = 0.0, 0
        self.running = 0

    def answered(self, status: int, seconds: float, windows: int) -> None:
        """Count a request."""
        with self._lock:
            self._requests[status] = self._requests.get(status, 0) + 1
            self._buckets[bisect_left(SECONDS, seconds)] += 1
            self._seconds += seconds
            self._windows += windows

    def text(self) -> str:
        """Return all numbers in the text format of Prometheus."""
        with self._lock:
            lines = ["# TYPE dlkit_requests_total counter"]
            lines += [f'dlkit_requests_total{{status="{key}"}} {n}' for key, n in sorted(self._requests.items())]
            lines += ["# TYPE dlkit_windows_total counter", f"dlkit_windows_total {self._windows}"]
            lines += ["# TYPE dlkit_running gauge", f"dlkit_running {self.running}"]
            lines.append("# TYPE dlkit_request_seconds histogram")
            below = 0
            for bound, count in zip([*map(str, SECONDS), "+Inf"], self._buckets, strict=True):
                below += count
                lines.append(f'dlkit_request_seconds_bucket{{le="{bound}"}} {below}')
            lines += [f"dlkit_request_seconds_sum {self._seconds:.6f}", f"dlkit_request_seconds_count {below}"]
        return "\n".join(lines) + "\n"
