"""Fit a network to probabilities, not to scores: what saturates in one class still tells of others.

A probability p that may be off by e tells log p to e / p: nothing if p is below e, and a lot of the
other classes in the same row. So the residuals are those of log p, each weighted by what it tells;
the scores z = F'(x) come in through log p(z), whose derivatives are known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import logsumexp

from relu_learn.imprecise.least_squares import Fit, GaussNewton, Samples, one_thread

Array = NDArray[np.float64]

# An answer is explained if F' is off by no more than so many times what it may be off: two units of
# the last of six decimals. (Float32's answers are off by two or three roundings.)
EXPLAINED = 4.0
# What is not yet explained must be able to bend what is: first all rows may be off by a tenth, and
# then ever less. (Without the ladder a neuron that is missing was fitted in 1 of 3 cases.)
_LADDER = (1e-1, 1e-2, 1e-3, 1e-4, 0.0)
# Rounds on a rung, which end when the misfit falls by less; and steps of a round.
_ROUNDS, _FALLS, _STEPS = 8, 0.03, 6
# With more outputs the affine part of F' is iterated, not eliminated: the matrix is smaller. (Fits
# from a rough start: digits, 9 outputs, in half the time; wine, 2, in twice as long; raw breast
# cancer, 1, in 1.3 times.)
_FEW = 4
# Conjugate gradients of a step at most, and steps that may fall by less than a fiftieth.
_ITERATIONS, _SLOW, _STILL = 100, 0.02, 3


@dataclasses.dataclass(frozen=True, eq=False)
class Told:
    """What rows were answered.

    Attributes
    ----------
    x : ndarray of shape (n, d + 1)
        Points, with a last column of ones.
    parts, doubt : ndarray of shape (n, g, q)
        Probabilities, in g groups that sum to 1, and how much each may be off.
    odds : ndarray of shape (g, q, m)
        log p is odds @ z, but for what makes a group sum to 1.
    base : ndarray of shape (n, m) or 0
        Scores that are known, and added to what is fitted.
    """

    x: Array
    parts: Array
    doubt: Array
    odds: Array
    base: Array | float = 0.0

    def __getitem__(self, rows: NDArray[np.bool_]) -> Told:
        return Told(self.x[rows], self.parts[rows], self.doubt[rows], self.odds)

    def and_(self, other: Told) -> Told:
        """These rows and others."""

        def both(one: Array, two: Array) -> Array:
            return np.concatenate([one, two])

        parts, doubt = both(self.parts, other.parts), both(self.doubt, other.doubt)
        return Told(both(self.x, other.x), parts, doubt, self.odds)

    @property
    def unit(self) -> Array:
        """How far off log p may be (n, g, q)."""
        return np.asarray(self.doubt / np.maximum(self.parts, EXPLAINED * self.doubt))

    @property
    def bits(self) -> Array:
        """What each row's answer can tell at most (n,): how many different ones there might have
        been."""
        each = np.log2(1 + self.parts / (2 * self.doubt))
        return np.asarray((each.sum(axis=2) - each.max(axis=2)).sum(axis=1))

    def off(self, z: Array) -> tuple[Array, Array]:
        """log p of scores z (n, m) minus that of the answers (n, g, q); its derivatives
        (n, g, q, m). Of a p that cannot be told from 0 only what can be told is missed."""
        log = np.einsum("gqm,nm->ngq", self.odds, z + self.base)
        log -= logsumexp(log, axis=2, keepdims=True)
        p, c = np.exp(log), np.maximum(EXPLAINED * self.doubt - self.parts, 0)
        mean = np.einsum("ngq,gqm->ngm", p, self.odds)
        share = np.where(c > 0, p / (p + np.where(c > 0, c, 1)), 1.0)
        told = np.where(c > 0, np.log(p + c, where=c > 0, out=np.zeros_like(p)), log)
        slopes = (self.odds - mean[:, :, None]) * share[..., None]
        return told - np.log(self.parts + c), slopes


class LinkedFit(Fit):
    """F' for given hidden neurons and coefficients (k + d + 1, m), judged through the link.

    A row counts as if its log p might be off by `blur` (n, 1, 1), if that is more.
    """

    def __init__(self, told: Told, hidden: Array, coefficients: Array, blur: Array | float) -> None:
        self.told, self.hidden, self.coefficients, self.blur = told, hidden, coefficients, blur
        active = told.x @ hidden.T
        self.active = (active > 0).astype(float)
        self.features = np.concatenate([np.maximum(active, 0), told.x], axis=1)
        self.distance, slopes = told.off(self.features @ coefficients)
        weight = 1 / np.maximum(told.unit, blur)
        self.residual = (self.distance * weight).reshape(len(told.x), -1)
        self.slopes = (slopes * weight[..., None]).reshape(*self.residual.shape, -1)
        self.loss = float((self.residual**2).mean())
        self.samples = Samples(told.x, self.residual)

    @property
    def errors(self) -> Array:
        """How far off F' is on each row (n,), in units of what its answer may be off."""
        return np.asarray((np.abs(self.distance) / self.told.unit).max(axis=(1, 2)))

    @property
    def explained(self) -> NDArray[np.bool_]:
        return np.asarray(self.errors <= EXPLAINED)

    @property
    def misfit(self) -> float:
        """Half the log likelihood of errors with heavy tails, per row."""
        return float(np.log1p((self.errors / EXPLAINED) ** 2).mean())

    def blurred(self, least: float) -> LinkedFit:
        """The same, each row weighted by what is explained of it."""
        off = np.abs(self.distance)
        rows = np.where(off > EXPLAINED * self.told.unit, off, 0).max(axis=(1, 2))
        blur = np.maximum(rows, least)[:, None, None]
        return LinkedFit(self.told, self.hidden, self.coefficients, blur)

    def on(self, told: Told) -> LinkedFit:
        """The same network on other rows."""
        return LinkedFit(told, self.hidden, self.coefficients, 0.0)

    def with_neuron(self, row: Array, outputs: Array) -> LinkedFit:
        """One more neuron (d + 1,) with these output weights (m,)."""
        k, c = len(self.hidden), self.coefficients
        hidden = np.concatenate([self.hidden, row[None]])
        return LinkedFit(self.told, hidden, np.concatenate([c[:k], outputs[None], c[k:]]), 0.0)

    def worth(self) -> Array:
        """What each neuron (k,) does to the residuals, squared."""
        k, a = len(self.hidden), self.outputs
        each = np.einsum("nri,ki->nkr", self.slopes, a, optimize=True)
        return np.asarray(((each**2).sum(axis=2) * self.features[:, :k] ** 2).sum(axis=0))

    def without(self, i: int) -> LinkedFit:
        """Without a neuron."""
        hidden = np.delete(self.hidden, i, axis=0)
        return LinkedFit(self.told, hidden, np.delete(self.coefficients, i, axis=0), 0.0)


