"""The site that one command builds, and the account's name that one command writes."""

from __future__ import annotations

import html.parser
import re
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def script(root: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error::UserWarning", str(root / ".github" / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Page(html.parser.HTMLParser):
    """What a page refers to, what can be referred to in it, and its text outside code."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.places: set[str] = set()
        self.frames: list[str] = []
        self.text = ""
        self._inside = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.targets += [found[name] for name in ("href", "src") if name in found]
        self.places |= {found["id"]} if "id" in found else set()
        self.frames += [found["src"]] if tag == "iframe" else []
        self._inside += tag in ("pre", "code")

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag in ("pre", "code")

    def handle_data(self, data: str) -> None:
        self.text += "" if self._inside else data


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "new"
    done = script(ROOT, "build_site.py", str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder / "index.html")
    return folder


pytestmark = pytest.mark.slow


def test_every_link_leads_somewhere(site: Path) -> None:
    # A run that plays is one file, without links, and too large to be read for that.
    pages = {path: Page(path) for path in site.rglob("*.html") if path.parent.name != "runs"}
    assert len(pages) > len(LESSONS) + 10
    for path, page in pages.items():
        for target in page.targets:
            if re.match(r"[a-z]+:", target):
                continue
            there, _, place = urllib.parse.unquote(target).partition("#")
            file = (path.parent / there).resolve() if there else path
            assert file.is_file(), f"{path.name}: {target}"
            if place and file in pages and "api" not in file.parts:
                assert place in pages[file].places, f"{path.name}: {target}"


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_can_be_read(site: Path, name: str) -> None:
    page = Page(site / "lessons" / f"{name}.html")
    assert "What to remember" in page.text
    assert "$" not in page.text and '">' not in page.text  # formulas, and they alone, are drawn
    assert any("colab" in target and f"{name}.ipynb" in target for target in page.targets)
    pictures = [target for target in page.targets if target.endswith(f"{name}.png")]
    assert len(pictures) == (ROOT / ".github" / "screenshots" / f"{name}.png").is_file()


def test_runs_play_on_their_lessons(site: Path) -> None:
    playing = [name for name in LESSONS if Page(site / "lessons" / f"{name}.html").frames]
    assert {"00_start_here", "02_hyperplane_discovery", "99_for_teachers"} <= set(playing)
    for run in (site / "runs").iterdir():
        assert "Plotly" in run.read_text(encoding="utf-8")


def test_the_reference_understands_the_docstrings(site: Path) -> None:
    text = (site / "api" / "relu_learn.html").read_text(encoding="utf-8")
    for name in ("learn_from_queries", "Oracle", "ReluNetwork", "Trace"):
        assert f'<section id="{name}">' in text
    learn = text.split('<section id="learn_from_queries">')[1].split("</section>")[0]
    for section in ("parameters", "returns", "raises"):
        assert f'<h6 id="{section}">' in learn
    assert re.search(r"<strong>dim</strong> \(int, optional\):\s+Input dimension", learn)


def test_it_is_built_into_a_new_folder_only(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    done = script(ROOT, "build_site.py", str(tmp_path))
    assert done.returncode == 2 and "is not empty" in done.stderr


# ------------------------------------------------------------ the account's name


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A repository of its own with all the files that are tracked here."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=True
    )
    for line in listed.stdout.splitlines():
        (tmp_path / line).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / line, tmp_path / line)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "add", "-A"], check=True)
    return tmp_path


def names(folder: Path) -> set[str]:
    """The accounts of all links to this repository, in all files."""
    link = r"(?:github\.com|githubusercontent\.com|/gh|/github)/([\w-]+)/relu_learn"
    found: set[str] = set()
    for path in folder.rglob("*"):
        if path.is_file() and ".git" not in path.relative_to(folder).parts:
            text = path.read_text(encoding="utf-8", errors="ignore")
            found |= {*re.findall(link, text), *re.findall(r"//([\w-]+)\.github\.io", text)}
    return found


def test_the_account_is_written_everywhere_by_one_command(copy: Path) -> None:
    (before,) = names(copy)
    done = script(copy, "owner.py", "somebody-1")
    changed = done.stdout.split()
    assert {"README.md", "pyproject.toml", "notebooks/00_start_here.ipynb"} <= set(changed)
    assert names(copy) == {"somebody-1"}
    script(copy, "owner.py", before)
    assert names(copy) == {before}
    for name in changed:
        assert (copy / name).read_bytes() == (ROOT / name).read_bytes()


@pytest.mark.parametrize("wrong", ["", "a b", "-x", "x--y", "somebody/relu_learn", "x" * 40])
def test_what_is_no_account_is_refused(wrong: str) -> None:
    done = script(ROOT, "owner.py", "--", wrong)
    assert done.returncode == 1 and "is no name of an account" in done.stderr
