"""Where answers carry digits: the box that probabilities can be read in.

A probability near 0 or 1 tells little of its score, or nothing. What is known of each answer's
precision (its type, and the lattice that it was rounded to) says how far off its score may be, row
by row; and the box is the largest around a centre in which no row is off by much.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.arguments import Seed, generator, real_array
from relu_learn.asking.errors import BlackBoxError, InvalidArgument, NotPiecewiseLinear
from relu_learn.blackboxes.digits import doubts, precision
from relu_learn.blackboxes.links import Link
from relu_learn.blackboxes.model import Model

Array = NDArray[np.float64]

# Scores may be off by so much, in units of their spread: a power of the answers' own precision.
_POWER = 1 / 2
# Directions that a box is tried in, half of them its corners; and how often it may be halved.
_TRIES, _STEPS = 64, 16
# A learner asks more often than that: what is so many times as far below the mean of
# log p / (1 - p) as the lowest of them can still be told from 0. (If it is Gaussian, that is five
# standard deviations, and one answer in 3 million is beyond.)
_TAIL = 2.0
# If less of the box is left, a centre that the model is less sure of is looked for, in so many
# rounds of so many points.
_SMALL, _ROUNDS, _ROWS = 0.5, 8, 50
# What matters to one input in a hundred is met by so many, but in one case of twenty.
_OWN = 300
# Where a second class has at least this probability, answers of a network hardly repeat; those of
# steps do, so many times each. (Six decimals tell a thousand of them; trees of iris have 2 to 6.)
_OPEN, _REPEAT = 1e-3, 4
# It is looked for where two classes meet: between so many pairs of points, halved so often.
_PAIRS, _HALVINGS = 8, 40


@dataclasses.dataclass(frozen=True, eq=False)
class Carrying:
    """A box whose answers carry digits, and what it cost to find.

    Attributes
    ----------
    model : Model
        Asked within the box.
    share : float
        The box's size, in units of the one that was wished for.
    inside : float
        Share of the points that lie in it; 1 without points.
    doubt : float
        How much a score in it may be off, in units of their spread.
    queries : int
        Asked of `model.ask`: if that is an Oracle, it has counted and kept them.
    points : ndarray of shape (n, d) or None
        Of the points in the box at most 300, all of whose scores can be read: for
        `learn_from_queries(model, points=...)`; None if there are none.
    """

    model: Model
    share: float
    inside: float
    doubt: float
    queries: int
    points: Array | None = None

    def __str__(self) -> str:
        if self.share == 1:
            return f"the answers carry digits in the whole box (asked {self.queries} times)"
        return (
            f"the answers carry digits in a box of {self.share:.2g} times the size, with "
            f"{100 * self.inside:.0f} % of the points; the rest of the box is left out (asked "
            f"{self.queries} times)"
        )


def find_box(model: Model, bounds: Any = None, *, points: Any = None, rng: Seed = 0) -> Carrying:
    """The largest box around a centre in which answers carry digits.

    Parameters
    ----------
    model : Model
        With the link that its answers have.
    bounds : (low, high), optional
        The box that is wished for (default: the model's, or the range of the points).
    points : array_like of shape (n, d), optional
        Inputs that F' is to be good on. Their median is the centre, or one of them if it cannot be
        read there (default: the middle of the box).
    rng : int, numpy.random.Generator or None

    Returns
    -------
    Carrying

    Raises
    ------
    InvalidArgument
    BlackBoxError
        No centre can be read: labels, a tree, or a model that is sure everywhere.
    NotPiecewiseLinear
        None can be read, and answers that are not sure repeat: a tree.
    """
    rows = None if points is None else real_array("points", points)
    if rows is not None and (rows.ndim != 2 or rows.shape[1] != model.dim or not len(rows)):
        raise InvalidArgument(f"points must have shape (n, {model.dim}), got {rows.shape}")
    if bounds is None:
        bounds = model.bounds
    if bounds is None:
        if rows is None:
            raise InvalidArgument("bounds or points must be given: how far may be asked?")
        bounds = rows.min(axis=0), rows.max(axis=0)
    wished = model.within(wide(bounds, model.dim))
    search = _Search(wished, generator(rng))
    low, high = wished.bounds
    places = ((low + high) / 2)[None] if rows is None else rows
    centre = np.median(places, axis=0)
    share, doubt = search.share(centre)
    if share < _SMALL:
        other = search.undecided(places)
        again = search.share(other)
        if (again[0], -again[1]) > (share, -doubt) or not np.isfinite(doubt):
            centre, (share, doubt) = other, again
    # (As a mean: all of the wished box must be all of it, to the last bit.)
    box = (1 - share) * centre + share * low, (1 - share) * centre + share * high
    inside, own = 1.0, None
    if rows is not None:
        lie = ((rows >= box[0]) & (rows <= box[1])).all(axis=1)
        inside, own = float(lie.mean()), search.readable(rows[lie])
    return Carrying(wished.within(box), share, inside, doubt, search.queries, own)


def wide(bounds: Any, dim: int) -> tuple[Array, Array]:
    """Inputs that never change get a width of their own: a box has one in every direction."""
    low, high = (np.broadcast_to(np.asarray(side, float), dim).copy() for side in bounds)
    flat = high - low < 1e-6 * np.maximum(1, np.abs(low))
    pad = 0.5 * np.maximum(1, np.abs(low))
    return np.where(flat, low - pad, low), np.where(flat, high + pad, high)


class _Search:
    """Asks, and counts."""

    def __init__(self, model: Model, rng: np.random.Generator) -> None:
        assert isinstance(model.link, Link)
        self.model, self.link, self.rng = model, model.link, rng
        self.queries = 0

    def ask(self, x: Array) -> tuple[Array, Array]:
        """Answers, and the parts (n, g, q) of their link."""
        self.queries += len(x)
        answers = np.asarray(self.model.answers(x), dtype=float)
        return answers, self.link.parts(answers)

    def doubts(self, x: Array) -> tuple[Array, Array, Array, float]:
        """How far off the scores of each row may be (n,), scores (n, m), log odds (n, g, q) of the
        parts beyond the smallest that can be told, and a tolerance."""
        answers, parts = self.ask(x)
        off, least = precision(parts)
        with np.errstate(divide="ignore", invalid="ignore"):
            # Odds: their logarithms are not skew as those of probabilities are.
            odds = np.log(parts) - np.log(parts @ (1 - np.eye(parts.shape[2]))) - np.log(least)
        scores = self.link.scores(answers).reshape(len(x), -1)
        return doubts(parts), scores, odds, float(off.max(initial=0.0)) ** _POWER

    def room(self, x: Array) -> Array:
        """The smallest part of each answer (n,); 0 where one cannot be told from 0."""
        parts = self.ask(x)[1]
        smallest = parts.min(axis=(1, 2), initial=1.0)
        return np.asarray(np.where(np.isfinite(doubts(parts)), smallest, 0.0))

    def judge(self, x: Array) -> tuple[float, float]:
        """The largest doubt at x, in units of the scores' spread; and in units of what is
        tolerable."""
        doubt, scores, odds, tolerance = self.doubts(x)
        if not np.isfinite(doubt).all():
            return np.inf, np.inf
        few = 2**self.model.dim <= _TRIES // 2  # all corners are asked
        mean, least = odds.mean(axis=0), odds.min(axis=0)
        if not few and (mean - _TAIL * (mean - least) < 0).any():
            return np.inf, np.inf
        worst = float(doubt.max() / scores.std(axis=0).max())
        return worst, worst / tolerance if tolerance else 0.0

    def around(self, centre: Array, n: int) -> Array:
        """Where the wished box ends, and inside of it, seen from the centre (n, d)."""
        low, high = self.model.bounds
        high_side = self.rng.integers(2, size=(n // 2, len(low)))
        if 2 ** len(low) <= n // 2:  # all of them
            high_side = np.arange(n // 2)[:, None] >> np.arange(len(low)) & 1
        corners = np.where(high_side, high, low)
        return (
            np.concatenate([corners, self.rng.uniform(low, high, (n - n // 2, len(low)))]) - centre
        )

    def undecided(self, places: Array) -> Array:
        """A point far from where answers cannot be told from 0: the best of mixtures of these
        places and uniform points."""
        low, high = self.model.bounds
        best, most = self.between(places), 0.0
        for _ in range(_ROUNDS):
            others = np.concatenate([places, self.rng.uniform(low, high, (_ROWS, len(low)))])
            others = others[self.rng.permutation(len(others))[:_ROWS]]
            tried = best + self.rng.random((len(others), 1)) ** 2 * (others - best)
            tried = np.concatenate([best[None], tried])
            room = self.room(tried)
            best, most = tried[room.argmax()], float(room.max())
        if not most > 0:
            answers, parts = self.ask(places)
            kinds = len(np.unique(answers, axis=0))
            open_ = np.sort(parts, axis=2)[:, :, -2].max(axis=1) > _OPEN
            steps = len(np.unique(answers[open_], axis=0))
            if open_.sum() > _REPEAT * steps:
                raise NotPiecewiseLinear(
                    f"{self.model.title} answers with only {steps} different probabilities at "
                    f"{open_.sum()} points where it is not sure of one class: a tree, a "
                    "nearest-neighbour rule or another step function"
                )
            raise BlackBoxError(
                f"{self.model.title} answers with probabilities of exactly 0 or 1 at all of "
                f"{self.queries} points, and with {kinds} different answers at {len(places)} of "
                f"them, {np.log2(kinds):.2g} bits each: these are labels, a tree's, or a model's "
                "that is sure everywhere (points= that it is less sure of may help)",
                places,
            )
        return best

    def readable(self, rows: Array) -> Array | None:
        """Some of the rows: those whose scores are off by no more than is tolerable."""
        some = rows[self.rng.permutation(len(rows))[:_OWN]]
        if not len(some):
            return None
        doubt, scores, _, tolerance = self.doubts(some)
        fine = doubt <= tolerance * scores[np.isfinite(doubt)].std(axis=0).max(initial=0.0)
        return some[fine] if fine.any() else None

    def between(self, places: Array) -> Array:
        """A point where two classes meet, by bisection between places of different ones; the first
        place if there are none."""

        def classes(x: Array) -> Array:
            return np.asarray(self.ask(x)[1].argmax(axis=2))

        found = classes(places)
        pairs = self.rng.integers(len(places), size=(_PAIRS * 8, 2))
        differ = (found[pairs[:, 0]] != found[pairs[:, 1]]).any(axis=1)
        pairs = pairs[differ][:_PAIRS]
        if not len(pairs):
            return np.asarray(places[0])
        one, other, first = places[pairs[:, 0]], places[pairs[:, 1]], found[pairs[:, 0]]
        for _ in range(_HALVINGS):
            middle = (one + other) / 2
            same = (classes(middle) == first).all(axis=1)[:, None]
            one, other = np.where(same, middle, one), np.where(same, other, middle)
        return np.asarray(middle[self.room(middle).argmax()])

    def share(self, centre: Array) -> tuple[float, float]:
        """How much of the wished box around a centre is left, and the doubt in it."""
        ends = self.around(centre, _TRIES)
        best = 0.0, np.inf, np.inf
        for octave in range(_STEPS):
            doubt, excess = self.judge(centre + 0.5**octave * ends)
            if excess < best[2]:
                best = 0.5**octave, doubt, excess
            if excess <= 1:
                break
        for finer in (0.75, 0.5, 0.25) if 0 < best[0] < 1 and best[2] <= 1 else ():
            share = float(best[0] * 2**finer)
            doubt, excess = self.judge(centre + share * ends)
            if excess <= 1:
                return share, doubt
        return best[0], best[1]
