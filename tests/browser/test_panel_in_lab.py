"""The panel in a real page: draws, patches, clicks, hides, reports errors, closes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import new_page
from .lab import LATE, LabPage, Server, notebook

pytestmark = pytest.mark.browser

SETUP = """
import numpy as np
import plotly.graph_objects as go
import ipywidgets
from relu_learn.figures.patch import Patch
from relu_learn.widgets.panel import Panel

def make(height=300):
    z = np.outer(np.arange(61.0), np.arange(61.0))
    axis = np.linspace(-3, 3, 61)
    figure = go.Figure(
        [go.Heatmap(x=axis, y=axis, z=z), go.Scatter(x=[-2, 2], y=[0, 0], name="line")],
        layout=dict(height=height, dragmode=False, title_text="first", margin=dict(l=40, t=40)),
    )
    figure.update_xaxes(range=[-3, 3])
    figure.update_yaxes(range=[-3, 3])
    return figure

panel = Panel(make(), label="a heat map")
clicks = []
panel.on_click(clicks.append)
panel
"""


def open_with(lab_page: LabPage, *cells: str, plots: int = 1) -> LabPage:
    (lab_page.server.root / "panel.ipynb").write_text(notebook(*cells))
    lab_page.open("panel.ipynb")
    lab_page.run_all(plots=plots)
    return lab_page


@pytest.fixture(scope="module")
def one(context: Any, lab_server: Server) -> Iterator[LabPage]:
    """A page with one panel for several tests, which come in this order."""
    with new_page(context, lab_server) as page:
        yield open_with(page, SETUP)


def test_running_a_cell_again_leaves_nothing_behind(one: LabPage) -> None:
    lab = one
    count = "from ipywidgets.widgets.widget import _instances as every; print(len(every))"
    alive = lab.python(count)
    lab.run_all()
    lab.run_all()
    assert lab.python(count) == alive
    assert len(lab.plots()) == 1
    lab.assert_clean()


def test_patches_and_clicks(one: LabPage) -> None:
    lab = one
    before = lab.fingerprints()
    lab.python(
        "panel.patch(Patch({0: {'z': -np.eye(61)}, 1: {'y': [1, 1]}}, {'title.text': 'second'}))"
    )
    lab.settle()
    assert lab.fingerprints() != before
    plot = "document.querySelector('.js-plotly-plot')"
    assert lab.page.evaluate(f"() => {plot}.data[0].z[3][3]") == -1
    assert "second" in lab.page.locator(".js-plotly-plot").inner_text()

    box = lab.page.locator(".js-plotly-plot .nsewdrag").bounding_box()
    assert box is not None
    # A quarter from the left and from the top: x = -1.5, y = 1.5 in axis units.
    lab.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4 + 2, steps=4)
    lab.page.wait_for_timeout(200)
    lab.page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    lab.settle()
    clicked = eval(lab.python("print([(round(c['x'], 1), round(c['y'], 1)) for c in clicks])"))
    assert clicked == [(-1.5, 1.5)]
    lab.assert_clean()


def test_error_in_callback_is_visible(one: LabPage) -> None:
    lab = one
    lab.python("panel.on_click(lambda click: 1 / 0)")
    box = lab.page.locator(".js-plotly-plot .nsewdrag").bounding_box()
    assert box is not None
    lab.page.mouse.move(box["x"] + 50, box["y"] + 50, steps=4)
    lab.page.wait_for_timeout(200)
    lab.page.mouse.click(box["x"] + 50, box["y"] + 50)
    lab.settle()
    assert "ZeroDivisionError" in lab.page.locator(".rl-panel-error").inner_text()
    lab.assert_clean()


def test_second_view_and_replaced_figure_show_the_present_state(lab_page: LabPage) -> None:
    lab = open_with(lab_page, SETUP, "panel.patch(Patch({1: {'y': [2.5, 2.5]}}))", "panel", plots=2)
    views = "() => [...document.querySelectorAll('.js-plotly-plot')].map(p => p.data[1].y[0])"
    assert lab.page.evaluate(views) == [2.5, 2.5]
    lab.python("panel.replace(make(200), Patch({1: {'y': [-1, -1]}}))")
    lab.settle()
    assert lab.page.evaluate(views) == [-1, -1]
    heights = "() => [...document.querySelectorAll('.js-plotly-plot')].map(p => p.clientHeight)"
    assert lab.page.evaluate(heights) == [200, 200]
    lab.assert_clean()


def test_hidden_tab_width_and_plotly_sent_once(lab_page: LabPage) -> None:
    tab = "tab = ipywidgets.Tab([ipywidgets.Label('empty'), Panel(make())]); tab"
    many = "ipywidgets.VBox([Panel(make()) for _ in range(3)])"
    lab = open_with(lab_page, SETUP, many, tab, plots=4)
    lab.python("tab.selected_index = 1")
    lab.wait_for_plots(5)
    widths = "() => [...document.querySelectorAll('.js-plotly-plot')].map(p => p._fullLayout.width)"
    wide = lab.page.evaluate(widths)
    assert min(wide) > 700
    lab.page.set_viewport_size({"width": 800, "height": 1000})
    lab.page.wait_for_timeout(500)
    assert max(lab.page.evaluate(widths)) < 760
    assert lab.received_bytes < 3_000_000, "plotly.js is 1.5 MB compressed: once is enough"
    lab.assert_clean()


def test_a_page_that_starts_too_slowly_catches_up(lab_page: LabPage) -> None:
    """anywidget gives up on a model after two seconds; here it does so at once, for all of them."""
    lab_page.page.add_init_script(
        """const honest = AbortSignal.timeout;
        AbortSignal.timeout = (wait) => {
          if (wait !== 2000) return honest.call(AbortSignal, wait);
          const controller = new AbortController();
          queueMicrotask(() => controller.abort());
          return controller.signal;
        };"""
    )
    lab = open_with(
        lab_page,
        SETUP + "\npanel.patch(Patch({1: {'y': [2.5, 2.5]}}))\npanel",
        "from relu_learn.widgets.narration import Narration\n"
        "words = Narration()\nwords.tell('the first sentence')\nwords",
        "from relu_learn.widgets.scrubber import Scrubber\n"
        "asked = []\nslider = Scrubber(asked.append)\nslider.place(3, 9, '3 of 9')\nslider",
    )
    height = "() => document.querySelector('.js-plotly-plot').data[1].y[0]"
    sentence = lab.page.locator(".rl-narration")
    lab.page.wait_for_function(f"() => ({height})() === 2.5")
    sentence.filter(has_text="the first sentence").wait_for()
    lab.page.locator(".rl-scrubber-text", has_text="3 of 9").wait_for()
    lab.python("panel.patch(Patch({1: {'y': [-1, -1]}}))")
    lab.python("words.tell('the second'); slider.place(4, 9, '4 of 9')")
    lab.settle()
    assert lab.page.evaluate(height) == -1
    assert sentence.inner_text() == "the second"
    assert lab.page.locator(".rl-scrubber input").input_value() == "4"
    assert lab.page_errors and set(lab.page_errors) == {LATE}
    lab.assert_clean()


def test_a_page_without_plotly_says_so(lab_page: LabPage) -> None:
    """If plotly.js never arrives there is a sentence, not an empty box for ever."""
    lab_page.page.add_init_script(
        """Object.defineProperty(globalThis, 'DecompressionStream', {
          value: class { constructor() { return {readable: new ReadableStream(), writable:
            new WritableStream()}; } }});"""
    )
    (lab_page.server.root / "panel.ipynb").write_text(notebook(SETUP))
    lab_page.open("panel.ipynb")
    lab_page.page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
    alert = lab_page.page.locator(".rl-panel-error")
    alert.filter(has_text="has not arrived").wait_for(timeout=30_000)
    assert "restart the kernel and run all cells" in alert.inner_text()
