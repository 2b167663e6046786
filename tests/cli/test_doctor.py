"""`relu-learn doctor` in good environments and in bad ones."""

import importlib.metadata
import re
import shutil
from pathlib import Path

import pytest
from command_line import run

from relu_learn.cli import doctor, lessons


@pytest.fixture
def versions(monkeypatch):
    """What other versions there are ("": missing) than those that are installed."""
    fakes: dict[str, str] = {}
    version = importlib.metadata.version

    def faked(name):
        if not fakes.get(name, "there"):
            raise importlib.metadata.PackageNotFoundError(name)
        return fakes.get(name) or version(name)

    monkeypatch.setattr(importlib.metadata, "version", faked)
    return fakes


def test_it_finds_this_environment_well():
    code, out, err = run("doctor")
    assert code == 0, err
    for what in ("relu-learn", "python", "numpy", "jupyterlab", "anywidget", "first lesson"):
        assert re.search(rf"^ok +{what} ", out, re.MULTILINE), what
    assert re.search(r"^\w+ +BLAS +\w+, threads: \d+, processors: \d+", out, re.MULTILINE)
    assert "front end of anywidget" in out and "PROBLEM" not in out and "PROBLEM" not in err


def test_versions_that_are_too_old_are_problems(versions):
    versions |= {"plotly": "5.24.0", "anywidget": "0.9.2", "ipywidgets": "8.0.0"}
    code, out, err = run("doctor")
    assert code == 1
    for name, version in versions.items():
        assert re.search(rf"^PROBLEM +{name} +{version} \(need >=", out, re.MULTILINE)
        assert re.search(rf"PROBLEM: {name}: {version} .*pip install .*{name}>=", err)
    assert out.count("PROBLEM") == 3


def test_a_missing_package_is_named_and_an_optional_one_is_no_problem(versions):
    versions |= {"traitlets": "", "scikit-learn": ""}
    code, out, err = run("doctor")
    (line,) = (line for line in err.splitlines() if "PROBLEM" in line)
    assert code == 1
    assert "traitlets: missing (need >=" in line and "relu-learn[" not in err
    assert re.search(r"extra models +without scikit-learn \(optional\)", out)


def test_a_run_from_the_source_says_so(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    for function in ("metadata", "requires", "distribution"):
        monkeypatch.setattr(importlib.metadata, function, missing)
    code, _, err = run("doctor")
    assert code == 1 and "installation: missing: this runs from its source" in err


def test_a_kernel_alone_is_no_problem(versions, monkeypatch):
    versions["jupyterlab"] = ""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    code, out, err = run("doctor")
    assert code == 0
    assert re.search(r"^note +jupyterlab +none here", out, re.MULTILINE)
    assert re.search(r"note: jupyterlab: .*pip install .*jupyterlab>=", err)


@pytest.mark.parametrize("complete", [True, False])
def test_a_jupyterlab_in_another_environment(versions, monkeypatch, tmp_path, complete):
    versions |= {"jupyterlab": "", "ipykernel": ""}
    program = tmp_path / "bin" / "jupyter-lab"
    program.parent.mkdir()
    program.touch()
    for extension in doctor._FRONT_ENDS if complete else ():
        folder = tmp_path / "share" / "jupyter" / "labextensions" / extension
        folder.mkdir(parents=True)
        (folder / "package.json").touch()
    monkeypatch.setattr(shutil, "which", lambda name: str(program))
    code, _, err = run("doctor")
    assert code == 0 and f"in another environment, {tmp_path.resolve()}" in err
    assert "-m ipykernel install --user" in err and "ipykernel>=" in err
    wanted = f"{program.parent.resolve() / 'python'} -m pip install anywidget"
    assert (wanted in err) != complete


def test_a_missing_front_end(tmp_path, monkeypatch):
    from jupyter_core import paths

    monkeypatch.setattr(paths, "jupyter_path", lambda *parts: [str(tmp_path.joinpath(*parts))])
    code, out, err = run("doctor")
    assert code == 1
    assert re.search(r"^PROBLEM +front end of anywidget +missing", out, re.MULTILINE)
    assert "pip install --force-reinstall anywidget" in err


def test_a_disabled_front_end(monkeypatch):
    from jupyterlab_server import config

    page = {"disabledExtensions": ["anywidget"]}
    monkeypatch.setattr(config, "get_page_config", lambda folders: page)
    code, _, err = run("doctor")
    assert code == 1 and "jupyter labextension enable anywidget" in err


def test_threads_that_a_container_has_no_processors_for(monkeypatch, tmp_path):
    quota = tmp_path / "cpu.max"
    most = doctor._processors(quota)  # there is no such file
    for text, processors in (("max 100000", most), ("150000 100000", min(most, 2)), ("9 10", 1)):
        quota.write_text(text)
        assert doctor._processors(quota) == processors
    monkeypatch.setattr(doctor, "_processors", lambda: 0)
    code, out, err = run("doctor")
    assert re.search(r"^note +BLAS", out, re.MULTILINE) and "OMP_NUM_THREADS=" in err
    assert code == 0


def test_folders_that_cannot_be_written(monkeypatch):
    nowhere, here = Path("/no such folder"), Path.cwd()
    monkeypatch.setattr(doctor, "workplaces", lambda: iter((nowhere, here)))
    assert lessons.writable(here) and not lessons.writable(nowhere)
    code, out, err = run("doctor")
    assert code == 0 and "no such folder cannot be written: go to another" in err
    assert re.search(r"^note +lessons folder", out, re.MULTILINE)
    monkeypatch.setattr(doctor, "workplaces", lambda: iter((nowhere,)))
    assert run("doctor")[0] == 1
