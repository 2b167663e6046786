"""The first lesson where it is not in JupyterLab: Notebook 7, nbclassic, outputs in frames."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from .lab import LATE, PLOTS, ROOT, LabPage, notebook
from .lessons import STILLS, open_lesson

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIRST = "00_start_here"
# Notebook 7.6 stumbles over its own settings in any notebook, an empty one included.
OWN = "Cannot read properties of undefined (reading 'schema')"
# The classic page first asks a kernel for the widgets that it has, and drops what is shown before.
CLASSIC_READY = """() => {
  const kernel = window.Jupyter?.notebook?.kernel;
  return !!(kernel?.is_connected() && kernel.widget_manager && kernel.info_reply.status);
}"""
CLASSIC_SETTLED = """async () => {
  const once = () => new Promise((resolve) =>
    Jupyter.notebook.kernel.execute('', {shell: {reply: resolve}}));
  for (let i = 0; i < 3; i++) await once();
}"""
# In a page where nothing has read plotly.js yet, as in the frame of another output.
FORGET = "() => { globalThis.__reluLearn.plotly = {}; }"
AGAIN = """
from IPython.display import display
from relu_learn.widgets import Player
display(Player("tent", seed=0))
"""


def step(page: Any) -> None:
    """Press Step in the first player, and see that sentence and figures follow."""
    facts = page.locator(".rl-facts").first
    assert "Event 0" in facts.inner_text()
    page.locator("button", has_text="Step").first.click()
    page.locator(".rl-facts", has_text="Event 1 ").first.wait_for(timeout=60_000)
    assert page.locator(".rl-narration").first.inner_text()


def test_notebook_7(lab_page: LabPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LabPage, "place", "notebooks")
    open_lesson(lab_page, FIRST, 3)
    assert "/notebooks/" in lab_page.page.url
    assert lab_page.page.evaluate(STILLS) == 0
    step(lab_page.page)
    lab_page.page_errors = [error for error in lab_page.page_errors if error != OWN]
    lab_page.assert_clean()


def test_an_output_in_a_frame_of_its_own_gets_plotly(lab_page: LabPage) -> None:
    (lab_page.server.root / "frames.ipynb").write_text(notebook(AGAIN), encoding="utf-8")
    lab_page.open("frames.ipynb")
    lab_page.run_all(3)
    lab_page.page.evaluate(FORGET)
    lab_page.run_all(3)
    step(lab_page.page)
    lab_page.assert_clean()


def test_nbclassic(context: Any, lab_server: Any) -> None:
    shutil.copy(ROOT / "notebooks" / f"{FIRST}.ipynb", lab_server.root / "classic.ipynb")
    page = context.new_page()
    page.set_default_timeout(90_000)
    errors: list[str] = []
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)[:300]))
    page.goto(f"{lab_server.url}/nbclassic/notebooks/classic.ipynb")
    page.wait_for_function(CLASSIC_READY)
    page.evaluate(CLASSIC_SETTLED)
    page.evaluate("() => Jupyter.notebook.execute_all_cells()")
    page.wait_for_function(
        f"() => {{ const p = ({PLOTS})(); return p.length >= 3 && p.every(x => x.drawn); }}"
    )
    page.wait_for_function(
        """() => Jupyter.notebook.get_cells().every(
             c => c.cell_type !== 'code' || c.input_prompt_number > 0)"""
    )
    assert page.evaluate(STILLS) == 0
    step(page)
    outputs = "() => Jupyter.notebook.get_cells().flatMap(c => c.output_area?.outputs ?? [])"
    assert not [o for o in page.evaluate(outputs) if o["output_type"] == "error"]
    assert not [error for error in errors if error != LATE]
    local = ("data:", "blob:", "about:", lab_server.url)
    assert not [url for url in asked if not url.startswith(local)]
    page.evaluate("() => Jupyter.notebook.session.delete()")
    page.close()
