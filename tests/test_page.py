"""The page that plays a run by itself: views in one figure, frames that add up, one file."""

from __future__ import annotations

import base64
import hashlib
import html
import html.parser
import itertools
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from relu_learn import Trace, zoo
from relu_learn.asking.errors import InvalidArgument, ReluLearnError
from relu_learn.figures import Cell, LossView, Mosaic, PlaneView, SliceView, animation, export_html
from relu_learn.figures.export import page, policy
from relu_learn.figures.frames import MOST_DOTS, deltas, recorded, views_of
from relu_learn.figures.mosaic import wrapped
from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import THEMES, get_theme
from relu_learn.figures.view import still
from relu_learn.learn import learn_steps
from relu_learn.network import ReluNetwork
from relu_learn.widgets import Player


def trace_of(secret: ReluNetwork, **options: Any) -> Trace:
    """A run to its end, or to the end of its budget."""
    events = []
    try:
        for event in learn_steps(secret, secret.dim, rng=0, **options):
            events.append(event)
    except ReluLearnError:
        pass
    return Trace(events)


RUNS = {
    "plane": (zoo.get("paper_plane"), {}),
    "grid": (zoo.get("valley"), {"method": "grid"}),
    "d = 1": (zoo.get("one_dimensional"), {}),
    "d = 10, m = 3": (zoo.random_network(10, 8, 3, rng=0), {}),
    "d = 2, m = 2": (zoo.random_network(2, 4, 2, rng=0), {}),
    "d = 784": (zoo.random_network(784, 30, 1, rng=0), {}),
    "k = 0": (zoo.random_network(2, 0, 1, rng=0), {}),
    "k = 1": (zoo.get("crease"), {}),
    "budget spent": (zoo.random_network(20, 10, 1, rng=0), {"max_queries": 150}),
    "stopped at once": (zoo.random_network(3, 4, 2, rng=0), {"max_queries": 3}),
}


# These have hundreds of frames.
LONG = ("d = 784", "grid")


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in RUNS],
)
def run(request: pytest.FixtureRequest) -> tuple[ReluNetwork, Trace, go.Figure]:
    """A secret, its run, and the animation with a frame for every event."""
    secret, options = RUNS[request.param]
    trace = trace_of(secret, **options)
    return secret, trace, animation(trace, secret=secret, frames=len(trace) + 1)


@pytest.fixture(scope="module")
def tent() -> tuple[ReluNetwork, Trace]:
    return zoo.get("tent"), trace_of(zoo.get("tent"))


def merged(tree: Any, change: Any) -> Any:
    """What plotly.js makes of a frame on its base: objects and boxes merge, all else replaces."""
    if isinstance(tree, dict) and isinstance(change, dict):
        both = {key: merged(tree.get(key), value) for key, value in change.items()}
        return {**tree, **both}
    if (
        isinstance(tree, list)
        and isinstance(change, list)
        and any(isinstance(c, dict) for c in change)
    ):
        pairs = itertools.zip_longest(tree, change)
        return [merged(a, b) if b is not None else a for a, b in pairs]
    return change


def shown(figure: go.Figure, upto: int) -> dict[str, Any]:
    """The figure's tree with frame number `upto` on the screen, wherever one jumped there from."""
    tree = {
        "data": [trace.to_plotly_json() for trace in figure.data],
        "layout": figure.layout.to_plotly_json(),
    }
    tree["layout"]["annotations"] = list(tree["layout"]["annotations"])
    chain, frame = [], figure.frames[upto]
    by_name = {frame.name: frame for frame in figure.frames}
    while frame is not None:
        chain.insert(0, frame)
        frame = by_name.get(frame.baseframe)
    for frame in chain:
        for index, trace in zip(frame.traces, frame.data, strict=True):
            tree["data"][index] = merged(tree["data"][index], trace.to_plotly_json())
        layout = frame.layout.to_plotly_json()
        if "annotations" in layout:
            layout["annotations"] = [dict(a) for a in layout["annotations"]]
        tree["layout"] = merged(tree["layout"], layout)
    return tree


def rounded(value: Any) -> Any:
    """Lists instead of arrays, four digits, and None for a gap."""
    if isinstance(value, np.ndarray):
        return rounded(value.tolist())
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    return value


