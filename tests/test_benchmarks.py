"""The benchmarks run, and the counts that their documents state are those that they print.

Seconds and last digits are not compared: they belong to a machine.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from relu_learn.figures.comparison import POINTS

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parent / "benchmarks"


RESULTS = (BENCHMARKS / "RESULTS.md").read_text("utf-8")
REAL_MODELS = (BENCHMARKS.parents[1] / ".github/REAL_MODELS.md").read_text("utf-8")
RELIABILITY = (BENCHMARKS / "RELIABILITY.md").read_text("utf-8")


def cells(line: str) -> list[str]:
    """The cells of a line of a table, in Markdown or in columns."""
    parts = line.strip("| ").split("|") if "|" in line else re.split(r"\s{2,}", line.strip())
    return [part.strip() for part in parts]


def stated(document: str, *first: str) -> list[str]:
    """The row of a document's table that begins with these cells."""
    rows = [cells(line) for line in document.splitlines() if line.startswith("| ")]
    (row,) = [row for row in rows if row[: len(first)] == list(first)]
    return row


def within(count: str, stated: str) -> bool:
    """Whether the count of one seed lies in the range "low–high" that all seeds had."""
    ends = [float(end.replace(",", "")) for end in stated.split("–")]
    return ends[0] <= float(count.replace(",", "")) <= ends[-1]


def promised(sentence: str) -> str:
    """A sentence that the document says `--quick` prints."""
    assert f'"{sentence}"' in RELIABILITY
    return sentence


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "error", str(BENCHMARKS / script), "--quick", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_queries():
    printed = run("queries.py", "--markdown")
    rows = [cells(line) for line in printed.splitlines() if " 1/1 " in line]
    assert [row[0] for row in rows] == ["10-15-1", "5-100-1", "64-32-10", "digits"]
    for name, _, find, sure, find_ratio, ratio, neurons, *_ in rows:
        told = stated(RESULTS, name)
        assert told[1] == "20/20" and told[6] == neurons
        counts = zip((find, sure, find_ratio, ratio), told[2:6], strict=True)
        assert all(within(count, of_all) for count, of_all in counts), (name, told)


def test_lean():
    name = "64-32-10 lean"
    found = stated(run("queries.py", "--lean", "--markdown", "--only", "64-32-10"), name)
    told = stated(RESULTS, name)
    assert found[1] == "1/1" and told[1] == "50/50"
    assert all(within(count, of_all) for count, of_all in zip(found[2:6], told[2:6], strict=True))


def test_structure():
    name = "784-32-1 filters"
    printed = run("queries.py", "--structure", "--markdown", "--only", name)
    found, told = stated(printed, name), stated(RESULTS, name)
    assert found[1] == "1/1" and told[1] == "10/10"
    assert all(within(count, of_all) for count, of_all in zip(found[2:6], told[2:6], strict=True))


def test_speed(tmp_path):
    saved = str(tmp_path / "growth.json")
    printed = run("speed.py", "--write", saved)
    for text in ("ratio", "Growth with k", "Growth with d", "Growth with m", "ONNX"):
        assert text in printed
    assert "failed" not in printed
    assert run("speed.py", "--read", saved) in printed


def test_size():
    network, queries, *_, peak = run("size.py").strip().splitlines()[-1].split()
    assert network == "3000-4-10" and 6000 < int(queries.replace(",", "")) < 7000
    assert int(peak) < 400  # where one gradient is 72 MB of questions


def test_comparison(tmp_path):
    saved = str(tmp_path / "data.json")
    printed = run("comparison.py", "--write", saved)
    assert "relu_learn" in printed and "not run here" in printed
    data = json.loads(Path(saved).read_text("utf-8"))
    assert {curve["method"] for curve in data["curves"]} == {"queries", "random features"}
    ours = [row for row in data["rows"] if row["cells"][0].startswith("relu_learn")]
    assert {row["part"] for row in ours} == set(POINTS) and all(row["exact"] for row in ours)
    assert "15 of 15 bit for bit" in printed and " 0 of 15 bit for bit" in printed
    assert run("comparison.py", "--read", saved) == printed
    only = run("comparison.py", "--write", saved, "--only", "bits")
    assert "random features" in printed and "random features" not in only
    again = json.loads(Path(saved).read_text("utf-8"))
    assert [row["cells"][:-1] for row in again["rows"]] == [r["cells"][:-1] for r in data["rows"]]


def test_lower_bound():
    printed = run("lower_bound.py", "--neurons", "8")
    hidden, random = printed.strip().splitlines()[-2:]
    for line, name in ((hidden, "hidden plane, 8 neurons"), (random, "random, 8 neurons")):
        assert cells(line)[:4] == stated(RESULTS, name, "0")[:4]
    assert float(hidden.split()[-1]) > 0.5 > 1e-20 > float(hidden.split()[-2])


def test_noise_table():
    printed = run("noise_table.py")
    for kind in ("weights", "answers", "inputs"):
        assert f"float32 {kind}" in printed
    assert promised("certificates that do not hold: 0 of 6") in printed
    rows = [line.split() for line in printed.split("\n\n")[1].splitlines() if "/1" in line]
    assert len(rows) == 6 and all("1/1" in row for row in rows)
    # The error of F' is below the noise of one answer, and float32 costs at most 1e-5 of the scale.
    assert all(float(row[-4]) < 1 for row in rows)
    assert all(float(row[-3]) < 1e-5 for row in rows if row[1] == "float32")


