"""Commands import less, and nothing that is used is missing."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "light_imports.py"


def test_what_an_import_leaves_out_comes_when_it_is_used():
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.stdout == "as ever\n", done.stderr
