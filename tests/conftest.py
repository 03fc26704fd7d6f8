"""What holds for all tests."""

import os

# Tests run side by side (`-n 2`), each with one thread: threads of several processes would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
