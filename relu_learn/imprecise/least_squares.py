"""All neurons at once, by least squares.

For given hidden neurons the rest of F' (output weights, skip, offset) is a linear regression;
eliminating it (variable projection) leaves a least squares problem in the hidden neurons alone.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ParamSpec, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

# Half the angle between two neurons that were taken for one is known to a factor of two: so much of
# what would bend F' as much as it is off is tried.
_ANGLES = np.array([2.0, 1.4, 1.0, 0.7, 0.5])
# Neurons at an angle of less than 1/20 may be one: 1 - cos. (Two that are not cost a fit to try.)
_NEAR = 1e-3
# Every iteration of a step must take this share of what the step need not take of the loss: down at
# the noise a hundred of them gain nothing. (64-32-10, 30-60-1 and 100-64-1 in float32: 0.6, 0.4 and
# 0.5 of the time without it, and the same networks; ÷ 10: 0.6, 0.6 and 0.7.)
_WORTH = 1e-2
R = TypeVar("R")
P = ParamSpec("P")


@functools.cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


def one_thread(compute: Callable[P, R]) -> Callable[P, R]:
    """Without the threads of BLAS: a step of a fit is thousands of products of a millisecond, and
    on a busy machine each of them would wait until all threads have had their turn. (Measured with
    two threads on two busy cores: 15 times as long.) Not for what asks the black box, whose own
    products may be large."""

    @functools.wraps(compute)
    def alone(*args: P.args, **kwargs: P.kwargs) -> R:
        with _libraries().limit(limits=1, user_api="blas"):
            return compute(*args, **kwargs)

    return alone


@dataclasses.dataclass(eq=False)
class Samples:
    """Points x (n, d + 1) with a last column of ones, answers y (n, m) in units of the noise."""

    x: np.ndarray
    y: np.ndarray


class Fit:
    """F' for given hidden neurons, with everything else eliminated by linear regression.

    F'(x) = Z(x) c with the features Z = [relu(<w_i, x> - b_i), x, 1], and c (k + d + 1, m) the
    least squares solution. The residual is orthogonal to the columns of Z.

    Parameters
    ----------
    samples : Samples
    hidden : ndarray of shape (k, d + 1)
        Rows (w_i, -b_i), normalised: their length is free, as c makes it good. So is their sign, as
        relu(z) = z + relu(-z): all are turned to be active on at most half of the samples. (What a
        neuron that is nearly always active does beside the affine part is small: its derivatives
        would be large, and cancel.)
    """

    @one_thread
    def __init__(self, samples: Samples, hidden: np.ndarray) -> None:
        self.samples = samples
        length = np.linalg.norm(hidden, axis=1, keepdims=True)
        self.hidden = hidden / np.where(length > 0, length, 1.0)
        active = samples.x @ self.hidden.T
        turn = np.where((active > 0).sum(axis=0) > len(active) / 2, -1.0, 1.0)
        self.hidden *= turn[:, None]
        active *= turn
        self.active = (active > 0).astype(float)
        self.features = np.concatenate([np.maximum(active, 0, out=active), samples.x], axis=1)
        gram = self.features.T @ self.features
        self.size = np.sqrt(np.maximum(np.diag(gram), np.finfo(float).tiny))
        gram /= self.size[:, None] * self.size
        # Twin neurons make it singular. The second solve takes back what this does to the others.
        gram[np.diag_indices_from(gram)] += 1e-9
        self.root = np.linalg.inv(np.linalg.cholesky(gram))
        c = self.regress(samples.y)
        c += self.regress(samples.y - self.features @ c)
        self.coefficients = c
        self.residual = samples.y - self.features @ c
        self.loss = float((self.residual**2).sum())

    def regress(self, y: np.ndarray) -> np.ndarray:
        """Coefficients (k + d + 1, q) of the regression of y (n, q) on the features."""
        moments = (self.features.T @ y) / self.size[:, None]
        return np.asarray(self.root.T @ (self.root @ moments)) / self.size[:, None]

    @property
    def outputs(self) -> np.ndarray:
        """Output weights (k, m)."""
        return self.coefficients[: len(self.hidden)]

    @one_thread
    def off(self, samples: Samples) -> np.ndarray:
        """F' minus the answers (n, m) of other samples."""
        hidden = np.maximum(samples.x @ self.hidden.T, 0)
        return np.concatenate([hidden, samples.x], axis=1) @ self.coefficients - samples.y

    @one_thread
    def rise(self) -> np.ndarray:
        """What the loss rises by without each neuron (k,), if the regression makes good for it."""
        k = len(self.hidden)
        inverse = (self.root**2).sum(axis=0)
        return np.asarray((self.outputs**2).sum(axis=1) * self.size[:k] ** 2 / inverse[:k])


