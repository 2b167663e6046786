"""Which link lies between scores and answers; and what it is if it is none of them.

Scores of a one-hidden-layer network are straight on most short segments, whatever the network: the
right link is the one that makes them so.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import log_expit

from relu_learn.asking.arguments import Seed, generator
from relu_learn.asking.errors import InvalidArgument, NotPiecewiseLinear
from relu_learn.blackboxes.digits import doubts, precision
from relu_learn.blackboxes.links import IDENTITY, LINKS, Link
from relu_learn.blackboxes.model import Model

Array = NDArray[np.float64]

# Segments, the points of each, and half their length in units of the box: short enough for most to
# meet no kink of a hundred neurons, long enough for a sigmoid to bend.
_SEGMENTS, _POINTS, _SHORT = 24, 7, 0.004
# A segment tells if scores vary on it by so much more than they may be off.
_HEARD = 100
# Scores are straight if they bend by less than this, in units of what they vary by: in float64, and
# in float32. (Over a range of z, log-ratios of sigmoids bend by z / 50.)
_STRAIGHT, _SINGLE = 1e-7, 1e-4
# A few neurons' kinks leave so many segments straight; a curve hardly any. What is straight on so
# many is right even if answers have too few digits to tell of another link.
_MOST, _SURE = 0.25, 0.6
# To tell one kind of curve from another takes longer segments with more points, that bend by so
# much, and a fit that leaves so little of the bend on two of so many.
_LONG, _MORE, _BENT, _LEFT, _FITS = 20, 14, 1e-3, 1e-4, 12


@dataclasses.dataclass(frozen=True, eq=False)
class _Segments:
    """Answers at evenly spaced points of random segments.

    Attributes
    ----------
    x : ndarray of shape (s, p, d)
    answers : ndarray of shape (s, p, m)
    is_scalar : bool
    """

    x: Array
    answers: Array
    is_scalar: bool

    @classmethod
    def of(cls, model: Model, rng: np.random.Generator, half: float, points: int) -> _Segments:
        """Within the model's bounds, or near the origin."""
        low, high = model.bounds or (-np.ones(model.dim), np.ones(model.dim))
        size = (_SEGMENTS, 1, model.dim)
        middle = rng.uniform(half - 1, 1 - half, size)
        z = middle + np.linspace(-half, half, points)[:, None] * rng.choice([-1.0, 1.0], size)
        x = (low + high) / 2 + (high - low) / 2 * z
        answers = np.asarray(model.answers(x.reshape(-1, model.dim)), dtype=float)
        return cls(x, answers.reshape(*x.shape[:2], -1), answers.ndim == 1)

    def straight(self, link: Link) -> float | None:
        """The share of segments on which these scores are straight, of those that tell."""
        flat = self.answers.reshape(-1, self.answers.shape[2])
        given = flat[:, 0] if self.is_scalar else flat
        try:
            z = link.scores(given).reshape(*self.answers.shape[:2], -1)
        except InvalidArgument:  # no probabilities
            return 0.0
        z = np.where(np.isfinite(z), z, np.nan)  # a segment that cannot be read tells nothing
        off = precision(flat)[0].max(axis=1) if link is IDENTITY else doubts(link.parts(given))
        doubt, vary = off.reshape(self.answers.shape[:2]).max(axis=1), np.ptp(z, axis=1).max(axis=1)
        tell = np.isfinite(vary) & (vary > _HEARD * doubt)
        if not tell.any():
            return None
        single = bool((flat == flat.astype(np.float32)).all())
        least = np.maximum(_SINGLE if single else _STRAIGHT, 4 * doubt[tell] / vary[tell])
        return float((bend(z[tell]) < least).mean())

    @property
    def other(self) -> str:
        """The name of the logit that is not for answers of this shape."""
        return "logits" if self.is_scalar else "logit"

    def witness(self) -> Array:
        middle = (self.x.shape[1] - 1) // 2
        return self.x[0][[0, middle, 2 * middle]]


def bend(z: Array) -> Array:
    """How far scores (s, p, m) are from straight (s,), in units of what they vary by."""
    t = np.linspace(-1, 1, z.shape[1])
    design = np.stack([np.ones_like(t), t], axis=1)
    off = z - np.einsum("pq,sqm->spm", design @ np.linalg.pinv(design), z)
    vary = np.ptp(z, axis=1).max(axis=1)
    return np.asarray(np.abs(off).max(axis=(1, 2)) / np.where(vary > 0, vary, 1))


