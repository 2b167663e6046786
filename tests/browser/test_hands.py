"""What a hand moves on the picture follows it in the page; the kernel confirms on release."""

from __future__ import annotations

import json
import math
import pathlib
import statistics
from collections.abc import Callable
from typing import Any

import pytest

from .lab import LabPage
from .lessons import open_lesson

pytestmark = [pytest.mark.browser, pytest.mark.slow]

THREE = ["01_creased_paper", "02_hyperplane_discovery", "07_be_the_algorithm"]
FIND = """import gc
from relu_learn.widgets.{module} import {kind}
it = next(x for x in gc.get_objects() if isinstance(x, {kind}) and x.comm is not None)"""
# From the pointer's move to the next message of the page after the frame.
WATCH = """() => {
  window.__hand = [];
  addEventListener('pointermove', () => {
    const start = performance.now();
    requestAnimationFrame(() => {
      const {port1, port2} = new MessageChannel();
      port1.onmessage = () => window.__hand.push(performance.now() - start);
      port2.postMessage(0);
    });
  }, {capture: true});
}"""
# A kernel that is busy answers nothing: what changes meanwhile, the page has done by itself.
BUSY = """() => void jupyterapp.shell.currentWidget.sessionContext.session.kernel
  .requestExecute({code: 'import time; time.sleep(4)', store_history: false})"""


def on(*names: str) -> Any:
    return pytest.mark.parametrize(
        "lesson", [(name, 2) for name in names], ids=list(names), indirect=True
    )


def begin(lab: LabPage, width: int = 1280) -> Any:
    """The first explorer, on top of the window."""
    lab.page.set_viewport_size({"width": width, "height": 720})
    root = lab.page.locator(".rl-root").first
    root.evaluate("root => root.scrollIntoView()")
    lab.page.wait_for_timeout(400)
    return root


def middle(part: Any) -> tuple[float, float]:
    box = part.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(
    lab: LabPage, part: Any, dx: float, dy: float, held: Callable[[], Any], moves: int = 30
) -> Any:
    """Take a handle and move it; what `held` says while the hand still holds it."""
    x, y = middle(part)
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    for i in range(1, moves + 1):
        lab.page.mouse.move(x + dx * i / moves, y + dy * i / moves)
        lab.page.wait_for_timeout(10)
    seen = held()
    lab.page.mouse.up()
    return seen


@on(*THREE)
def test_the_page_draws_while_the_kernel_is_busy(
    lesson: LabPage, request: pytest.FixtureRequest, screenshots: pathlib.Path
) -> None:
    lab, root = lesson, begin(lesson)
    lab.page.evaluate(WATCH)
    handle = root.locator("circle.rl-end:visible").nth(1)
    sentence = root.locator(".rl-narration")
    lines = ".rl-rod[points], line.rl-rod, path.rl-rod"

    def picture() -> str:
        return str(root.locator(lines).evaluate_all("all => all.map(e => e.outerHTML).join()"))

    lab.settle()
    before, said = picture(), sentence.inner_text()
    lab.page.evaluate(BUSY)

    def held() -> tuple[str, str, str]:
        return picture(), sentence.inner_text(), sentence.get_attribute("aria-live")

    during = drag(lab, handle, 60, -30, held)
    assert during[0] != before
    assert during[1] != said and during[2] == "off"
    lab.screenshot(screenshots / "extra" / f"{request.node.callspec.id}_hand.png")
    lab.settle()
    assert sentence.get_attribute("aria-live") != "off", "what the kernel says is read aloud"
    times = lab.page.evaluate("() => window.__hand")
    assert len(times) >= 20
    print(f"{request.node.callspec.id}: {statistics.median(times):.0f} ms from move to frame")
    lab.assert_clean()