class GaussNewton:
    """A Gauss-Newton step of the hidden neurons, after elimination of the rest.

    A change V of the hidden neurons changes F' by T = (active * (x V^T)) a, of which the regression
    makes good all but the part T' orthogonal to the features (variable projection in Kaufman's
    form). Minimise |residual - T'|^2 + damping |V|^2, in the norm of the diagonal, by conjugate
    gradients: a product costs n k d, and no matrix of squared size is formed.

    Parameters
    ----------
    fit : Fit
    damping : float
    forcing : float
        Solved when only this share of the residual of its equations is left. Far from the solution
        a step is not worth more, and near it every step still takes a digit. (Down to a hundredth
        takes five times as many operations for the same fit.)

    Attributes
    ----------
    change : ndarray of shape (k, d + 1)
        The step so far.
    idle : bool
        Whether the last iteration took hardly anything of the loss.
    """

    def __init__(self, fit: Fit, damping: float, forcing: float = 0.1) -> None:
        self.fit, x, a = fit, fit.samples.x, fit.outputs
        norm = (a**2).sum(axis=1)[:, None] * (fit.active.T @ x**2)
        norm += 1e-12 * norm.max(initial=0) + np.finfo(float).tiny
        self.norm, self.ridge = norm, damping * norm
        self._start((fit.active * (fit.residual @ a.T)).T @ x, forcing)

    def _start(self, left: np.ndarray, forcing: float) -> None:
        self.left, self.change = left, np.zeros_like(left)
        self.iterations, self.idle = 0, False
        self.direction = left / self.norm
        self.power = float((left * self.direction).sum())
        self.enough = forcing**2 * self.power
        self.least = _WORTH * forcing**2 * float((self.fit.residual**2).sum())

    def normal_matrix(self, v: np.ndarray) -> np.ndarray:
        fit, x, a = self.fit, self.fit.samples.x, self.fit.outputs
        change = (fit.active * (x @ v.T)) @ a
        change -= fit.features @ fit.regress(change)
        product: np.ndarray = (fit.active * (change @ a.T)).T @ x
        return product + self.ridge * v

    def solved(self, iterations: int) -> bool:
        """Whether it is precise enough, or was iterated so often, or is not worth more."""
        return self.idle or self.power <= self.enough or self.iterations >= iterations

    @one_thread
    def solve(self, iterations: int, operations: float = np.inf) -> float:
        """Iterate until it is `solved`, or after so many operations; returns how many it took."""
        work = 0.0
        while not (self.solved(iterations) or work > operations):
            work += 4.0 * len(self.fit.samples.x) * (self.change.size + self.fit.coefficients.size)
            self.iterations += 1
            image = self.normal_matrix(self.direction)
            rate = self.power / float((self.direction * image).sum())
            self.idle = rate * self.power < self.least  # what the loss falls by
            self.change += rate * self.direction
            self.left -= rate * image
            scaled = self.left / self.norm
            self.power, before = float((self.left * scaled).sum()), self.power
            self.direction = scaled + self.power / before * self.direction
        return work


