"""Which neurons to turn around, so that no linear part is left: a subset sum problem.

See `ReluNetwork.orient`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from relu_learn.core.errors import OrientationNotFound

Array = NDArray[np.float64]

# What float64 leaves of equations that hold, relative to their size.
_ROUNDING = 16 * float(np.finfo(float).eps)
# Candidates that are tried at most.
_MAX_PAIRS = 10**7


def subset_sum(columns: Array, target: Array, time_limit: float, rtol: float) -> NDArray[np.bool_]:
    """Solutions z in {0, 1}^k of columns @ z = target.

    Parameters
    ----------
    columns : ndarray of shape (p, k)
    target : ndarray of shape (p,)
    time_limit, rtol : float
        See `ReluNetwork.orient`.

    Returns
    -------
    ndarray of bool, shape (c, k)
        At least one solution; several where they fit equally well.
    """
    from scipy.linalg import qr, solve_triangular

    deadline = time.monotonic() + time_limit
    k = columns.shape[1]
    size = np.linalg.norm(columns)
    if size == 0.0:
        raise OrientationNotFound("no orientation without a linear part: no neuron has an effect")
    columns, target = columns / size, target / size
    q, r, order = qr(columns, mode="economic", pivoting=True)
    right = q.T @ target

    def best(candidates: NDArray[np.bool_]) -> NDArray[np.bool_]:
        left = np.linalg.norm(candidates @ columns.T - target, axis=1)
        return candidates[left <= min(rtol, 4 * left.min(initial=rtol) + 4 * _ROUNDING)]

    found = np.empty((0, k), dtype=bool)
    pivots = np.abs(np.diag(r))
    if len(pivots) == k and pivots[-1] > k * _ROUNDING:
        z = np.empty((1, k), dtype=bool)
        z[0, order] = solve_triangular(r, right) > 0.5
        found = best(z)
    # Below this, a pivot no longer decides between 0 and 1 against errors of size rtol.
    rank = int(np.sum(pivots > 100 * rtol))
    # The e unknowns of the largest pivots follow from the others; rank - e equations remain for
    # those, and the more there are the fewer subsets fit by coincidence.
    affordable = min(46, int(2 * math.log2(max(2.0, time_limit * 1e6))))
    e = min(max(0, k - min(affordable, 34)), rank - 1)
    if len(found) or rank == k:
        reason = "the equations determine every neuron, and rounding does not solve them"
    elif k - e <= affordable:
        reason = f"none of the 2^{k - e} possibilities fits"
        for rest in _matching_subsets(r[e:rank, e:], right[e:rank], rtol):
            z = np.empty((len(rest), k), dtype=bool)
            z[:, order[e:]] = rest
            side = right[:e, None] - r[:e, e:] @ rest.T
            z[:, order[:e]] = solve_triangular(r[:e, :e], side).T > 0.5
            found = best(z)
            if len(found):
                break
    else:
        reason = f"{k} neurons in {rank} equations are too many to decide in {time_limit:g} s"
        z = np.empty((1, k), dtype=bool)
        seconds = max(0.01, deadline - time.monotonic())
        z[0, order] = _integer_program(r[:rank], right[:rank], seconds, rtol)
        found = best(z)
    if not len(found):
        raise OrientationNotFound(
            f"no orientation of the {k} neurons without a linear part (to rtol={rtol:g}): {reason}"
        )
    return found


def _matching_subsets(rows: Array, target: Array, rtol: float) -> Iterator[NDArray[np.bool_]]:
    """Subsets z (c, n) with rows (s, n) @ z = target, for tolerances that grow up to `rtol`.

    Meet in the middle: a random projection makes numbers of the equations; the sums of all subsets
    of the first half are looked up among what those of the second half leave of the target.
    """
    s, n = rows.shape
    # Alternating, so that large and small columns go to both halves.
    halves = np.arange(0, n, 2), np.arange(1, n, 2)
    probe = np.random.default_rng(0).standard_normal((s,))
    probe /= np.linalg.norm(probe)
    sums = []
    for half in halves:
        total = np.zeros(1)
        for value in probe @ rows[:, half]:  # the sum of subset number j, for every j
            total = np.concatenate([total, total + value])
        sums.append(total)
    sums[1] = probe @ target - sums[1]
    order = [np.argsort(values) for values in sums]
    left, right = (values[at] for values, at in zip(sums, order, strict=True))
    for tolerance in (*(t for t in (1e-15, 1e-13, 1e-11, 1e-9) if t < rtol), rtol):
        low = np.searchsorted(left, right - tolerance)
        count = np.searchsorted(left, right + tolerance) - low
        hits = np.flatnonzero(count)
        # All pairs, or as many as memory allows: equal neurons make a multitude of equal sums.
        all_pairs = int(count.sum())
        hits = hits[: max(1, int(np.searchsorted(np.cumsum(count[hits]), _MAX_PAIRS)))]
        low, count = low[hits], count[hits]
        start = np.repeat(low - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
        subsets = (
            order[0][start + np.arange(len(start))],
            order[1][np.repeat(hits, count)],
        )
        for begin in range(0, len(start), 2**13):
            z = np.empty((len(start[begin : begin + 2**13]), n), dtype=bool)
            for half, subset in zip(halves, subsets, strict=True):
                z[:, half] = subset[begin : begin + 2**13, None] >> np.arange(len(half)) & 1
            error = np.linalg.norm(z @ rows.T - target, axis=1)
            yield z[error <= 2 * tolerance]
        if len(start) < all_pairs:
            raise OrientationNotFound(
                f"no orientation without a linear part among the {len(start):,} most promising "
                f"ones of {n} neurons; one may exist"
            )


def _integer_program(
    rows: Array, target: Array, time_limit: float, rtol: float
) -> NDArray[np.bool_]:
    """Whatever HiGHS finds for rows @ z = target with z in {0, 1}^n; zeros if nothing."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    n = rows.shape[1]
    result = milp(
        np.zeros(n),
        integrality=np.ones(n),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows, target - rtol, target + rtol),
        options={"time_limit": time_limit},
    )
    return np.zeros(n, dtype=bool) if result.x is None else result.x > 0.5
