"""What is measured on a line: affine pieces, and the neurons between two of them."""

from __future__ import annotations

import dataclasses

import numpy as np

from relu_learn.core.lines import Line, Slice

# Error of F', in units of its scale, that a piece measured on the line may cause. Worse pieces are
# measured at a roomy point instead.
GOAL = 3e-11


@dataclasses.dataclass(frozen=True, eq=False)
class Piece:
    """One affine piece: x -> value + gradient (x - point).

    Attributes
    ----------
    index : int
        Number of the piece on its line, from the left.
    point : ndarray of shape (d,)
    value : ndarray of shape (m,)
    gradient : ndarray of shape (m, d)
    step : float
        Smallest step that was used.
    error : float
        Expected error of a gradient entry.
    """

    index: int
    point: np.ndarray
    value: np.ndarray
    gradient: np.ndarray
    step: float
    error: float


@dataclasses.dataclass(frozen=True, eq=False)
class Crossing:
    """From one piece to another: the affine functions differ by x -> jump x - level.

    Attributes
    ----------
    jump : ndarray of shape (m, d)
    level : ndarray of shape (m,)
    errors : (float, float)
        Expected errors of the whole gradients of both pieces.
    """

    jump: np.ndarray
    level: np.ndarray
    errors: tuple[float, float]


@dataclasses.dataclass(frozen=True, eq=False)
class Block:
    """The neurons between two measured pieces `first` < `last` of a line: kinks first..last-1.

    Attributes
    ----------
    weights : ndarray of shape (n, d)
        Unit rows, oriented along the line.
    biases : ndarray of shape (n,)
    outputs : ndarray of shape (m, n)
    kinks : ndarray of shape (n,)
    tilt : ndarray of shape (n,)
        Expected error of the unit weight vectors.
    whole : Crossing, optional
        What is known of all of them together.
    """

    first: int
    last: int
    weights: np.ndarray
    biases: np.ndarray
    outputs: np.ndarray
    kinks: np.ndarray
    tilt: np.ndarray
    whole: Crossing | None = None


def output_directions(jumps: np.ndarray) -> np.ndarray:
    """Unit vectors (k, m) parallel to the jumps (k, m)."""
    size = np.linalg.norm(jumps, axis=1, keepdims=True)
    return jumps / np.where(size > 0, size, 1)


def solve_block(left: Piece, right: Piece, directions: np.ndarray, line: Line, s: Slice) -> Block:
    """The neurons at the kinks between two pieces.

    Parameters
    ----------
    left, right : Piece
    directions : ndarray of shape (k, m)
        Output directions of all kinks of the line.
    """
    inside = slice(left.index, right.index)
    alpha = directions[inside].T
    jump = right.gradient - left.gradient
    weights = alpha.T @ jump if alpha.shape[1] == 1 else np.linalg.lstsq(alpha, jump, rcond=None)[0]
    size = np.linalg.norm(weights, axis=1)
    keep = size > 0
    weights = weights[keep] / size[keep, None]
    # <w, x(t)> - b vanishes at the kink: whatever the error of w, the neuron is right on the line.
    kinks = s.kinks[inside][keep]
    biases = (weights * line.at(kinks)).sum(axis=1)
    root = np.sqrt(weights.shape[1])
    errors = float(root * left.error), float(root * right.error)
    # On the line, the pieces differ at the last kink by what the others have brought until there.
    end = s.kinks[right.index - 1]
    brought = s.jumps[inside].T @ (end - s.kinks[inside])
    whole = Crossing(jump, jump @ line.at(end) - brought, errors)
    tilt = np.hypot(*errors) / size[keep]
    outputs = alpha[:, keep] * size[keep]
    return Block(left.index, right.index, weights, biases, outputs, kinks, tilt, whole)
