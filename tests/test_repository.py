"""What surrounds the code says the same as the code."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from relu_learn import __version__

ROOT = Path(__file__).parents[1]
METADATA = importlib.metadata.metadata("relu-learn")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def load(name: str) -> Any:
    return yaml.safe_load(read(name))


def test_the_version_is_the_same_everywhere():
    assert json.loads(read(".zenodo.json"))["version"] == __version__
    newest = re.findall(r"^## (\S+)$", read(".github/CHANGELOG.md"), re.MULTILINE)[0]
    assert newest == __version__


def test_every_python_of_the_metadata_is_tested():
    jobs = load(".github/workflows/ci.yml")["jobs"]
    matrix = jobs["quick"]["strategy"]["matrix"]["python"]
    prefix = "Programming Language :: Python :: 3."
    claimed = [line for line in METADATA.get_all("Classifier") if line.startswith(prefix)]
    assert [line.rsplit(" ", 1)[1] for line in claimed] == matrix
    assert METADATA["Requires-Python"] == f">={matrix[0]}"
    assert {"run": ".ci/run"} in jobs["all"]["steps"]


def test_before_a_commit_runs_what_ci_checks():
    hooks = load(".pre-commit-config.yaml")["repos"][0]["hooks"]
    mine = [hook["entry"].replace(" --force-exclude", "") for hook in hooks]
    checks = re.findall(r"^\.venv/bin/(?:ruff|mypy).*$", read(".ci/run"), re.MULTILINE)
    assert mine == [line.removesuffix(" .") for line in checks]


def test_the_workflow_publishes_what_the_command_builds():
    steps = load(".github/workflows/pages.yml")["jobs"]["site"]["steps"]
    (build,) = [step["run"] for step in steps if "build_site" in step.get("run", "")]
    folder = shlex.split(build)[-1]
    (upload,) = [step["with"]["path"] for step in steps if "pages-artifact" in step.get("uses", "")]
    assert folder == upload
    for command in re.findall(r"python (\S+\.py)", " ".join(step.get("run", "") for step in steps)):
        assert (ROOT / command).is_file()


@pytest.mark.parametrize("name", ["wrong_answer", "lesson", "idea"])
def test_a_form_of_an_issue_is_whole(name):
    form = load(f".github/ISSUE_TEMPLATE/{name}.yml")
    assert form["name"] and form["description"]
    for field in form["body"]:
        assert field["type"] in ("textarea", "input", "dropdown")
        assert field["attributes"]["label"]


def test_the_container_makes_what_the_readme_s_test_command_needs():
    made = json.loads(read(".devcontainer/devcontainer.json"))["postCreateCommand"]
    assert "chromium fonts-dejavu-core" in made and "chromium" in read("README.md")
    assert "python3 -m venv .venv && .venv/bin/pip install -e '.[test]'" in made


def test_an_index_shows_the_whole_readme():
    tomllib = pytest.importorskip("tomllib")  # of Python 3.11 and later
    hook = tomllib.loads(read("pyproject.toml"))["tool"]["hatch"]["metadata"]["hooks"]
    shown = readme = read("README.md")
    for change in hook["fancy-pypi-readme"]["substitutions"]:
        shown = re.sub(change["pattern"], change["replacement"], shown)
    here = re.findall(r"\]\((?!https:)([^)\s]+)\)", readme)
    links = re.findall(r"\]\(([^)\s]+)\)", shown)
    assert here and all(link.startswith("https://") for link in links)
    for path in here:
        raw = path.endswith((".png", ".svg"))
        host = "raw.githubusercontent.com" if raw else "github.com"
        assert any(link.endswith(f"/HEAD/{path}") and host in link for link in links), path
    # And that is what was put into the package.
    assert METADATA["Description-Content-Type"].startswith("text/markdown")
    packed = METADATA.get_payload() or METADATA["Description"]
    assert all(link.startswith("https://") for link in re.findall(r"\]\(([^)\s]+)\)", packed))


def test_the_metadata_name_places():
    urls = dict(line.split(", ") for line in METADATA.get_all("Project-URL"))
    assert {"Repository", "Documentation", "Changelog", "Issues"} <= set(urls)
    path = urls["Changelog"].split("/HEAD/")[1]
    assert (ROOT / path).is_file()
