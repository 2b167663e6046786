"""How many digits probabilities have, and so how far off their scores may be.

A probability that is off by e moves log p by e / p: it is known row by row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Lattices that answers are rounded to: decimals, and 1 - p in half, single and double precision.
_LATTICES = (*(10.0**-k for k in range(1, 10)), 2.0**-11, 2.0**-24, 2.0**-53)


def precision(parts: Array) -> tuple[Array, Array]:
    """How much answers (n, ...) may be off, each, and the smallest (...) that can be told from 0.

    Small numbers that are whole multiples of a lattice's step were rounded to it. (1 - p in
    float64 is a multiple of 2^-53 however small it is; what a softmax makes so small is not.)
    """
    single = bool((parts == parts.astype(np.float32)).all())
    info = np.finfo(np.float32 if single else float)
    columns = parts.reshape(len(parts), -1).T
    step = np.array([_step(column, float(info.eps)) for column in columns]).reshape(parts.shape[1:])
    return np.maximum(np.abs(parts) * float(info.eps), step) / 2, np.maximum(step, float(info.tiny))


def _step(values: Array, eps: float) -> float:
    """The step of the lattice that values (n,) were rounded to; 0 if there is none.

    The finest lattice is believed until a value contradicts it, the others if three values tell.
    """
    small = np.unique(np.abs(values[values != 0]))
    for step in _LATTICES:
        ratio = small / step
        ratio = ratio[4 * eps * ratio < 0.1]  # larger numbers have no digits to tell by
        if len(ratio) >= 3 or step == _LATTICES[-1]:
            whole = np.maximum(np.round(ratio), 1)
            if (np.abs(ratio - whole) <= 1e-6 + 4 * eps * ratio).all():
                return step
    return 0.0


def doubts(parts: Array) -> Array:
    """How far off the logarithms of a row's parts (n, g, q) may be (n,), the worst of them;
    infinite where one cannot be told from 0."""
    off, least = precision(parts)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = np.where(parts >= least, off / parts, np.inf)
    return np.asarray(rows.max(axis=(1, 2), initial=0.0))
