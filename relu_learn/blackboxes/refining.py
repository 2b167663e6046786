"""A copy of a classifier, fitted to its probabilities on the user's rows and between them.

The learner needs scores that can be read, and so a box in which all classes carry digits. Where one
class is 0 to all digits, the others still tell of theirs: what the box left out is fitted here,
from what was learned in it, with a bounded number of queries; and kept if fresh rows say so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.arguments import Seed, generator, real_array
from relu_learn.asking.errors import BlackBoxError, InvalidArgument
from relu_learn.blackboxes.carrying import wide
from relu_learn.blackboxes.digits import precision
from relu_learn.blackboxes.links import IDENTITY, Link
from relu_learn.blackboxes.model import Model
from relu_learn.imprecise.descent import afresh
from relu_learn.imprecise.through_link import LinkedFit, Told, improve, settle
from relu_learn.network import ReluNetwork
from relu_learn.telling.certificate import Certificate, certificate, fresh_points

Array = NDArray[np.float64]

# Rows of the user's that are asked at most; mixtures of two of them, fewest and most, and for each
# parameter; and the queries that looking closer takes at most.
_OWN, _FEW, _MANY, _EACH, _CLOSER = 1000, 500, 6000, 4, 2000
# Mixtures go beyond their two rows by so much of the way.
_BEYOND = 0.25
# One in so many of these is not fitted: it says when to end. Fresh mixtures say what is claimed.
_HELD, _DELTA, _MASS = 5, 0.05, 0.01
# Log p need not be more precise than this: the learner has these digits, where it can be used.
_FINE = 1e-6
# A copy that is off by less, in units of what answers may be off, needs nothing; and a better one
# may not be off by so many times more at its worst fresh point.
_NOTICED, _WORSE = 30.0, 2.0
# It is enough to explain all but so many of the rows that were held out.
_MISSED = 0.005
# A place to look closer at is the surest of so many; how near, and how far off a plane may be.
_PLACES, _SPANS, _FLAT = 16, (0.3, 0.1, 0.03, 0.01), 4.0
# If a look is not enough, there are so many answers for each parameter of a network with so many
# neurons, also to fit such a one from nothing. (Raw breast cancer, two seeds, 30 s: with more rows
# looks were off by 1e-4 and 5e-3 of the spread, by 3e-2 and 1e-2 without; with a fit from nothing
# before they look by 3e-4 and 8e-3.) If no more than such a share is explained, looks are in vain.
_WIDE, _TOLD, _LOST = 64, 12, 0.1
# Such a fit goes on while a round leaves less than this.
_SLOWER = 0.9
# Of the inputs of a mixture, so many are moved; and one such row in so many is asked.
_MOVED, _CHOICE = 3, 10
# Looks that find nothing, in a row, after which none is taken.
_PATIENCE = 8


@dataclasses.dataclass(frozen=True, eq=False)
class Refined:
    """A copy that was compared with the model on the user's rows, and fitted to it if need be.

    Attributes
    ----------
    network : ReluNetwork
        The better copy of the scores.
    changed : bool
        Whether it is another one than before.
    before, after : float
        Share of the rows whose probabilities were right to all digits that they have: of the user's
        own, if nothing was fitted, otherwise of fresh mixtures of two of them.
    bits : float
        What the answers can tell, at most: 0 if all are the same class, to all digits.
    queries : int
        Asked of the model.
    certificate : Certificate or None
        About the probabilities of mixtures; None if nothing was fitted.
    """

    network: ReluNetwork
    changed: bool
    before: float
    after: float
    bits: float
    queries: int
    certificate: Certificate | None = None

    def __str__(self) -> str:
        if not self.bits:
            return "your rows are sure of one class, to all digits: they hold 0 bits of the scores"
        if self.certificate is None:
            return f"the copy's probabilities are right on {100 * self.after:.4g} % of your rows"
        kept = "" if self.changed else "; the copy was not better, and is not kept"
        return (
            f"fitted to the probabilities of your rows and of mixtures of them ({self.queries:,} "
            f"queries): {100 * self.before:.3g} % of fresh mixtures were right to the digits that "
            f"answers have, {100 * self.after:.3g} % are{kept}"
        )


def refine(
    model: Model,
    network: ReluNetwork,
    points: Any,
    *,
    max_queries: int | None = None,
    rng: Seed = 0,
    hurry: Callable[[], bool] = bool,
) -> Refined:
    """Make a copy of a classifier right on the user's rows, too, where answers have few digits.

    All rows are asked (of more than 1,000, so many). If the copy is right on them, nothing else is.

    Parameters
    ----------
    model : Model
        With the link that its answers have; asked between the rows, box or not.
    network : ReluNetwork
        The copy of its scores, or a part of it (an error's `partial.network`).
    points : array_like of shape (n, d)
        Inputs that the copy is to be good on.
    max_queries : int, optional
        Fewer than it would take; nothing is asked if these are not enough for the rows.
    rng : int, numpy.random.Generator or None
    hurry : callable
        Called again and again: whether no time is left.

    Returns
    -------
    Refined

    Raises
    ------
    InvalidArgument, BlackBoxError
    """
    rows = real_array("points", points)
    if rows.ndim != 2 or rows.shape[1] != model.dim or len(rows) < 2:
        raise InvalidArgument(f"points must have shape (n, {model.dim}), n > 1, got {rows.shape}")
    assert isinstance(model.link, Link)
    random = generator(rng)
    rows = rows[random.permutation(len(rows))[:_OWN]]
    if model.link is IDENTITY or (max_queries is not None and max_queries < len(rows)):
        return Refined(network, False, 1.0, 1.0, np.inf, 0)
    view = _View(model, network, rows)
    told = view.ask(rows)
    fit = view.fit(told, network)
    right, bits = float(fit.explained.mean()), float(told.bits.sum())
    n = max(_FEW, min(_MANY, _EACH * network.weights.size // network.n_outputs))
    fresh = fresh_points(_MASS, _DELTA)
    left = np.inf if max_queries is None else max_queries - view.queries - n - fresh
    if fit.errors.max() <= _NOTICED or not bits or left < 0:
        return Refined(network, False, right, right, bits, view.queries)
    # (Half are as what is claimed is about; the others are where there is something to be told.)
    x = np.concatenate(
        [view.between(n // 2, random), view.telling(n - n // 2, network, told, random)]
    )
    closer = _Closer(view, fit, told.and_(view.ask(x)), random)
    closer.left = int(min(left, _CLOSER + _MANY - n))
    better = closer.run(hurry)
    x = view.between(fresh, random)
    test = view.ask(x)
    old, new = view.fit(test, network), better.on(test)
    changed = new.misfit < old.misfit and new.errors.max() < _WORSE * old.errors.max()
    copy = view.network(better) if changed else network
    off = np.asarray(model.link.answers(copy(x))).reshape(fresh, -1) - view.answers
    claim = certificate(off, _DELTA, "mixtures of your rows, of their probabilities:")
    after = float((new if changed else old).explained.mean())
    before = float(old.explained.mean())
    return Refined(copy, changed, before, after, bits, view.queries, claim)


def is_right(model: Model, network: ReluNetwork, x: Array, answers: Array) -> bool:
    """Whether a copy's probabilities at rows x (n, d) are these answers, to about their digits."""
    told = _View(model, network, x).told(x, answers)
    return bool(_View(model, network, x).fit(told, network).errors.max() <= _NOTICED)


class _View:
    """The model and networks, in coordinates in which the rows are round."""

    def __init__(self, model: Model, network: ReluNetwork, rows: Array) -> None:
        self.model, self.rows, self.queries = model, rows, 0
        assert isinstance(model.link, Link)
        self.link, self.scalar = model.link, network.is_scalar
        # log p of scores z is linear in z, but for what makes groups sum to 1.
        units = np.eye(network.n_outputs + 1, network.n_outputs, -1)
        logs = np.log(self.link.parts(self.link.answers(units)))
        self.odds = np.moveaxis(logs[1:] - logs[:1], 0, 2)
        # An input that never changes is given a width of its own, and its weights are told of.
        low, high = rows.min(axis=0), rows.max(axis=0)
        self.low, self.high = wide((low, high), rows.shape[1])
        self.bounds = low, high
        self.middle = rows.mean(axis=0)
        size = rows.std(axis=0)
        self.size = np.where(size > 0, size, (self.high - self.low) / 2)
        values, axes = np.linalg.eigh(
            np.cov(((rows - self.middle) / self.size).T).reshape(len(size), -1)
        )
        length = np.sqrt(np.maximum(values, 1e-4 * values.max()))
        self.there = axes / length / self.size[:, None]
        self.back = (axes * length).T * self.size
        self.answers = np.empty((0, 1))

    def ask(self, x: Array) -> Told:
        self.queries += len(x)
        answers = np.asarray(self.model.answers(x), dtype=float)
        if not np.isfinite(answers).all():
            raise BlackBoxError("answers with no numbers", x)
        self.answers = answers.reshape(len(x), -1)
        return self.told(x, answers)

    def told(self, x: Array, answers: Array) -> Told:
        parts = self.link.parts(answers)
        off, least = precision(parts)
        # All are rounded alike: a class that is never told does not say how.
        columns = parts.reshape(len(parts), -1).T
        tells = np.array([len(np.unique(p[p > 0])) > 2 for p in columns]).reshape(least.shape)
        least = np.where(tells, least, least[tells].max() if tells.any() else least)
        doubt = np.maximum(np.maximum(off, least / 2), _FINE * parts)
        return Told(np.column_stack([self.into(x), np.ones(len(x))]), parts, doubt, self.odds)

    def into(self, x: Array) -> Array:
        return np.asarray((x - self.middle) @ self.there)

    def out(self, u: Array) -> Array:
        return np.asarray(u @ self.back + self.middle)

    def between(self, n: int, rng: np.random.Generator) -> Array:
        """Mixtures of two rows each, and a little beyond both (n, d), in the rows' range: what is
        between rows is not all that new ones will be."""
        one, other = self.rows[rng.integers(len(self.rows), size=(2, n))]
        mixed = one + rng.uniform(-_BEYOND, 1 + _BEYOND, (n, 1)) * (other - one)
        return np.clip(mixed, *self.bounds)

    def beside(self, n: int, rng: np.random.Generator) -> Array:
        """Mixtures with some inputs anywhere in their range (n, d): what hardly a row has, a new
        one may."""
        mixed = self.between(n, rng)
        moved = rng.random(mixed.shape) < min(0.5, _MOVED / mixed.shape[1])
        return np.where(moved, rng.uniform(self.low, self.high, mixed.shape), mixed)

    def telling(self, n: int, network: ReluNetwork, told: Told, rng: np.random.Generator) -> Array:
        """Those of many such rows (n, d) whose answers tell most, if the network is right."""
        x = self.beside(_CHOICE * n, rng)
        parts = self.link.parts(self.link.answers(network(x)))
        doubt = np.maximum(told.doubt.min(axis=0), _FINE * parts)
        bits = Told(x, parts, doubt, self.odds).bits
        return x[np.argsort(rng.exponential(size=len(x)) / (bits**2 + 1e-3))[:n]]

    @property
    def ways(self) -> list[Array]:
        """Coordinates that the network may have been trained in: the inputs, as they are or in
        units of how much they vary."""
        return [self.back, self.back / self.size]

    def fit(self, told: Told, network: ReluNetwork) -> LinkedFit:
        at = network.weights @ self.middle - network.biases
        hidden = np.column_stack([network.weights @ self.back.T, at])
        length = np.linalg.norm(hidden, axis=1, keepdims=True)
        length = np.where(length > 0, length, 1.0)
        skip = np.atleast_2d(network.skip)
        c = [np.atleast_2d(network.output_weights).T * length, (skip @ self.back.T).T]
        c.append((np.atleast_1d(network.offset) + skip @ self.middle)[None])
        return LinkedFit(told, hidden / length, np.concatenate(c), 0.0)

    def network(self, fit: LinkedFit) -> ReluNetwork:
        k = len(fit.hidden)
        weights, outputs = fit.hidden[:, :-1] @ self.there.T, fit.outputs.T
        biases = weights @ self.middle - fit.hidden[:, -1]
        skip = (self.there @ fit.coefficients[k:-1]).T
        offset = fit.coefficients[-1] - skip @ self.middle
        if self.scalar:
            return ReluNetwork(weights, biases, outputs[0], skip[0], offset[0])
        return ReluNetwork(weights, biases, outputs, skip, offset)


class _Closer:
    """Looks closer where the fit does not explain the answers: there neurons are missing."""

    def __init__(self, view: _View, fit: LinkedFit, told: Told, rng: np.random.Generator) -> None:
        self.view, self.rng, self.left = view, rng, _CLOSER
        self.hurry: Callable[[], bool] = bool
        held = rng.random(len(told.x)) < 1 / _HELD
        self.held = told[held]
        self.fit, self.least = fit.on(told[~held]), len(fit.hidden)
        self.first = int(held.sum()), int((~held).sum())

    def run(self, hurry: Callable[[], bool]) -> LinkedFit:
        self.hurry = hurry
        self._settle()
        self._look_closer(1)
        for measure in (self._more, self._look_closer, self._anew, self._look_closer):
            if not self._done:
                measure()
        self._prune()
        return self.fit

    @property
    def _done(self) -> bool:
        return self._known(self.fit) >= 1 - _MISSED or self.left <= 0 or self.hurry()

    @property
    def _lost(self) -> bool:
        return self._known(self.fit) <= _LOST

    def _settle(self) -> None:
        if not self._lost:
            gentle = settle(self.fit, (0.0,), self.hurry)
            self.fit = min(gentle, settle(self.fit, hurry=self.hurry), key=self._heard)

    def _look_closer(self, most: int = _CLOSER) -> None:
        """So often at most, and until it is right."""
        idle, looks = 0, 0
        while looks < most and idle < _PATIENCE and not (self._lost or self._done):
            wrong, own = ~self.fit.on(self.held).explained, ~self.fit.explained
            if own.mean() < wrong.mean() / 2:  # known by heart
                n = min(self.left, len(own) // 4)
                self._add(self.view.between(n, self.rng))
                self.fit, idle = settle(self.fit, (0.0,), self.hurry), idle + 1
                continue
            for rows, first in zip((wrong, own), self.first, strict=True):
                rows[first:] &= not rows[:first].any()  # not where it looked before, if it can be
            both = self.held[wrong].and_(self.fit.told[own])
            idle, looks = 0 if self._look(self._place(both)) else idle + 1, looks + 1

    def _more(self) -> None:
        """More rows, where they tell most."""
        n, d, m = len(self.fit.told.x), *self.fit.coefficients[len(self.fit.hidden) :].shape
        n = min(_MANY, _TOLD * _WIDE * (d + m) // m) - n - len(self.held.x)
        n = max(0, min(n + len(self.view.rows), self.left))
        self._add(self.view.telling(n, self.view.network(self.fit), self.held, self.rng))
        self._settle()

    def _anew(self) -> None:
        """A fit from nothing, if it is better."""
        self.tried = True
        new = afresh(self.fit.told, self.held, self.view.ways, _WIDE, self.rng, self.hurry)
        while new.misfit > 0 and not self.hurry():
            old, new = new, settle(new, (0.0,), self.hurry)
            if new.misfit > _SLOWER * old.misfit:
                break
        if self._heard(new) < self._heard(self.fit):
            self.fit, self.least = new, 0

    def _prune(self) -> None:
        """Neurons that were added, and that the others make superfluous."""
        while len(self.fit.hidden) > self.least and not self.hurry():
            fit = self.fit.without(int(self.fit.worth().argmin()))
            fit = settle(fit, (0.0,), self.hurry)
            if fit.misfit > self.fit.misfit + self._price:
                break
            self.fit = fit

    @property
    def _price(self) -> float:
        """What a neuron must take of the misfit: Bayes' price of its parameters. (Half a square of
        an error is 16 times what misfit counts.)"""
        n, d = self.fit.told.x.shape
        return (d + self.fit.outputs.shape[1]) * float(np.log(n)) / 16 / n

    def _known(self, fit: LinkedFit) -> float:
        return float(fit.on(self.held).explained.mean())

    def _heard(self, fit: LinkedFit) -> float:
        return fit.on(self.held).misfit

    def _add(self, x: Array) -> Told:
        """Ask, and put most of the rows to those that are fitted."""
        self.left -= len(x)
        new, held = self.view.ask(x), self.rng.random(len(x)) < 1 / _HELD
        self.fit = self.fit.on(self.fit.told.and_(new[~held]))
        self.held = self.held.and_(new[held])
        return new

    def _place(self, wrong: Told) -> Array:
        """A row (d + 1,) that is not explained, and that the answer tells much of."""
        some = self.rng.permutation(len(wrong.x))[:_PLACES]
        second = np.sort(wrong.parts[some], axis=2)[:, :, -2].max(axis=1)
        return np.asarray(wrong.x[some[self.rng.permutation(np.argsort(-second)[:4])[0]]])

    def _look(self, place: Array) -> bool:
        """Whether the plane that is missing near a place is a neuron's."""
        d = len(place) - 1
        for span in _SPANS:
            rows = self.view.rows[self.rng.integers(len(self.view.rows), size=d + 9)]
            centre = self.view.out(place[None, :-1])
            x = centre + span * self.rng.random((len(rows), 1)) * (rows - centre)
            near = self._add(x)
            known = self.fit.on(near)
            near = dataclasses.replace(near, base=known.features @ known.coefficients)
            nothing = np.zeros((d + 1, self.fit.coefficients.shape[1]))
            plane = improve(LinkedFit(near, nothing.T[:0], nothing, _FINE), 30)
            if plane.loss <= _FLAT:
                break
        else:
            return False
        left, size, right = np.linalg.svd(plane.coefficients, full_matrices=False)
        active = left[:, 0] * (np.sign(place @ left[:, 0]) or 1.0)
        outputs = size[0] * right[0] * (np.sign(place @ left[:, 0]) or 1.0)
        trial = settle(self.fit.with_neuron(active, outputs), hurry=self.hurry)
        better = trial.misfit < self.fit.misfit - self._price
        better &= self._heard(trial) < self._heard(self.fit)
        if better:
            self.fit = trial
        return better