@on(THREE[0])
class TestPaper:
    def state(self, lab: LabPage) -> dict[str, Any]:
        """Angle, offset and network that the kernel holds."""
        lab.settle()
        find = FIND.format(module="creased_paper", kind="CreasedPaper")
        lab.python(find)
        return dict(json.loads(lab.python("import json; print(json.dumps(it.hands.state))")))

    def test_an_end_turns_the_line_about_the_other(self, lesson: LabPage) -> None:
        lab, root = lesson, begin(lesson)
        ends = root.locator("circle.rl-line-end")
        pivot = middle(ends.nth(0))
        before = self.state(lab)["angle"]
        drag(lab, ends.nth(1), 0, 120, lambda: None)
        assert self.state(lab)["angle"] != before
        after = middle(ends.nth(0))
        assert abs(pivot[0] - after[0]) + abs(pivot[1] - after[1]) < 6, "steps of half a degree"

    def test_kinks_of_the_page_are_those_of_the_search(self, lesson: LabPage) -> None:
        lab = lesson
        self.state(lab)
        found = json.loads(lab.python("print(sorted(float(k.t) for k in it.state.kinks))"))
        mine = lab.page.evaluate(
            """() => { const hands = Object.values(globalThis.__reluLearn.hands)[0];
              return hands.kinks().map(({t}) => t); }"""
        )
        assert mine == pytest.approx(found, abs=1e-6)

    def test_a_crease_is_dragged_and_the_map_follows(self, lesson: LabPage) -> None:
        lab, root = lesson, begin(lesson)
        before = self.state(lab)["net"]
        heat = root.locator(".rl-heat")
        crease = root.locator("line.rl-crease.rl-rod:visible").first
        shown = drag(lab, crease, -30, 10, lambda: heat.is_visible())
        assert shown, "while the hand is on it, the page draws the map"
        after = self.state(lab)["net"]
        moved = [i for i, (p, q) in enumerate(zip(before["b"], after["b"], strict=True)) if p != q]
        assert len(moved) == 1
        lab.page.wait_for_timeout(200)
        assert not heat.is_visible(), "the kernel has sent its map"
        lab.assert_clean()

    def test_keys(self, lesson: LabPage) -> None:
        lab, root = lesson, begin(lesson)
        before = self.state(lab)
        line = root.locator("line.rl-line + line.rl-hit")
        line.focus()  # which makes its cell the active one, whatever was touched before
        lab.settle()
        cell = lab.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex")
        for key in ("ArrowUp", "ArrowUp", "Shift+ArrowRight"):
            lab.page.keyboard.press(key)
        after = self.state(lab)
        assert after["angle"] == pytest.approx(before["angle"] - 10, abs=0.5)
        assert after["offset"] != before["offset"]
        still = lab.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex")
        assert still == cell, "JupyterLab kept its cell"

    def test_the_same_point_is_lit_in_every_view(self, lesson: LabPage) -> None:
        lab, root = lesson, begin(lesson)
        slice_ = root.locator(".rl-plot").nth(1)
        x, y = middle(slice_)
        lab.page.mouse.move(x, y, steps=3)
        lab.page.wait_for_timeout(200)
        assert root.locator(".rl-lit-dot:visible").count() == 2, "in the plane and in the slice"
        lab.page.mouse.move(5, 5, steps=3)
        lab.page.wait_for_timeout(200)
        assert root.locator(".rl-lit-dot:visible").count() == 0

    def test_touch(self, lesson: LabPage) -> None:
        """Fingers come as pointer events too; the page must not scroll instead."""
        lab, root = lesson, begin(lesson)
        x, y = middle(root.locator("circle.rl-line-end").nth(1))
        before = self.state(lab)
        client = lab.page.context.new_cdp_session(lab.page)
        client.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
        point = [{"x": x, "y": y}]
        client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": point})
        for i in range(1, 9):
            point = [{"x": x, "y": y + 8 * i}]
            client.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": point})
        client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        client.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
        assert self.state(lab)["angle"] != before["angle"]
        lab.assert_clean()

    def test_auto_follows_the_page(self, lesson: LabPage, screenshots: pathlib.Path) -> None:
        lab, root = lesson, begin(lesson)
        theme = "t => jupyterapp.commands.execute('apputils:change-theme', {theme: t})"
        lab.page.evaluate(theme, "JupyterLab Dark")
        lab.page.wait_for_selector(".rl-root.rl-dark")
        lab.settle()
        lab.page.wait_for_timeout(300)
        paper = lab.page.evaluate("() => document.querySelector('.js-plotly-plot .bg')?.style.fill")
        assert lab.page.locator(".rl-root.rl-light").count() == 0, paper
        lab.screenshot(screenshots / "extra" / "auto_dark.png")
        lab.page.evaluate(theme, "JupyterLab Light")
        lab.page.wait_for_selector(".rl-root.rl-light")
        lab.settle()
        assert root.locator("select").last.input_value() == "auto"
        lab.assert_clean()


