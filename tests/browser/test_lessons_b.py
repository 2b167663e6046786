"""Lessons 04 to 09 and the teachers' page in a real page: what the hand does, how it looks."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from .axe import assert_accessible
from .fit import assert_seen_at_once
from .lab import LabPage
from .lessons import assert_boards_fit_a_projector, touch_everything
from .pictures import PICTURES, readme_picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Lesson and number of figures.
LESSONS = {
    "04_loss_convergence": 6,
    "05_high_dimensions": 8,
    "06_black_boxes_in_the_wild": 3,
    "07_be_the_algorithm": 2,
    "08_why_it_works": 14,
    "09_after_the_theft": 10,
    "99_for_teachers": 4,
}


def theme_menu(board: Any) -> Any:
    """The menu of a board that has the theme "projector" in it."""
    return next(m for m in board.locator("select").all() if "projector" in m.inner_text())


def play_a_little(lab: LabPage) -> None:
    """Ask by clicking on the plane, twice, and in between."""
    lab.page.locator(".rl-root").evaluate("root => root.scrollIntoView()")
    lab.settle()
    box = lab.page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert box is not None
    for x, y in ((0.1, 0.4), (0.9, 0.6)):
        at = box["x"] + x * box["width"], box["y"] + y * box["height"]
        lab.page.mouse.move(*at, steps=4)
        lab.page.wait_for_timeout(200)
        lab.page.mouse.click(*at)
        lab.settle()
    assert "2 of 60 queries" in lab.page.locator(".rl-facts").inner_text()
    for name in ("Ask between", "Ask between", "Add crease", "Score"):
        lab.page.locator(".rl-controls button", has_text=name).click()
        lab.settle()
    assert "5 of 60 queries" in lab.page.locator(".rl-facts").inner_text()
    assert "The algorithm with the same 5 queries" in lab.page.locator(".rl-narration").inner_text()


on_every_lesson = pytest.mark.parametrize(
    "lesson", LESSONS.items(), ids=list(LESSONS), indirect=True
)


@on_every_lesson
def test_seen_at_once(
    lesson: LabPage, request: pytest.FixtureRequest, screenshots: pathlib.Path
) -> None:
    assert_seen_at_once(lesson, request.node.callspec.id, screenshots)


@on_every_lesson
def test_everything_can_be_touched(lesson: LabPage, screenshots: pathlib.Path) -> None:
    assert touch_everything(lesson, screenshots) == []


@on_every_lesson
def test_pictures_fit(
    lesson: LabPage, request: pytest.FixtureRequest, screenshots: pathlib.Path
) -> None:
    """Every board at 1400 pixels, on a projector and in the dark; and all of it is accessible."""
    lab, name = lesson, request.node.callspec.id
    lab.page.set_viewport_size({"width": 1400, "height": 1000})
    lab.settle()
    if name.startswith("07"):
        play_a_little(lab)
    if name in PICTURES:
        readme_picture(lab, name, screenshots)
    for i, board in enumerate(lab.page.locator(".rl-root").all()):
        board.scroll_into_view_if_needed()
        lab.screenshot(screenshots / "extra" / f"{name}_light_{i + 1}.png", board)
    for plot in lab.page.locator(".js-plotly-plot").all():
        box = plot.bounding_box()
        assert box is not None and box["width"] > 300
    assert_accessible(lab)
    lab.page.set_viewport_size({"width": 1280, "height": 720})
    boards = lab.page.locator(".rl-root").all()
    for i, board in enumerate(boards):
        theme_menu(board).select_option("projector")
        lab.settle()
        board.evaluate("root => root.scrollIntoView()")
        lab.settle()
        lab.screenshot(screenshots / "extra" / f"{name}_projector_{i + 1}.png")
    assert_boards_fit_a_projector(lab)
    assert_accessible(lab)
    for board in boards:
        theme_menu(board).select_option("dark")
    lab.settle()
    assert_accessible(lab)
    lab.whole_page(screenshots / "extra" / f"{name}_dark.png")
    lab.assert_clean()
