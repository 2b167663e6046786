"""What axe-core, the usual judge of accessibility, says of a page."""

from __future__ import annotations

import pathlib
from typing import Any

import axe_playwright_python

from .lab import LabPage

SCRIPT = pathlib.Path(axe_playwright_python.__file__).parent / "axe.min.js"
# Only what is ours: JupyterLab's own page is not for us to mend.
COMPLAINTS = """async where => {
  const {violations} = await axe.run(where, {resultTypes: ['violations']});
  return violations.filter(v => ['serious', 'critical'].includes(v.impact)).map(v =>
    `${v.id} (${v.help}): ${v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | ')}`);
}"""
# A figure has a name that says what is seen, and a sentence that describes it.
SILENT = """() => [...document.querySelectorAll('.rl-plot')].filter(plot => {
  const words = document.getElementById(plot.getAttribute('aria-describedby'));
  return !plot.getAttribute('aria-label') || plot.closest('.rl-root') && !words?.textContent.trim();
}).length"""


def complaints(page: Any, where: str) -> list[str]:
    """All that is serious or critical there."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    return list(page.evaluate(COMPLAINTS, where))


def assert_accessible(lab: LabPage) -> None:
    """The outputs of an open lesson as they look now."""
    assert complaints(lab.page, ".jp-OutputArea") == []
    assert lab.page.evaluate(SILENT) == 0
