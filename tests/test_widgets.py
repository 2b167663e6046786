"""The widgets, on the kernel's side of the wire (tests/browser has the other side)."""

from __future__ import annotations

import ast
import asyncio
import gc
import json
import pathlib
import re
import subprocess
import sys
import weakref
from typing import Any

import ipywidgets
import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipywidgets.widgets.widget import _instances
from jupyter_client.manager import start_new_kernel

from relu_learn import zoo
from relu_learn.asking.errors import InvalidArgument
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import PlaneView
from relu_learn.figures.theme import THEMES
from relu_learn.judging.matching import matches
from relu_learn.learn import learn_steps
from relu_learn.network import ReluNetwork
from relu_learn.widgets import lifecycle, set_theme, share, transport
from relu_learn.widgets.answers_file import FILE, answers
from relu_learn.widgets.library import PlotlyLibrary, plotly_source
from relu_learn.widgets.lifecycle import Messages, close_tree
from relu_learn.widgets.measured import Measured
from relu_learn.widgets.narration import Narration, readable
from relu_learn.widgets.panel import Panel, compact, encode
from relu_learn.widgets.player import Player
from relu_learn.widgets.tasks import (
    BuildTask,
    ChoiceTask,
    Feedback,
    NumberTask,
    Prediction,
    kept,
)
from relu_learn.widgets.transport import Transport