@on("03_neuron_clustering")
class TestPair:
    """Two creases: each moves under the hand, and the other one stays."""

    def creases(self, lab: LabPage) -> list[list[float]]:
        """Normal and bias of both, as the kernel holds them."""
        lab.settle()
        lab.python(FIND.format(module="clustering", kind="PairLab"))
        both = "[[*map(float, w), float(b)] for w, b in zip(n.weights[:2], n.biases[:2])]"
        return list(json.loads(lab.python(f"n = it.secret; print({both})")))

    @pytest.mark.parametrize("neuron", [1, 2])
    def test_each_crease_is_dragged(
        self, lesson: LabPage, neuron: int, screenshots: pathlib.Path
    ) -> None:
        lab, root = lesson, begin(lesson)
        lab.page.evaluate(WATCH)
        before, sentence = self.creases(lab), root.locator(".rl-narration")
        end = root.locator("circle.rl-own-end").nth(2 * neuron - 1)
        wedge = root.locator(".rl-wedge")
        lab.page.evaluate(BUSY)

        def held() -> tuple[bool, str]:
            lab.screenshot(screenshots / "extra" / f"03_crease_{neuron}.png")
            return wedge.is_visible(), sentence.inner_text()

        drawn, said = drag(lab, end, 0, -70, held)
        assert drawn and "apart" in said and "wedge is" in said
        after = self.creases(lab)
        i, other = neuron - 1, 2 - neuron
        assert after[i] != pytest.approx(before[i], abs=0.02)
        assert after[other] == pytest.approx(before[other], abs=1e-9)
        times = lab.page.evaluate("() => window.__hand")
        assert len(times) >= 20
        print(f"03, crease {neuron}: {statistics.median(times):.0f} ms from move to frame")
        lab.assert_clean()

    def test_keys(self, lesson: LabPage) -> None:
        lab, root = lesson, begin(lesson)
        before, both = self.creases(lab), root.locator("line.rl-own + line.rl-hit")
        for i, key in enumerate(("Shift+ArrowRight", "ArrowUp")):
            both.nth(i).focus()
            lab.page.keyboard.press(key)
        after = self.creases(lab)
        turned = [round(math.degrees(math.atan2(w[1], w[0]))) for w in (before[0], after[0])]
        assert turned[1] == turned[0] - 10
        assert after[1][:2] == pytest.approx(before[1][:2]) and after[1][2] != before[1][2]


@on(THREE[2])
def test_the_fit_of_the_page_is_the_kernel_s(lesson: LabPage) -> None:
    lab = lesson
    hands = "Object.values(globalThis.__reluLearn?.hands ?? {})"
    lab.page.wait_for_function(f"() => {hands}.length")  # the page listens
    lab.python(FIND.format(module="game", kind="Game"))
    lab.python(
        "import numpy as np\n"
        "for x in np.random.default_rng(0).uniform(-3, 3, (14, 2)): it.ask(*map(float, x))\n"
        "it.place((20, 0.5), (110, -0.3), (20, 0.52))"  # two of them nearly the same
    )
    lab.settle()
    numbers = "[*f.output_weights, *f.skip, f.offset]"
    kernel = json.loads(lab.python(f"f = it.hypothesis; print([float(v) for v in {numbers}])"))
    # A view that the page has made anew leaves an old hand behind.
    game = f"{hands}.find(hand => hand.net?.a.length === 3)"
    lab.page.wait_for_function(f"() => {game}")
    page = lab.page.evaluate(
        f"() => {{ const {{net}} = {game}; return [...net.a, ...net.u, net.c]; }}"
    )
    assert page == pytest.approx(kernel, abs=1e-7)
    lab.assert_clean()


def test_motion(lab_page: LabPage) -> None:
    """What is new arrives within a moment, unless the system asks for reduced motion."""
    lab = open_lesson(lab_page, "00_start_here", 3)
    lab.page.evaluate(
        """() => {
          new MutationObserver(list => {
            for (const {addedNodes} of list)
              for (const {classList} of addedNodes)
                window.__moving += !!classList?.contains('rl-moving');
          }).observe(document.body, {childList: true, subtree: true});
        }"""
    )
    step = lab.page.locator(".rl-root button", has_text="Step")
    for calm in ("reduce", "no-preference"):
        lab.page.emulate_media(reduced_motion=calm)
        lab.page.locator(".rl-scrubber input").first.press("Home")
        lab.settle()
        lab.page.evaluate("() => { window.__moving = 0; }")
        for _ in range(25):
            step.click()
            lab.settle()
            lab.page.wait_for_timeout(400)  # nothing moves that follows sooner than 0.3 s
            if not step.is_enabled():
                break
        moved = lab.page.evaluate("() => window.__moving")
        assert moved == 0 if calm == "reduce" else moved >= 5, "one for each crease"
        assert lab.page.locator(".rl-moving").count() == 0
        ends = "document.querySelector('.js-plotly-plot').data[3].x.filter(Number.isFinite)"
        seen = lab.page.evaluate(f"() => {ends}.length")
        assert seen == 10, "plotly has the ends of all five creases"
    lab.assert_clean()


@on(THREE[2])
def test_a_dead_kernel_is_told(lesson: LabPage, screenshots: pathlib.Path) -> None:
    """By the widgets themselves; run again they live again. (The last test of this page.)"""
    session = "jupyterapp.shell.currentWidget.sessionContext"
    for way in ("restart", "shutdown"):
        lesson.run_all(2)
        begin(lesson)
        told = lesson.page.locator(".rl-gone")
        assert told.count() == 0
        act = {"restart": f"{session}.restartKernel()", "shutdown": f"{session}.shutdown()"}[way]
        lesson.page.evaluate(f"() => {act}.then(() => 0)")
        if way == "shutdown":  # nobody told the page
            lesson.page.locator(".rl-root button", has_text="Score").click()
        told.first.wait_for(timeout=15_000)
        said, role = told.first.inner_text(), told.first.get_attribute("role")
        assert "run all cells" in said and role == "alert"
        lesson.screenshot(screenshots / "extra" / f"kernel_{way}.png")
