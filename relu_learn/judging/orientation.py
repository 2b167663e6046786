"""Which neurons to turn around, so that no linear part is left: a subset sum problem."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import InvalidArgument, OrientationNotFound
from relu_learn.network import ReluNetwork, require_network

Array = NDArray[np.float64]

# What float64 leaves of equations that hold, relative to their size.
_ROUNDING = 16 * float(np.finfo(float).eps)
# Candidates that are tried at most.
_MAX_PAIRS = 10**7


def orient(network: ReluNetwork, time_limit: float = 10.0, rtol: float = 1e-8) -> ReluNetwork:
    """An equivalent network without a linear part, by turning some neurons around.

    As relu(z) = relu(-z) + z, turning neuron i around adds a_i w_i to the linear part u. A
    network that was learned from answers has its neurons oriented at random; if the secret
    has no linear part, some set S of neurons has u = -sum_{i in S} a_i w_i, and after turning
    S around the parameters are the secret's, up to permutation and scale.

    Parameters
    ----------
    network : ReluNetwork
    time_limit : float
        Seconds to search for at most, about.
    rtol : float
        What may be left of the linear part (and is dropped), relative to the root sum of
        squares of all |a_i w_i|: the accuracy of the parameters.

    Raises
    ------
    OrientationNotFound
        There is none, or none was found in time; the message says which.

    Notes
    -----
    These are m d equations for k unknowns in {0, 1}. Up to k = m d, least squares and rounding
    solve them. If some forty unknowns more remain, the sums of the subsets of two halves of
    them are sorted and matched. Otherwise `scipy.optimize.milp` tries, which is quick while
    k < 2 m d: then the box [0, 1]^k mostly leaves a single point. For very many neurons
    several orientations fit to rounding: the function is right with each of them.
    """
    if not time_limit > 0:
        raise InvalidArgument(f"time_limit must be positive, got {time_limit!r}")
    if not 0 < rtol < 1:
        raise InvalidArgument(f"rtol must be in (0, 1), got {rtol!r}")
    if not require_network("network", network).has_skip:
        return network
    a = np.atleast_2d(network.output_weights)
    columns = (a[:, None, :] * network.weights.T).reshape(network.skip.size, network.n_neurons)
    turns = _subset_sum(columns, -network.skip.ravel(), time_limit, rtol)
    offsets = np.atleast_1d(network.offset) - (turns * network.biases) @ a.T
    # Equal weights at different biases leave a choice: most networks have no offset.
    best = int(np.linalg.norm(offsets, axis=1).argmin())
    sign, offset = np.where(turns[best], -1.0, 1.0), offsets[best].reshape(network.offset.shape)
    weights, biases = sign[:, None] * network.weights, sign * network.biases
    return ReluNetwork(weights, biases, network.output_weights, None, offset)


def _subset_sum(columns: Array, target: Array, time_limit: float, rtol: float) -> NDArray[np.bool_]:
    """Solutions z in {0, 1}^k of columns (p, k) @ z = target (p,); see `orient`.

    At least one (c, k); several where they fit equally well.
    """
    from scipy.linalg import qr, solve_triangular

    deadline = time.monotonic() + time_limit
    k = columns.shape[1]
    size = np.linalg.norm(columns)
    if size == 0.0:
        raise OrientationNotFound("no orientation without a linear part: no neuron has an effect")
    columns, target = columns / size, target / size
    q, r, order = qr(columns, mode="economic", pivoting=True)
    columns, right = columns[:, order], q.T @ target  # from here on, neurons are in this order

    def best(candidates: NDArray[np.bool_]) -> NDArray[np.bool_]:
        left = np.linalg.norm(candidates @ columns.T - target, axis=1)
        return candidates[left <= min(rtol, 4 * left.min(initial=rtol) + 4 * _ROUNDING)]

    found = np.empty((0, k), dtype=bool)
    pivots = np.abs(np.diag(r))
    if len(pivots) == k and pivots[-1] > k * _ROUNDING:
        found = best(solve_triangular(r, right)[None] > 0.5)
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
            side = right[:e, None] - r[:e, e:] @ rest.T
            found = best(np.hstack([solve_triangular(r[:e, :e], side).T > 0.5, rest]))
            if len(found):
                break
    else:
        reason = f"{k} neurons in {rank} equations are too many to decide in {time_limit:g} s"
        seconds = max(0.01, deadline - time.monotonic())
        found = best(_integer_program(r[:rank], right[:rank], seconds, rtol)[None])
    if not len(found):
        raise OrientationNotFound(
            f"no orientation of the {k} neurons without a linear part (to rtol={rtol:g}): {reason}"
        )
    return found[:, np.argsort(order)]


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