def test_hostile():
    printed = run("hostile.py")
    assert promised("20 runs, 0 runs not recovered") in printed
    (most,) = re.findall(r"up to ([\d.]+) times the queries", RELIABILITY.replace("\n  ", " "))
    rows = [cells(line) for line in printed.splitlines() if " 1/1 " in line]
    assert len(rows) == 20 and all(float(row[4]) <= float(most) for row in rows)


def test_hats():
    printed = run("hats.py", "--seeds", "2")
    row = next(line for line in printed.splitlines() if "width" in line)
    name, *found = cells(row)[:6]  # the last one is of lean runs
    missed = [int(cell.split("/2, ")[0]) for cell in found]
    of_all = [int(cell.split("/25, ")[0]) for cell in stated(RESULTS, name)[1:]]
    # The two seeds are among the 25.
    assert len(missed) == 5 and all(a <= b for a, b in zip(missed, of_all, strict=True))


def test_bits():
    rows = [line.split() for line in run("bits.py").splitlines() if "float" in line]
    assert len(rows) == 4 and {row[-4] for row in rows} == {"0"}  # wrong numbers
    assert sum("15 of 15 15 of 15" in " ".join(row) for row in rows) == 2


def test_claims():
    printed = run("claims.py")
    assert promised("40 runs, 37 claims, 0 of them wrong") in printed
    assert "is below delta for every delta" in printed


def test_diagnosis():
    printed = run("diagnosis.py")
    assert promised("0 wrong answers") in printed
    rows = [cells(line) for line in printed.splitlines() if " 1/1 " in line]
    inside = sum(row[1] == "learned" for row in rows)
    assert f"shows the learner {len(rows) - inside} kinds of black boxes outside" in RELIABILITY
    assert f"{inside} kinds of activations inside are learned" in RELIABILITY


def test_fuzz():
    printed = run("fuzz.py")
    assert promised("20 cases, 0 broke a property") in printed.splitlines()


def test_constants():
    """Where lines go in a box is chosen by one number: the runs change with it, and stay right."""
    printed = run("constants.py", "bounded.box.OFF_CENTER", "--by", "2")
    half, usual, twice = (line.split(": ")[1] for line in printed.splitlines())
    assert usual.startswith("4 runs,  0 changed, 0 wrong")
    assert all("  4 changed, 0 wrong" in line for line in (half, twice))
    assert "core.pieces.GOAL" in run("constants.py", "--list", "core.pieces").splitlines()


def test_after_the_theft():
    printed = run("after_the_theft.py").split("\n\n")
    rows = [line.split() for line in printed[1].splitlines()[1:]]
    assert [row[4:] for row in rows] == [["45", "55", "56"], ["–", "–", "–"]]
    assert printed[2].splitlines()[1].split() == ["32", "0.00", "3.1", *["0.00", "3.1"] * 2]
    assert "5-10" in printed[3] and printed[3].split()[-1] == "0.00%"


def test_roads():
    printed = run("roads.py").split("\n\n")[-1]
    rows = [cells(line) for line in printed.splitlines() if " 1/1 " in line]
    assert len(rows) == 24  # 5 kinds of answers, two spaces, epsilon or not; exact ones polished
    for row in rows:
        told = stated(RELIABILITY, *row[:3])
        assert told[3:5] == ["2/2", "2/2"] and row[5] == told[5]
        # Where answers are imprecise, the last digits of a sum decide where is asked next.
        assert row[0] != "exact" or within(row[7], told[7]), told


def test_documents_name_scripts_that_exist():
    named = set(re.findall(r"\w+\.py", RESULTS + RELIABILITY))
    reliability = {"hostile.py", "noise_table.py", "claims.py", "diagnosis.py", "kill_test.py"}
    assert named >= {"queries.py", "fuzz.py"} | reliability
    for script in named - {"test_benchmarks.py"}:
        assert (BENCHMARKS / script).is_file(), script


def test_links_of_the_documents_lead_somewhere():
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", RESULTS + RELIABILITY)
    assert targets and all((BENCHMARKS / target).is_file() for target in targets)


def test_real_models():
    printed = run("real_models.py", "--libraries", "scikit-learn,float32").split("\n\n")[-1]
    rows = [cells(line) for line in printed.splitlines()[1:]]
    assert [row[1] for row in rows] == ["scaled", "scaled", "raw", "raw"]
    for row in rows:
        told = stated(REAL_MODELS, *row[:3])
        assert len(told) == len(row)
        # box, neurons, labels, what the result says; queries hang on the last bits of the training
        assert [row[i] for i in (3, 4, 11, 12)] == [told[i] for i in (3, 4, 11, 12)]
        assert float(row[9].split()[0]) < (1e-6 if row[2] == "scikit-learn" else 1e-2)


def test_no_row_of_the_real_models_is_silently_wrong():
    rows = [cells(line) for line in REAL_MODELS.splitlines() if line.startswith("| ")]
    table = [row for row in rows if row[1:2] in (["raw"], ["scaled"])]
    assert len(table) >= 20
    for row in table:
        assert re.match(r"holds|left out \d+ %|\w+: ", row[-1]), row
