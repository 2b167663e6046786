"""Widgets whose page side may start late without missing what the kernel says."""

from __future__ import annotations

import pathlib

import anywidget
import traitlets

_HERE = pathlib.Path(__file__).parent


def module(*names: str) -> traitlets.Unicode:
    """The trait with a widget's JavaScript, from files beside this one.

    Text, not a path: for a path anywidget keeps every instance for ever, to reload it on change.
    """
    parts = [(_HERE / part).read_text(encoding="utf-8") for part in ("lifeline.js", *names)]
    return traitlets.Unicode("".join(parts)).tag(sync=True)


def styles(name: str) -> traitlets.Unicode:
    """The trait with a widget's CSS, from a file beside this one."""
    return traitlets.Unicode((_HERE / name).read_text(encoding="utf-8")).tag(sync=True)


class LiveWidget(anywidget.AnyWidget):
    """An anywidget that is told when its page side has started, and then catches it up.

    Its JavaScript (see `module`) calls ``lifeline(model)`` once, at the end of ``initialize``.
    """

    _started = traitlets.Int(0).tag(sync=True)

    @traitlets.observe("_started")
    def _on_start(self, _: object) -> None:
        self.catch_up()

    def catch_up(self) -> None:
        """Send what a page that starts late has missed: everything, since it is little."""
        self.send_state()
