"""Clumps: neurons so close together that they act as one (paper, GetNeurons).

Between two kinks at a tiny distance the steps of a gradient are tiny too: its error, noise over
step, tilts the hyperplanes on both sides, each by its share, and near them F' is off by as much.
Without that gradient only the sum of both neurons is known, from the wide pieces around them; but
if the hyperplanes are closer together than they would be tilted, F' is off by less.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

from relu_learn.core.pieces import GOAL, SLIVER, Block, Found, Piece
from relu_learn.core.target import Target

# A hyperplane is off by the width of its clump over the share of its jump that does not cancel.
# When that is more than a thousand widths, two neurons form the step between both sides.
_LASTING = 1e3
# Parts of a jump below this share of it are rounding, 4 EPS; of a single block's, measuring errors.
# (÷ or × 10: 0 of 39 runs change.)
_ROUNDING, _MISSING = 1e-15, 1e-9


def merge_clumps(target: Target, found: Found, rng: np.random.Generator) -> Iterator[Piece]:
    """Leave out the pieces between close neurons that are too short to be measured.

    From the worst measured piece on: it is left out if that costs less than its error. The neurons
    next to it become as few as reproduce the affine functions on both sides of the clump.
    """
    yield from ()
    blocks = [b for _, b in sorted(found.blocks.items()) if len(b.kinks)]
    pairs = list(itertools.pairwise(blocks))
    doubts = np.array([_doubt(found, a, b) for a, b in pairs])
    cut = np.ones(len(blocks) + 1, bool)  # before each block, and after the last one
    for j in np.argsort(-doubts, kind="stable"):
        if doubts[j] <= GOAL:
            break
        first = int(np.flatnonzero(cut[: j + 1])[-1])
        last = int(np.flatnonzero(cut[j + 2 :])[0]) + int(j) + 2
        cut[j + 1] = not _Clump(blocks[first:last], found).acts_as_one(float(doubts[j]))
    edges = np.flatnonzero(cut)
    edge = np.r_[0.0, doubts, 0.0] > GOAL  # the short pieces that are left
    merged = []
    for a, b in itertools.pairwise(edges):
        if b > a + 1:
            merged.append(_Clump(blocks[a:b], found).as_one())
        elif edge[a : b + 1].any() and len(blocks[a].kinks) < len(blocks[a].outputs):
            merged.append(_Clump(blocks[a:b], found).completed())
        else:
            merged.append(blocks[a])
    found.blocks = dict(enumerate(merged))


def _doubt(found: Found, a: Block, b: Block) -> float:
    """Expected error of the gradient between two blocks, if it may be the inside of a clump."""
    near = b.kinks[0] - a.kinks[-1] <= SLIVER * (1 + abs(a.kinks[-1]))
    root = np.sqrt(a.weights.shape[1])
    return float(root * found.pieces[a.last].error) if near and a.last == b.first else 0.0


def _crossing(found: Found, b: Block) -> tuple[np.ndarray, np.ndarray]:
    """From the piece on the left of a block to that on its right the affine function changes by
    x -> jump x - level, (m, d) and (m,)."""
    s, inside = found.slice, slice(b.first, b.last)
    jump = found.pieces[b.last].gradient - found.pieces[b.first].gradient
    # On the line, the pieces differ at the last kink by what the others have brought until there.
    end = s.kinks[b.last - 1]
    brought = s.jumps[inside].T @ (end - s.kinks[inside])
    return jump, jump @ found.line.at(end) - brought


class _Clump:
    """The neurons of neighbouring blocks."""

    def __init__(self, blocks: list[Block], found: Found) -> None:
        self.blocks, self.line = blocks, found.line
        parts = [_crossing(found, b) for b in blocks]
        self.jump = np.sum([jump for jump, _ in parts], axis=0)
        self.level = np.sum([level for _, level in parts], axis=0)
        self.weights = np.concatenate([b.weights for b in blocks])
        self.biases = np.concatenate([b.biases for b in blocks])
        self.outputs = np.concatenate([b.outputs for b in blocks], axis=1)
        self.kinks = np.concatenate([b.kinks for b in blocks])
        self.tilt = np.concatenate([b.tilt for b in blocks])
        self.sizes = np.linalg.norm(self.outputs, axis=0)
        self.best = int(self.tilt.argmin())
        self.span = float(np.ptp(self.kinks)) / (1 + float(np.abs(self.kinks).min()))
        # Typical distance of the hyperplanes: that on the line, whose points are 1 + |t| far out.
        self.width = self.span * abs(float(self.weights[self.best] @ self.line.direction))

    def acts_as_one(self, doubt: float) -> bool:
        """Whether its hyperplanes are parallel as far as one can tell, and closer together than an
        error `doubt` of the gradient would tilt them."""
        if self.span > SLIVER or self.width * self.sizes.sum() > doubt:
            return False
        apart = np.linalg.norm(self.weights - self.weights[self.best], axis=1)
        return bool((apart <= 8 * (self.tilt + self.tilt[self.best] + self.width)).all())

    def as_one(self) -> Block:
        """As few neurons as reproduce the affine functions on both sides.

        One with the largest part of the whole jump, if that lasts, and a step for all the rest.
        """
        u, sizes, rows = np.linalg.svd(self.jump, full_matrices=False)
        if sizes[0] > _LASTING * self.width * float(self.sizes.sum()):
            sign = np.sign(rows[0] @ self.line.direction) or 1.0
            bias = float(sign * u[:, 0] @ self.level / sizes[0])
            main = (sign * rows[:1], np.array([bias]), sign * sizes[0] * u[:, :1])
        else:
            best = slice(self.best, self.best + 1)
            main = self.weights[best], self.biases[best], 0 * self.outputs[:, best]
        return self._completed(*main, 0, _ROUNDING)

    def completed(self) -> Block:
        """The same neurons, and a step for what they leave of the jump from side to side.

        Fewer neurons than outputs, with output directions from short pieces, leave something.
        """
        return self._completed(self.weights, self.biases, self.outputs, self.best, _MISSING)

    def _completed(
        self,
        weights: np.ndarray,
        biases: np.ndarray,
        outputs: np.ndarray,
        at: int,
        least: float,
    ) -> Block:
        """Neurons, and the step to the whole jump at one of their hyperplanes.

        The step is affine on the active side, sum_s u_s w_s^T with orthonormal u_s: each part the
        difference of two neurons that are large compared with it, and close to that hyperplane.
        Parts below the share `least` of all are left out.
        """
        normal, bias = weights[at], float(biases[at])
        rest, level = self.jump - outputs @ weights, self.level - outputs @ biases
        u, sizes, rows = np.linalg.svd(rest, full_matrices=True)
        parts, constants = np.zeros(rest.shape), u.T @ level
        parts[: len(sizes)] = sizes[:, None] * rows[: len(sizes)]
        height = np.linalg.norm(parts, axis=1) + np.abs(parts @ normal * bias - constants)
        s = np.flatnonzero(height > least * (1 + abs(bias)) * float(self.sizes.sum()))
        if not len(s) and len(self.blocks) == 1:
            return self.blocks[0]
        strength = float(self.sizes.max()) or 1.0
        hidden = strength * normal + parts[s]
        while (np.linalg.norm(hidden, axis=1) <= 1e-8 * strength).any():  # a part cancels it
            strength *= 2
            hidden = strength * normal + parts[s]
        length = np.linalg.norm(hidden, axis=1)
        outputs = np.column_stack([outputs, u[:, s] * length])
        outputs[:, at] -= strength * u[:, s].sum(axis=1)
        weights = np.concatenate([weights, hidden / length[:, None]])
        biases = np.concatenate([biases, (strength * bias + constants[s]) / length])
        keep = outputs.any(axis=0)
        count = int(keep.sum())
        return dataclasses.replace(
            self.blocks[0],
            last=self.blocks[-1].last,
            weights=weights[keep],
            biases=biases[keep],
            outputs=outputs[:, keep],
            kinks=np.full(count, self.kinks[self.best]),
            tilt=np.full(count, self.tilt[self.best]),
        )
