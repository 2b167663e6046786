"""`relu-learn serve`: what it says, and how it ends. (test_extract attacks it.)"""

import os
import signal
import subprocess
import sys

import httpx
import pytest
from command_line import run

from relu_learn import zoo


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.npz"], "there is no such file"),
        (["tent.npz", "--box", "1", "0"], "bounds must be low < high"),
        (["tent.npz", "--host", "192.0.2.1"], "cannot be listened at"),
    ],
)
def test_bad_arguments_are_one_line(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    zoo.get("tent").save("tent.npz")
    code, out, err = run("serve", *arguments)
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_it_answers_until_it_is_stopped(tmp_path):
    command = [sys.executable, "-W", "error", "-m", "relu_learn", "serve", "tent"]
    with subprocess.Popen(
        [*command, "--port", "0", "--decimals", "1", "--budget", "3"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as service:
        try:
            said = service.stdout.readline()
            url = said.split()[0]
            assert "2 inputs, 1 decimals, 3 rows for each client" in said
            rows = {"instances": [[0.12, 0.34], [0.5, 0.6]]}
            reply = httpx.post(url, json=rows, trust_env=False).json()["predictions"]
            assert [round(y, 1) for y in reply] == reply
            assert httpx.post(url, json=rows, trust_env=False).status_code == 429
        finally:
            service.send_signal(signal.SIGINT)
            out, err = service.communicate(timeout=20)
    assert (service.returncode, out, err) == (130, "", "")


def test_a_model_that_raises_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "broken_model.py").write_text("def score(x):\n    raise OSError('no disk')\n")
    monkeypatch.chdir(tmp_path)
    code, out, err = run("serve", "broken_model:score", "--int8")
    assert (code, out) == (2, "") and "dim must be" in err
    (tmp_path / "raising_model.py").write_text(
        "from relu_learn.blackboxes import from_function\n"
        "def score(x):\n    raise OSError('no disk')\n"
        "model = from_function(score, 2)\n"
    )
    code, out, err = run("serve", "raising_model:model", "--int8")
    assert (code, out) == (1, "") and "raised OSError: no disk" in err and err.count("\n") == 1


def test_a_missing_extra_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    zoo.get("tent").save(tmp_path / "tent.npz")
    code, out, err = run("serve", str(tmp_path / "tent.npz"))
    assert (code, out) == (1, "") and "pip install 'relu-learn[serve]'" in err
