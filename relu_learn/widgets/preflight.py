"""Preflight: everything that a lecture needs, checked in the room where it will be given."""

from __future__ import annotations

import html
import platform
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from relu_learn import environment, zoo
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import PlaneView
from relu_learn.figures.run_view import RunView
from relu_learn.judging.matching import matches
from relu_learn.learn import learn_steps
from relu_learn.widgets.board import Board, button
from relu_learn.widgets.lifeline import LiveWidget, module

PACKAGES = ("relu-learn", "numpy", "scipy", "plotly", "ipywidgets", "anywidget", "jupyterlab")


class Probe(LiveWidget):
    """An invisible widget that reports from the page: "alive", "drawn", "pong"."""

    _esm = module("probe.js")

    def __init__(self, heard: Callable[[str], None]) -> None:
        super().__init__()
        self._heard = heard
        self.on_msg(self._receive)

    def _receive(self, _: Any, message: dict[str, Any], _buffers: Any) -> None:
        self._heard(str(message.get("kind")))

    def ping(self) -> None:
        """Ask the page for an answer after its next frame."""
        self.send({"kind": "ping"})


class Preflight(Board):
    """Versions, the learner, the page, and how fast they are together.

    Parameters
    ----------
    theme : str

    Attributes
    ----------
    seconds : dict of str to float
        "learn": one run of the learner; "figure": from the cell's start to the first figure on the
        page; "answer": kernel to page and back, one frame included. Missing until it was measured.
    """

    def __init__(self, theme: str | None = None) -> None:
        self._start = time.perf_counter()
        self._asked, self._pings = 0.0, 0
        self.seed = 0
        self.seconds: dict[str, float] = {}
        self.probe = Probe(self._heard)
        self.list = ipywidgets.HTML(layout=ipywidgets.Layout(flex="1 1 0", min_width="20em"))
        self.again_button = button("Check again", "refresh", "Another run, another answer time")
        self.on(self.again_button, lambda _: self.again())
        self._run()
        super().__init__(
            [lambda th: PlaneView(th, cells=41)],
            [[self.list, self.again_button]],
            theme,
            theme_row=0,
            extra=[self.probe],
        )
        self.panels[0].layout.max_width = "720px"

    def _run(self) -> None:
        start = time.perf_counter()
        secret = zoo.get("paper_plane")
        run = RunView(learn_steps(secret, 2, rng=self.seed), 2)
        self.state = run.finish()
        self.seconds["learn"] = time.perf_counter() - start
        self.correct = matches(self.state.hypothesis.network, secret)

    def again(self) -> None:
        """Learn once more, draw it, and measure the way to the page and back."""
        self.seed += 1
        self._run()
        self._ping()

    def _ping(self) -> None:
        # The best of five: while a page is still drawing, the first one measures that.
        self.seconds.pop("answer", None)
        self._pings = 5
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self.probe.ping()

    def _heard(self, kind: str) -> None:
        now = time.perf_counter()
        if kind == "drawn" and "figure" not in self.seconds:
            self.seconds["figure"] = now - self._start
            self._ping()
        elif kind == "pong":
            self.seconds["answer"] = min(self.seconds.get("answer", now), now - self._asked)
            self._pings -= 1
            if self._pings > 0:
                self._ask()
        self.refresh()

    def checks(self) -> list[tuple[bool | None, str]]:
        """(passed, sentence) for every check; None while the page has not answered."""
        found = [(name, environment.version(name)) for name in PACKAGES]
        lacking = environment.lacking("widgets")
        versions = ", ".join(
            [f"Python {platform.python_version()}", *(f"{n} {v}" for n, v in found if v)]
        )
        results: list[tuple[bool | None, str]] = [
            (
                sys.version_info >= (3, 10) and not lacking,
                versions + (f"; to be installed: {', '.join(lacking)}" if lacking else ""),
            ),
            (self.correct, f"the learner finds 5 of 5 neurons, in {self.seconds['learn']:.2f} s"),
        ]
        for key, limit, text in (
            ("figure", 20.0, "first figure {:.1f} s after the cell was run (fine below 20 s)"),
            ("answer", 0.5, "kernel to page and back in {:.3f} s (fine below half a second)"),
        ):
            value = self.seconds.get(key)
            if value is None:
                results.append((None, f"{key}: waiting for the page"))
            else:
                results.append((value < limit, text.format(value)))
        return results

    def patches(self) -> Sequence[Patch]:
        """The picture that should be seen, and the list of checks beside it."""
        results = self.checks()
        marks = {True: "✓", False: "✗", None: "…"}
        rows = "".join(f"<div>{marks[ok]} {html.escape(text)}</div>" for ok, text in results)
        self.list.value = f'<div style="line-height:1.2">{rows}</div>'
        failed = sum(ok is False for ok, _ in results)
        waiting = any(ok is None for ok, _ in results)
        sentence = "All checks passed. You should see a map with five dashed creases."
        if failed:
            sentence = f"{failed} of {len(results)} checks failed: see the list."
        elif waiting:
            sentence = "Waiting for the page to draw the figure."
        self.tell(sentence, f"run {self.seed + 1}")
        return (self.chart(PlaneView).patch(self.state),)
