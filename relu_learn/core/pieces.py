"""What is measured on a line: affine pieces, and the neurons between two of them.

Crossing the kink t_i of a line from left to right switches neuron i on (every neuron is oriented
along the line). So the Jacobians J of two pieces r' < r differ by

    J_r - J_r' = sum_{r' < i <= r} alpha_i w_i^T,

where the unit vector alpha_i in R^m, the neuron's output direction, is known from the line alone:
it is parallel to the jump of the slope at t_i. For m = 1 this is the paper's gradient jump. For
m > 1 the Jacobians of two pieces separate up to m neurons at once, if their alpha_i are
independent: about k/m + 1 Jacobians replace k + 1.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from relu_learn.core.lines import INPUTS, SIGMAS, Line, Noise, Slice
from relu_learn.network import ReluNetwork

# Error of F', in units of its scale, that a piece measured on the line may cause. Worse pieces are
# measured at a roomy point instead. (÷ 10: 3 % more queries in 39 runs; × 10: 1 % more; the
# worst error is the same.)
GOAL = 3e-11
# A piece shorter than this on its line (in units of 1 + |t|) hardly matters to F': between
# hyperplanes that are 1e-5 apart are at most 4e-6 of all Gaussian inputs. Kinks that are farther
# apart are never one clump (what is measured too badly to be kept is shorter by a hundred times).
# ÷ 10: 1 % more queries in 39 runs; × 10: 1 % fewer.
SLIVER = 1e-5


@dataclasses.dataclass(frozen=True, eq=False)
class Piece:
    """One affine piece: x -> value + gradient (x - point).

    Attributes
    ----------
    index : int
        Number of the piece on its line, from the left; -1 if it is on none.
    point : ndarray of shape (d,)
    value : ndarray of shape (m,)
    gradient : ndarray of shape (m, d)
    step : float
        Smallest step that was used; 0 if nothing had to be measured.
    error : float
        Expected error of a gradient entry.
    """

    index: int
    point: np.ndarray
    value: np.ndarray
    gradient: np.ndarray
    step: float = 0.0
    error: float = 0.0

    @property
    def constant(self) -> np.ndarray:
        """The c (m,) of x -> gradient x + c."""
        return np.asarray(self.value - self.gradient @ self.point)


def agree(measured: np.ndarray, expected: np.ndarray, doubt: np.ndarray | float) -> np.ndarray:
    """Is this still the same affine piece? What was measured elsewhere, beside what the piece says
    there, give or take `doubt`: a neuron that no line has met may lie in between."""
    return np.asarray(np.abs(measured - expected) <= 4 * SIGMAS * doubt)


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
    """

    first: int
    last: int
    weights: np.ndarray
    biases: np.ndarray
    outputs: np.ndarray
    kinks: np.ndarray
    tilt: np.ndarray

    def only(self, keep: np.ndarray) -> Block:
        """Some of its neurons."""
        parts = (self.weights[keep], self.biases[keep], self.outputs[:, keep])
        return Block(self.first, self.last, *parts, self.kinks[keep], self.tilt[keep])


def output_directions(jumps: np.ndarray) -> np.ndarray:
    """Unit vectors (k, m) parallel to the jumps (k, m)."""
    size = np.linalg.norm(jumps, axis=1, keepdims=True)
    return jumps / np.where(size > 0, size, 1)


def solve_block(
    left: Piece, right: Piece, directions: np.ndarray, line: Line, kinks: np.ndarray | None = None
) -> Block:
    """The neurons between two pieces (the core of GetBias).

    Parameters
    ----------
    left, right : Piece
    directions : ndarray of shape (n, m)
        Output directions of the neurons in between.
    line : Line
        That crosses them, from `left` to `right`.
    kinks : ndarray of shape (n,), optional
        Where the line does, if that is known better than from where both pieces meet (the paper's
        t*): from the search of the line.
    """
    alpha = directions.T
    jump = right.gradient - left.gradient
    if kinks is None:  # w and -b of a neuron are switched on together
        jump = np.column_stack([jump, right.constant - left.constant])
    one = alpha.shape[1] == 1
    rows = alpha.T @ jump if one else np.linalg.lstsq(alpha, jump, rcond=None)[0]
    weights = rows[:, : len(left.point)]
    size = np.linalg.norm(weights, axis=1)
    keep = size > 0
    weights = weights[keep] / size[keep, None]
    if kinks is None:
        biases = -rows[keep, -1] / size[keep]
        kinks = line.crossings(weights, biases)
    else:
        # <w, x(t)> - b vanishes at the kink: whatever the error of w, the neuron is right there.
        kinks = kinks[keep]
        biases = (weights * line.at(kinks)).sum(axis=1)
    root = math.sqrt(weights.shape[1])
    tilt = np.hypot(float(root * left.error), float(root * right.error)) / size[keep]
    outputs = alpha[:, keep] * size[keep]
    return Block(left.index, right.index, weights, biases, outputs, kinks, tilt)


