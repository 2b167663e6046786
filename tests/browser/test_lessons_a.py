"""Lessons 01 to 03 in a real page: what the hand does, how it looks."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from .lab import ROOT, LabPage
from .pictures import readme_picture
from .test_lessons_in_lab import open_lesson

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSONS = ["01_creased_paper", "02_hyperplane_discovery", "03_neuron_clustering"]
PRESS_AND_WATCH = """async (handle, key) => {
  let last = 0;
  const plots = document.querySelectorAll('.js-plotly-plot');
  const watch = () => { last = performance.now(); };
  for (const plot of plots) plot.on('plotly_afterplot', watch);
  const start = performance.now();
  handle.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
  do await new Promise(resolve => setTimeout(resolve, 300));
  while ((!last && performance.now() - start < 3000) || performance.now() - last < 300);
  for (const plot of plots) plot.removeListener('plotly_afterplot', watch);
  return last ? last - start : -1;
}"""
TOO_WIDE = """() => [...document.querySelectorAll('.rl-root')].filter(
  root => root.scrollWidth > root.clientWidth + 1).length"""


def lesson(lab: LabPage, name: str) -> LabPage:
    return open_lesson(lab, ROOT / "notebooks" / f"{name}.ipynb", plots=2)


def roots(lab: LabPage) -> Any:
    return lab.page.locator(".rl-root")


@pytest.mark.parametrize("name", LESSONS)
def test_looks(name: str, lab_page: LabPage, screenshots: pathlib.Path) -> None:
    """Every explorer in every theme, at 1400 and at 1280 x 720 pixels: nothing is cut off.

    Every slider redraws something; how quickly is measured by tests/benchmarks/lessons.py.
    """
    lab = lesson(lab_page, name)
    readme_picture(lab, name, screenshots)
    if name == LESSONS[0]:
        drag_the_line(lab)
    for row in roots(lab).first.locator(".widget-hslider:visible").all():
        handle = row.locator(".noUi-handle")
        took = handle.evaluate(PRESS_AND_WATCH, "ArrowRight")
        assert took > 0, f"{' '.join(row.inner_text().split())}: nothing was redrawn"
    for theme in ("light", "dark", "projector"):
        size = (1280, 720) if theme == "projector" else (1400, 1000)
        lab.page.set_viewport_size({"width": size[0], "height": size[1]})
        for i in range(roots(lab).count()):
            root = roots(lab).nth(i)
            menus = [m for m in root.locator("select").all() if "projector" in m.inner_text()]
            menus[0].select_option(theme)
            lab.settle()
            root.evaluate("root => root.scrollIntoView()")
            picture = screenshots / "extra" / f"{name}_{i}_{theme}.png"
            picture.parent.mkdir(parents=True, exist_ok=True)
            root.screenshot(path=str(picture))
        assert lab.page.evaluate(TOO_WIDE) == 0, f"{theme}: something is wider than the page"
    lab.assert_clean()
    lab.close()


def drag_the_line(lab: LabPage) -> None:
    """Take the orange line by its middle and pull it up: offset and cut follow."""
    share = roots(lab).first.locator("input[type=text]").last
    before, drawn = share.input_value(), lab.fingerprints()
    plot = roots(lab).first.locator(".js-plotly-plot").first
    plot.evaluate("plot => plot.scrollIntoView({block: 'center'})")
    lab.page.wait_for_timeout(300)
    # The handle of the shape, not its outline: plotly lays an invisible wide path on top.
    box = plot.locator(".shapelayer path").last.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.page.mouse.move(x, y, steps=3)
    lab.page.mouse.down()
    for i in range(1, 6):
        lab.page.mouse.move(x, y - 10 * i)
        lab.page.wait_for_timeout(60)
    lab.page.mouse.up()
    lab.settle()
    assert share.input_value() != before, "dragging the line changed nothing"
    after = lab.fingerprints()
    assert all(a != b for a, b in zip(after[:3], drawn[:3], strict=True))
