"""Every lesson, opened in JupyterLab by someone who touches everything."""

from __future__ import annotations

import pathlib
import re
import shutil
import statistics
from collections.abc import Iterator
from typing import Any

import pytest

from relu_learn import learn_from_queries, zoo
from relu_learn.widgets.narration import readable

from .conftest import new_page
from .lab import ROOT, LabPage, Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
COUNT = "from ipywidgets.widgets.widget import _instances as every; print(len(every))"


def open_lesson(lab: LabPage, notebook: pathlib.Path, plots: int = 1) -> LabPage:
    shutil.copy(notebook, lab.server.root / notebook.name)
    lab.open(notebook.name)
    lab.run_all(plots)
    return lab


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_everything_can_be_touched(
    notebook: pathlib.Path, lab_page: LabPage, screenshots: pathlib.Path
) -> None:
    lab = open_lesson(lab_page, notebook)
    loaded, alive, figures = lab.received_bytes, lab.python(COUNT), len(lab.plots())
    assert loaded < 4_000_000, "plotly.js (1.5 MB) must come once per page"
    lab.whole_page(screenshots / "extra" / f"{notebook.stem}.png")
    touched, pictures = lab.exercise()
    assert touched["button"], touched
    assert min(pictures) > 1, f"a figure that nothing changes: {pictures}"
    assert lab.page.get_by_text("Something went wrong").count() == 0
    assert lab.received_bytes - loaded < 6_000_000, "a step sends what changed, not the figures"
    lab.assert_clean()

    lab.run_all()
    assert lab.python(COUNT) == alive, "widgets of the first run are still alive"
    assert len(lab.plots()) == figures
    lab.assert_clean()
    assert_boards_fit_a_projector(lab)
    lab.close()


def assert_boards_fit_a_projector(lab: LabPage) -> None:
    """In the projector theme controls and pictures of a board are seen together at 1280 x 720."""
    lab.page.set_viewport_size({"width": 1280, "height": 720})
    themes = lab.page.locator(".rl-root .widget-dropdown", has_text="Theme").locator("select")
    for menu in themes.all():
        menu.select_option("projector")
    lab.settle()
    heights = """() => [...document.querySelectorAll('.rl-root.rl-projector')].map(root => {
        const ends = [...root.querySelectorAll('.js-plotly-plot')].map(
            plot => plot.getBoundingClientRect().bottom);
        return Math.max(...ends) - root.getBoundingClientRect().top;
    })"""
    found = lab.page.evaluate(heights)
    assert len(found) == themes.count()
    visible = "() => document.querySelector('.jp-WindowedPanel-outer').clientHeight"
    seen = lab.page.evaluate(visible)
    assert all(height <= seen for height in found), f"boards {found}, visible {seen}"


@pytest.fixture(scope="module")
def player_page(browser: Any, lab_server: Server) -> Iterator[LabPage]:
    """One page for all tests of the player: opening it takes longer than most of them."""
    with new_page(browser, lab_server) as lab:
        open_lesson(lab, ROOT / "notebooks" / "00_start_here.ipynb", plots=3)
        lab.python(
            "import gc; from relu_learn.widgets import Player\n"
            "player = next(p for p in gc.get_objects() if isinstance(p, Player))\n"
            "start = player.share"
        )
        yield lab


@pytest.fixture
def lab(player_page: LabPage) -> LabPage:
    """The player at its start."""
    player_page.page.set_viewport_size({"width": 1400, "height": 1000})
    player_page.python("player.reopen(start); player.transport.speed.value = 1.0")
    player_page.settle()
    return player_page


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

    def test_steps_are_quick(self, lab: LabPage) -> None:
        """Prints the time from a click to the redrawn figures; judged by eye, not by the clock."""
        step = self.button(lab, "Step")
        times = sorted(lab.click_to_redraw(step) for _ in range(22))
        print(f"step to redraw: p50 {statistics.median(times):.0f} ms, p95 {times[-2]:.0f} ms")
        lab.assert_clean()

    @pytest.mark.parametrize("theme", ["light", "dark", "projector"])
    def test_screenshots(self, lab: LabPage, theme: str, screenshots: pathlib.Path) -> None:
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
            lab.screenshot(screenshots / name, ".rl-root")
        for plot in lab.page.locator(".js-plotly-plot").all():
            box = plot.bounding_box()
            assert box is not None and box["width"] > 300
        lab.assert_clean()
