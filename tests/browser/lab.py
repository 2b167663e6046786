"""Drive a real JupyterLab in a real Chromium: server, page, and what a person would do there.

Notebooks are copied to a temporary directory, so that a test never changes the sources.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",  # 3D surfaces without a graphics card
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WINDOW = {"width": 1400, "height": 1000}
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    # Every cell stays in the page, also those that are scrolled out of sight.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}

READY = """() => {
  const widget = window.jupyterapp?.shell.currentWidget;
  const kernel = widget?.sessionContext?.session?.kernel;
  return !!(widget?.context?.isReady && kernel && kernel.status === 'idle');
}"""
# Unsaved work is none here, so nobody is asked about it.
INSTEAD = """async path => {
  const old = jupyterapp.shell.currentWidget;
  await old.sessionContext.shutdown();
  old.context.model.dirty = false;
  old.close();
  await jupyterapp.commands.execute('docmanager:open', {path});
}"""
IDLE = "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
# The kernel answers in the order in which it was asked; a widget that changed while another change
# of it was on its way tells the kernel of it when the answer to that is there: hence twice. Between
# the frames the page draws what came.
SETTLED = """async () => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const frame = () => new Promise(requestAnimationFrame);
  for (let i = 0; i < 2; i++) {
    await frame();
    await kernel.requestExecute({code: '', silent: true, store_history: false}).done;
    for (let j = 0; j < 2; j++) await frame();
  }
}"""
LISTEN = """() => {
  window.__kernelErrors = [];
  jupyterapp.shell.currentWidget.sessionContext.iopubMessage.connect((_, message) => {
    const {content} = message, kind = message.header.msg_type;
    if (kind === 'error') window.__kernelErrors.push(`${content.ename}: ${content.evalue}`);
    if (content.name === 'stderr' && /Traceback|Error|Exception/.test(content.text))
      window.__kernelErrors.push(content.text);
  });
}"""
CELLS = """() => {
  const cells = jupyterapp.shell.currentWidget.content.model.cells, found = [];
  for (let i = 0; i < cells.length; i++) {
    const cell = cells.get(i);
    if (cell.type !== 'code' || !cell.sharedModel.getSource().trim()) continue;
    found.push({
      index: i,
      done: cell.executionCount !== null,
      errors: cell.outputs.toJSON().filter(o => o.output_type === 'error').map(o => o.evalue),
    });
  }
  return found;
}"""
PLOTS = """() => [...document.querySelectorAll('.js-plotly-plot')].map(plot => ({
  drawn: !!(plot._fullLayout && plot.querySelector('.main-svg')),
  traces: (plot.data || []).length,
  text: plot.innerText,
}))"""
FINGERPRINTS = """() => {
  const text = v => JSON.stringify(v, (k, x) => ArrayBuffer.isView(x) ? Array.from(x) : x) || '';
  return [...document.querySelectorAll('.js-plotly-plot')].map(plot => {
    let hash = 0;
    const over = plot.parentElement.querySelector('.rl-layer')?.innerHTML;
    for (const c of text([plot.data, plot.layout, over])) hash = (hash * 31 + c.codePointAt(0)) | 0;
    return hash;
  });
}"""
# On a machine busy enough anywidget gives a model up and says so; ours start all the same, see
# test_a_page_that_starts_too_slowly_catches_up.
LATE = "[anywidget] Failed to initialize model."
# Milliseconds between two looks at a condition: Playwright's own are at every frame of the page.
POLL = 100
# Whether anybody keeps the pictures: if not, none are taken (tall pages are slow to draw).
KEPT = bool(os.environ.get("RELU_LEARN_SCREENSHOTS"))
THEMES = {"auto", "light", "dark", "projector"}
OPTIONS = "menu => [...menu.options].map(option => option.value || option.innerText)"
NAME = "handle => handle.closest('.widget-hslider')?.innerText"


def chromium() -> str | None:
    """Path of the system's Chromium (the environment variable CHROMIUM wins)."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def notebook(*cells: str) -> str:
    """A minimal notebook of code cells, as text."""
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
            },
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{i}",
                    "metadata": {},
                    "execution_count": None,
                    "outputs": [],
                    "source": source,
                }
                for i, source in enumerate(cells)
            ],
        }
    )


@dataclasses.dataclass
class Server:
    """A running JupyterLab: its address, the directory it serves and what it logged."""

    url: str
    root: pathlib.Path
    log: pathlib.Path


