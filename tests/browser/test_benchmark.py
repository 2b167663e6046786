"""The lessons' benchmark runs; what it prints is for people, and no time is asserted."""

from __future__ import annotations

import pathlib
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
    head, _, row, together = done.stdout.splitlines()
    assert "redrawn p50 ms" in head and row.startswith("| 02_hyperplane_discovery |")
    moves, median = (float(cell) for cell in row.split("|")[5:7])
    assert moves >= 6 and median > 0
    assert "hand p50 ms | kernel trip ms" in head
    assert all(float(cell) > 0 for cell in row.split("|")[10:12])
    cells = [[cell.strip() for cell in line.split("|")] for line in (row, together)]
    assert cells[1][1] == "2D lessons" and cells[1][5:11] == cells[0][5:11]


@pytest.mark.parametrize(
    ("script", "data", "names"),
    [
        ("comparison.py", "comparison.json", {"comparison_loss.png", "comparison_price.png"}),
        ("speed.py", "growth.json", {"growth.png"}),
    ],
)
def test_plots_of_the_readme(
    script: str, data: str, names: set[str], browser: Any, tmp_path: pathlib.Path
) -> None:
    """What ships is drawn again; `save` refuses files that are too large for a README."""
    assert browser.is_connected()
    command = [sys.executable, str(ROOT / "tests" / "benchmarks" / script)]
    command += ["--read", str(ROOT / "relu_learn" / "data" / data), "--plots", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == names
    for path in tmp_path.iterdir():
        assert path.stat().st_size > 20_000  # not an empty page