@one_thread
def propose_neurons(
    fit: Fit,
    count: int,
    rng: np.random.Generator,
    blurred: Mapping[int, float] = MappingProxyType({}),
) -> np.ndarray:
    """The hidden neurons of a fit and at most `count` more (k + count, d + 1), which resemble the
    residual: new ones, or two at a small angle instead of one that is `blurred`.

    From random hyperplanes through samples, climb the covariance of a neuron with the residual;
    split the others; and take those that explain most of it on top of the features that there are.
    """
    x, residual = fit.samples.x, fit.residual
    normals = rng.standard_normal((8 * count, x.shape[1] - 1))
    through = x[rng.integers(0, len(x), len(normals)), :-1]
    w = np.column_stack([normals, -(normals * through).sum(axis=1)])
    for _ in range(8):
        w /= np.linalg.norm(w, axis=1, keepdims=True)
        values = np.maximum(x @ w.T, 0)
        covariance = values.T @ residual
        uphill = ((values > 0) * (residual @ covariance.T)).T @ x
        w += 0.5 * uphill / (np.linalg.norm(uphill, axis=1, keepdims=True) + 1e-300)
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    which, aside = twins(fit, blurred)
    middle = fit.hidden[which]
    split = np.abs(x @ aside.T) - np.abs(x @ middle.T)
    values = np.maximum(np.column_stack([x @ w.T, split]), 0)
    covariance = values.T @ residual
    new = values - fit.features @ fit.regress(values)
    power = (new**2).sum(axis=0) + 1e-3 * (values**2).sum(axis=0) + np.finfo(float).tiny
    hidden = fit.hidden.copy()
    chosen: list[int] = []
    more: list[np.ndarray] = []
    for i in np.argsort(-(covariance**2).sum(axis=1) / power):
        if len(more) == count:
            break
        j = i - len(w)
        if j < 0:
            if (np.abs(w[chosen] @ w[i]) < 0.95).all():
                chosen.append(int(i))
                more.append(w[i])
        elif (hidden[which[j]] == middle[j]).all():
            hidden[which[j]] = middle[j] - aside[j]
            more.append(middle[j] + aside[j])
    return np.concatenate([hidden, np.reshape(more, (-1, x.shape[1]))])


def near_pairs(fit: Fit) -> list[tuple[int, int, np.ndarray]]:
    """Neurons that are nearly one, and one (d + 1,) between each two of them; the nearest first."""
    cosine, size = fit.hidden @ fit.hidden.T, np.linalg.norm(fit.outputs, axis=1)
    near = np.argwhere(np.triu(1 - np.abs(cosine) < _NEAR, 1))
    pairs = []
    for i, j in sorted(near.tolist(), key=lambda pair: -abs(cosine[tuple(pair)])):
        middle = size[i] * fit.hidden[i] + np.sign(cosine[i, j]) * size[j] * fit.hidden[j]
        if (length := np.linalg.norm(middle)) > 0:  # neither of two that do nothing is anywhere
            pairs.append((i, j, middle / length))
    return pairs


def hyperplanes(fit: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Where F' may be off because neurons are nearly one (q, d + 1), and the outputs there (q, m):
    first every neuron, then those between two."""
    pairs = near_pairs(fit)
    rows = np.vstack([fit.hidden, *(middle for _, _, middle in pairs)])
    return rows, np.vstack([fit.outputs, *(fit.outputs[i] + fit.outputs[j] for i, j, _ in pairs)])


def joined(fit: Fit) -> np.ndarray | None:
    """The hidden neurons (k - 1, d + 1) with the two that are nearest to each other as one, between
    them; None if none are near. (Between two that were split in vain F' may be anything.)"""
    for i, j, middle in near_pairs(fit):
        hidden = fit.hidden.copy()
        hidden[i] = middle
        return np.delete(hidden, j, axis=0)
    return None


def twins(fit: Fit, blurred: Mapping[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Ways to split these neurons w into w + v and w - v: which ones (q,), and v (q, d + 1).

    That changes F' by their outputs times (|<v, x>| - |<w, x>|)+, which is 0 but close to the
    hyperplane. So what two neurons that were taken for one leave behind is there, where |<w, x>| is
    up to a width, and grows with <v, x>^2: v is the main axis of the samples there, weighted by it,
    and so long that it explains it.
    """
    x, which, aside = fit.samples.x, [], []
    for i, width in blurred.items():
        if i >= len(fit.hidden):
            continue
        far, output = np.abs(x @ fit.hidden[i]), fit.outputs[i]
        near = np.flatnonzero(far < width)
        bend = fit.residual[near] @ output / (output @ output + 1e-300)
        size = np.linalg.norm(x[near], axis=1)
        way, off = x[near] / size[:, None], bend / size
        weight = np.maximum(off, 0)
        if len(near) < 2 or not weight.any():
            continue
        _, axes = np.linalg.eigh(way.T @ ((off - off.mean())[:, None] * way))
        length = weight @ (bend + far[near]) / (weight @ np.abs(x[near] @ axes[:, -1]) + 1e-300)
        which += [i] * len(_ANGLES)
        aside += list(np.multiply.outer(length * _ANGLES, axes[:, -1]))
    return np.array(which, dtype=int), np.reshape(aside, (-1, x.shape[1]))
