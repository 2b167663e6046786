"""What imprecise answers leave readable on a line: pieces and neurons above the noise."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from relu_learn.core.gradients import safe_step
from relu_learn.core.lines import Line, Noise, Slice
from relu_learn.core.pieces import Block
from relu_learn.network import ReluNetwork

# A step that changes the answer by less than a few times its noise says nothing; and a neuron whose
# direction is off by more than this is better found again, on another line, when most are known.
# (Of 22 runs one changes with either ÷ 10, at 3 % and 0 % more queries in all; with × 10 none.)
_READABLE, _FIRM = 0.3, 0.5
# Hyperplanes at a smaller angle than so many times the error of their directions, and than this in
# any case, are the same one, measured twice; they cancel if less than this share of their outputs
# is left. (÷ or × 10: two of 22 runs change, with the last one × 10. Few repairs meet a neuron
# twice.)
_SAME, _ANGLE, _CANCELLED = 6.0, 0.045, 0.1


def thin(s: Slice, line: Line, noise: Noise) -> Slice:
    """Take pieces of a line that are too short for the noise out: the kinks at their ends become
    one.

    A step that stays on such a piece changes the answer by less than the noise, and what is taken
    for its gradient would be anything. What two neurons seen as one leave behind is a repair.
    """
    length, dim = float(np.linalg.norm(line.direction)), len(line.origin)
    while len(s.kinks) > 1:
        steps = [safe_step(w, t, dim) for w, t in zip(s.widths, s.centers, strict=True)]
        size = np.linalg.norm(s.jumps, axis=1) / length
        error = noise.at(s.centers).max(axis=1) / np.array(steps)
        ratio = error[1:-1] / np.maximum(np.maximum(size[:-1], size[1:]), 1e-300)
        r = int(ratio.argmax())  # the piece r + 1, between the kinks r and r + 1
        if ratio[r] < _READABLE:
            break
        weight = (s.jumps[r : r + 2] ** 2).sum(axis=1) + 1e-300
        kink = weight @ s.kinks[r : r + 2] / weight.sum()
        jump = s.jumps[r] + s.jumps[r + 1]
        gone = dict.fromkeys(("kinks", "jumps", "steps"), r)
        gone |= dict.fromkeys(("slopes", "values", "centers", "widths"), r + 1)
        left = {name: np.delete(getattr(s, name), i, axis=0) for name, i in gone.items()}
        left["kinks"][r], left["jumps"][r] = kink, jump
        s = dataclasses.replace(s, **left)
    return s


def readable(block: Block, line: Line) -> Block:
    """A block without the neurons whose direction drowned in the noise.

    The line itself tells the jump along it, and the whole jump of the gradient is about sqrt(d)
    times as large (sqrt(d) |t| far out, see `safe_step`). What looks much larger, and therefore
    precise, is noise.
    """
    along = np.abs(block.weights @ line.direction) / float(np.linalg.norm(line.direction))
    usual = 1 / (math.sqrt(len(line.direction)) * np.hypot(1, block.kinks))
    return block.only(block.tilt < _FIRM * np.minimum(1, along / usual))


def merge_alike(network: ReluNetwork, tilt: float) -> ReluNetwork:
    """After a repair: one neuron for each hyperplane, and none where its outputs cancel.

    Where two neurons were first seen as one, the repair finds both of them, and the negative of
    their mixture, with its own error: `tilt`. The hyperplane that was found first stays.
    """
    same = math.cos(min(_ANGLE, _SAME * tilt))
    hidden = np.column_stack([network.weights, -network.biases])
    size = np.linalg.norm(hidden, axis=1)
    hidden, outputs = hidden / size[:, None], network.output_weights * size
    skip, offset = network.skip.copy(), network.offset.copy()
    cosine, keep = hidden @ hidden.T, np.ones(len(hidden), bool)
    largest = np.linalg.norm(outputs, axis=0)
    for i, j in zip(*np.nonzero(np.triu(np.abs(cosine) > same, 1)), strict=True):
        if keep[i] and keep[j]:
            keep[j] = False
            largest[i] = max(largest[i], largest[j])
            outputs[:, i] += outputs[:, j]
            if cosine[i, j] < 0:  # relu(-z) = relu(z) - z
                skip -= np.outer(outputs[:, j], hidden[i, :-1])
                offset -= outputs[:, j] * hidden[i, -1]
    keep &= np.linalg.norm(outputs, axis=0) > _CANCELLED * largest
    w, b = hidden[keep, :-1], -hidden[keep, -1]
    return ReluNetwork(w, b, outputs[:, keep], skip, offset)
