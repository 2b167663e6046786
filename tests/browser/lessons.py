"""A lesson, opened in JupyterLab by someone who touches everything."""

from __future__ import annotations

import pathlib
import shutil

from .lab import ROOT, LabPage

# How many stand-ins are seen, for widgets that have no kernel.
STILLS = """() => [...document.querySelectorAll('.rl-still, .rl-words')]
  .filter(still => still.offsetHeight).length"""
COUNT = "from ipywidgets.widgets.widget import _instances as every; print(len(every))"


def open_lesson(lab: LabPage, name: str, plots: int = 1) -> LabPage:
    """Open a copy of the notebook of that name and run it, until so many figures are drawn.

    In the JupyterLab that the page shows, if it does.
    """
    shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", lab.server.root)
    fresh = lab.page.url == "about:blank"
    (lab.open if fresh else lab.go_on)(f"{name}.ipynb")
    lab.run_all(plots)
    return lab


def touch_everything(lab: LabPage, folder: pathlib.Path) -> list[str]:
    """Touch every control of a lesson, run it again and look what is left of the first run.

    Returns the sliders that changed no figure.
    """
    name = pathlib.Path(lab.page.url.partition("?")[0]).stem
    loaded, alive, figures = lab.received_bytes, lab.python(COUNT), len(lab.plots())
    assert loaded < 4_000_000, "plotly.js (1.5 MB) must come once per page"
    lab.whole_page(folder / "extra" / f"{name}.png")
    touched, pictures, idle = lab.exercise()
    assert touched["button"], touched
    assert min(pictures) > 1, f"a figure that nothing changes: {pictures}"
    assert lab.page.get_by_text("Something went wrong").count() == 0
    assert lab.received_bytes - loaded < 6_000_000, "a step sends what changed, not the figures"
    lab.assert_clean()

    lab.run_all()
    assert lab.python(COUNT) == alive, "widgets of the first run are still alive"
    assert len(lab.plots()) == figures
    lab.assert_clean()
    return idle


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
