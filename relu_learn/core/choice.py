"""Which pieces of a line to measure, when one block of neurons may lie between two of them; and how
far the directions that tell these neurons apart are known."""

from __future__ import annotations

import numpy as np

from relu_learn.core.pieces import Found

# A block whose output directions are nearly dependent amplifies errors; beyond this it is refused:
# as `LEVER`, four digits for the steps and four for the block leave eight. (÷ or × 10: 0 of 39 runs
# change.)
_WORST_AMPLIFICATION = 1e4
# Where all pieces that are too short to be measured fit into blocks, none of them is needed: such a
# piece costs more than any amplification.
_HOPELESS_COST = 10 * _WORST_AMPLIFICATION
# Pieces whose error is so many times what is good enough, and usual on their line, are left out if
# blocks can do without them. (÷ or × 10: 0 of 39 change.)
_HOPELESS = 100.0


def choose(
    directions: np.ndarray, errors: np.ndarray, goal: float, slack: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which pieces of a line to measure, and how much blocks amplify their errors: see
    `choose_pieces`. Without those that are much too short, if blocks can do so; but with the pieces
    on both sides of a clump of neurons, whose difference must be known (see `precise.clumps`). The
    third array says which are (k + 1,)."""
    hopeless, costs = too_short(errors, goal), np.clip(errors, goal, 10 * goal)
    avoided = np.where(hopeless, _HOPELESS_COST * slack * goal, costs)
    chosen, amplify = choose_pieces(directions, avoided, slack * goal)
    if hopeless[chosen].any():
        chosen, amplify = choose_pieces(directions, costs, slack * goal)
    return *_flanked(chosen, amplify, hopeless), hopeless


def _flanked(
    chosen: np.ndarray, amplify: np.ndarray, hopeless: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Add the pieces beside clumps; two hopeless pieces (k + 1,) in a row are inside of one."""
    pairs = hopeless[1:] & hopeless[:-1]
    inside = np.r_[pairs, False] | np.r_[False, pairs]
    firm = np.flatnonzero(~hopeless)
    at = np.searchsorted(firm, chosen[inside[chosen]])
    sides = np.concatenate([firm[at[at > 0] - 1], firm[at[at < len(firm)]]])
    more = np.union1d(chosen, sides)
    left = np.searchsorted(chosen, more, side="right") - 1
    return more, np.maximum(amplify[left], amplify[np.searchsorted(chosen, more)])


def too_short(errors: np.ndarray, goal: float) -> np.ndarray:
    """Which pieces (k + 1,) are: their error is many times what is good enough, and usual."""
    return errors > _HOPELESS * max(goal, float(np.quantile(errors, 0.1)))


def choose_pieces(
    directions: np.ndarray, errors: np.ndarray, goal: float
) -> tuple[np.ndarray, np.ndarray]:
    """Which pieces of a line to measure: as few as possible, and of these the most precise choice.

    Dynamic programming over the pieces from left to right; best[r] is the smallest possible worst
    error with a given number of blocks up to piece r.

    Parameters
    ----------
    directions : ndarray of shape (k, m)
        Output directions of the kinks.
    errors : ndarray of shape (k + 1,)
        Expected error of a gradient entry on each piece.
    goal : float
        An error that is small enough: a few more pieces are spent to get below it, and as many as
        it takes to do without pieces whose error is `_HOPELESS_COST` times as large.

    Returns
    -------
    pieces : ndarray of int, shape (p,)
        From 0 to k, increasing, never more than m apart.
    amplify : ndarray of shape (p,)
        How much the neurons on either side amplify an error of the piece.
    """
    k, m = directions.shape
    longest = min(k, m)
    if longest <= 1:
        return np.arange(k + 1), np.ones(k + 1)
    amplify = np.full((longest + 1, k + 1), np.inf)  # [n, r]: the block of n neurons up to piece r
    for n in range(1, longest + 1):
        stacks = np.lib.stride_tricks.sliding_window_view(directions, n, axis=0)  # (k-n+1, m, n)
        smallest = np.linalg.svd(stacks, compute_uv=False)[:, -1]
        firm = smallest * _WORST_AMPLIFICATION > 1
        amplify[n, n:] = np.where(firm, 1 / np.maximum(smallest, 1e-30), np.inf)
    amplify[1, 1:] = 1.0  # also where a jump vanished, and its direction with it
    best, choices, reached = np.full(k + 1, np.inf), [], []
    best[0] = 0.0
    for _ in range(k):
        options = np.full((longest, k + 1), np.inf)
        for n in range(1, longest + 1):
            cost = amplify[n, n:] * np.maximum(errors[n:], errors[: k + 1 - n])
            options[n - 1, n:] = np.maximum(best[: k + 1 - n], cost)
        choices.append(options.argmin(axis=0) + 1)
        best = options.min(axis=0)
        if np.isfinite(best[k]):
            reached.append(float(best[k]))
            patient = len(reached) <= 1 + len(choices) // 24 or best[k] >= _HOPELESS_COST * goal
            if best[k] <= goal or not patient:
                break
    spare = len(reached) - 1 - int(np.argmin(reached))
    pieces = [k]
    for choice in choices[: len(choices) - spare][::-1]:
        pieces.append(pieces[-1] - int(choice[pieces[-1]]))
    chosen = np.array(pieces[::-1])
    inner = amplify[np.diff(chosen), chosen[1:]]
    return chosen, np.maximum(np.r_[inner, 1.0], np.r_[1.0, inner])


def direction_doubt(found: Found) -> np.ndarray:
    """How far (k,) the output directions of the kinks may be off, in radians.

    A slope is as precise as the noise over the length of its piece, and a jump may be much smaller
    than the slopes: where the line is nearly parallel to the hyperplane. One output has no angle.
    """
    s = found.slice
    if s.jumps.shape[1] == 1:
        return np.zeros(len(s.kinks))
    slope = found.noise.at(s.centers).max(axis=1) / s.widths
    size = np.maximum(np.linalg.norm(s.jumps, axis=1), 1e-200)
    return np.asarray(np.hypot(slope[:-1], slope[1:]) / size)