class LinkedStep(GaussNewton):
    """A step of hidden neurons and coefficients; these are eliminated, with all outputs at once, as
    the link mixes them. The affine part of many outputs is iterated, as neurons always on."""

    @one_thread
    def __init__(self, fit: LinkedFit, damping: float, forcing: float = 0.1) -> None:
        self.fit, self.features = fit, fit.features
        self.active, self.outputs = fit.active, fit.outputs
        m = fit.coefficients.shape[1]
        if m > _FEW:
            self.features = fit.features[:, : len(fit.hidden)].copy()
            self.active = np.concatenate([fit.active, np.ones((len(fit.active), m))], axis=1)
            self.outputs = np.concatenate([fit.outputs, np.eye(m)])
        self.weights = np.einsum("nri,nrj->nij", fit.slopes, fit.slopes)
        self.wish = -np.einsum("nri,nr->ni", fit.slopes, fit.residual)
        self.root = self._factor(damping)
        a = self.outputs
        norm = np.einsum("ki,nij,kj->nk", a, self.weights, a, optimize=True)
        norm = (self.active * norm).T @ fit.told.x**2
        self.norm = np.where(norm > 0, norm, 1.0)
        self.ridge = damping * self.norm
        self._start(self._back(self.wish - self._weigh(self._made_good(self.wish))), forcing)

    def _factor(self, damping: float) -> tuple[Array, bool]:
        """Of the normal matrix of what is eliminated."""
        k, m = self.features.shape[1], self.wish.shape[1]
        blocks = np.empty((k, m, k, m))
        for i in range(m):
            for j in range(i, m):
                block = self.features.T @ (self.weights[:, i, j, None] * self.features)
                blocks[:, i, :, j] = blocks[:, j, :, i] = block
        gram = blocks.reshape(k * m, k * m)
        # (Relative to its own size each, as weights differ by 1e12: precise rows and saturated.)
        own = np.diag(gram).copy()
        self.size = 1 / np.sqrt(np.where(own > 0, own, 1.0))
        gram *= self.size[:, None] * self.size
        gram[np.diag_indices_from(gram)] = 1 + damping + 1e-12
        root: tuple[Array, bool] = cho_factor(gram, lower=True, overwrite_a=True)
        return root

    def _weigh(self, change: Array) -> Array:
        return np.asarray(np.einsum("nij,nj->ni", self.weights, change))

    def _regress(self, wish: Array) -> Array:
        right = (self.features.T @ wish).ravel() * self.size
        return np.asarray(cho_solve(self.root, right) * self.size).reshape(-1, wish.shape[1])

    def _made_good(self, wish: Array) -> Array:
        return self.features @ self._regress(wish)

    def _forth(self, v: Array) -> Array:
        return np.asarray((self.active * (self.fit.samples.x @ v.T)) @ self.outputs)

    def _back(self, wish: Array) -> Array:
        return np.asarray((self.active * (wish @ self.outputs.T)).T @ self.fit.samples.x)

    def normal_matrix(self, v: Array) -> Array:
        change = self._weigh(self._forth(v))
        change -= self._weigh(self._made_good(change))
        return self._back(change) + self.ridge * v

    def taken(self) -> tuple[Array, Array]:
        """Hidden neurons and coefficients after the step."""
        self.solve(_ITERATIONS)
        hidden, c = self.fit.hidden, self.fit.coefficients
        change, affine = self.change[: len(hidden)], self.change[len(hidden) :].T
        made_good = self._regress(self.wish - self._weigh(self._forth(self.change)))
        return hidden + change, c + np.concatenate([made_good, affine.reshape(-1, c.shape[1])])


def improve(fit: LinkedFit, steps: int) -> LinkedFit:
    """Levenberg-Marquardt, until a few steps fall by little."""
    damping, still = 1e-2, 0
    for _ in range(steps):
        for _ in range(8):
            trial = LinkedFit(fit.told, *LinkedStep(fit, damping).taken(), fit.blur)
            if trial.loss < fit.loss:
                break
            damping = 8 * max(damping, 1e-6)
        else:
            return fit
        still = still + 1 if trial.loss > (1 - _SLOW) * fit.loss else 0
        fit, damping = trial, max(damping / 5, 1e-9)
        if still > _STILL:
            break
    return fit


def settle(
    fit: LinkedFit, ladder: tuple[float, ...] = _LADDER, hurry: Callable[[], bool] = bool
) -> LinkedFit:
    """Explain as many rows as can be: those that are not count little, and less the further off
    they are. `ladder` is the least blur, rung by rung; it ends early if there is no time."""
    for least in ladder:
        before = np.inf
        for _ in range(_ROUNDS):
            if hurry():
                return fit
            fit = improve(fit.blurred(least), _STEPS)
            if fit.misfit > (1 - _FALLS) * before:
                break
            before = fit.misfit
    return fit