# ----------------------------------------------------------------------- mosaic


def test_a_mosaic_shows_what_its_views_show(tent):
    secret, trace = tent
    states = recorded(trace)
    views = [PlaneView(), SliceView(), LossView(secret=secret)]
    cells = [Cell((0, 0.4), (0, 1)), Cell((0.6, 1), (0.6, 1)), Cell((0.6, 1), (0, 0.4))]
    mosaic = Mosaic(views, cells)
    for index in (0, 3, 9, len(states) - 1):
        whole = still(mosaic, states[index])
        first = 0
        for number, (view, cell) in enumerate(zip(views, cells, strict=True)):
            part = still(view, states[index])
            for mine, own in zip(whole.data[first:], part.data, strict=False):
                for key in ("x", "y", "z", "name", "visible"):
                    if key in own:
                        np.testing.assert_array_equal(mine[key], own[key])
                x_axis, y_axis = (mine[f"{a}axis"].replace(a, f"{a}axis", 1) for a in "xy")
                own_y = (own.yaxis or "y").replace("y", "yaxis", 1)
                assert whole.layout[x_axis].domain == cell.x
                assert whole.layout[x_axis].range == part.layout.xaxis.range
                assert whole.layout[y_axis].range == part.layout[own_y].range
                if own_y == "yaxis":
                    assert whole.layout[y_axis].domain == cell.y
            first += len(part.data)
            title = whole.layout.annotations[number].text.replace("<br>", " ")
            assert title == part.layout.title.text
        assert first == len(whole.data)


def test_the_secret_comes_into_a_mosaic_only_when_it_is_revealed(tent):
    secret, trace = tent
    states = recorded(trace)
    mosaic = views_of(states, secret, THEMES["light"])
    last = states[len(states) - 1]
    hidden, revealed = still(mosaic, last), still(mosaic, last, secret)
    names = [t.name for t in revealed.data if t.visible is True and t.name]
    assert {"true crease", "secret F"} <= set(names)
    assert all(t.visible is False for t in hidden.data if t.name in ("true crease", "secret F"))


def test_a_mosaic_refuses_what_has_no_place_in_it(tent):
    class Shaped(SliceView):
        def patch(self, state, truth=None):
            return Patch(layout={"shapes[0].x0": 1})

    states = recorded(tent[1])
    mosaic = Mosaic([Shaped()], [Cell((0, 1), (0, 1))])
    with pytest.raises(ValueError, match=r"no place for a view's layout.shapes\[0\]"):
        mosaic.patch(states[0])


@pytest.mark.parametrize(
    ("text", "letters", "expected"),
    [
        ("one two three", 7, "one two<br>three"),
        ("unbreakable word", 3, "unbreakable<br>word"),
        ('a <span style="color:#123456">b</span> c', 5, 'a <span style="color:#123456">b</span> c'),
        ("<b>one two</b>", 4, "<b>one<br>two</b>"),
        ("", 5, ""),
    ],
)
def test_lines_break_between_words_and_never_in_tags(text, letters, expected):
    assert wrapped(text, letters) == expected


# ----------------------------------------------------------------------- frames


