"""Lessons 01 to 03 in a real page: what the hand does, how quickly it is answered, how it looks."""

from __future__ import annotations

import pathlib
import statistics
from typing import Any

import pytest

from .lab import ROOT, LabPage
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
    """Every explorer in every theme, at 1400 and at 1280 x 720 pixels: nothing is cut off."""
    lab = lesson(lab_page, name)
    lab.whole_page(screenshots / "extra" / f"{name}.png")
    for theme in ("light", "dark", "projector"):
        size = (1280, 720) if theme == "projector" else (1400, 1000)
        lab.page.set_viewport_size({"width": size[0], "height": size[1]})
        for i in range(roots(lab).count()):
            root = roots(lab).nth(i)
            menus = [m for m in root.locator("select").all() if "projector" in m.inner_text()]
            menus[0].select_option(theme)
            lab.settle()
            root.evaluate("root => root.scrollIntoView()")
            lab.page.wait_for_timeout(300)
            picture = screenshots / "extra" / f"{name}_{i}_{theme}.png"
            picture.parent.mkdir(parents=True, exist_ok=True)
            if theme == "projector":
                lab.screenshot(picture)
            root.screenshot(path=str(picture.with_stem(picture.stem + "_all")))
        assert lab.page.evaluate(TOO_WIDE) == 0, f"{theme}: something is wider than the page"
    lab.assert_clean()


@pytest.mark.parametrize("name", LESSONS)
def test_sliders_are_quick(name: str, lab_page: LabPage) -> None:
    """Prints the time from a key press to the redrawn figures; judged by eye, not by the clock."""
    lab = lesson(lab_page, name)
    root = roots(lab).first
    for row in root.locator(".widget-hslider:visible").all():
        handle = row.locator(".noUi-handle")
        if row.locator("[disabled]").count():
            continue
        key = "ArrowRight"
        times = sorted(handle.evaluate(PRESS_AND_WATCH, key) for _ in range(12))
        assert times[-1] > 0, f"{row.inner_text()}: nothing was redrawn"
        label = " ".join(row.inner_text().split())
        print(f"{name}, {label}: p50 {statistics.median(times):.0f}, p95 {times[-2]:.0f} ms")
    lab.assert_clean()
