"""The first lesson in JupyterLab: all of it touched, and its player move by move."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest

from relu_learn import learn_from_queries, zoo
from relu_learn.widgets.narration import readable

from . import test_lessons_a, test_lessons_b
from .axe import assert_accessible
from .fit import assert_seen_at_once
from .lab import ROOT, LabPage
from .lessons import STILLS, assert_boards_fit_a_projector, touch_everything
from .pictures import seen_at_once

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIRST = "00_start_here"
PLAYER = """
import gc
from relu_learn.widgets import Player
player = next(p for p in gc.get_objects() if isinstance(p, Player) and p.comm is not None)
player.reopen(globals().setdefault("start", player.share.replace("projector", "light")))
player.transport.speed.value = 1.0
"""

on_the_first_lesson = pytest.mark.parametrize("lesson", [(FIRST, 3)], ids=[FIRST], indirect=True)


def test_every_lesson_is_touched() -> None:
    notebooks = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {FIRST, *test_lessons_a.LESSONS, *test_lessons_b.LESSONS} == notebooks


@on_the_first_lesson
def test_seen_at_once(lesson: LabPage, screenshots: pathlib.Path) -> None:
    assert_seen_at_once(lesson, FIRST, screenshots)


@on_the_first_lesson
def test_everything_can_be_touched(lesson: LabPage, screenshots: pathlib.Path) -> None:
    assert touch_everything(lesson, screenshots) == []
    assert_boards_fit_a_projector(lesson)


@pytest.fixture
def lab(lesson: LabPage) -> LabPage:
    """The player at its start. (Opening the page takes longer than most tests.)"""
    lesson.page.set_viewport_size({"width": 1400, "height": 1000})
    lesson.python(PLAYER)
    lesson.settle()
    return lesson


@on_the_first_lesson
class TestPlayer:
    """The first lesson's player, move by move."""

    def button(self, lab: LabPage, name: str) -> object:
        return lab.page.locator(".rl-controls button", has_text=re.compile(f"^{name}$"))

    def menu(self, lab: LabPage, name: str) -> Any:
        return lab.page.locator(".rl-controls .widget-dropdown", has_text=name).locator("select")

    def event(self, lab: LabPage) -> int:
        return int(re.findall(r"Event (\d+)", lab.page.locator(".rl-facts").inner_text())[0])

    def test_keyboard_only(self, lab: LabPage) -> None:
        self.button(lab, "Play").focus()
        lab.page.keyboard.press("Space")
        lab.page.wait_for_function(
            "() => /Event [2-9]/.test(document.querySelector('.rl-facts').textContent)"
        )
        assert self.button(lab, "Pause").count() == 1
        lab.page.keyboard.press("Enter")
        lab.settle()
        here = self.event(lab)
        lab.page.wait_for_timeout(1200)
        assert self.event(lab) == here, "Pause did not pause"
        lab.page.keyboard.press("Tab")
        lab.page.keyboard.press("Space")  # Step
        lab.settle()
        assert self.event(lab) == here + 1
        lab.page.keyboard.press("Tab")
        lab.page.keyboard.press("Enter")  # Back
        lab.settle()
        assert self.event(lab) == here
        lab.page.keyboard.press("Tab")  # to the end
        lab.page.keyboard.press("Tab")
        lab.page.keyboard.press("Home")  # the slider
        lab.settle()
        assert self.event(lab) == 0
        lab.page.keyboard.press("ArrowRight")
        lab.settle()
        assert self.event(lab) == 1
        lab.assert_clean()

    def test_play_to_the_end_and_reveal(self, lab: LabPage) -> None:
        self.menu(lab, "Speed").select_option("10×")
        self.button(lab, "Play").click()
        lab.page.wait_for_function(
            "() => /Event (\\d+) of \\1 /.test(document.querySelector('.rl-facts').textContent)"
        )
        lab.settle()
        sentence = lab.page.locator(".rl-narration").inner_text()
        assert sentence.startswith("Done: 5 neurons")
        titles = [plot["text"] for plot in lab.plots()]
        assert "5 neurons" in titles[0] and "5 kinks" in titles[1]
        self.button(lab, "Reveal").click()
        lab.settle()
        assert "revealed" in lab.plots()[0]["text"]
        same = """() => {
          const [map] = document.querySelectorAll('.js-plotly-plot');
          return Math.max(...map.data[0].z.map(row => Math.max(...row)));
        }"""
        assert abs(lab.page.evaluate(same)) < 1e-6  # the paper plane's wings are at 0
        lab.assert_clean()

    def test_wrong_input_is_answered_beside_the_control(self, lab: LabPage) -> None:
        seed, share = lab.page.locator(".rl-root input[type=text]").all()
        before = share.input_value()
        for field, wrong, answer in [
            (seed, "one", "seed must be a whole number"),
            (share, "rubbish", "a share string for this view starts with"),
        ]:
            field.fill(wrong)
            field.press("Enter")
            lab.page.get_by_role("alert").filter(has_text=answer).wait_for()
        share.fill(before.replace("step=0", "step=7").replace("light", "dark"))
        share.press("Enter")
        lab.page.locator(".rl-facts", has_text=re.compile("Event 7 ")).wait_for()
        lab.settle()
        assert self.event(lab) == 7
        assert lab.page.locator(".rl-root.rl-dark").count() == 1
        lab.assert_clean()

    def test_saved_run(self, lab: LabPage, tmp_path: pathlib.Path) -> None:
        path, broken = tmp_path / "tent.npz", tmp_path / "broken.npz"
        trace = learn_from_queries(zoo.get("tent"), dim=2, rng=0).trace
        trace.save(path)
        broken.write_bytes(path.read_bytes()[:-500])

        def choose(file: pathlib.Path) -> None:
            with lab.page.expect_file_chooser() as chooser:
                lab.page.locator(".rl-root button", has_text="Load a run").click()
            chooser.value.set_files(file)

        before = lab.fingerprints()
        choose(broken)
        sentence = "broken.npz must be an undamaged saved trace"
        lab.page.get_by_role("alert").filter(has_text=sentence).wait_for()
        assert lab.fingerprints() == before
        choose(path)
        lab.page.wait_for_function(
            f"() => document.querySelector('.rl-facts').textContent.includes('of {len(trace)}')"
        )
        assert self.menu(lab, "Secret").input_value() == "loaded run"
        assert lab.page.get_by_role("alert").filter(has_text=sentence).count() == 0
        lab.page.locator(".rl-scrubber input").press("End")
        lab.settle()
        assert self.event(lab) == len(trace)
        assert lab.page.locator(".rl-narration").inner_text() == readable(trace[-1].narration)
        assert lab.fingerprints() != before
        lab.assert_clean()

    @pytest.mark.parametrize("theme", ["light", "dark", "projector"])
    def test_looks(self, lab: LabPage, theme: str, screenshots: pathlib.Path) -> None:
        if theme == "projector":
            lab.page.set_viewport_size({"width": 1280, "height": 720})
        self.menu(lab, "Theme").select_option(theme)
        lab.settle()
        lab.python(
            "run = player.run; run.finish()\n"
            "found = [s.index for s in run if type(s.event).__name__ == 'NeuronFound']\n"
            "player.transport.seek(found[3])"
        )
        lab.settle()
        light = theme == "light"  # the one in the README
        name = "00_start_here.png" if light else f"extra/00_start_here_{theme}.png"
        if theme == "projector":
            lab.page.locator(".rl-root").evaluate("root => root.scrollIntoView()")
            lab.settle()
            lab.screenshot(screenshots / name)
        else:
            seen_at_once(lab, lab.page.locator(".rl-root").first, screenshots / name)
        for plot in lab.page.locator(".js-plotly-plot").all():
            box = plot.bounding_box()
            assert box is not None and box["width"] > 300
        assert_accessible(lab)
        lab.assert_clean()


BROKEN = """() => [...document.querySelectorAll('.jp-OutputArea-output')]
  .filter(output => output.offsetHeight && /Error disp|not found/.test(output.innerText)).length"""


@on_the_first_lesson
def test_a_saved_notebook_shows_pictures_on_a_fresh_kernel(lesson: LabPage) -> None:
    """Where the widgets live no picture is seen; where they do not, no error is."""
    assert lesson.page.evaluate(STILLS) == 0
    lesson.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    lesson.close()
    lesson.open(f"{FIRST}.ipynb")
    lesson.page.wait_for_function(f"() => ({STILLS})() === 7")  # a guess, the player, five tasks
    lesson.page.wait_for_timeout(1500)  # the views of widgets give up after a while
    assert lesson.page.evaluate(BROKEN) == 0
    picture = lesson.page.locator(".jp-RenderedImage img").first
    assert picture.is_visible() and lesson.page.locator(".rl-root").count() == 0
