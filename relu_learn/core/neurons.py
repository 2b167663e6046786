"""GetBias and GetNeurons: from kinks and gradients to neurons.

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
from collections.abc import Collection, Generator

import numpy as np

from relu_learn.core.cells import Arrangement
from relu_learn.core.clumps import merge_clumps
from relu_learn.core.errors import InvalidArgument
from relu_learn.core.gradients import (
    Basis,
    get_gradient,
    measure_rates,
    orthonormal_basis,
    safe_step,
)
from relu_learn.core.grid import Jump, bias_from_pieces, probe_intervals
from relu_learn.core.lines import EPS, SIGMAS, Line, Noise, Slice, Window, probe_noise
from relu_learn.core.network import ReluNetwork
from relu_learn.core.oracle import BlackBox, Oracle
from relu_learn.core.pieces import GOAL, Block, Piece, output_directions, solve_block
from relu_learn.core.refine import remeasured, sharpened
from relu_learn.core.search import levels, search_line
from relu_learn.core.target import Target

# A block whose output directions are nearly dependent amplifies errors; beyond this it is refused.
_WORST_AMPLIFICATION = 1e4
# Directions (besides the line's) in which every piece is measured before roomy points are chosen.
_SCOUTS = 3
# Pieces whose error is so many times what is good enough, and usual on their line, may be left
# out, if they are in a clump.
_HOPELESS = 100.0
# Unit weights whose product is closer to 1 than this are nearly parallel: an angle of 1e-3.
_PARALLEL = 5e-7
# Where all clumps fit into blocks, no such piece is needed: it costs more than any amplification.
_HOPELESS_COST = 10 * _WORST_AMPLIFICATION
# A roomy point turns out to be beyond an unknown hyperplane: try a quarter of the way, so often.
_BACKTRACKS = 3


def get_bias(
    black_box: BlackBox | Oracle,
    line: Line,
    a: float,
    b: float,
    *,
    alpha: float = 1e-4,
    rng: object = None,
) -> tuple[np.ndarray, float, float]:
    """The neuron whose critical point lies between a and b on a line (paper: GetBias).

    The affine pieces at both ends, from two gradients, intersect at t*; w is the gradient jump and
    b = <w, x(t*)>. Exact if there is one critical point in [a, b]; a tight clump of them acts as
    one. Of several outputs, the one with the largest jump is used.

    Parameters
    ----------
    black_box : callable or Oracle
        (n, d) -> (n,) or (n, m).
    line : Line
    a, b : float
        Ends of the interval, a < b.
    alpha : float
        Radius of the gradients' steps.
    rng : int, numpy.random.Generator or None

    Returns
    -------
    weights : ndarray of shape (d,)
        Oriented along the line; the sign of the output weight is not included for m > 1.
    bias : float
    t : float
        The critical point, NaN if the gradients at a and b are the same.

    Raises
    ------
    InvalidArgument
        If not a < b.
    """
    if not a < b:
        raise InvalidArgument(f"a must be less than b, got a={a!r}, b={b!r}")
    oracle = black_box if isinstance(black_box, Oracle) else Oracle(black_box, len(line.origin))
    ends = line.at(np.array([a, b]))
    values = oracle(ends).reshape(2, -1)
    left, right = (get_gradient(oracle, x, alpha, rng).reshape(-1, oracle.dim) for x in ends)
    return bias_from_pieces(line, a, b, values[0], values[1], left, right)


def get_neurons(
    black_box: BlackBox | Oracle,
    dim: int,
    *,
    method: str = "adaptive",
    line: Line | None = None,
    rng: int | np.random.Generator | None = None,
    r: float = 0.05,
    tau: float = 4.0,
    alpha: float = 1e-3,
) -> ReluNetwork:
    """The neurons whose critical hyperplanes one Gaussian line crosses (paper: GetNeurons).

    Orientations are those of the line: every neuron grows along it. What they get wrong is affine,
    and left to LearnFromQueries; so is everything that the line missed.

    Parameters
    ----------
    black_box : callable or Oracle
        (n, d) -> (n,) or (n, m).
    dim : int
        Input dimension d.
    method : {"adaptive", "grid"}
    line : Line, optional
        Default: a random Gaussian line.
    rng : int, numpy.random.Generator or None
    r, tau, alpha : float
        For "grid": see `learn_steps`.

    Returns
    -------
    ReluNetwork
        The neurons in the order of their critical points, without an affine part.

    Raises
    ------
    InvalidArgument
        If `method` is unknown.

    Examples
    --------
    >>> from relu_learn import zoo
    >>> get_neurons(zoo.random_network(3, 5, rng=0), 3, rng=1).n_neurons
    5
    """
    if method not in ("adaptive", "grid"):
        raise InvalidArgument(f"method must be 'adaptive' or 'grid', got {method!r}")
    oracle = black_box if isinstance(black_box, Oracle) else Oracle(black_box, dim)
    rng = np.random.default_rng(rng)
    line = line or Line.draw(dim, rng)
    target = Target(oracle, np.ones(1))
    level = probe_noise(lambda t: target(line.at(t)), rng, Window())
    noise = Noise(np.where(level > 0, level, EPS / 2))  # zeros say nothing about rounding
    found: list[tuple[float, np.ndarray, float, np.ndarray]] = []
    if method == "grid":
        for part in probe_intervals(target, line, r, tau, alpha, noise, rng):
            if isinstance(part, Jump):
                found.append((part.t, part.weights, part.bias, part.outputs))
    else:
        *_, s = levels(search_line(lambda t: target(line.at(t)), Window(), noise, rng))
        assert isinstance(s, Slice)
        for block in neurons_of_slice(target, line, s, noise, rng):
            if isinstance(block, Block):
                outputs = block.outputs.T
                found += zip(block.kinks, block.weights, block.biases, outputs, strict=True)
    found.sort(key=lambda item: item[0])
    m = oracle.n_outputs or 1
    outputs = np.array([a for *_, a in found]).reshape(-1, m).T
    return ReluNetwork(
        np.array([w for _, w, _, _ in found]).reshape(-1, dim),
        np.array([b for _, _, b, _ in found]),
        outputs[0] if oracle.is_scalar else outputs,
    )


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


def neurons_of_slice(
    target: Target,
    line: Line,
    s: Slice,
    noise: Noise,
    rng: np.random.Generator,
    silent: Collection[int] = (),
    sharp: Noise | None = None,
) -> Generator[Piece | Block, None, None]:
    """Measure pieces of a line and solve for the neurons at its kinks (paper: GetNeurons).

    On the `silent` pieces the target is known to vanish. For a residual F - F', `noise` should
    hold the errors of F', too; `sharp` is the noise of an answer alone.

    Yields
    ------
    Piece
        When its gradient is known.
    Block
        When the pieces on both sides of some neurons are known; at the end those for which
        something had to be measured again.
    """
    d, k = len(line.origin), len(s.kinks)
    sharp = sharp or noise
    eta = noise.at(s.centers)
    points, basis = line.at(s.centers), orthonormal_basis(line.direction, rng)
    tilt = target.tilt(basis.rows)
    steps = np.array([safe_step(w, t, d) for w, t in zip(s.widths, s.centers, strict=True)])
    limits = [target.reach(x, tilt, 0.01 * h).min() for x, h in zip(points, steps, strict=True)]
    steps = np.minimum(steps, limits)
    errors = sharp.at(s.centers).max(axis=1) / steps
    goal = GOAL / (4 * np.sqrt(d))
    directions = output_directions(s.jumps)
    # A short piece can be measured elsewhere, dependent output directions cannot.
    # (In a box every further chord builds on this one.)
    slack = 60 if np.isfinite(target.oracle.room(points)).any() else 850
    usual = max(goal, float(np.quantile(errors, 0.1)))
    hopeless, costs = errors > _HOPELESS * usual, np.clip(errors, goal, 10 * goal)
    avoided = np.where(hopeless, _HOPELESS_COST * slack * goal, costs)
    chosen, amplify = choose_pieces(directions, avoided, slack * goal)
    if hopeless[chosen].any():
        chosen, amplify = choose_pieces(directions, costs, slack * goal)
    chosen, amplify = _flanked(chosen, amplify, hopeless)
    narrow = [int(r) for r in chosen[errors[chosen] * amplify > goal] if d > 1 and k > 0]
    # What deserves a second look: an error of F' much larger than what the answers allow.
    limit = max(10 * GOAL, 1e4 * float(noise.level.max()))
    block_of = np.searchsorted(chosen, np.arange(k), side="right") - 1
    doubt = _direction_doubt(s, eta)
    vague = doubt * np.maximum(amplify[block_of], amplify[block_of + 1]) > limit / 10
    held = set(block_of[vague].tolist())
    zero = np.zeros((s.values.shape[1], d))
    vanishing = {r: Piece(r, points[r], zero[:, 0], zero, 0.0, 0.0) for r in silent}
    narrow = [r for r in narrow if r not in vanishing]
    pieces: dict[int, Piece] = {}
    bad: list[int] = []
    count = len(chosen) - 1

    def solve(j: int) -> Block:
        left, right = (pieces[int(r)] for r in chosen[j : j + 2])
        return solve_block(left, right, directions, line, s)

    for piece in _measure(
        target, line, s, chosen, narrow, vanishing, steps, noise, sharp, basis, rng
    ):
        pieces[piece.index] = piece
        yield piece
        i = int(np.searchsorted(chosen, piece.index))
        if piece.error * np.sqrt(d) * amplify[i] > limit and d > 1:
            bad.append(piece.index)
            held |= {i - 1, i}
        for j in (i - 1, i):
            if 0 <= j < count and j not in held and {*chosen[j : j + 2].tolist()} <= pieces.keys():
                yield solve(j)
    if held and vague.any():
        blocks = [*map(solve, range(count))]
        vague &= ~_twins(blocks, hopeless)
        directions = sharpened(target, blocks, directions, vague, doubt, noise, rng)
    blocks = [*map(solve, range(count))] if bad else []
    for r in sorted(bad, key=lambda r: pieces[r].error):
        again = remeasured(target, blocks, pieces[r], noise, rng)
        if again is not None:
            pieces[r] = again
            yield again
            i = int(np.searchsorted(chosen, r))
            for j in {i - 1, i} & set(range(count)):
                blocks[j] = solve(j)
    for j in sorted(held & set(range(count))):
        yield solve(j)


def _flanked(
    chosen: np.ndarray, amplify: np.ndarray, hopeless: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Add the pieces on both sides of clumps, whose difference must be known (see `clumps`).

    Parameters
    ----------
    chosen, amplify : ndarray of shape (p,)
        See `choose_pieces`.
    hopeless : ndarray of bool, shape (k + 1,)
        Pieces that are too short; two in a row are the inside of a clump.
    """
    pairs = hopeless[1:] & hopeless[:-1]
    inside = np.r_[pairs, False] | np.r_[False, pairs]
    firm = np.flatnonzero(~hopeless)
    at = np.searchsorted(firm, chosen[inside[chosen]])
    sides = np.concatenate([firm[at[at > 0] - 1], firm[at[at < len(firm)]]])
    more = np.union1d(chosen, sides)
    left = np.searchsorted(chosen, more, side="right") - 1
    right = np.searchsorted(chosen, more)
    return more, np.maximum(amplify[left], amplify[right])