LESSONS = sorted((pathlib.Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture(autouse=True)
def no_widget_left_alive() -> Any:
    PlotlyLibrary.ensure()  # the one widget that stays
    before = set(_instances)
    yield
    left = set(_instances) - before
    assert not left, [type(_instances[key]).__name__ for key in left]


class Wire:
    """Records what a panel sends."""

    def __init__(self, panel: Panel) -> None:
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        panel.send = lambda content, buffers=None: self.sent.append((content, buffers))


@pytest.fixture
def panel() -> Any:
    figure = go.Figure(
        [go.Heatmap(z=np.eye(3)), go.Scatter(x=[0, 1], y=[0, 1])],
        {"title": {"text": "old"}, "shapes": [{"type": "line", "x0": 0, "x1": 1}]},
    )
    made = Panel(figure, label="test")
    yield made
    made.dispose()


class TestEncode:
    @pytest.mark.parametrize(
        ("dtype", "code"),
        [("f8", "f8"), ("f4", "f4"), (">f8", "f8"), ("i4", "i4"), ("i8", "f8"), ("?", "f8")],
    )
    def test_arrays_become_little_endian_buffers(self, dtype: str, code: str) -> None:
        array = np.arange(6).reshape(2, 3).astype(dtype)
        coded = encode(array)
        assert (coded["$nd"], coded["shape"]) == (code, [2, 3])
        back = np.frombuffer(coded["data"], "<" + code).reshape(2, 3)
        np.testing.assert_array_equal(back, array.astype(float))

    def test_plotly_typed_arrays_are_unpacked(self) -> None:
        figure = go.Figure(go.Heatmap(z=np.arange(6.0).reshape(2, 3)))
        coded = encode(figure.to_dict()["data"][0]["z"])
        assert coded["shape"] == [2, 3]
        assert np.frombuffer(coded["data"], "<f8").tolist() == list(range(6))

    def test_plain_values(self) -> None:
        tree = {"a": (1, None, "x"), "b": [float("nan"), np.float64(2)], "c": np.array([])}
        assert encode(tree) == {"a": [1, None, "x"], "b": [None, 2.0], "c": []}
        assert encode(np.array(["a", "b"])) == ["a", "b"]
        assert encode(go.scatter.Marker(color="red")) == {"color": "red"}


class TestPanel:
    def test_says_what_is_seen_now(self, panel: Panel) -> None:
        panel.describe("A map")
        panel.patch(Patch(layout={"title.text": "<b>4</b> of 5 creases, loss 3.9 &lt; 4"}))
        assert panel.label == "A map. 4 of 5 creases, loss 3.9 < 4"

    def test_patch_sends_buffers_and_keeps_the_kernel_copy(self, panel: Panel) -> None:
        wire = Wire(panel)
        changed = Patch({0: {"z": -np.eye(3, dtype="f4")}}, {"title.text": "new"})
        assert panel.patch(changed)
        (content, buffers), *rest = wire.sent
        assert not rest
        assert content["layout"] == {"title.text": "new"}
        assert content["places"] == [[["traces", "0", "z"], 0]]
        assert len(buffers[0]) == 9 * 4
        assert panel.figure["layout"]["title"]["text"] == "new"
        assert panel.figure["data"][0]["z"]["data"] == buffers[0]

    def test_what_did_not_change_is_not_sent(self, panel: Panel) -> None:
        wire = Wire(panel)
        patch = Patch({0: {"z": np.eye(3)}, 1: {"x": [0, 2]}}, {"title.text": "old"})
        assert panel.patch(patch)
        assert wire.sent[0][0]["traces"] == {"1": {"x": [0, 2]}}
        assert wire.sent[0][0]["layout"] == {}
        assert not panel.patch(patch)
        assert len(wire.sent) == 1

    def test_a_page_that_starts_late_asks_for_what_it_missed(
        self, panel: Panel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        panel.patch(Patch({1: {"x": [0, 2]}}))
        wire = Wire(panel)
        states: list[Any] = []
        monkeypatch.setattr(panel, "send_state", lambda key=None: states.append(key))
        panel._started += 1  # what lifeline.js does
        assert wire.sent[0][0] == {"kind": "sent", "patches": 1}
        assert "_figure" not in states
        panel._receive(panel, {"kind": "missed"}, [])
        assert states[-1] == "_figure"

    def test_unknown_trace(self, panel: Panel) -> None:
        with pytest.raises(InvalidArgument, match="no trace 2 in a figure of 2 traces"):
            panel.patch(Patch({2: {"x": [1]}}))

    def test_replace_with_patch(self, panel: Panel) -> None:
        panel.replace(go.Figure([go.Scatter(x=[1], y=[2])]), Patch({0: {"x": [7]}}))
        assert panel.figure["data"][0]["x"] == [7]

    def test_callbacks(self, panel: Panel) -> None:
        clicks: list[Any] = []
        panel.on_click(clicks.append)
        panel._receive(panel, {"kind": "click", "content": {"x": 1, "y": 2}}, [])
        panel._receive(panel, {"kind": "knock"}, [])
        panel._receive(panel, {"kind": "nonsense"}, [])
        assert clicks == [{"x": 1, "y": 2}] and panel.error == ""

    def test_compact_leaves_nothing_beside_the_frame(self) -> None:
        tree = PlaneView().figure().to_dict()
        compact(tree)
        assert tree["layout"]["showlegend"] is False and tree["layout"]["meta"]["names"]
        assert tree["data"][tree["layout"]["meta"]["bar"]]["showscale"] is False
        wide = go.Figure(go.Scatter(x=[1], y=[2]), {"legend": {"orientation": "h"}}).to_dict()
        compact(wide)
        assert "meta" not in wide["layout"], "a legend below stays"
        bars = go.Figure([go.Bar(x=[1], y=[i], name=str(i)) for i in (1, 2)]).to_dict()
        compact(bars)
        assert bars["layout"]["legend"]["y"] < 0 and "meta" not in bars["layout"]

    def test_callback_error_is_shown_and_goes_away(self, panel: Panel) -> None:
        panel.on_click(lambda click: 1 / click["x"])
        panel._receive(panel, {"kind": "click", "content": {"x": 0}}, [])
        assert "ZeroDivisionError" in panel.error
        panel._receive(panel, {"kind": "click", "content": {"x": 1}}, [])
        assert panel.error == ""

    def test_library_is_one_until_it_is_closed(self) -> None:
        library = PlotlyLibrary.ensure()
        assert PlotlyLibrary.ensure() is library
        assert len(library.compressed) < 2_000_000
        close_tree(library)
        another = PlotlyLibrary.ensure()
        assert another is not library
        close_tree(another)

    def test_disposed_panel_is_garbage(self) -> None:
        made = Panel(go.Figure())
        gone = weakref.ref(made)
        made.dispose()
        del made
        gc.collect()
        assert gone() is None


def test_a_kernel_sends_plotly_while_it_imports():
    """So that the page has read it when the first figure comes; a plain Python sends nothing."""
    manager, client = start_new_kernel(kernel_name="python3")
    sent = []

    def see(message: dict[str, Any]) -> None:
        if message["msg_type"] == "comm_open":
            sent.append(sum(map(len, message["buffers"])))

    try:
        client.execute_interactive("import relu_learn.widgets", timeout=60, output_hook=see)
        assert max(sent) > 1_000_000
        sent.clear()
        client.execute_interactive(
            "from relu_learn.widgets.library import PlotlyLibrary; PlotlyLibrary.ensure()",
            timeout=60,
            output_hook=see,
        )
        assert not sent
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    code = "import relu_learn.widgets.library as p; assert p.PlotlyLibrary._instance is None"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_plotly_js_is_one_function_in_brackets() -> None:
    """Which the browser compiles at once; otherwise it still runs, a quarter of a second later."""
    source = plotly_source()
    assert source.count(b"this, (() => {") == 1
    assert source.rstrip().endswith(b"})));")


class TestLifecycle:
    def test_running_a_cell_again_disposes_its_widgets(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cell = ("cell-1", 1)
        monkeypatch.setattr(lifecycle, "_current_cell", lambda: cell)
        first, second = Panel(go.Figure()), Panel(go.Figure())
        assert first.comm is not None and second.comm is not None
        cell = ("cell-1", 2)
        third = Panel(go.Figure())
        assert first.comm is None and second.comm is None and third.comm is not None
        third.dispose()

    def test_close_tree(self) -> None:
        box = ipywidgets.VBox([ipywidgets.HBox([ipywidgets.Button()]), ipywidgets.IntSlider()])
        close_tree(box)  # the fixture looks for what is left

    def test_messages(self) -> None:
        messages = Messages()
        assert messages.layout.display == "none"

        @messages.guard
        def callback(number: float) -> None:
            if number < 0:
                raise InvalidArgument("number: must not be negative, got <-1>")
            messages.say(str(1 / number))

        callback(-1)
        assert "must not be negative, got &lt;-1&gt;" in messages.value
        assert "Traceback" not in messages.value
        callback(0)
        assert "ZeroDivisionError" in messages.value and "Traceback" in messages.value
        assert 'role="alert"' in messages.value and messages.layout.display is None
        messages.clear()
        assert (messages.value, messages.layout.display) == ("", "none")
        close_tree(messages)


class Numbers:
    """A reel of `total` states that come into being when someone looks."""

    def __init__(self, total: int) -> None:
        self.total, self.made, self.exhausted = total, 1, False

    def __len__(self) -> int:
        return self.made

    def reach(self, index: int) -> None:
        self.made = max(self.made, min(index + 1, self.total))
        self.exhausted = self.exhausted or index >= self.total


@pytest.fixture
def player_of_numbers() -> Any:
    shown: list[tuple[int, bool]] = []
    made = Transport(Numbers(6), lambda index, revealed: shown.append((index, revealed)))
    made.seek(0)
    yield made, shown
    made.dispose()


async def one_turn() -> None:
    """Let every callback that waits have its turn."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_soon(done.set_result, None)
    await done


class TestTransport:
    def test_order_of_the_controls(self, player_of_numbers: Any) -> None:
        made, _ = player_of_numbers
        row = made.children[0].children
        names = [getattr(control, "description", "Event") for control in row]
        assert names == ["Play", "Step", "Back", "To the end", "Event", "Speed", "Reset", "Reveal"]
        assert made.scrubber.label == "Event"
        assert all(control.tooltip for control in row if hasattr(control, "icon"))

    def test_buttons(self, player_of_numbers: Any) -> None:
        made, shown = player_of_numbers
        assert made.back_button.disabled and made.reset_button.disabled
        made.step_button.click()
        made.step_button.click()
        assert (made.position, made.scrubber.position, made.scrubber.last) == (2, 2, 2)
        assert made.scrubber.text == "2"
        made.back_button.click()
        assert (made.position, made.scrubber.position, made.scrubber.last) == (1, 1, 2)
        made.reveal_button.value = True
        assert shown[-1] == (1, True)
        made.end_button.click()
        assert made.position == made.scrubber.last and made.end_button.disabled
        made.reset_button.click()
        assert shown[-1] == (0, True) and not made.end_button.disabled

    def test_scrubbing_and_the_ends(self, player_of_numbers: Any) -> None:
        made, shown = player_of_numbers
        made.seek(100)
        assert made.position == 5 and made.step_button.disabled and not made.back_button.disabled
        assert made.scrubber.text == "5 of 5"
        made.scrubber._receive(None, {"seek": 3}, [])
        assert (made.position, shown[-1], made.scrubber.answered) == (3, (3, False), 1)
        made.scrubber._receive(None, {"seek": "x"}, [])
        assert made.position == 3
        assert not made.step_button.disabled
        made.seek(-7)
        assert made.position == 0

    def test_play_pause_and_speed(
        self, player_of_numbers: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made, shown = player_of_numbers
        waits: list[float] = []
        tick = asyncio.Event()

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            await tick.wait()
            tick.clear()

        monkeypatch.setattr(transport.asyncio, "sleep", sleep)

        async def until(position: int) -> None:
            while made.position != position:
                await one_turn()

        async def watch() -> None:
            made.play_button.click()
            await until(1)
            assert made.playing and made.play_button.description == "Pause"
            made.speed.value = 4.0
            tick.set()
            await until(2)
            made.play_button.click()
            assert not made.playing and made.play_button.description == "Play"
            tick.set()
            await one_turn()
            assert made.position == 2
            tick.clear()
            made.play()
            made.play()
            await until(3)
            while made.playing:
                tick.set()
                await one_turn()
            assert made.position == 5
            made.play_button.click()  # at the end: from the start
            await until(1)
            made.step_button.click()  # a hand on the controls stops the timer
            assert (made.position, made.playing) == (2, False)

        asyncio.run(watch())
        assert waits[:2] == [transport.SECONDS, transport.SECONDS / 4]

    def test_errors_while_playing_are_shown(self) -> None:
        def show(index: int, revealed: bool) -> None:
            if index == 2:
                raise InvalidArgument("the third state is broken")

        made = Transport(Numbers(5), show)

        async def watch() -> None:
            made.speed.value = 10.0
            made.play()
            while made.playing:
                await asyncio.sleep(0.01)

        asyncio.run(watch())
        assert "the third state is broken" in made.messages.value
        assert made.play_button.description == "Play"
        made.dispose()

    def test_without_a_running_loop_play_says_so(self, player_of_numbers: Any) -> None:
        made, _ = player_of_numbers
        made.play_button.click()
        assert "no running event loop" in made.messages.value and not made.playing

    def test_nothing_to_reveal(self) -> None:
        made = Transport(Numbers(2), lambda *_: None, reveal="")
        assert len(made.children[0].children) == 7
        made.dispose()


class TestShare:
    RULES = {
        "secret": share.one_of("tent", "valley"),
        "step": share.whole_number(),
        "reveal": share.switch,
    }

    @given(st.sampled_from(["tent", "valley"]), st.integers(0, 10**9), st.booleans())
    def test_there_and_back(self, secret: str, step: int, reveal: bool) -> None:
        values = {"secret": secret, "step": step, "reveal": reveal}
        text = share.write("player", values)
        assert share.read("player", f"  {text}\n", self.RULES) == values
        assert text.isascii() and " " not in text

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("", "starts with 'player\\?', got ''"),
            ("hello world", "starts with 'player\\?'"),
            ("race?secret=tent&step=1&reveal=0", "starts with 'player\\?'"),
            ("player?secret", "name=value parts"),
            ("player?secret=tent&step=1", "does not say what 'reveal' is"),
            ("player?secret=tent&step=1&reveal=0&x=1", "no setting 'x'"),
            ("player?secret=tent&step=1&step=2&reveal=0", "'step' twice"),
            ("player?secret=rose&step=1&reveal=0", "must be one of tent, valley, got 'rose'"),
            ("player?secret=tent&step=-1&reveal=0", "whole number from 0 to"),
            ("player?secret=tent&step=1e3&reveal=0", "whole number from 0 to"),
            ("player?secret=tent&step=99999999999999999999999999&reveal=0", "whole number"),
            ("player?secret=tent&step=&reveal=0", "whole number from 0 to"),
            ("player?secret=tent&step=%D9%A3&reveal=0", "whole number"),
            ("player?secret=tent&step=1&reveal=2", "from 0 to 1, got '2'"),
            ("player?secret=" + "a" * 999 + "&step=1&reveal=0", "a…'"),
        ],
    )
    def test_malformed(self, text: str, complaint: str) -> None:
        with pytest.raises(InvalidArgument, match=complaint) as caught:
            share.read("player", text, self.RULES)
        assert len(str(caught.value)) < 200


class TestTasks:
    def test_number(self) -> None:
        task = NumberTask(
            "How many?", 4, hint="Count again.", why="One per kink.", mistakes={3: "And the last?"}
        )
        assert task.check(4) == task.check(" 4.0 ")
        assert (task.check("4").correct, task.check("4").sentence) == (True, "One per kink.")
        assert (task.check("3").correct, task.check("3").sentence) == (False, "And the last?")
        assert (task.check("7").correct, task.check("7").sentence) == (False, "Count again.")
        for typed, reply in [
            ("", "Type a number first"),
            ("four", "“four” is not a number"),
            ("inf", "finite"),
            ("3", "✗ And the last?"),
            ("4", "✓ One per kink."),
        ]:
            task.control.value = typed
            task.check_button.click()
            assert reply in task.messages.value
        task.dispose()

    def test_enter_checks_as_well(self) -> None:
        task = NumberTask("How many?", 4, hint="Count again.")
        task.control.value = "5"
        assert "✗ Count again." in task.messages.value
        task.dispose()

    def test_tolerance_and_notation(self) -> None:
        task = NumberTask("How far?", -0.5, hint="", tolerance=0.05)
        assert task.check("−0,51").correct and not task.check("-0.6").correct
        task.dispose()

    @pytest.mark.parametrize(
        ("typed", "value"),
        [("101,136", 101136), ("−1,234,567.5", -1234567.5), ("0,250", 0.25), ("3,5", 3.5)]
        + [("1e3", 1000), ("12,34", 12.34), ("785_000", 785000)],
    )
    def test_commas_as_the_lessons_print_them(self, typed: str, value: float) -> None:
        task = NumberTask("How many?", value, hint="")
        assert task.check(typed).correct
        task.dispose()

    def test_only_the_question_is_html(self) -> None:
        """The page would show the tags of answers and hints."""
        for make in (
            lambda: NumberTask("?", 1, hint="10<sup>3</sup>"),
            lambda: NumberTask("?", 1, hint="", mistakes={2: "see <code>x</code>"}),
            lambda: ChoiceTask("?", {"<b>a</b>": ""}, "<b>a</b>"),
            lambda: Prediction("?", ["about 10<sup>3</sup>"], then=""),
        ):
            with pytest.raises(InvalidArgument, match="must be plain text"):
                make()
        NumberTask("<b>1.</b> Is 1 < 2?", 1, hint="1 < 2 and 3 > 2").dispose()

    def test_choice(self) -> None:
        options = {"a line": "Yes: the edge of two half planes.", "a point": "In d = 1 only."}
        task = ChoiceTask("What is a crease?", options, "a line")
        task.check_button.click()
        assert "Choose an answer first" in task.messages.value
        task.control.value = "a point"
        task.check_button.click()
        assert "✗ In d = 1 only." in task.messages.value
        task.control.value = "a line"
        task.check_button.click()
        assert "✓ Yes" in task.messages.value
        with pytest.raises(InvalidArgument, match="not one of the answers"):
            task.check("a plane")
        task.dispose()
        with pytest.raises(InvalidArgument, match="answer must be one of the options"):
            ChoiceTask("?", {"a": ""}, "b")

    def test_prediction(self) -> None:
        task = Prediction("How many?", ["10", "100"], "Press Play.")
        task.check_button.click()
        assert "Choose an answer first" in task.messages.value and task.guess is None
        task.control.value = "100"
        task.check_button.click()
        assert task.guess == "100" and "Press Play." in task.messages.value
        assert "✓" not in task.messages.value
        task.dispose()

    def test_something_is_built(self) -> None:
        shelf = {"height": 1}
        task = BuildTask(
            "Build a shelf of 3.",
            lambda: Feedback(shelf["height"] == 3, f"It is {shelf['height']} high."),
            lambda: str(shelf),
        )
        task.check_button.click()
        assert "✗ It is 1 high." in task.messages.value
        shelf["height"] = 3
        task.check_button.click()
        assert "✓ It is 3 high." in task.messages.value and "rl-right" in task._dom_classes
        task.dispose()


@kept("05_counting")
def task_1() -> NumberTask:
    return NumberTask("How many?", 4, hint="Count again.", why="One per kink.")


@kept("05_counting")
def task_2() -> BuildTask:
    return BuildTask("Build.", lambda: Feedback(True, "Built."), lambda: "r=0.2")


class TestAnswers:
    @pytest.fixture(autouse=True)
    def in_an_empty_folder(self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def test_they_survive(self) -> None:
        task = task_1()
        assert answers() == {} and task.messages.value == ""
        for typed in ("3", "what?", "4", "5"):
            task.control.value = typed
        built = task_2()
        built.check_button.click()
        task.dispose(), built.dispose()
        assert json.loads(json.dumps(answers())) == {
            "05_counting": {
                "1": {"answer": "4", "correct": True, "tries": 2},
                "2": {"answer": "r=0.2", "correct": True, "tries": 1},
            }
        }
        again, built = task_1(), task_2()  # in another kernel
        assert again.control.value == "4" and "✓ One per kink." in again.messages.value
        assert "You have built this before." in built.messages.value
        assert answers()["05_counting"]["1"]["tries"] == 2, "to restore is no try"
        again.dispose(), built.dispose()

    def test_a_file_that_is_none_of_ours_is_left_alone(self) -> None:
        for text in ("", "[]", '{"answers": {"05": {"1": 7}}}'):
            pathlib.Path(FILE).write_text(text, encoding="utf-8")
            with pytest.raises(InvalidArgument, match="must be a file of answers"):
                answers()
            task = task_1()
            assert "must be a file of answers" in task.messages.value
            task.control.value = "4"
            assert "✓ One per kink. (Not kept:" in task.messages.value
            assert pathlib.Path(FILE).read_text(encoding="utf-8") == text
            task.dispose()

    def test_a_folder_that_cannot_be_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        task = task_1()
        monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("read-only")))
        task.control.value = "4"
        assert "✓ One per kink. (Not kept: read-only.)" in task.messages.value
        task.dispose()

    def test_answers_are_not_in_the_notebooks(self) -> None:
        """Nor is their code shown where a front end can hide it."""
        for path in LESSONS:
            for cell in _cells(path, "code"):
                source = "".join(cell["source"])
                assert not re.search(r"\b(answer|hint|mistakes)\s*=", source), source
                if re.match(r"task_\d+ = |Prediction", source):
                    assert "hide-input" in cell["metadata"]["tags"]
                    assert cell["metadata"]["jupyter"]["source_hidden"]

    def test_one_cell_is_for_nbgrader(self) -> None:
        teachers = next(path for path in LESSONS if path.stem == "99_for_teachers")
        [cell] = [c for c in _cells(teachers, "code") if "nbgrader" in c["metadata"]]
        about = cell["metadata"]["nbgrader"]
        assert about["grade"] and about["locked"] and about["schema_version"] == 3
        record = {"answer": "5", "correct": True, "tries": 1}
        kept = {"00_start_here": {"1": record, "2": {**record, "correct": False}}}
        pathlib.Path(FILE).write_text(json.dumps({"answers": kept}), encoding="utf-8")
        *steps, last = ast.parse("".join(cell["source"])).body
        space: dict[str, Any] = {"answers": answers}
        exec(compile(ast.Module(steps, []), "cell", "exec"), space)
        assert isinstance(last, ast.Expr)
        assert eval(compile(ast.Expression(last.value), "cell", "eval"), space) == 1
        assert about["points"] == 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the error exceeds 3.3e-10 on", "the error exceeds 3.3\u00a0×\u00a010⁻¹⁰ on"),
        ("kink at t = -2.351, jump -1e-05.", "kink at t = −2.351, jump −1.0\u00a0×\u00a010⁻⁵."),
        ("a 10-15-1 network, 1e3e4, f2e-1, well-4", "a 10-15-1 network, 1e3e4, f2e-1, well-4"),
    ],
)
def test_sentences_are_readable(text: str, shown: str) -> None:
    assert readable(text) == shown


@pytest.fixture
def player() -> Any:
    made = Player("tent", seed=1)
    yield made
    made.dispose()


class TestPlayer:
    def test_starts_with_nothing_known(self, player: Player) -> None:
        assert (player.state.index, len(player.run)) == (0, 1)
        assert "Nothing is known yet" in player.narration.sentence
        assert (
            player.share == "player?secret=tent&method=adaptive&seed=1&step=0&theme=auto&reveal=0"
        )

    def test_steps_change_figures_and_words(self, player: Player) -> None:
        for _ in range(6):
            player.transport.step_button.click()
        assert player.narration.sentence == readable(player.run[6].event.narration)
        assert player.narration.facts.startswith("Event 6 · ")
        before = [panel.figure["layout"]["title"]["text"] for panel in player._panels]
        player.transport.seek(10**6)
        after = [panel.figure["layout"]["title"]["text"] for panel in player._panels]
        assert all(a != b for a, b in zip(before, after, strict=True))
        assert player.state.is_final and " of " in player.narration.facts
        assert matches(player.state.hypothesis.network, zoo.get("tent"))

    def test_share_string_reopens_the_view(self, player: Player) -> None:
        player.transport.seek(7)
        player.transport.revealed = True
        player.theme_menu.value = "dark"
        player.seed_text.value = "5"
        player.transport.seek(4)
        other = Player("valley")
        other.transport.seek(10**6)  # farther than the other run will have got
        other.share_text.value = player.share
        assert other.share == player.share
        assert (other.secret, other.state.index, other.transport.revealed) == (
            player.secret,
            4,
            True,
        )
        for mine, theirs in zip(player._panels, other._panels, strict=True):
            assert mine.figure == theirs.figure
        assert (other.seed_text.value, other.theme_menu.value) == ("5", "dark")
        other.dispose()

    LATE = "player?secret=valley&method=grid&seed=3&step=99999&theme=dark&reveal=1"  # no such step

    @pytest.mark.parametrize(
        "text", ["nonsense", "player?secret=tent", "player?secret=nobody&x=1", LATE]
    )
    def test_malformed_share_string_changes_nothing(self, player: Player, text: str) -> None:
        player.transport.seek(3)
        before = player.share, player.state, player.run
        player.share_text.value = text
        assert (
            "share string" in player.share_messages.value
            or "setting" in player.share_messages.value
        )
        assert (player.share, player.state, player.run) == before
        assert player.share_text.value == before[0], "what was refused does not stay"
        player.transport.step_button.click()
        assert player.state.index == 4
        player.share_text.value = before[0]
        assert player.share_messages.value == "" and player.state.index == 3

    @pytest.mark.parametrize("text", ["", "one", "-1", "1.5", "99999999999"])
    def test_bad_seed_is_a_sentence(self, player: Player, text: str) -> None:
        player.transport.seek(3)
        run = player.run
        player.seed_text.value = text
        assert "seed must be a whole number" in player.messages.value
        assert "Traceback" not in player.messages.value and player.run is run
        player.seed_text.value = "8"
        assert player.messages.value == "" and player.run is not run and player.state.index == 0

    def test_menus(self, player: Player) -> None:
        player.transport.seek(5)
        player.theme_menu.value = "projector"
        assert player.state.index == 5, "a theme is no reason to lose the place"
        assert "rl-projector" in player._dom_classes and "rl-light" not in player._dom_classes
        player.secret_menu.value = "valley"
        assert player.secret == zoo.get("valley") and player.state.index == 0
        player.method_menu.value = "grid"
        player.transport.seek(10**6)
        assert player.state.event.queries > 0 and "grid" in player.share

    def test_networks_of_your_own(self) -> None:
        mine = zoo.random_network(4, 3, 2, rng=0)
        player = Player(mine, secrets=["tent"])
        assert player.secret == mine and player.share.startswith("player?secret=own-")
        player.transport.seek(10**6)
        player.transport.revealed = True
        assert "all found" in player._panels[0].figure["layout"]["title"]["text"]
        assert player._panels[0].label.startswith("Weights")
        player.secret_menu.value = "tent"  # from d = 4 to d = 2: another first view
        assert player._panels[0].label.startswith("Map")
        assert "Input plane" in player._panels[0].figure["layout"]["title"]["text"]
        player.dispose()
        column = ReluNetwork(mine.weights, mine.biases, mine.output_weights[:1])
        player = Player(column)
        player.transport.seek(10**6)
        assert player.secret.is_scalar
        player.dispose()

    def test_bad_arguments(self) -> None:
        for arguments, complaint in [
            ({"secret": "nobody"}, "nobody"),
            ({"method": "magic"}, "method must be one of adaptive, grid, got 'magic'"),
            ({"seed": -1}, "seed must be a whole number"),
            ({"theme": "pink"}, "theme must be one of"),
        ]:
            with pytest.raises(InvalidArgument, match=complaint):
                Player(**arguments)

    def test_learner_that_refuses_changes_nothing(self) -> None:
        def picky(black_box: object, dim: int, **settings: Any) -> Any:
            if settings["method"] == "grid":
                raise InvalidArgument("method must not be grid today")
            return learn_steps(black_box, dim, **settings)

        player = Player("tent", learner=picky)
        player.transport.seek(4)
        before = player.share, player.run
        player.method_menu.value = "grid"
        assert "not be grid today" in player.messages.value
        assert (player.share, player.run) == before and not player.run.exhausted
        assert player.method_menu.value == "adaptive"
        player.dispose()

    def test_learner_that_fails_is_heard(self) -> None:
        def poor(black_box: object, dim: int, **settings: Any) -> Any:
            return learn_steps(black_box, dim, **(settings | {"max_queries": 20}))

        player = Player("tent", learner=poor)
        player.transport.seek(10**6)
        assert "20" in player.messages.value and not player.state.is_final
        player.transport.back_button.click()
        player.dispose()

    @pytest.mark.parametrize("theme", THEMES)
    def test_style_names_only_its_own_root(self, theme: str) -> None:
        player = Player("tent", theme=theme)
        rules = player._style_widget.value.split("}")
        heads = [rule.rsplit("{", 1)[0].strip() for rule in rules[:-1]]
        assert all(f".rl-{theme}" in head for head in heads)
        player.dispose()


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
class TestLessons:
    """What every notebook promises; the pictures are for tests/browser."""

    def test_file_is_light(self, path: pathlib.Path) -> None:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        assert "widgets" not in notebook["metadata"], "saved widget state makes megabytes"
        assert notebook["metadata"]["kernelspec"]["name"] == "python3"
        for cell in notebook["cells"]:
            checked = "nbval-check-output" in cell["metadata"].get("tags", ())
            printed = [out for out in cell.get("outputs", ()) if out["output_type"] == "stream"]
            assert bool(printed) == checked, "of what is printed only claims are kept"

    def test_chapters(self, path: pathlib.Path) -> None:
        text = "".join("".join(cell["source"]) for cell in _cells(path, "markdown"))
        for heading in ("Goals", "What to remember", "Legend of the controls"):
            assert f"## {heading}\n" in text

    @pytest.mark.slow
    def test_solutions_pass_and_wrong_answers_get_a_hint(self, path: pathlib.Path) -> None:
        space: dict[str, Any] = {}
        for cell in _cells(path, "code"):
            exec("".join(cell["source"]), space)
        tasks = [name for name in space if re.fullmatch(r"task_\d+", name)]
        folded = "".join(
            "".join(cell["source"])
            for cell in _cells(path, "markdown")
            if "<details>" in "".join(cell["source"])
        )
        solutions = re.findall(r"```python\n(.*?)```", folded, re.DOTALL)
        assert tasks == [f"task_{i + 1}" for i in range(len(tasks))], "in the order of the page"
        assert 2 <= len(tasks) <= 6 and len(solutions) == len(tasks)
        assert sum(isinstance(space[name], BuildTask) for name in tasks) >= 1
        for name in tasks:
            [solution] = [text for text in solutions if f"{name}.check(" in text]
            for wrong in _wrong_answers(space[name]):
                feedback = space[name].check(wrong)
                assert not feedback.correct and len(feedback.sentence) > 10
            *steps, last = ast.parse(solution).body
            exec(compile(ast.Module(steps, []), name, "exec"), space)
            assert isinstance(last, ast.Expr)
            feedback = eval(compile(ast.Expression(last.value), name, "eval"), space)
            assert feedback.correct, (solution, feedback)
        for thing in list(space.values()):
            if isinstance(thing, ipywidgets.Widget) and hasattr(thing, "dispose"):
                thing.dispose()
        close_all_but_the_library()


def _cells(path: pathlib.Path, kind: str) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == kind]


def _wrong_answers(task: NumberTask | ChoiceTask | BuildTask) -> list[Any]:
    if isinstance(task, BuildTask):
        return [None]  # as the widget is when the page opens
    if isinstance(task, ChoiceTask):
        return [option for option in task.control.options if option != task._answer]
    return [*task._mistakes, -1.0, 1e12, task._answer * 1.5 + 1]


def close_all_but_the_library() -> None:
    """Widgets that a lesson showed without giving them a name."""
    library = PlotlyLibrary.ensure()
    for widget in list(_instances.values()):
        if widget is not library and widget is not library.layout:
            widget.close()


class TestLook:
    """One look for a notebook; "auto" follows the page."""

    def test_auto_follows_the_page(self, player: Player) -> None:
        library, board = PlotlyLibrary.ensure(), Measured("loss")
        try:
            assert "theme=auto" in player.share and "rl-light" in player._dom_classes
            library.dark = True
            assert "rl-dark" in player._dom_classes and "rl-dark" in board._dom_classes
            later = Measured("price")
            assert later.theme.name == "dark", "those to come as well"
            later.dispose()
            paper = player._panels[0].figure["layout"]["template"]["layout"]["paper_bgcolor"]
            assert paper == THEMES["dark"].paper
        finally:
            library.dark = False
            board.dispose()
        assert "rl-light" in player._dom_classes

    def test_a_choice_is_made_once(self, player: Player) -> None:
        board, index = Measured("loss"), player.state.index
        board.theme_menu.value = "projector"
        assert player.theme_menu.value == "projector" and "theme=projector" in player.share
        assert "rl-projector" in player._dom_classes and player.state.index == index
        PlotlyLibrary.ensure().dark = True
        assert "rl-projector" in board._dom_classes, "the choice wins"
        PlotlyLibrary.ensure().dark = False
        later = Measured("price")
        assert later.theme.name == "projector" and later.theme_menu.value == "projector"
        set_theme("light")
        assert all("rl-light" in one._dom_classes for one in (board, player, later))
        with pytest.raises(InvalidArgument, match="theme must be one of auto, light, dark"):
            set_theme("pink")
        for one in (board, later):
            one.dispose()


def test_the_page_can_say_a_sentence_of_its_own() -> None:
    """After that the kernel's has to come back, even if it is the same as before."""
    words = Narration()
    words.tell("one")
    before = words.told
    words.tell("one")
    assert words.told == before + 1
    words.close()
    words.layout.close()
