"""Events of what was measured: whitened in the core, in the units of the black box outside."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

import numpy as np

from relu_learn.core.lines import Level, Line
from relu_learn.core.pieces import Block, Piece
from relu_learn.network import ReluNetwork
from relu_learn.telling import events as ev
from relu_learn.telling.events import Event

T = TypeVar("T")
R = TypeVar("R")


@dataclasses.dataclass(frozen=True, eq=False)
class Teller:
    """Makes events.

    Attributes
    ----------
    emit : callable
        Of an event's class and its fields, in the units of the black box: see `Run.emit`.
    scale : ndarray of shape (m,)
        That the outputs were divided by.
    phase : str
        Of a run, in which it happens.
    """

    emit: Callable[..., Event]
    scale: np.ndarray
    phase: str

    def line(self, line: Line, shown: tuple[float, float]) -> Event:
        """A line was drawn, of which pictures show a part."""
        data = {"origin": line.origin, "direction": line.direction, "t_range": shown}
        return self.emit(ev.LineDrawn, phase=self.phase, **data)

    def level(self, level: Level) -> Event:
        """More samples of a line."""
        data = {"t": level.t, "values": level.values * self.scale}
        intervals = level.open_intervals
        return self.emit(ev.IntervalProbed, phase=self.phase, open_intervals=intervals, **data)

    def kink(self, line: Line, t: float, jump: np.ndarray) -> Event:
        """A critical point, with the change of slope (m,) there."""
        data = {"t": float(t), "jump": jump * self.scale, "point": line.at(np.array([t]))[0]}
        return self.emit(ev.CriticalPointFound, phase=self.phase, **data)

    def piece(self, piece: Piece, t: float) -> Event:
        """A gradient was measured, beside the point t of the line (NaN: beside none)."""
        gradient = piece.gradient * self.scale[:, None]
        data = {"t": float(t), "point": piece.point, "gradient": gradient, "step": piece.step}
        return self.emit(ev.GradientMeasured, phase=self.phase, **data)

    def neurons(self, block: Block, first: int) -> Iterator[Event]:
        """The neurons of a block, numbered from `first` on."""
        outputs = block.outputs.T * self.scale
        for i, (w, b, a) in enumerate(zip(block.weights, block.biases, outputs, strict=True)):
            data = {"weights": w, "bias": float(b), "output_weights": a, "t": float(block.kinks[i])}
            yield self.emit(ev.NeuronFound, phase=self.phase, index=first + i, **data)

    def network(self, network: ReluNetwork, scalar: bool) -> ReluNetwork:
        """A whitened network in the units, and (`scalar`) the output shape, of the black box."""
        outputs, skip = (a * self.scale[:, None] for a in (network.output_weights, network.skip))
        offset = network.offset * self.scale
        if scalar:
            outputs, skip, offset = outputs[0], skip[0], offset[0]
        return ReluNetwork(network.weights, network.biases, outputs, skip, offset)


def each(steps: Generator[T, None, R], event: Callable[[T], Event]) -> Generator[Event, None, R]:
    """The events of what a generator yields; returns what it returns."""
    while True:
        try:
            step = next(steps)
        except StopIteration as stop:
            return stop.value
        yield event(step)
