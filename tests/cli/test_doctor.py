"""`relu-learn doctor` in good environments and in bad ones."""

import importlib.metadata
import re

from command_line import run


def test_doctor_finds_this_environment_well():
    code, out, err = run("doctor")
    assert code == 0, err
    for what in ("relu-learn", "python", "numpy", "jupyterlab", "anywidget", "first lesson"):
        assert re.search(rf"^ok +{what} ", out, re.MULTILINE), what
    assert "front end of anywidget" in out and "PROBLEM" not in out and err == ""


def test_doctor_names_a_missing_front_end(tmp_path, monkeypatch):
    from jupyter_core import paths

    monkeypatch.setattr(paths, "jupyter_path", lambda *parts: [str(tmp_path.joinpath(*parts))])
    code, out, err = run("doctor")
    assert code == 1
    assert re.search(r"^PROBLEM +front end of anywidget +missing", out, re.MULTILINE)
    assert "pip install --force-reinstall anywidget" in err


def test_doctor_names_a_disabled_front_end(monkeypatch):
    from jupyterlab_server import config

    page = {"disabledExtensions": ["anywidget"]}
    monkeypatch.setattr(config, "get_page_config", lambda folders: page)
    code, _, err = run("doctor")
    assert code == 1 and "jupyter labextension enable anywidget" in err


def test_doctor_names_a_missing_package(monkeypatch):
    version = importlib.metadata.version

    def without(name):
        if name in ("jupyterlab", "scikit-learn"):
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without)
    code, out, err = run("doctor")
    assert code == 1
    (line,) = err.splitlines()
    assert line.startswith("relu-learn: jupyterlab missing; install it: ") and "[lab]" in line
    assert re.search(r"extra models +without scikit-learn \(optional\)", out)
