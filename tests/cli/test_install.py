"""What is missing is named with the command that installs it."""

import importlib.util

from command_line import run


def test_html_without_plotly_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    code, out, err = run("demo", "tent", "--html", str(tmp_path / "tent.html"))
    assert code == 1 and out == ""  # said before the run, not after it
    assert len(err.splitlines()) == 1 and "plotly" in err and "[lab]" in err


def test_lab_without_jupyterlab_says_what_to_install(started, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    code, _, err = run("lab")
    assert code == 1 and not started
    assert len(err.splitlines()) == 1 and "pip install" in err and "[lab]" in err
