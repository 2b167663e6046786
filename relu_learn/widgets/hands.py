"""What a hand moves on the picture: the page draws it at once, the kernel confirms on release."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import traitlets

from relu_learn.figures.theme import Theme
from relu_learn.network import ReluNetwork
from relu_learn.widgets.lifeline import LiveWidget, module
from relu_learn.widgets.panel import Panel

_COMMON = ("layer.js", "hands.js")


def numbers_of(network: ReluNetwork) -> dict[str, Any]:
    """A network with two inputs and one output, for the page."""
    return {
        "w": network.weights.tolist(),
        "b": network.biases.tolist(),
        "a": network.output_weights.tolist(),
        "u": network.skip.tolist(),
        "c": float(network.offset),
    }


def colours_of(theme: Theme) -> dict[str, str]:
    """What the page draws with."""
    names = ("line", "crease", "probe", "truth", "paper", "ink")
    return {name: getattr(theme, name) for name in names}


class Hands(LiveWidget):
    """The state that a hand moves, shared by the figures of one explorer.

    Parameters
    ----------
    state : mapping
        What the page needs to draw; `show` changes it.
    moved : callable
        Called with what the page tells when the hand lets go. It puts in the confirmed state by
        `show`.
    """

    shown = False  # whether the widget itself is a picture, beside what it draws on others
    name = traitlets.Unicode().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, state: Mapping[str, Any], moved: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(name=uuid.uuid4().hex, state=dict(state))
        if not self.shown:
            self.layout.display = "none"
        self._moved = moved
        self.on_msg(self._receive)

    def over(self, *panels: Panel) -> None:
        """Draw over these figures."""
        for panel in panels:
            panel.hand = self.name

    def show(self, **state: Any) -> None:
        """Put in what the kernel holds for true."""
        self.state = {**self.state, **state}

    def _receive(self, _: Any, message: dict[str, Any], _buffers: Any) -> None:
        content = message.get("content")
        if message.get("kind") == "moved" and isinstance(content, dict):
            self._moved(content)
            # What was refused changed nothing here, and yet the page must learn of it.
            self.send_state("state")


class PaperHands(Hands):
    """Lesson 1: line and creases; the widget itself shows the sheet in space."""

    shown = True
    _esm = module(*_COMMON, "sheet.js", "paper.js")


class BenchHands(Hands):
    """Lesson 2: the ends of an interval, and the gradients there."""

    _esm = module(*_COMMON, "bench.js")


class PairHands(Hands):
    """Lesson 3: the creases of neurons 1 and 2, slid together or crossed."""

    _esm = module(*_COMMON, "pair.js")


class GameHands(Hands):
    """Lesson 7: creases, fitted to the answers while they move."""

    _esm = module(*_COMMON, "game.js")


def finite(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers from the page, checked as whatever comes from outside."""
    array = np.asarray(values, dtype=float)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"expected {shape} finite numbers")
    return array
