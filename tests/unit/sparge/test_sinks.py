"""What the process of a sink carries."""

from __future__ import annotations

import subprocess
import sys

LOADED = "import sys, sparge.sinks; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def test_ingest_loads_no_models() -> None:
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert not {"river", "scipy", "pandas"} & set(loaded.stdout.split())
