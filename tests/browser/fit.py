"""Every explorer is seen at once, in JupyterLab as it opens, on the screens that people have."""

from __future__ import annotations

import pathlib
from typing import Any

from .lab import KEPT, LabPage

SCREENS = {  # width and height of the window, and whether the file browser is shown
    "1280": (1280, 720, True),
    "1366": (1366, 768, True),
    "1400": (1400, 900, True),
    "1024": (1024, 768, False),
}
SIDE = "b => b ? jupyterapp.shell.expandLeft() : jupyterapp.shell.collapseLeft()"
# What must be seen together: all rows but the share string (and what comes after it).
BOXES = """() => {
  const seen = document.querySelector('.jp-WindowedPanel-outer').clientHeight;
  return [...document.querySelectorAll('.rl-root')].filter(root => root.offsetHeight).map(root => {
    const own = root.getBoundingClientRect();
    const parts = '.rl-plot, .rl-sheet canvas, .rl-narration, .rl-facts, .rl-scrubber';
    const boxes = [...root.querySelectorAll(parts)].map(part => {
      const box = part.getBoundingClientRect();
      return {name: part.className, left: box.left - own.left, top: box.top - own.top,
              right: box.right - own.left, bottom: box.bottom - own.top};
    });
    return {seen, width: own.width, wide: root.scrollWidth > root.clientWidth + 1, boxes};
  });
}"""
# Letters that stick out of their figure are cut off.
CUT = """() => [...document.querySelectorAll('.rl-root .rl-plot')].flatMap(plot => {
  const box = plot.getBoundingClientRect();
  return [...plot.querySelectorAll('.gtitle, .xtitle, .ytitle, .xtick text, .ytick text')]
    .filter(text => text.textContent.trim())
    .filter(text => {
      const own = text.getBoundingClientRect();
      return own.left < box.left - 2 || own.right > box.right + 2 || own.bottom > box.bottom + 2;
    }).map(text => text.textContent);
})"""


def assert_seen_at_once(lab: LabPage, name: str, folder: pathlib.Path) -> None:
    """Every explorer of an open lesson, at every size; the window is left as it was."""
    before = lab.page.viewport_size, lab.page.evaluate("() => !jupyterapp.shell.leftCollapsed")
    for screen, (width, height, browser) in SCREENS.items():
        lab.page.set_viewport_size({"width": width, "height": height})
        lab.page.evaluate(SIDE, browser)
        lab.page.wait_for_timeout(400)  # the figures follow the size of the window
        lab.settle()
        for i, root in enumerate(lab.page.evaluate(BOXES)):
            where = f"{name}, explorer {i + 1} at {screen}: {root}"
            assert not root["wide"], where
            assert max(box["bottom"] for box in root["boxes"]) <= root["seen"], where
            assert_side_by_side(root, where)
        assert lab.page.evaluate(CUT) == [], f"{name} at {screen}"
        if KEPT:
            for i, root in enumerate(lab.page.locator(".rl-root:visible").all()):
                root.evaluate("root => root.scrollIntoView()")
                lab.screenshot(folder / "extra" / f"{name}_{i}_{screen}.png")
    lab.page.set_viewport_size(before[0])
    lab.page.evaluate(SIDE, before[1])
    lab.settle()


def assert_side_by_side(root: dict[str, Any], where: str) -> None:
    """The second view begins beside the first one."""
    views = [b for b in root["boxes"] if "rl-plot" in b["name"] or not b["name"]]
    if root["width"] >= 760 and len(views) > 1:
        assert views[1]["left"] >= views[0]["right"] - 1, where
