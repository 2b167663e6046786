"""Runs of the core alone, stopped where a test wants to look: no wing is plugged in."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

import numpy as np

from relu_learn.asking.oracle import Oracle
from relu_learn.core.evidence import Evidence
from relu_learn.core.hearing import hear
from relu_learn.core.looks import Looks
from relu_learn.core.pieces import Found
from relu_learn.core.run import Run
from relu_learn.core.settings import Settings
from relu_learn.core.space import Space
from relu_learn.network import ReluNetwork

R = TypeVar("R")


def begun(
    black_box: Callable[[np.ndarray], np.ndarray],
    dim: int,
    seed: int = 0,
    space: Space | None = None,
    looks: Looks | None = None,
    **settings: Any,
) -> Run:
    """A run whose first line is drawn, and which has heard its answers."""
    oracle, rng = Oracle(black_box, dim), np.random.default_rng(seed)
    run = Run(oracle, space or Space(dim), Settings(**settings), rng, looks or Looks())
    heard = hear(run.oracle, run.space, run.line, run.rng)
    run.evidence = Evidence(heard.answers)
    if heard.tested is not None:
        points, values = heard.tested
        run.evidence.add(points, values / heard.answers.scale)
    return run


def drained(steps: Generator[Any, None, R]) -> R:
    """What a generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def whole(steps: Generator[Any, None, Any]) -> list[Any]:
    """All that a generator yields, and at the end what it returns."""
    parts: list[Any] = []
    try:
        while True:
            parts.append(next(steps))
    except StopIteration as stop:
        return [*parts, stop.value]


def looked(secret: ReluNetwork, seed: int = 0, **options: Any) -> tuple[Run, Found]:
    """A run that has looked along its first line, and what it found there."""
    run = begun(secret, secret.dim, seed, **options)
    return run, drained(run.look())


def whitened(run: Run, secret: ReluNetwork, x: np.ndarray) -> np.ndarray:
    """The gradient (m, d) of what the run sees, at a point."""
    gradient = secret.gradient(run.space.place(x)).reshape(secret.n_outputs, secret.dim)
    return np.asarray(gradient / run.answers.scale[:, None])
