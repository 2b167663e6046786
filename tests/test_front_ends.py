"""Front ends that cannot be started here: what lessons hand to them is what they need."""

from __future__ import annotations

import importlib.metadata
import json
import sys
import types
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import plotly.graph_objects as go
import pytest
from ipywidgets.widgets.widget import _instances
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from relu_learn.widgets import Panel, Player, Prediction
from relu_learn.widgets.board import Board
from relu_learn.widgets.classroom import ClassLinks, lessons, links
from relu_learn.widgets.explorer import Explorer
from relu_learn.widgets.frames import Framed
from relu_learn.widgets.library import PlotlyLibrary
from relu_learn.widgets.questions import start_here

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
VIEW = "application/vnd.jupyter.widget-view+json"
URL = "https://example.org/manager.js"


@pytest.fixture
def colab(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Colab's kernel has, as far as widgets look at it."""
    output: Any = types.ModuleType("google.colab.output")
    output.enable_custom_widget_manager = lambda: None
    output._widgets = types.SimpleNamespace(_installed_url=URL)
    for name in ("google", "google.colab"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "google.colab.output", output)


@pytest.fixture
def shown() -> Any:
    """One of each kind of thing that a cell of a lesson ends with."""
    player = Player("tent", seed=0)
    guess = Prediction("How many?", ["1", "2"], then="Look.")
    settled, form = start_here.settled(guess, player), ClassLinks()
    yield [player, guess, settled, form, Panel(go.Figure())]
    library = PlotlyLibrary.ensure()
    for widget in set(_instances.values()) - {library, library.layout}:
        widget.close()


def test_in_colab_whatever_is_shown_names_its_manager(colab: None, shown: list[Any]) -> None:
    for widget in shown:
        data, metadata = widget._repr_mimebundle_()
        assert data[VIEW]["model_id"] == widget.model_id
        assert metadata[VIEW]["colab"]["custom_widget_manager"]["url"] == URL


def test_elsewhere_nothing_is_added(shown: list[Any]) -> None:
    for widget in shown:
        bundle = widget._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        assert data[VIEW]["model_id"] == widget.model_id and not metadata


def test_everything_that_lessons_show_is_framed() -> None:
    assert issubclass(Board, Framed) and issubclass(Explorer, Framed)


def test_a_panel_says_where_its_frame_gets_plotly(shown: list[Any]) -> None:
    assert shown[-1].library == PlotlyLibrary.ensure().model_id


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_installs_itself_in_colab_and_nowhere_else(
    path: Path, request: pytest.FixtureRequest
) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    first = next(cell for cell in cells if cell["cell_type"] == "code")
    ran: list[tuple[str, str]] = []
    shell = types.SimpleNamespace(run_line_magic=lambda *what: ran.append(what))
    exec("".join(first["source"]), {"get_ipython": lambda: shell})
    assert ran == []
    request.getfixturevalue("colab")
    exec("".join(first["source"]), {"get_ipython": lambda: shell})
    ((magic, line),) = ran
    assert magic == "pip" and "relu-learn[widgets] @ git+https://github.com/" in line


# ------------------------------------------------------------------------ JupyterLite


def test_pyodide_has_all_that_lessons_need() -> None:
    """Nothing is compiled but what is built for it; IPython comes with its kernel.

    psygnal is published for all places, too, beside what is compiled for this one.
    """
    built = {"numpy", "scipy", "pydantic", "ipython", "psygnal"}
    place = {"sys_platform": "emscripten", "platform_system": "Emscripten", "os_name": "posix"}
    todo, seen = [("relu-learn", "widgets")], set()
    while todo:
        name, extra = todo.pop()
        if name in seen or name in built:
            continue
        seen.add(name)
        distribution = importlib.metadata.distribution(name)
        wheel = distribution.read_text("WHEEL") or ""
        assert "Root-Is-Purelib: true" in wheel, f"{name} is compiled"
        for line in distribution.requires or []:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({**place, "extra": extra}):
                todo.append((canonicalize_name(need.name), ",".join(need.extras)))
    assert {"anywidget", "plotly", "ipywidgets", "threadpoolctl", "typer"} <= seen


# ------------------------------------------------------------------ links for a class


def test_a_link_of_nbgitpuller_says_what_it_reads() -> None:
    hub = "https://hub.example.edu/group/"
    found = links("some-body", "00_start_here.ipynb", hub)["your JupyterHub (nbgitpuller)"]
    parts = urlsplit(found)
    assert (parts.netloc, parts.path) == (
        "hub.example.edu",
        "/group/hub/user-redirect/git-pull",
    )
    assert parse_qs(parts.query) == {
        "repo": ["https://github.com/{}/relu_learn".format("some-body")],
        "urlpath": ["lab/tree/relu_learn/notebooks/00_start_here.ipynb"],
        "branch": ["main"],
    }


def test_an_account_that_is_typed_once_is_in_every_link() -> None:
    form = ClassLinks()
    assert form.lesson.options == tuple(path.name for path in LESSONS) == tuple(lessons())
    form.account.value = "some-body"
    for lesson in form.lesson.options:
        form.lesson.value = lesson
        assert form.shown.value.count("<li>") == 2 and form.shown.value.count("some-body") == 4
        assert form.shown.value.count(lesson) == 4
    form.hub.value = "https://hub.example.edu"
    assert form.shown.value.count("<li>") == 3
    form.dispose()


@pytest.mark.parametrize(
    ("account", "hub", "message"),
    [
        ("a b", "", "An account has letters"),
        ("<b>x</b>", "", "An account has letters"),
        ("x", "hub.example.edu", "The hub&#x27;s address"),
        ("x", 'https://hub/"><script>', "The hub&#x27;s address"),
        ("x", "javascript:alert(1)", "The hub&#x27;s address"),
    ],
)
def test_what_cannot_be_a_link_is_said(account: str, hub: str, message: str) -> None:
    form = ClassLinks("somebody", hub="")
    form.hub.value = hub
    form.account.value = account
    assert message in form.messages.value and form.shown.value == ""
    form.account.value, form.hub.value = "somebody", ""
    assert form.messages.value == "" and "somebody" in form.shown.value
    form.dispose()
