"""The lessons' benchmark runs; what it prints is for people, and no time is asserted."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from .lab import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_lessons(browser: Any) -> None:
    assert browser.is_connected()  # or there is no Chromium, and the fixture has said so
    script = ROOT / "tests" / "benchmarks" / "lessons.py"
    command = [sys.executable, "-W", "error", str(script), "--quick", "--markdown"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    head, _, row = done.stdout.splitlines()
    assert "redrawn p50 ms" in head and row.startswith("| 02_hyperplane_discovery |")
    moves, median = (float(cell) for cell in row.split("|")[5:7])
    assert moves >= 6 and median > 0
