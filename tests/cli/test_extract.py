"""`relu-learn extract` as its user meets it, in two terminals: one serves, the other attacks."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import run, terminal

from relu_learn import ReluNetwork, matches, zoo

PROGRAM = [sys.executable, "-W", "error", "-m", "relu_learn"]


@contextlib.contextmanager
def process(*command: str, **options):
    """Another terminal, and the first line that it shows."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options) as other:
        try:
            yield other.stdout.readline()
        finally:
            other.terminate()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The digits behind a service of their own process, and a file with some of them."""
    folder = tmp_path_factory.mktemp("served")
    zoo.get("digits").save(folder / "digits.npz")
    rows = np.random.default_rng(0).uniform(0, 1, (12, 64)).round(3)
    np.savetxt(folder / "points.csv", rows, delimiter=",")
    with process(*PROGRAM, "serve", "digits.npz", "--port", "0", cwd=folder) as said:
        yield folder, said.split()[0]


@pytest.fixture(scope="module")
def hostile():
    """A service that does what the address names."""
    program = Path(__file__).parents[1] / "hostile_service.py"
    with process(sys.executable, str(program)) as said:
        yield said.strip()


@pytest.mark.slow
def test_a_model_is_learned_from_its_service(served, tmp_path):
    folder, url = served
    out, page = tmp_path / "copy.npz", tmp_path / "report.html"
    done = terminal(
        *("extract", url, "--points", str(folder / "points.csv")),
        *("--out", str(out), "--report", str(page)),
    )
    assert done.returncode == 0, done.stderr
    assert "Learned: " in done.stdout and "the same label on 100 %" in " ".join(done.stdout.split())
    assert matches(zoo.get("digits"), ReluNetwork.load(out))
    text = page.read_text(encoding="utf-8")
    assert "gave the model away" in text and "data:image/png" in text and url in text
    assert len(list(tmp_path.glob("copy.npz.*.ledger"))) == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_stopped_by_hand_the_same_command_goes_on(served, tmp_path):
    _, url = served
    command = [*PROGRAM, "extract", url, "--dim", "64", "--per-second", "10"]
    first = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (ledgers := list(tmp_path.glob("*.ledger"))) or ledgers[0].stat().st_size < 20_000:
        assert first.poll() is None, first.communicate()
        time.sleep(0.02)
    first.send_signal(signal.SIGINT)
    out, err = first.communicate(timeout=30)
    assert first.returncode == 130 and "Partial result" in out
    assert "stopped by hand" in err and "the same command goes on" in err
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 0 and "of them from the ledger" in again.stdout
    assert matches(zoo.get("digits"), ReluNetwork.load(tmp_path / "copy.npz"))


def test_a_whole_copy_takes_the_place_of_a_partial_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    zoo.get("digits").save("digits.npz")
    run("extract", "digits.npz", "--max-queries", "600")
    assert Path("copy.partial.npz").exists()
    assert run("extract", "digits.npz")[0] == 0
    assert Path("copy.npz").exists() and not Path("copy.partial.npz").exists()


BAD = {
    "400": "HTTP 400",
    "404": "HTTP 404",
    "html": "no JSON",
    "truncated": "no JSON",
    "field": "no numbers at reply='predictions'",
    "text": "no numbers at reply='predictions'",
    "few": "an array of shape",
    "nan": "must return finite numbers",
    "late-400": "HTTP 400",
    "late-truncated": "no JSON",
    "late-width": "changed the shape of its answers",
    "late-nan": "must return finite numbers",
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_answer_is_one_line_and_costs_nothing_that_was_paid(hostile, tmp_path, fault):
    out = tmp_path / "copy.npz"
    code, _, err = run("extract", f"{hostile}/{fault}", "--dim", "2", "--out", str(out))
    last = err.splitlines()[-1]
    assert code == 1 and last.startswith("relu-learn: BlackBoxError: ") and BAD[fault] in last
    assert "\x1b" not in err and not out.exists()
    (ledger,) = tmp_path.glob("*.ledger")
    if fault.startswith("late-"):  # what was answered before is there, and whole
        before = ledger.read_bytes()
        assert "the same command goes on" in last and len(before) > 1000
        code, _, err = run("extract", f"{hostile}/{fault}", "--dim", "2", "--out", str(out))
        assert code in (1, 2) and ledger.read_bytes() == before


def test_nobody_answers(tmp_path, monkeypatch):
    monkeypatch.setattr("relu_learn.blackboxes.http._PAUSE", 1e-3)
    monkeypatch.chdir(tmp_path)
    code, out, err = run("extract", "http://127.0.0.1:9/x", "--dim", "2")
    assert (code, out) == (1, "") and "cannot be reached" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "value", "code", "said"),
    [
        ("--out", "no/copy.npz", 2, "out='no/copy.npz' cannot be written"),
        ("--out", "copy.txt", 2, "out must end in .npz, .onnx, .pt, .joblib"),
        ("--report", "no/page.html", 2, "report='no/page.html' cannot be written"),
        ("--ledger", "no/run.ledger", 2, "ledger='no/run.ledger' cannot be written"),
        ("--ledger", "tent.npz", 2, "is not a ledger: it is left untouched"),
        ("--max-queries", "150", 3, "max_queries=150"),
        ("--max-seconds", "0.001", 3, "TimeLimitExceeded"),
    ],
)
def test_files_and_limits(tmp_path, monkeypatch, option, value, code, said):
    monkeypatch.chdir(tmp_path)
    zoo.get("tent").save("tent.npz")
    before = Path("tent.npz").read_bytes()
    got, _, err = run("extract", "tent.npz", option, value)
    assert got == code and said in err.splitlines()[-1]
    assert Path("tent.npz").read_bytes() == before
    if code == 2:
        assert err.count("\n") == 1 and not list(tmp_path.glob("copy*"))


TARGETS = """
import numpy as np
r = np.random.default_rng(0)
W, V, a, b = (r.standard_normal(shape) for shape in [(20, 5), (20, 20), 20, 20])
deep = lambda x: np.maximum(np.maximum(x @ W.T - b, 0) @ V, 0) @ a
tanh = lambda x: np.tanh(x @ W.T - b) @ a
tree = lambda x: np.floor(2 * x[:, 0]) * 0.3 + (x[:, 1] > 0.1)
"""


@pytest.mark.parametrize(
    ("kind", "said"),
    [("deep", "two or more hidden layers"), ("tanh", "smooth activation"), ("tree", "jumps")],
)
def test_the_wrong_kind_of_model_is_named(tmp_path, monkeypatch, kind, said):
    monkeypatch.chdir(tmp_path)
    Path("wrong_kinds.py").write_text(TARGETS)
    code, out, err = run("extract", f"wrong_kinds:{kind}", "--dim", "5", "--report", "r.html")
    assert code == 4 and said in err.splitlines()[-1]
    assert not Path("copy.npz").exists() and said in Path("r.html").read_text(encoding="utf-8")
    assert int(out.split("queries")[1].split()[0].replace(",", "")) <= 10_000