def _twins(blocks: list[Block], hopeless: np.ndarray) -> np.ndarray:
    """Which kinks (k,) are on a hopelessly short piece between nearly parallel hyperplanes.

    The slopes on both sides tell exactly what both jumps are together. How this is divided between
    the two is vague, but it makes good for itself: they are nearly the same neuron. Directions that
    are sharpened one by one would not.
    """
    k = len(hopeless) - 1
    twin = np.zeros(k, dtype=bool)
    for block in blocks:
        if len(block.weights) < block.last - block.first:
            continue
        parallel = np.abs((block.weights[1:] * block.weights[:-1]).sum(axis=1)) > 1 - _PARALLEL
        close = block.first + np.flatnonzero(parallel & hopeless[block.first + 1 : block.last])
        twin[close] = twin[close + 1] = True
    return twin


def _direction_doubt(s: Slice, eta: np.ndarray) -> np.ndarray:
    """How far (k,) the output directions of the kinks may be off, in radians.

    A slope is as precise as the noise over the length of its piece, and a jump may be much smaller
    than the slopes: where the line is nearly parallel to the hyperplane. One output has no angle.
    """
    if s.jumps.shape[1] == 1:
        return np.zeros(len(s.kinks))
    slope = eta.max(axis=1) / s.widths
    size = np.maximum(np.linalg.norm(s.jumps, axis=1), 1e-200)
    return np.hypot(slope[:-1], slope[1:]) / size


