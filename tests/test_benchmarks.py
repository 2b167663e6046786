"""The benchmarks run; what they print is for people, and no time is asserted."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parent / "benchmarks"


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "error", str(BENCHMARKS / script), "--quick", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_queries():
    printed = run("queries.py", "--markdown")
    for name in ("10-15-1", "5-100-1", "64-32-10", "digits"):
        assert f"| {name} " in printed
    assert printed.count(" 1/1 ") == 4


def test_speed(tmp_path):
    saved = str(tmp_path / "growth.json")
    printed = run("speed.py", "--write", saved)
    for text in ("ratio", "Growth with k", "Growth with d", "Growth with m", "peak MB"):
        assert text in printed
    assert "failed" not in printed
    assert run("speed.py", "--read", saved) in printed


def test_comparison(tmp_path):
    saved = str(tmp_path / "data.json")
    printed = run("comparison.py", "--write", saved)
    assert "relu_learn" in printed and "not run here" in printed
    data = json.loads(Path(saved).read_text("utf-8"))
    assert {curve["method"] for curve in data["curves"]} == {"queries", "random features"}
    assert run("comparison.py", "--read", saved) == printed
    only = run("comparison.py", "--read", saved, "--only", "784-32-1")
    assert "random features" in printed and "random features" not in only


def test_lower_bound():
    printed = run("lower_bound.py", "--neurons", "8")
    hidden, random = printed.strip().splitlines()[-2:]
    assert "hidden plane, 8 neurons" in hidden and "random, 8 neurons" in random
    assert float(hidden.split()[-1]) > 0.5 > 1e-20 > float(hidden.split()[-2])


def test_noise_table():
    printed = run("noise_table.py")
    for kind in ("weights", "answers", "inputs"):
        assert f"float32 {kind}" in printed
    assert "certificates that do not hold: 0 of 6" in printed
    rows = [line.split() for line in printed.split("\n\n")[1].splitlines() if "/1" in line]
    assert len(rows) == 6 and all("1/1" in row for row in rows)
    # The error of F' is below the noise of one answer, and float32 costs at most 1e-5 of the scale.
    assert all(float(row[-4]) < 1 for row in rows)
    assert all(float(row[-3]) < 1e-5 for row in rows if row[1] == "float32")


def test_hostile():
    printed = run("hostile.py")
    assert "near_parallel" in printed and "runs not recovered" in printed


def test_hats():
    printed = run("hats.py", "--seeds", "2")
    row = next(line for line in printed.splitlines() if "width" in line)
    assert row.count("/2, ") == 5 and "0/2" in row.split("/2, ", 4)[-2] + "/2"


def test_claims():
    printed = run("claims.py")
    assert "is below delta for every delta" in printed


def test_diagnosis():
    printed = run("diagnosis.py")
    assert "0 wrong answers" in printed
    assert "NotOneHiddenLayer" in printed


def test_fuzz():
    printed = run("fuzz.py")
    assert re.search(r"^20 cases, 0 broke a property$", printed, re.MULTILINE)


def test_roads():
    printed = run("roads.py").split("\n\n")[-1]
    rows = [line for line in printed.splitlines() if " 1/1 " in line]
    assert len(rows) == 20  # 5 kinds of answers, two spaces, with epsilon and without


def test_readme_names_scripts_that_exist():
    readme = (BENCHMARKS.parents[1] / "README.md").read_text("utf-8")
    section = readme.split("<!-- benchmark -->")[1].split("## Limits")[0]
    named = set(re.findall(r"\w+\.py", section))
    reliability = {"hostile.py", "noise_table.py", "claims.py", "diagnosis.py", "kill_test.py"}
    assert named >= {"queries.py", "fuzz.py"} | reliability
    for script in named:
        assert (BENCHMARKS / script).is_file(), script
