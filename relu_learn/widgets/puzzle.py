"""The game of lesson 7 without its board: the secret, the questions, and the judge."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from relu_learn.asking.errors import InvalidArgument, QueryBudgetExceeded, ReluLearnError
from relu_learn.asking.oracle import Oracle
from relu_learn.figures.dimensions import spending
from relu_learn.judging.loss import best_loss
from relu_learn.learn import learn_from_queries
from relu_learn.network import ReluNetwork

BUDGET = 60
_ON_LINE = 0.08  # a click so near to a line is meant to be on it: some five pixels


def puzzle(folds: int, seed: int = 0) -> ReluNetwork:
    """A secret in the plane with a few well separated creases that all cross the window."""
    random = np.random.default_rng([7, folds, seed])
    turns = np.pi / folds * (np.arange(folds) + random.uniform(-0.3, 0.3, folds))
    normals = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    signs = random.choice([-1.0, 1.0], (2, folds))
    heights = random.uniform(0.6, 1.6, folds)
    return ReluNetwork(
        signs[0][:, None] * normals, random.uniform(-1.2, 1.2, folds), signs[1] * heights
    )


def fitted(angles: Sequence[float], places: Sequence[float], x: Any, y: Any) -> ReluNetwork:
    """The network with these creases that fits the answers best.

    Strengths and affine part by least squares, as LearnFromQueries fits its affine residual (the
    smallest solution while there are fewer answers than unknowns).

    Parameters
    ----------
    angles, places : sequence of float
        Direction of each normal, in degrees, and distance from the origin.
    x, y : ndarray of shape (n, 2) and (n,)
    """
    turns = np.deg2rad(np.asarray(angles, dtype=float))
    normals = np.stack([np.cos(turns), np.sin(turns)], axis=1).reshape(-1, 2)
    b = np.asarray(places, dtype=float)
    if not len(x):
        return ReluNetwork(normals, b, np.zeros(len(b)))
    columns = np.column_stack([np.maximum(x @ normals.T - b, 0), x, np.ones(len(x))])
    # Directions that the answers hardly determine stay at zero: otherwise strengths explode.
    solution = np.linalg.lstsq(columns, y, rcond=1e-2)[0]
    k = len(b)
    return ReluNetwork(normals, b, solution[:k], solution[k : k + 2], float(solution[-1]))


@functools.lru_cache(512)
def algorithm_with(folds: int, seed: int, queries: int) -> tuple[float, ReluNetwork]:
    """Share of the variance that the algorithm misses after so many queries, and its network."""
    secret = puzzle(folds, seed)
    try:
        result = learn_from_queries(secret, 2, rng=0, max_queries=max(queries, 1))
        network = result.network
    except ReluLearnError as error:
        nothing = ReluNetwork(np.zeros((0, 2)), [], [])
        network = error.partial.network if error.partial else nothing
    return missed(secret, network), network


@functools.lru_cache(64)
def algorithm_needs(folds: int, seed: int) -> int:
    """Queries until the algorithm has everything (its final test not counted)."""
    run = learn_from_queries(puzzle(folds, seed), 2, rng=0)
    return spending(list(run.trace)).learning


def missed(secret: ReluNetwork, network: ReluNetwork) -> float:
    """E|F - F'|² in units of the variance of F: 0 is perfect, 1 is what a constant has."""
    x = np.random.default_rng(0).standard_normal((20_000, 2))
    return best_loss(secret, network, rng=0)[0] / float(np.var(secret(x)))


class Questions:
    """What was asked in a game, and on which lines; the only door to the secret.

    Parameters
    ----------
    secret : ReluNetwork
        With two inputs.

    Attributes
    ----------
    oracle : Oracle
    lines : list of pairs of ndarray
        Two points of each line that was asked on.
    current : int
        The line that the slice shows, -1 if there is none.
    """

    def __init__(self, secret: ReluNetwork) -> None:
        self.oracle = Oracle(secret, 2, max_queries=BUDGET)
        self.lines: list[tuple[np.ndarray, np.ndarray]] = []
        self.current = -1
        self._first: np.ndarray | None = None  # a query that waits for a second one

    @property
    def line(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The current line."""
        return self.lines[self.current] if self.lines else None

    def answers(self, points: np.ndarray) -> np.ndarray:
        """Ask; a sentence if the budget does not allow it."""
        try:
            return self.oracle(points)
        except QueryBudgetExceeded:
            raise InvalidArgument(
                f"That takes {len(points)} queries and {self.oracle.remaining} of {BUDGET} are "
                "left. Place your creases and press Score, or start a new game."
            ) from None

    def ask(self, point: np.ndarray) -> float:
        """One query; two that lie on no line yet make one."""
        answer = float(self.answers(point[None])[0])
        known = [i for i, line in enumerate(self.lines) if _off(line, point) < 1e-9]
        if known:
            self.current = known[0]
        elif self._first is None:
            self._first = point
        elif not np.array_equal(self._first, point):
            self.lines.append((self._first, point))
            self.current, self._first = len(self.lines) - 1, None
        return answer

    def ask_near(self, point: np.ndarray) -> np.ndarray:
        """One query at a place that was clicked: on a line if it is near to one; the point."""
        near = [(_off(line, point), i) for i, line in enumerate(self.lines)]
        away, i = min(near, default=(np.inf, -1))
        if away >= _ON_LINE:
            self.ask(point)
            return point
        start, end = self.lines[i]
        v = end - start
        point = start + (point - start) @ v / (v @ v) * v
        self.answers(point[None])
        self.current = i
        return point

    def ask_between(self) -> None:
        """One query in the middle of every gap between the answers on the current line."""
        t, _ = self.on_line()
        inside = t[(t > -1e-9) & (t < 1 + 1e-9)]  # both ends, however the sums were rounded
        if self.line is None or len(inside) < 2:
            raise InvalidArgument("Ask at two different points first: they make a line.")
        start, end = self.line
        middles = (inside[1:] + inside[:-1]) / 2
        self.answers(start + middles[:, None] * (end - start))

    def on_line(self) -> tuple[np.ndarray, np.ndarray]:
        """t and answers of the queries that lie on the current line, in increasing t."""
        if self.line is None:
            return np.empty(0), np.empty(0)
        start, end = self.line
        v = end - start
        x, y = self.oracle.history()
        some = _off(self.line, x) < 1e-9
        t, index = np.unique(((x[some] - start) @ v) / (v @ v), return_index=True)
        return t, y[some][index]

    def limits(self) -> tuple[float, float]:
        """The part of the current line that is shown."""
        t, _ = self.on_line()
        low, high = (min(t[0], 0.0), max(t[-1], 1.0)) if len(t) else (0.0, 1.0)
        return float(low) - 0.1, float(high) + 0.1


def _off(line: tuple[np.ndarray, np.ndarray], points: np.ndarray) -> Any:
    """Distance of points from a line."""
    start, end = line
    v = end - start
    return np.abs((points - start) @ np.array([-v[1], v[0]])) / np.linalg.norm(v)
