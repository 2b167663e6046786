"""Lessons 01 to 03 in a real page: what the hand does, how it looks."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from .axe import assert_accessible
from .fit import assert_seen_at_once
from .lab import LabPage
from .lessons import assert_boards_fit_a_projector, touch_everything
from .pictures import readme_picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSONS = ["01_creased_paper", "02_hyperplane_discovery", "03_neuron_clustering"]
TOO_WIDE = """() => [...document.querySelectorAll('.rl-root')].filter(
  root => root.scrollWidth > root.clientWidth + 1).length"""


def roots(lab: LabPage) -> Any:
    return lab.page.locator(".rl-root")


on_every_lesson = pytest.mark.parametrize(
    "lesson", [(name, 2) for name in LESSONS], ids=LESSONS, indirect=True
)


@on_every_lesson
def test_seen_at_once(
    lesson: LabPage, request: pytest.FixtureRequest, screenshots: pathlib.Path
) -> None:
    assert_seen_at_once(lesson, request.node.callspec.id, screenshots)


@on_every_lesson
def test_everything_can_be_touched(lesson: LabPage, screenshots: pathlib.Path) -> None:
    """How quickly a slider redraws is measured by tests/benchmarks/lessons.py."""
    idle = touch_everything(lesson, screenshots)
    # A ball that is smaller than a pixel is not seen to grow.
    assert [name for name in idle if not name.startswith("radius α")] == []


@on_every_lesson
def test_looks(lesson: LabPage, request: pytest.FixtureRequest, screenshots: pathlib.Path) -> None:
    """Every explorer in every theme, at 1400 and at 1280 x 720 pixels: nothing is cut off.

    And in every theme it is accessible.
    """
    lab, name = lesson, request.node.callspec.id
    readme_picture(lab, name, screenshots)
    if name == LESSONS[0]:
        drag_the_line(lab)
    if name == LESSONS[2]:
        drag_the_crease(lab)
    for theme in ("light", "dark", "projector"):
        size = (1280, 720) if theme == "projector" else (1400, 1000)
        lab.page.set_viewport_size({"width": size[0], "height": size[1]})
        for i in range(roots(lab).count()):
            root = roots(lab).nth(i)
            menus = [m for m in root.locator("select").all() if "projector" in m.inner_text()]
            menus[0].select_option(theme)
            lab.settle()
            root.evaluate("root => root.scrollIntoView()")
            lab.screenshot(screenshots / "extra" / f"{name}_{i}_{theme}.png", root)
        assert lab.page.evaluate(TOO_WIDE) == 0, f"{theme}: something is wider than the page"
        assert_accessible(lab)
    assert_boards_fit_a_projector(lab)
    lab.assert_clean()


def drag_the_line(lab: LabPage) -> None:
    """Take the orange line and pull it up: offset and cut follow."""
    share = roots(lab).first.locator("input[type=text]").last
    before, drawn = share.input_value(), lab.fingerprints()
    line = roots(lab).first.locator(".rl-line.rl-rod").first
    line.evaluate("line => line.closest('.rl-panel').scrollIntoView({block: 'center'})")
    lab.page.wait_for_timeout(300)
    box = line.bounding_box()
    assert box is not None
    x, y = box["x"] + 0.45 * box["width"], box["y"] + 0.55 * box["height"]
    lab.page.mouse.move(x, y, steps=3)
    lab.page.mouse.down()
    for i in range(1, 6):
        lab.page.mouse.move(x, y - 10 * i)
    lab.page.mouse.up()
    lab.settle()
    assert share.input_value() != before, "dragging the line changed nothing"
    assert lab.fingerprints()[1] != drawn[1]


def drag_the_crease(lab: LabPage) -> None:
    """Turn the crease of neuron 2 by its end: the wedge follows, and the learner on release."""
    root = roots(lab).first
    share, said = root.locator("input[type=text]").last, root.locator(".rl-narration")
    root.evaluate("root => root.scrollIntoView()")
    before = share.input_value()
    box = root.locator("circle.rl-own-end:visible").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    for i in range(1, 9):
        lab.page.mouse.move(x - 8 * i, y - 6 * i)
        lab.page.wait_for_timeout(20)
    assert root.locator(".rl-wedge:visible").count() == 1
    assert "The wedge is" in said.inner_text()
    lab.page.mouse.up()
    lab.settle()
    assert root.locator(".rl-wedge:visible").count() == 0
    assert share.input_value() != before and "pair=your+own" in share.input_value()
    assert "The wedge is" not in said.inner_text()
    before, hit = share.input_value(), root.locator("line.rl-hit:visible").first
    hit.press("ArrowDown")  # the same by keys
    lab.settle()
    assert share.input_value() != before
