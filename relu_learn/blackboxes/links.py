"""Links: what is piecewise linear is not the probability but its logit.

A link maps the answers of a model to the scores behind them, and back. A probability that is off
by e moves log p by e / p: how much each score may be off is known row by row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import InvalidArgument

Array = NDArray[np.float64]
# Columns that sum to 1 up to this are a softmax's, rounded to two decimals or computed in float32.
_ONE = 0.02


@dataclasses.dataclass(frozen=True)
class Link:
    """How scores, which a network computes, are told as answers.

    Attributes
    ----------
    name : {"identity", "logit", "softmax", "logits"}
    scores : callable
        Answers (n,) or (n, m) -> scores; infinite where an answer is saturated.
    answers : callable
        The inverse.
    parts : callable
        Answers -> the probabilities (n, g, q) whose logarithms the scores are made of, in g groups
        that sum to 1.
    """

    name: str
    scores: Callable[[Array], Array]
    answers: Callable[[Array], Array]
    parts: Callable[[Array], Array]


def _logs(p: Array) -> Array:
    if (p < 0).any() or (p > 1 + _ONE).any():
        raise InvalidArgument(
            "link: probabilities must be between 0 and 1, got answers from "
            f"{p.min():.4g} to {p.max():.4g} (are they scores? then link='identity')"
        )
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(p))


def _logit(p: Array) -> Array:
    """log p / (1 - p), without losing the digits of a small p."""
    with np.errstate(divide="ignore"):
        return np.asarray(_logs(p) - np.log1p(-np.minimum(p, 1)))


def _expit(z: Array) -> Array:
    small = np.exp(-np.abs(z))  # without overflow
    return np.asarray(np.where(z < 0, small, 1.0) / (1 + small))


def _log_ratios(p: Array) -> Array:
    """log p_j / p_0 for the other columns j; (n,) if there is one."""
    if p.ndim != 2 or p.shape[1] < 2:
        raise InvalidArgument(
            f"link='softmax' is for two or more columns, got answers of shape {p.shape}: "
            "a single probability has link='logit'"
        )
    if len(p) and np.abs(p.sum(axis=1) - 1).max() > _ONE:
        raise InvalidArgument(
            "link='softmax' is for columns that sum to 1, got a row that sums to "
            f"{p[np.abs(p.sum(axis=1) - 1).argmax()].sum():.4g}: several yes-or-no questions at "
            "once have link='logits'"
        )
    logs = _logs(p)
    with np.errstate(invalid="ignore"):  # both saturated
        ratios = logs[:, 1:] - logs[:, :1]
    return ratios[:, 0] if ratios.shape[1] == 1 else ratios


def _softmax(z: Array) -> Array:
    z = z[:, None] if z.ndim == 1 else z
    z = np.concatenate([np.zeros((len(z), 1)), z], axis=1)
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def _both(p: Array) -> Array:
    columns = p.reshape(len(p), -1)
    return np.stack([columns, 1 - columns], axis=2)


IDENTITY = Link("identity", lambda y: y, lambda z: z, lambda y: np.empty((len(y), 0, 2)))
LINKS = {
    link.name: link
    for link in (
        IDENTITY,
        Link("logit", _logit, _expit, _both),
        Link("softmax", _log_ratios, _softmax, lambda p: p[:, None]),
        Link("logits", _logit, _expit, _both),
    )
}


def link_of(link: str | Link) -> Link:
    """A link by its name."""
    if isinstance(link, Link):
        return link
    if link in LINKS:
        return LINKS[link]
    raise InvalidArgument(f"link must be one of {', '.join(LINKS)}, got {link!r}")
