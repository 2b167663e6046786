"""The sentence under the controls: what just happened, for eyes and for ears."""

from __future__ import annotations

import pathlib

import anywidget
import ipywidgets
import traitlets

_SOURCE = pathlib.Path(__file__).with_name("narration.js").read_text(encoding="utf-8")


class Narration(anywidget.AnyWidget):
    """A live region: `sentence` is announced when it changes, `facts` (counters) are not."""

    _esm = traitlets.Unicode(_SOURCE).tag(sync=True)
    sentence = traitlets.Unicode().tag(sync=True)
    facts = traitlets.Unicode().tag(sync=True)

    def __init__(self) -> None:
        super().__init__(layout=ipywidgets.Layout(width="100%", margin="4px 0"))

    def tell(self, sentence: str, facts: str = "") -> None:
        """Show a sentence, and counters above it."""
        self.set_trait("facts", facts)
        self.set_trait("sentence", sentence)
