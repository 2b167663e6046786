"""The sentence under the controls: what just happened, for eyes and for ears."""

from __future__ import annotations

import re

import ipywidgets
import traitlets

from relu_learn.figures.theme import number
from relu_learn.widgets.lifeline import LiveWidget, module

_POWER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?e[+-]?\d+\b")


def readable(text: str) -> str:
    """A sentence of the learner for people: 3 × 10⁻¹⁰ instead of 3e-10, and minus signs."""
    text = _POWER.sub(lambda found: number(float(found[0])), text)
    return re.sub(r"(?<![\w-])-(?=\d)", "−", text)


class Narration(LiveWidget):
    """A live region: `sentence` is announced when it changes, `facts` (counters) are not."""

    _esm = module("narration.js")
    sentence = traitlets.Unicode().tag(sync=True)
    facts = traitlets.Unicode().tag(sync=True)
    told = traitlets.Int().tag(sync=True)  # how often: the page may show a sentence of its own

    def __init__(self) -> None:
        super().__init__(layout=ipywidgets.Layout(width="100%", margin="4px 0"))

    def tell(self, sentence: str, facts: str = "") -> None:
        """Show a sentence, and counters above it."""
        self.set_trait("facts", facts)
        self.set_trait("sentence", readable(sentence))
        self.set_trait("told", self.told + 1)
