"""How long a reader waits: a notebook opened in a Chromium that no debugger listens to.

Playwright has every script and message of its pages reported to it, and the browser reads plotly.js
several times more for that. Here only questions are put to the page, ten times a second.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import websocket

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.browser import lab  # noqa: E402  (a script's path starts at its own directory)

PATIENCE = 120.0
PAUSE = 0.1
FIRST = f"() => ({lab.PLOTS})().some(plot => plot.drawn)"
DONE = f"""() => ({lab.CELLS})().every(cell => cell.done)
  && ({lab.PLOTS})().every(plot => plot.drawn) && ({lab.IDLE})()"""
RUN = "() => { jupyterapp.commands.execute('notebook:run-all-cells'); }"
STOP = "() => jupyterapp.shell.currentWidget.sessionContext.shutdown().then(() => true)"


class Tab:
    """The one page of a browser, by the DevTools protocol without any of its domains enabled."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, suppress_origin=True, timeout=PATIENCE)
        self._numbers = itertools.count(1)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its answer."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer: dict[str, Any] = json.loads(self._socket.recv())
            if answer.get("id") == number:
                return answer

    def evaluate(self, function: str) -> Any:
        """What a JavaScript function returns in the page; None if it throws (not loaded yet)."""
        answer = self.call(
            "Runtime.evaluate", expression=f"({function})()", returnByValue=True, awaitPromise=True
        )
        return answer.get("result", {}).get("result", {}).get("value")

    def seconds_until(self, function: str, start: float) -> float:
        """Wait until a JavaScript function returns true."""
        while self.evaluate(function) is not True:
            if time.perf_counter() - start > PATIENCE:
                raise TimeoutError(f"not true after {PATIENCE:.0f} s: {function[:200]}")
            time.sleep(PAUSE)
        return time.perf_counter() - start


@contextlib.contextmanager
def tab() -> Iterator[Tab]:
    """A fresh browser with an empty page, 1400 by 1000 pixels."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        command = [str(lab.chromium()), "--headless=new", *lab.CHROMIUM_FLAGS, "about:blank"]
        command += ["--remote-debugging-port=0", f"--user-data-dir={home}"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            port = _port(process)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as listed:
                pages = [page for page in json.load(listed) if page["type"] == "page"]
            page = Tab(pages[0]["webSocketDebuggerUrl"])
            size = {"width": 1400, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
            page.call("Emulation.setDeviceMetricsOverride", **size)
            page.call("Emulation.setFocusEmulationEnabled", enabled=True)
            yield page
        finally:
            process.kill()
            process.communicate()


def _port(process: subprocess.Popen[str]) -> str:
    said = []
    for line in process.stderr or ():
        said.append(line)
        if match := re.search(r"DevTools listening on ws://127\.0\.0\.1:(\d+)/", line):
            return match[1]
    raise RuntimeError(f"Chromium did not start: {''.join(said)[-1000:]}")


def opening(server: lab.Server, name: str) -> tuple[float, float, float]:
    """Seconds to open a notebook of the server's directory and to run all its cells.

    Returns
    -------
    ready : float
        From the address to an idle kernel.
    first, everything : float
        From "Run all cells" to the first figure drawn; to the last cell done and all figures drawn.
    """
    with tab() as page:
        start = time.perf_counter()
        page.call("Page.navigate", url=f"{server.url}/doc/tree/{name}?reset")
        ready = page.seconds_until(lab.READY, start)
        start = time.perf_counter()
        page.evaluate(RUN)
        first = page.seconds_until(FIRST, start)
        everything = page.seconds_until(DONE, start)
        page.evaluate(STOP)
    return ready, first, everything
