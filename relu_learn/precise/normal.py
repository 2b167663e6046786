"""All parameters of a network at once, by normal equations whose blocks are products of small ones.

On known sides of all hyperplanes an answer changes by

    sum_i a_i [x is active for i] <(x, -1), (dw_i, db_i)> + dU (x, -1) + dA relu(Wx - b).

The equations of different outputs share all but a_i, so of n answers with m outputs one product of
an n x p matrix with itself tells all of theirs, p = (k + 1)(d + 1) + k; and what belongs to single
outputs is eliminated first. That costs n p^2 operations; the whole matrix would take m^3 times as
many.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# What answers tell worse than the root of this, in units of what they tell of single parameters,
# stays as it was: to follow the roundings there would cost more than the 1e-11 that F' is off.
# (÷ 10: 4 of 39 runs change, × 10: 9; the worst error stays 5e-9. To damp it instead, by as much on
# the diagonal, tilted neurons of a clump by 6e-5, which were right to 1e-6.)
_TOLD = 1e-10
# Corrections by what is left, as sums of squares round twice. (The second is the last that helps.)
_CORRECTIONS = 2


def least_squares(
    outputs: np.ndarray, inputs: np.ndarray, depth: np.ndarray, unit: np.ndarray, misfit: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """A change of a network that explains what it is off.

    Parameters
    ----------
    outputs : ndarray of shape (m, k)
        The a_i.
    inputs : ndarray of shape (n, d + 1)
        The (x, -1).
    depth : ndarray of shape (n, k)
        Signed distances from the hyperplanes.
    unit : ndarray of shape (n, 1)
        The noise of an answer.
    misfit : ndarray of shape (n, m)
        In units of that.

    Returns
    -------
    hidden : ndarray of shape (k, d + 1)
        Changes of w_i, b_i.
    rest : ndarray of shape (m, d + 1) or, of several outputs, (m, d + 1 + k)
        Changes of U and, where the lengths of the w_i do not do for them, of the a_i.
    left : float
        Sum of squares of what remains.
    """
    n, q = inputs.shape
    m, k = outputs.shape
    inputs = inputs / unit
    first = ((depth > 0)[:, :, None] * inputs[:, None, :]).reshape(n, k * q)
    second = np.column_stack([inputs, np.maximum(depth, 0) / unit]) if m > 1 else inputs
    size = np.maximum(np.linalg.norm(second, axis=0), 1e-300)
    both = np.column_stack([first, second / size])
    gram, second = both.T @ both, second / size
    own, cross, shared = gram[: k * q, : k * q], gram[: k * q, k * q :], gram[k * q :, k * q :]
    among = _solver(shared)
    alike = np.repeat(np.repeat(outputs.T @ outputs, q, axis=0), q, axis=1)
    scale = np.sqrt(np.maximum(np.diag(own) * np.diag(alike), 1e-300))
    solve = _solver((own - cross @ among(cross.T)) * alike / np.multiply.outer(scale, scale))

    def through(product: np.ndarray) -> np.ndarray:
        """Of products (k q, m) with single outputs, those with the neurons (k q,)."""
        return np.einsum("iqm,mi->iq", product.reshape(k, q, m), outputs).ravel()

    def spread(hidden: np.ndarray) -> np.ndarray:
        """The other way round: what neurons (k q,) do to single outputs (k q, m)."""
        return np.einsum("iq,mi->iqm", hidden.reshape(k, q), outputs).reshape(k * q, m)

    hidden, rest = np.zeros(k * q), np.zeros((second.shape[1], m))
    for _ in range(1 + _CORRECTIONS):
        left = misfit - first @ spread(hidden) - second @ rest
        told = second.T @ left
        aside = through(first.T @ left - cross @ among(told))
        change = solve(aside / scale) / scale
        hidden = hidden + change
        rest = rest + among(told - cross.T @ spread(change))
    left = misfit - first @ spread(hidden) - second @ rest
    return hidden.reshape(k, q), rest.T / size, float((left**2).sum())


def _solver(matrix: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Divides by a symmetric matrix of diagonal 1. Unknowns of which the others leave no more than
    `_TOLD` stay 0: Cholesky's factor with pivots finds them last."""
    from scipy.linalg import solve_triangular
    from scipy.linalg.lapack import dpstrf

    factor, order, rank, _ = dpstrf(matrix, tol=_TOLD)
    factor, order = factor[:rank, :rank], order[:rank] - 1

    def solve(right: np.ndarray) -> np.ndarray:
        result = np.zeros_like(right)
        half = solve_triangular(factor, right[order], trans="T")
        result[order] = solve_triangular(factor, half)
        return result

    return solve