def test_every_frame_adds_up_to_the_still_picture(run):
    secret, trace, figure = run
    states = recorded(trace, secret)
    assert [f.name for f in figure.frames] == [*map(str, range(len(states))), "secret"]
    views = views_of(states, secret, THEMES["light"])
    narration = len(views.views)
    chosen = {0, 1, 2, len(states) // 2, len(states) - 1, len(states)} & set(range(len(states) + 1))
    for i in sorted(chosen):
        state = states[min(i, len(states) - 1)]
        picture = still(views, state, secret if i == len(states) else None)
        found = shown(figure, i)
        for mine, own in zip(found["data"], picture.data, strict=True):
            own = rounded(own.to_plotly_json())
            if own.get("mode") == "markers" and len(own["x"]) > MOST_DOTS:
                kept = set(zip(own["x"], own["y"], strict=True))
                assert set(zip(mine["x"], mine["y"], strict=True)) <= kept
                assert len(mine["x"]) == MOST_DOTS
                own |= {"x": mine["x"], "y": mine["y"]}
            assert rounded(mine) == own
        layout = found["layout"]
        for key, value in rounded(picture.layout.to_plotly_json()).items():
            if key.startswith(("xaxis", "yaxis")):
                assert rounded(layout[key]) == value, key
        assert layout["annotations"][:narration] == rounded(
            [a.to_plotly_json() for a in picture.layout.annotations]
        )
        told = layout["annotations"][narration]["text"]
        assert f"Event {state.index} of {len(trace)}" in told
        assert f"{state.queries:,} quer" in told


def test_the_narration_is_the_event_s_own_sentence(run):
    _, trace, figure = run
    told = [shown(figure, i)["layout"]["annotations"][-1]["text"] for i in (0, len(trace))]
    assert "Nothing is known yet" in told[0]
    plain = html.unescape(re.sub("<[^>]*>", "", told[1].replace("<br>", " ")))
    assert trace[-1].narration in plain
    assert trace[-1].procedure in plain
    stopped = type(trace[-1]).__name__ != "Finished"
    assert ("stopped, before its end" in plain) == stopped


def test_slider_and_buttons_name_every_frame(tent):
    secret, trace = tent
    figure = animation(trace, secret=secret, theme=get_theme("projector"))
    (slider,), (menu,) = figure.layout.sliders, figure.layout.updatemenus
    assert [step.args[0] for step in slider.steps] == [(f.name,) for f in figure.frames]
    assert [button.label for button in menu.buttons] == ["Play", "Fast", "Pause"]
    assert all(step.args[1]["frame"]["redraw"] for step in (*slider.steps, *menu.buttons))


def test_what_does_not_change_is_not_sent_again(tent):
    secret, trace = tent
    figure = animation(trace, secret=secret)
    first = {(i, path) for i, path in paths(figure.frames[0])}
    for frame in figure.frames[1:]:
        assert set(paths(frame)) <= first, "or jumping back would leave it as it was"
    maps = [f for f in figure.frames if any(i == 0 and path == "z" for i, path in paths(f))]
    assert 1 < len(maps) < len(figure.frames) / 2


def paths(frame: go.Frame) -> list[tuple[int, str]]:
    """Trace and name of everything that a frame sends."""
    return [
        (index, key)
        for index, trace in zip(frame.traces, frame.data, strict=True)
        for key in trace.to_plotly_json()
    ]


def test_crowds_of_dots_are_thinned_and_lines_are_not():
    figure = go.Figure([go.Scatter(mode="markers"), go.Scatter(mode="lines")])
    many = {"x": np.arange(1001.0), "y": np.arange(1001.0) ** 2}
    (first,) = deltas(figure, [Patch({0: {**many, "marker.size": 3}, 1: many})])
    x, y = first[0, "x"], first[0, "y"]
    assert len(x) == len(y) == MOST_DOTS and (x[0], x[-1]) == (0, 1000)
    assert all(b == pytest.approx(a * a, rel=1e-3) for a, b in zip(x, y, strict=True))
    assert len(first[1, "x"]) == 1001


@pytest.mark.slow
def test_a_long_run_is_thinned_evenly_and_keeps_its_ends():
    secret = zoo.get("valley")
    trace = trace_of(secret, method="grid")
    figure = animation(trace, frames=20)
    chosen = [int(frame.name) for frame in figure.frames]
    assert len(chosen) == 20 and chosen[0] == 0 and chosen[-1] == len(trace)
    assert set(np.diff(chosen)) <= {len(trace) // 19, len(trace) // 19 + 1}
    text = page(trace, frames=20)
    assert f"Of {len(trace)} events 19 are shown, evenly chosen" in text


def test_without_the_secret_the_loss_is_the_learner_s_own_test(tent):
    _, trace = tent
    figure = animation(trace)
    assert figure.frames[-1].name == str(len(trace))
    titles = [a.get("text", "") for a in shown(figure, len(trace))["layout"]["annotations"]]
    assert any("learner's own test" in title for title in titles)
    assert not any("exact" in title for title in titles)


@pytest.mark.parametrize(
    ("trace", "options", "message"),
    [
        (Trace(), {}, "trace must be a run from its first line on"),
        (trace_of(zoo.get("tent"))[3:], {}, "trace must be a run from its first line on"),
        (Trace([*trace_of(zoo.get("tent")), *trace_of(zoo.get("wide"))]), {}, "fit together"),
        (trace_of(zoo.get("tent")), {"frames": 1}, "frames must be at least 2"),
        (trace_of(zoo.get("tent")), {"secret": zoo.get("one_dimensional")}, "2 inputs and 1 out"),
    ],
)
def test_wrong_arguments_are_named(trace, options, message):
    with pytest.raises(InvalidArgument, match=message):
        animation(trace, **options)


# ------------------------------------------------------------------------- file


class Links(html.parser.HTMLParser):
    """Everything that a browser would fetch because of the page's tags."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []
        self.policy = ""
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "data")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = str(dict(attrs)["content"])

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script" and data.strip():
            self.scripts.append(data)


def test_the_file_is_whole_and_fetches_nothing(tent, tmp_path):
    secret, trace = tent
    path = export_html(trace, tmp_path / "tent.html", secret=secret, title="1 < 2 & <b>3</b>")
    text = path.read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    assert links.found == []
    assert {"title", "h1", "footer"} <= set(links.tags)
    assert "<title>1 &lt; 2 &amp; &lt;b&gt;3&lt;/b&gt;</title>" in text
    assert f"{trace[-1].queries:,} queries · 3 neurons found" in text
    assert "The last step reveals the secret." in text
    assert path.stat().st_size < 5.5e6


def test_the_policy_lets_the_page_s_own_scripts_run_and_nothing_else(tent):
    links = Links()
    links.feed(page(tent[1], title="</title><script>alert(1)</script>"))
    allowed = re.findall("'sha256-([^']+)'", links.policy)
    assert len(links.scripts) == len(allowed) >= 2
    for script, digest in zip(links.scripts, allowed, strict=True):
        assert base64.b64decode(digest) == hashlib.sha256(script.encode()).digest()
    assert "default-src 'none'" in links.policy and "unsafe-eval" not in links.policy
    assert policy("<script>\r\n1</script>") == policy("<SCRIPT a>\n1</SCRIPT>")


def test_the_same_run_is_the_same_file(tent):
    assert page(tent[1], secret=tent[0]) == page(tent[1], secret=tent[0])


def test_a_saved_run_plays_like_the_run(tent, tmp_path):
    tent[1].save(tmp_path / "run.trace")
    assert page(Trace.load(tmp_path / "run.trace")) == page(tent[1])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "most"), [("d = 784", 7.5e6), ("grid", 7e6)])
def test_big_runs_make_files_that_can_be_mailed(name, most, tmp_path):
    secret, options = RUNS[name]
    path = export_html(trace_of(secret, **options), tmp_path / "run.html", secret=secret)
    assert path.stat().st_size < most


def test_an_unfinished_run_says_so():
    secret, options = RUNS["budget spent"]
    assert "This run was stopped before its end." in page(trace_of(secret, **options))


def test_a_file_that_cannot_be_written_is_an_os_error(tent, tmp_path):
    with pytest.raises(IsADirectoryError):
        export_html(tent[1], tmp_path)
    with pytest.raises(FileNotFoundError):
        export_html(tent[1], tmp_path / "no" / "page.html")


def test_wrong_theme_is_named(tent):
    with pytest.raises(InvalidArgument, match="theme must be one of light, dark, projector"):
        page(tent[1], theme="pink")


def test_the_teachers_page_says_it_right(tmp_path, monkeypatch):
    notebook = Path(__file__).parents[1] / "notebooks" / "99_for_teachers.ipynb"
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    text = "".join(next(c["source"] for c in cells if c["id"] == "without"))
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    commands = re.findall(r"^relu-learn (\w+) (\w+) --html \S+$", text, re.MULTILINE)
    assert commands and all(command == "demo" for command, _ in commands)
    assert {name for _, name in commands} <= set(zoo.names())
    player = Player("paper_plane")
    player.transport.seek(9)
    monkeypatch.chdir(tmp_path)
    exec(code, {"player": player})
    written = (tmp_path / "paper_plane.html").read_text(encoding="utf-8")
    assert f"{player.state.queries:,} queries" in written
    player.dispose()