@contextlib.contextmanager
def lab_server(timeout: float = 60) -> Iterator[Server]:
    """Start JupyterLab with settings, data and kernels of its own."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="lab-"))
    root = home / "root"
    root.mkdir()
    for name, values in SETTINGS.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = dict(
        os.environ,
        JUPYTER_CONFIG_DIR=str(home / "config"),
        JUPYTER_DATA_DIR=str(home / "data"),
        JUPYTER_RUNTIME_DIR=str(home / "runtime"),
        JUPYTERLAB_SETTINGS_DIR=str(home / "settings"),
        JUPYTERLAB_WORKSPACES_DIR=str(home / "workspaces"),
        IPYTHONDIR=str(home / "ipython"),
        PYTHONPATH=os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        OMP_NUM_THREADS="1",
    )
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    command += ["--IdentityProvider.token=", f"--ServerApp.root_dir={root}"]
    command += ["--expose-app-in-browser", "--LabApp.news_url=None"]
    command += ["--JupyterNotebookApp.expose_app_in_browser=True"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    command += ["--LabApp.extension_manager=readonly"]
    log = home / "server.log"
    with log.open("w") as sink:
        process = subprocess.Popen(command, env=env, stdout=sink, stderr=subprocess.STDOUT)
    server = Server(f"http://127.0.0.1:{port}", root, log)
    try:
        _wait_until_up(process, server, timeout)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(home, ignore_errors=True)


def _wait_until_up(process: subprocess.Popen[bytes], server: Server, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        if process.poll() is not None:
            raise RuntimeError(server.log.read_text()[-2000:])
        try:
            with urllib.request.urlopen(server.url + "/api", timeout=2):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


class LabPage:
    """A notebook open in JupyterLab, and everything suspicious that happened meanwhile."""

    place = "doc/tree"  # of the address; "notebooks" is where Notebook 7 is

    def __init__(self, page: Any, server: Server) -> None:
        self.page, self.server = page, server
        self.external: list[str] = []
        self.page_errors: list[str] = []
        self.received_bytes = 0
        self._log_start = server.log.stat().st_size
        page.on("request", self._on_request)
        page.on("pageerror", lambda error: self.page_errors.append(str(error)[:300]))
        page.on("websocket", self._on_websocket)

    def _on_request(self, request: Any) -> None:
        if request.url.startswith(("http", "ws")) and "//127.0.0.1" not in request.url:
            self.external.append(request.url)

    def _on_websocket(self, socket: Any) -> None:
        def count(payload: str | bytes) -> None:
            self.received_bytes += len(payload)

        socket.on("framereceived", count)

    def open(self, name: str) -> None:
        """Open a notebook of the server's directory and wait for its kernel."""
        self.page.goto(f"{self.server.url}/{self.place}/{name}?reset", timeout=60_000)
        self._wait_for_kernel()

    def go_on(self, name: str) -> None:
        """Open another notebook in the same JupyterLab: what that reads is half of an opening."""
        self.page.evaluate(INSTEAD, name)
        for seen in (self.external, self.page_errors):
            seen.clear()
        self.received_bytes, self._log_start = 0, self.server.log.stat().st_size
        self.page.set_viewport_size(WINDOW)
        self._wait_for_kernel()

    def _wait_for_kernel(self) -> None:
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        self.page.wait_for_function(READY, timeout=90_000, polling=POLL)
        self.page.evaluate(LISTEN)

    def run_all(self, plots: int = 1, timeout: float = 120) -> None:
        """Run all cells; wait until every cell is done and that many figures are drawn."""
        self.page.set_default_timeout(timeout * 1000)
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        done = f"() => ({CELLS})().every(c => c.done || c.errors.length)"
        self.page.wait_for_function(done, polling=POLL)
        failed = [cell for cell in self.page.evaluate(CELLS) if cell["errors"]]
        assert not failed, failed
        self.wait_for_plots(plots)
        self.settle()
        self.page.set_default_timeout(60_000)  # other tests run beside this one

    def wait_for_plots(self, count: int) -> None:
        """Wait until that many figures are drawn."""
        self.page.wait_for_function(
            f"n => {{ const p = ({PLOTS})(); return p.length >= n && p.every(x => x.drawn); }}",
            arg=count,
            timeout=60_000,
            polling=POLL,
        )

    def settle(self) -> None:
        """Wait until the kernel has nothing to do and the page has drawn it."""
        self.page.evaluate(SETTLED)
        self.page.wait_for_function(IDLE, timeout=60_000, polling=POLL)

    def fingerprints(self) -> list[int]:
        """One number per figure, which changes when the figure does."""
        return list(self.page.evaluate(FINGERPRINTS))

    def plots(self) -> list[dict[str, Any]]:
        """What is drawn."""
        return list(self.page.evaluate(PLOTS))

    def exercise(self) -> tuple[dict[str, int], list[int], list[str]]:
        """Do to every control what a hand can do: sliders, buttons, menus, fields, radio buttons.

        Of the themes one other is chosen: all of them are for the tests that look. As a look is
        that of all explorers, every second menu goes back to "auto"; at the end it is as it was.

        Returns
        -------
        controls : dict
            How many of each kind there were.
        pictures : list of int
            For each figure how many different pictures it showed meanwhile.
        idle : list of str
            Sliders of a value (not that of the events, some of which only change the words) that
            changed no figure when they were moved to the right.
        """
        area = self.page.locator(".jp-OutputArea-output")
        done = {"slider": 0, "menu": 0, "field": 0, "radio": 0, "button": 0}
        last = self.fingerprints()
        seen, idle = [{picture} for picture in last], []

        def look() -> bool:
            """Whether a figure has changed since the last look."""
            nonlocal last
            self.settle()
            before, last = last, self.fingerprints()
            for pictures, picture in zip(seen, last, strict=True):
                pictures.add(picture)
            return last != before

        for slider in area.locator("input[type=range]:visible, .noUi-handle:visible").all():
            slider.focus()
            slider.press("ArrowRight")
            name = slider.evaluate(NAME)
            if not look() and name:
                idle.append(" ".join(name.split()))
            slider.press("ArrowLeft")
            done["slider"] += 1
        look()
        looks: list[tuple[Any, str]] = []
        for menu in area.locator("select:visible").all():
            before = menu.input_value()
            others = [option for option in menu.evaluate(OPTIONS) if option != before]
            if set(others) < THEMES:
                looks.append((menu, before))
                options = ["auto" if before == "dark" else "dark"]
            else:
                options = [*others, before]
            for option in options:
                if option in menu.evaluate(OPTIONS):  # it may depend on another menu
                    menu.select_option(option)
                    look()
            done["menu"] += 1
        for menu, before in looks[:1]:
            menu.select_option(before)
            look()
        for field in area.locator("input[type=text]:visible").all():
            before = field.input_value()
            for text in ("-1", "nonsense", before):
                field.fill(text)
                field.press("Enter")
                look()
            done["field"] += 1
        for radio in area.locator("input[type=radio]:visible").all():
            radio.check()
            look()
            done["radio"] += 1
        for button in area.locator("button.jupyter-button:visible").all():
            if button.is_enabled():
                button.scroll_into_view_if_needed()
                button.click()
                look()
                done["button"] += 1
        return done, [len(pictures) for pictures in seen], idle

    def python(self, code: str) -> str:
        """Run code in the notebook's kernel, return what it printed."""
        return str(
            self.page.evaluate(
                """async code => {
                  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                  const future = kernel.requestExecute({code, store_history: false});
                  let text = '';
                  future.onIOPub = m => { text += m.content.text || m.content.evalue || ''; };
                  await future.done;
                  return text;
                }""",
                code,
            )
        ).strip()

    def screenshot(self, path: pathlib.Path, of: Any = None) -> None:
        """Picture of the window, or of one element, if it is kept."""
        if not KEPT:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        (self.page if of is None else of).screenshot(path=str(path))

    def whole_page(self, path: pathlib.Path, width: int = 1400) -> None:
        """Picture of the whole notebook, not only of what fits the window, if it is kept."""
        if not KEPT:
            return
        before = self.page.viewport_size
        height = self.page.evaluate(
            "() => document.querySelector('.jp-WindowedPanel-outer').scrollHeight"
        )
        self.page.set_viewport_size({"width": width, "height": min(int(height) + 120, 9000)})
        self.page.evaluate("() => document.querySelector('.jp-WindowedPanel-outer').scrollTo(0, 0)")
        self.page.wait_for_timeout(800)
        self.screenshot(path)
        self.page.set_viewport_size(before)  # so tall a page is slow to draw

    def assert_clean(self) -> None:
        """No error in the kernel, in the page or in the server's log; nothing fetched outside."""
        kernel_errors = self.page.evaluate("() => window.__kernelErrors")
        assert not kernel_errors, kernel_errors
        page_errors = [error for error in self.page_errors if error != LATE]
        assert not page_errors, page_errors
        assert not self.external, self.external
        log = self.server.log.read_text()[self._log_start :]
        assert "Traceback" not in log, log[-3000:]
        plots = self.plots()
        assert all(plot["traces"] for plot in plots)
        assert not any("WebGL is not supported" in plot["text"] for plot in plots)

    def close(self) -> None:
        """Shut the kernel down: notebooks of a test run do not pile up."""
        self.page.evaluate(
            "() => jupyterapp.shell.currentWidget.sessionContext.shutdown().then(() => 0)"
        )