@dataclasses.dataclass(eq=False)
class Measured:
    """What a line has given so far: its measured pieces, and the neurons between them.

    Attributes
    ----------
    line : Line
    pieces : dict of int to Piece
        By their number on the line.
    blocks : dict of int to Block
        From left to right.
    """

    line: Line
    pieces: dict[int, Piece] = dataclasses.field(default_factory=dict, kw_only=True)
    blocks: dict[int, Block] = dataclasses.field(default_factory=dict, kw_only=True)

    def network(self) -> ReluNetwork | None:
        """The network on the line, or None as long as its leftmost piece is not known.

        Left of all kinks every neuron is switched off, so that piece *is* the affine part.
        """
        if 0 not in self.pieces:
            return None
        first, blocks = self.pieces[0], [self.blocks[j] for j in sorted(self.blocks)]
        d, m = len(first.point), len(first.value)
        weights = np.concatenate([np.zeros((0, d)), *(b.weights for b in blocks)])
        biases = np.concatenate([np.zeros(0), *(b.biases for b in blocks)])
        outputs = np.concatenate([np.zeros((m, 0)), *(b.outputs for b in blocks)], axis=1)
        return ReluNetwork(weights, biases, outputs, first.gradient, first.constant)


@dataclasses.dataclass(eq=False)
class Found(Measured):
    """All that one line gave.

    Attributes
    ----------
    slice : Slice
        Its kinks and pieces.
    noise, sharp : Noise
        Of the target's answers, with the errors of F' if it is a residual; of an answer alone.
    directions : ndarray of shape (k, m)
        Output directions of the kinks.
    chosen : ndarray of int, shape (p,)
        The pieces whose gradients are measured: block j lies between the pieces j and j + 1 of
        them, and amplifies their errors by `amplify` (p,).
    hopeless : ndarray of bool, shape (k + 1,)
        Pieces that are much too short to be measured.
    doubt : ndarray of shape (k,)
        How far the output directions may be off, in radians.
    vague : ndarray of bool, shape (k,)
        Directions that deserve a second look.
    poor : list of int
        Pieces that deserve one.
    """

    slice: Slice
    noise: Noise
    sharp: Noise
    directions: np.ndarray = dataclasses.field(init=False)
    chosen: np.ndarray = dataclasses.field(init=False)
    amplify: np.ndarray = dataclasses.field(init=False)
    hopeless: np.ndarray = dataclasses.field(init=False)
    doubt: np.ndarray = dataclasses.field(init=False)
    vague: np.ndarray = dataclasses.field(init=False)
    poor: list[int] = dataclasses.field(init=False, default_factory=list)

    def solve(self, j: int) -> Block:
        """The neurons between the chosen pieces j and j + 1."""
        a, b = map(int, self.chosen[j : j + 2])
        inside = slice(a, b)
        ends = self.pieces[a], self.pieces[b]
        return solve_block(*ends, self.directions[inside], self.line, self.slice.kinks[inside])

    def roughness(self) -> float:
        """The largest error of F' that a piece may cause which is not too short to matter."""
        s = self.slice
        long = s.widths > SLIVER * (1 + np.abs(s.centers))
        errors = [p.error * math.sqrt(len(p.point)) for r, p in self.pieces.items() if long[r]]
        return max(errors, default=0.0)

    def anchored(self) -> ReluNetwork:
        """The network with its offset fixed where the line is near the origin.

        The leftmost piece, which gave the affine part, may be far out, where values are large and
        so is their rounding. The median ignores pieces between kinks that were not resolved; those
        inside clumps of neurons, that need not be right, may be the majority.
        """
        net, s = self.network(), self.slice
        assert net is not None
        wide = s.widths > SLIVER * (1 + np.abs(s.centers))
        wide = wide if wide.any() else ~wide
        near = wide & (np.abs(s.centers) <= max(INPUTS, float(np.abs(s.centers[wide]).min())))
        misfit = s.values[near] - net(self.line.at(s.centers[near]))
        offset = net.offset + np.median(misfit, axis=0)
        return ReluNetwork(net.weights, net.biases, net.output_weights, net.skip, offset)