def find_link(model: Model, *, rng: Seed = 0) -> Model:
    """The model with the link that makes its answers those of a one-hidden-layer network.

    Asks 168 times within the model's bounds, or near the origin; and 336 times more where columns
    sum to 1.

    Parameters
    ----------
    model : Model
        Its own link is tried first, and kept if the answers have too few digits to tell.
    rng : int, numpy.random.Generator or None

    Returns
    -------
    Model

    Raises
    ------
    NotPiecewiseLinear
        No link makes them straight: labels, a tree, one-vs-rest probabilities, or a curve.
    """
    random = generator(rng)
    segments = _Segments.of(model, random, _SHORT, _POINTS)
    answers = segments.answers
    still = float((np.ptp(answers, axis=1) == 0).all(axis=1).mean())
    if still > 1 - _MOST and np.ptp(answers, axis=(0, 1)).any():
        raise NotPiecewiseLinear(
            f"{model.title} answers alike all along {100 * still:.0f} % of short segments, and "
            "not from one to the other: labels, a tree or a forest, a nearest-neighbour rule",
            segments.witness(),
        )
    assert isinstance(model.link, Link)
    own = model.link.name
    names = [name for name in (own, *LINKS) if name != segments.other]
    shares = {name: segments.straight(LINKS[name]) for name in names}
    told = {name: share for name, share in shares.items() if share is not None}
    best = max(told, key=lambda name: told[name], default=own)
    if len(told) < len(shares) and told.get(best, 0.0) < _SURE:  # it may be what has not told
        best = next(name for name, share in shares.items() if share is None)
    if best == "softmax" or told.get(best, 1.0) < _MOST:
        _refuse_one_vs_rest(model, random)
    if told.get(best, 1.0) < _MOST:
        raise NotPiecewiseLinear(
            f"{model.title}: no link ({', '.join(LINKS)}) makes its answers piecewise linear: a "
            "curved activation (tanh, sigmoid, GELU), calibrated probabilities, or the mean of "
            "several models",
            segments.witness(),
        )
    return model.linked(best)


def _refuse_one_vs_rest(model: Model, rng: np.random.Generator) -> None:
    """Sigmoids that were divided by their sum are straight where they are small, and bend where
    they are not."""
    segments = _Segments.of(model, rng, _LONG * _SHORT, _MORE)
    p = segments.answers
    if p.shape[2] < 3 or (p <= 0).any() or np.abs(p.sum(axis=2) - 1).max() > _BENT:
        return
    logs = np.log(p)
    ratios = logs[..., 1:] - logs[..., :1]
    bent = logs[(bend(ratios) > _BENT) & _curved(ratios)]
    left = [_left_by_one_vs_rest(one) for one in bent[:_FITS]]
    if sum(rest < _LEFT for rest in left) > 1:  # the other segments have kinks, too
        raise NotPiecewiseLinear(
            f"{model.title} answers with one-vs-rest probabilities: sigmoids that were divided by "
            "their sum, which hides the scores of each (its decision_function would tell them)",
            segments.witness(),
        )


def _curved(z: Array) -> NDArray[np.bool_]:
    """Whether scores (s, p, m) bend nearly everywhere on a segment (s,): a kink near its end, where
    they bend once, is as good as a sigmoid that begins to."""
    bends = np.abs(np.diff(z, 2, axis=1)).max(axis=2)
    return np.asarray(np.quantile(bends, 0.25, axis=1) > _BENT * bends.max(axis=1))


def _left_by_one_vs_rest(logs: Array) -> float:
    """What a fit of sigmoids of straight scores leaves of the bend of log p (p, m)."""
    t, m = np.linspace(-1, 1, len(logs)), logs.shape[1]
    ratios = logs[:, 1:] - logs[:, :1]

    def off(parts: Array) -> Array:
        each = log_expit(parts[:m] + np.multiply.outer(t, parts[m:]))
        return np.asarray((each[:, 1:] - each[:, :1] - ratios).ravel())

    middle = logs[len(logs) // 2]
    start = np.concatenate([middle - np.log1p(-np.exp(middle)), (logs[-1] - logs[0]) / 2])
    fit = least_squares(off, start, ftol=1e-15, xtol=1e-15, gtol=1e-15, max_nfev=200)
    curved = bend(ratios[None])[0] * np.ptp(ratios, axis=0).max()
    return float(np.abs(fit.fun).max() / curved) if curved else 1.0