def _measure(
    target: Target,
    line: Line,
    s: Slice,
    chosen: np.ndarray,
    narrow: list[int],
    vanishing: dict[int, Piece],
    steps: np.ndarray,
    noise: Noise,
    sharp: Noise,
    basis: Basis,
    rng: np.random.Generator,
) -> Generator[Piece, None, None]:
    """Gradients of the chosen pieces of a line.

    Pieces that are wide enough are measured where the line crosses them. The narrow ones are
    scouted in a few directions there, and measured at a roomy point of the same cell.
    """
    d = len(line.origin)
    length = float(np.linalg.norm(line.direction))
    slopes, tilt = s.slopes / length, target.tilt(basis.rows)
    eta, sharp_eta = noise.at(s.centers), sharp.at(s.centers)
    errors = sharp_eta.max(axis=1) / steps
    directions = output_directions(s.jumps)
    points = line.at(s.centers)
    pieces = dict(vanishing)
    rough: dict[int, np.ndarray] = {}  # rates (n, m) of scouted pieces in n directions
    n = min(d, 1 + _SCOUTS)

    def on_line(r: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Value, rates (count, m) and steps where the line crosses piece r.

        Value and slope of the line itself are known; but those of a residual hold errors of F'.
        """
        value, rates, used = s.values[r], slopes[r : r + 1], steps[r : r + 1]
        free = 1 if target.known is None else 0
        if count > free:
            value, more, used = measure_rates(
                target,
                points[r],
                value if free else None,
                basis.part(free, count),
                np.full(count - free, steps[r]),
                sharp_eta[r],
                rng,
            )
            rates = np.concatenate([rates[:free], more])
        return value, rates, used

    for r in map(int, chosen):
        if r in narrow:
            rough[r] = on_line(r, n)[1]
            continue
        if r not in pieces:
            value, rates, used = on_line(r, d)
            error = float(sharp_eta[r].max() / used.min())
            pieces[r] = Piece(r, points[r], value, basis.combine(rates), float(used.min()), error)
        yield pieces[r]
    if not narrow:
        return
    view = _scouted(pieces, rough, chosen, directions, line, s, basis.rows[:n])
    normals, levels = target.obstacles(line.origin, view.basis)
    view = dataclasses.replace(
        view,
        normals=np.concatenate([view.normals, normals]),
        levels=np.concatenate([view.levels, levels]),
    )
    start = np.zeros((len(narrow), n))
    start[:, 0] = s.centers[narrow] * length
    where, room = view.roomy(start)
    answers = target(view.origin + where @ view.basis)
    for _ in range(_BACKTRACKS):
        # Still the same affine piece? A neuron that the line missed may lie in between.
        shift = where - start
        far = np.linalg.norm(shift, axis=1)
        misfit = [
            np.abs(y - s.values[r] - c @ rough[r]).max() / (eta[r].max() + errors[r] * length)
            for y, r, c, length in zip(answers, narrow, shift, far, strict=True)
        ]
        off = np.array(misfit) > 4 * SIGMAS
        if not off.any():
            break
        where[off] = start[off] + shift[off] / 4
        room[off] = np.abs(view.distances(where[off])).min(axis=1)
        answers[off] = target(view.origin + where[off] @ view.basis)
    for r, c, c0, space, value in zip(narrow, where, start, room, answers, strict=True):
        point = view.origin + c @ view.basis
        own = sharp.at_point(point)
        longest = 30 * np.sqrt(d)
        reach = np.full(d, min(0.08 * np.sqrt(d) * space, longest))
        reach[:n] = view.reach(c, 0.4, longest)
        reach = np.minimum(reach, target.reach(point, tilt))
        # Still the same affine piece? A neuron that the line missed may lie in between.
        guess = s.values[r] + (c - c0) @ rough[r]
        doubt = noise.at_point(point) + errors[r] * np.linalg.norm(c - c0)
        same = (np.abs(value - guess) <= 4 * SIGMAS * doubt).all()
        if same and own.max() < errors[r] * reach.min():
            _, rates, used = measure_rates(target, point, value, basis, reach, own, rng)
            doubt = errors[r] + own.max() / reach[:n, None]
            same = (np.abs(rates[:n] - rough[r]) <= 4 * SIGMAS * doubt).all()
        if not same or own.max() >= errors[r] * reach.min():
            point, own = points[r], sharp_eta[r]
            value, rates, used = on_line(r, d)
        if r == 0:  # the affine part is wanted near the line, where its value is known best
            point, value = points[r], s.values[r]
        error = float(own.max() / used.min())
        pieces[r] = Piece(r, point, value, basis.combine(rates), float(used.min()), error)
        yield pieces[r]


def assemble(blocks: list[Block], first: Piece, line: Line) -> ReluNetwork:
    """The network on a line: its blocks, and the affine part from the leftmost piece.

    Left of all kinks every neuron is switched off, so that piece *is* the affine part.
    """
    d, m = len(first.point), len(first.value)
    blocks = merge_clumps(sorted(blocks, key=lambda b: b.first), line)
    weights = np.concatenate([np.zeros((0, d)), *(b.weights for b in blocks)])
    biases = np.concatenate([np.zeros(0), *(b.biases for b in blocks)])
    outputs = np.concatenate([np.zeros((m, 0)), *(b.outputs for b in blocks)], axis=1)
    offset = first.value - first.gradient @ first.point
    return ReluNetwork(weights, biases, outputs, first.gradient, offset)


def _scouted(
    pieces: dict[int, Piece],
    rough: dict[int, np.ndarray],
    chosen: np.ndarray,
    directions: np.ndarray,
    line: Line,
    s: Slice,
    basis: np.ndarray,
) -> Arrangement:
    """How the hyperplanes lie in the subspace that was scouted on every chosen piece."""
    d, n = len(line.origin), len(basis)
    rates = {r: rough[r] if r in rough else basis @ pieces[r].gradient.T for r in map(int, chosen)}
    normals = np.zeros((len(s.kinks), n))
    norms = np.zeros(len(s.kinks))
    for a, b in zip(chosen[:-1], chosen[1:], strict=True):
        alpha = directions[a:b].T
        inverse = np.linalg.pinv(alpha)
        normals[a:b] = inverse @ (rates[int(b)] - rates[int(a)]).T
        if a in pieces and b in pieces:
            whole = inverse @ (pieces[int(b)].gradient - pieces[int(a)].gradient)
            norms[a:b] = np.linalg.norm(whole, axis=1)
    # Of the others only n of d coordinates are known.
    guess = np.sqrt(d / n) * np.linalg.norm(normals, axis=1)
    norms = np.where(norms > 0, norms, guess)
    normals /= np.where(norms > 0, norms, 1)[:, None]
    levels = -normals[:, 0] * s.kinks * np.linalg.norm(line.direction)
    return Arrangement(line.origin, basis, normals, levels)


def prune(network: ReluNetwork, size: float = 1e-12) -> ReluNetwork:
    """Drop neurons whose weights cannot matter: smaller than `size` times the largest."""
    strength = np.linalg.norm(network.output_weights, axis=0) * np.linalg.norm(
        network.weights, axis=1
    )
    return subset(network, strength > size * strength.max(initial=0.0))


def subset(network: ReluNetwork, keep: np.ndarray) -> ReluNetwork:
    """Some neurons of a network, with its affine part."""
    return ReluNetwork(
        network.weights[keep],
        network.biases[keep],
        network.output_weights[:, keep],
        network.skip,
        network.offset,
    )
