"""Guesses: vectors from a few of their products.

What two pieces of a line differ by, a_i w_i for each neuron in between, is told by its products
with a few random directions if w_i is sparse, or if it lies in the span of few known vectors.
"""

from __future__ import annotations

import dataclasses

import numpy as np

# Products beyond the number of entries, or of vectors that span: by so many times, and so many more
# must be explained. With fewer, chance explains them, or a pursuit has lost its way.
_TIMES, _SPARE = 1.5, 8
# What is left of the products may be so many times their noise, known to a factor of a few.
_SLACK = 4.0
# Entries, and directions of a span, below so many times their own error are not there.
_FIRM = 30.0
# Vectors that are smaller than so many times the noise would be known to no digit of use.
_DROWNED = 1e4


@dataclasses.dataclass(frozen=True, eq=False)
class Guess:
    """Vectors (q, d), and the expected error of an entry."""

    vectors: np.ndarray
    error: float


def needed(size: int) -> int:
    """How many products tell a vector with so many entries, or in a span of so many."""
    return int(_TIMES * size) + _SPARE


def sparse(rows: np.ndarray, products: np.ndarray, noise: float) -> Guess | None:
    """Vectors with few entries.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Orthonormal, and random.
    products : ndarray of shape (n, q)
        Of these with the vectors.
    noise : float
        Of a product.
    """
    n, d = rows.shape
    vectors, error, limit = np.zeros((products.shape[1], d)), 0.0, _SLACK * noise * np.sqrt(n)
    for vector, y in zip(vectors, products.T, strict=True):
        support = _pursued(rows, y, limit) if np.linalg.norm(y) > _DROWNED * limit else []
        for _ in range(2):  # once more without the entries that were taken in error
            if not support or len(y) < needed(len(support)):
                return None
            inverse = np.linalg.pinv(rows[:, support])
            entries, doubts = inverse @ y, noise * np.linalg.norm(inverse, axis=1)
            firm = np.abs(entries) > _FIRM * doubts
            if firm.all():
                break
            support = [i for i, keep in zip(support, firm, strict=True) if keep]
        vector[support] = entries[firm]
        if np.linalg.norm(y - rows @ vector) > limit:
            return None
        error = max(error, float(np.linalg.norm(doubts)) / np.sqrt(d))
    return Guess(vectors, error)


def _pursued(rows: np.ndarray, y: np.ndarray, limit: float) -> list[int]:
    """Orthogonal matching pursuit: the entries that explain most of what is left, one after the
    other; none if they are too many."""
    n = len(rows)
    sizes = np.linalg.norm(rows, axis=0)
    frame, support = np.zeros((n, n)), list[int]()
    while np.linalg.norm(y) > limit:
        if n < needed(len(support) + 1):
            return []
        score = np.abs(y @ rows) / np.maximum(sizes, 1e-300)
        score[support] = 0
        best = int(score.argmax())
        column, known = rows[:, best], frame[: len(support)]
        for _ in range(2):  # twice is enough
            column = column - (known @ column) @ known
        column = column / max(float(np.linalg.norm(column)), 1e-300)
        frame[len(support)] = column
        support.append(best)
        y = y - (column @ y) * column
    return support


def spanned(
    rows: np.ndarray, products: np.ndarray, noise: float, known: np.ndarray, errors: np.ndarray
) -> Guess | None:
    """Vectors in a span.

    Parameters
    ----------
    rows, products, noise
        As in `sparse`.
    known : ndarray of shape (p, d)
        What spans it.
    errors : ndarray of shape (p,)
        Expected errors of its entries.
    """
    n, d = rows.shape
    left, values, right = np.linalg.svd(rows @ (known.T / errors), full_matrices=False)
    firm = values > _FIRM * np.sqrt(n)  # of pure errors the values are about that
    if n < needed(int(firm.sum())):
        return None
    # Of all combinations the one with the smallest error.
    inverse = ((right[firm].T / values[firm]) @ left[:, firm].T) / errors[:, None]
    vectors = (inverse @ products).T @ known
    own = noise * np.linalg.norm(known.T @ inverse) / np.sqrt(d)
    error = np.linalg.norm((inverse @ products) * errors[:, None], axis=0).max(initial=0.0)
    misfit = np.linalg.norm(products - rows @ vectors.T, axis=0).max(initial=0.0)
    if misfit > _SLACK * np.sqrt(n) * np.hypot(noise, error):
        return None
    return Guess(vectors, float(np.hypot(own, error)))
