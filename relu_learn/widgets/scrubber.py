"""The slider of the transport."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets
import traitlets

from relu_learn.widgets.lifeline import LiveWidget, module


class Scrubber(LiveWidget):
    """A range input over the states of a reel.

    The kernel places it (`place`), a hand moves it (`on_seek`); the two never mix.

    Parameters
    ----------
    on_seek : callable
        Called with the index that a person asked for.
    label : str
    """

    _esm = module("scrubber.js")
    label = traitlets.Unicode().tag(sync=True)
    last = traitlets.Int(0).tag(sync=True)
    position = traitlets.Int(0).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)

    def __init__(self, on_seek: Callable[[int], None], label: str = "Event") -> None:
        self._on_seek = on_seek
        super().__init__(
            label=label, layout=ipywidgets.Layout(flex="1 1 145px", min_width="0", width="auto")
        )
        self.on_msg(self._receive)

    def _receive(self, _: Any, message: dict[str, Any], _buffers: Any) -> None:
        wanted = message.get("seek")
        if isinstance(wanted, int):
            try:
                self._on_seek(wanted)
            finally:
                self.answered += 1

    def place(self, position: int, last: int, text: str) -> None:
        """Show where we are."""
        with self.hold_sync():
            self.last, self.position, self.text = last, position, text
