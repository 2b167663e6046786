"""What is needed and what is installed; commands that install what is missing."""

import importlib.metadata
import importlib.util
import json
import shlex
import sys

import pytest

from relu_learn import environment


def test_needs_are_those_of_pyproject():
    names = {extra: {need.name for need in environment.needs(extra)} for extra in ("", "widgets")}
    assert {"numpy", "packaging", "typer"} <= names[""] and "plotly" not in names[""]
    assert {"anywidget", "ipywidgets", "plotly"} <= names["widgets"]
    assert not names[""] & names["widgets"]
    (plotly,) = (need for need in environment.needs("widgets") if need.name == "plotly")
    assert plotly.fits and plotly.found == importlib.metadata.version("plotly")


@pytest.mark.parametrize(
    ("found", "fits"), [("", False), ("5.24.0", False), ("6.0.0", True), ("7.1.0rc1", True)]
)
def test_a_version_fits_or_not(monkeypatch, found, fits):
    monkeypatch.setattr(environment, "version", lambda name: found)
    (plotly,) = (need for need in environment.needs("widgets") if need.name == "plotly")
    assert plotly.fits == fits and str(plotly) == "plotly>=6.0"


def test_what_is_missing_is_installed_by_its_own_name(monkeypatch):
    monkeypatch.setattr(environment, "version", lambda name: "" if name == "anywidget" else "99")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)  # pip is there
    monkeypatch.setattr(sys, "executable", "/a folder/bin/python")
    monkeypatch.setattr(sys, "platform", "linux")
    command = environment.remedy("widgets", "plotly")
    anywidget, plotly = shlex.split(command)[-2:]
    assert shlex.split(command)[:4] == ["/a folder/bin/python", "-m", "pip", "install"]
    assert anywidget.startswith("anywidget>=") and plotly.startswith("plotly>=")
    monkeypatch.setattr(sys, "platform", "win32")
    assert environment.pip("plotly>=6.0").startswith('"/a folder/bin/python" -m pip install ')


def test_without_pip_it_is_uv(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(environment.shutil, "which", lambda name: f"/bin/{name}")
    assert environment.pip("plotly").startswith("uv pip install --python ")


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ({"url": "file:///a/b%20c/relu_learn-0.1.0-py3-none-any.whl", "archive_info": {}}, ".whl"),
        (
            {"url": "https://host/it.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            " git+https://host/it.git@abc",
        ),
        (None, "from where it came"),
    ],
)
def test_this_package_is_installed_again_from_where_it_came(monkeypatch, source, where):
    class Installed:
        def read_text(self, name):
            return source and json.dumps(source)

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Installed())
    assert environment.again().endswith(where)
