"""Clumps: neurons so close together that they act as one (paper, GetNeurons).

Between two kinks at a tiny distance the steps of a gradient are tiny too: its error, noise over
step, tilts the hyperplanes on both sides, each by its share, and near them F' is off by as much.
Without that gradient only the sum of both neurons is known, from the wide pieces around them; but
if the hyperplanes are closer together than they would be tilted, F' is off by less.
"""

from __future__ import annotations

import numpy as np

from relu_learn.core.lines import Line
from relu_learn.core.pieces import GOAL, Block, Crossing

# Kinks farther apart than this on the line (in units of 1 + |t|) are never one clump. (What double
# precision measures worse than it costs to leave it out is shorter by two orders of magnitude.)
_WIDEST = 1e-5
# A hyperplane is off by the width of its clump over the share of its jump that does not cancel.
# When that is more than a thousand widths, two neurons form the step between both sides.
_LASTING = 1e3
# Parts of a jump below this share of it are rounding.
_ROUNDING = 1e-15


def merge_clumps(blocks: list[Block], line: Line) -> list[Block]:
    """Leave out the pieces between close neurons that are too short to be measured.

    From the worst measured piece on: it is left out if that costs less than its error. The neurons
    next to it become as few as reproduce the affine functions on both sides of the clump.

    Parameters
    ----------
    blocks : list of Block
        In the order of their kinks.
    line : Line

    Returns
    -------
    list of Block
    """
    doubts = np.array(
        [
            a.whole.errors[1] if a.whole and b.whole and a.last == b.first else 0.0
            for a, b in zip(blocks[:-1], blocks[1:], strict=True)
        ]
    )
    cut = np.ones(len(blocks) + 1, bool)  # before each block, and after the last one
    for j in np.argsort(-doubts, kind="stable"):
        if doubts[j] <= GOAL:
            break
        first = int(np.flatnonzero(cut[: j + 1])[-1])
        last = int(np.flatnonzero(cut[j + 2 :])[0]) + int(j) + 2
        cut[j + 1] = not _Clump(blocks[first:last], line).acts_as_one(float(doubts[j]))
    edges = np.flatnonzero(cut)
    return [
        blocks[a] if b == a + 1 else _Clump(blocks[a:b], line).as_one()
        for a, b in zip(edges[:-1], edges[1:], strict=True)
    ]


class _Clump:
    """The neurons of neighbouring blocks."""

    def __init__(self, blocks: list[Block], line: Line) -> None:
        self.blocks, self.line = blocks, line
        self.parts = [b.whole for b in blocks if b.whole is not None]
        self.weights = np.concatenate([b.weights for b in blocks])
        self.biases = np.concatenate([b.biases for b in blocks])
        self.outputs = np.concatenate([b.outputs for b in blocks], axis=1)
        self.kinks = np.concatenate([b.kinks for b in blocks])
        self.tilt = np.concatenate([b.tilt for b in blocks])
        self.sizes = np.linalg.norm(self.outputs, axis=0)
        self.best = int(self.tilt.argmin())
        self.span = float(np.ptp(self.kinks)) / (1 + float(np.abs(self.kinks).min()))
        # Typical distance of the hyperplanes: that on the line, whose points are 1 + |t| far out.
        self.width = self.span * abs(float(self.weights[self.best] @ line.direction))

    def acts_as_one(self, doubt: float) -> bool:
        """Whether its hyperplanes are parallel as far as one can tell, and closer together than an
        error `doubt` of the gradient would tilt them."""
        if self.span > _WIDEST or self.width * self.sizes.sum() > doubt:
            return False
        apart = np.linalg.norm(self.weights - self.weights[self.best], axis=1)
        return bool((apart <= 8 * (self.tilt + self.tilt[self.best] + self.width)).all())

    def as_one(self) -> Block:
        """As few neurons as reproduce the affine functions on both sides.

        The whole jump is sum_s u_s w_s^T with orthonormal u_s. If its largest part lasts, that is
        one neuron. What else there is, the small step that is left between both sides, or all if
        the neurons cancel, is the difference of two neurons close to the best known hyperplane.
        """
        jump = np.sum([p.jump for p in self.parts], axis=0)
        level = np.sum([p.level for p in self.parts], axis=0)
        u, sizes, rows = np.linalg.svd(jump, full_matrices=True)
        m, total = len(u), float(self.sizes.sum())
        parts = np.zeros((m, jump.shape[1]))
        parts[: len(sizes)] = sizes[:, None] * rows[: len(sizes)]
        constants = u.T @ level
        normal, bias = self.weights[self.best], float(self.biases[self.best])
        main, small = np.zeros(m), np.arange(m)
        if sizes[0] > _LASTING * self.width * total:
            sign = np.sign(rows[0] @ self.line.direction) or 1.0
            normal, bias = sign * rows[0], float(sign * constants[0] / sizes[0])
            main, small = sign * sizes[0] * u[:, 0], small[1:]
        step = np.linalg.norm(parts, axis=1) + np.abs(parts @ normal * bias - constants)
        small = small[step[small] > _ROUNDING * (1 + abs(bias)) * total]
        strength = float(self.sizes.max())
        hidden = strength * normal + parts[small]
        length = np.linalg.norm(hidden, axis=1)
        lifted = strength * bias + constants[small]
        outputs = np.column_stack([main - strength * u[:, small].sum(axis=1), u[:, small] * length])
        weights = np.concatenate([normal[None], hidden / length[:, None]])
        biases = np.append(bias, lifted / length)
        keep = outputs.any(axis=0)
        first, last = self.blocks[0], self.blocks[-1]
        n = int(keep.sum())
        return Block(
            first.first,
            last.last,
            weights[keep],
            biases[keep],
            outputs[:, keep],
            np.full(n, self.kinks[self.best]),
            np.full(n, self.tilt[self.best]),
            Crossing(jump, level, (self.parts[0].errors[0], self.parts[-1].errors[1])),
        )
