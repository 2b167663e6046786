"""GetBias and GetNeurons: from the kinks of a line, and gradients beside them, to neurons."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator

import numpy as np

from relu_learn.asking.errors import InvalidArgument
from relu_learn.asking.oracle import BlackBox, Oracle
from relu_learn.core.basis import orthonormal_basis
from relu_learn.core.choice import choose, direction_doubt
from relu_learn.core.gradients import ALPHA, get_gradient
from relu_learn.core.lines import Line
from relu_learn.core.looks import Looks
from relu_learn.core.pieces import GOAL, Block, Found, Piece, output_directions, solve_block
from relu_learn.core.precision import LEVER
from relu_learn.core.roomy import Survey
from relu_learn.core.target import Target

# How much blocks of several neurons may amplify an error. A short piece can be measured elsewhere,
# dependent output directions cannot. (The more, the fewer pieces, and digits: 784-128-10 in
# `tests/benchmarks/RESULTS.md`. ÷ 10: one of 39 runs changes; × 10: none.)
SLACK = 850.0


def get_bias(
    black_box: BlackBox | Oracle,
    line: Line,
    a: float,
    b: float,
    *,
    alpha: float = ALPHA,
    rng: object = None,
) -> tuple[np.ndarray, float, float]:
    """The neuron whose critical point lies between a and b on a line (paper: GetBias).

    The affine pieces at both ends, from two gradients, intersect at t*; w is the gradient jump and
    b = <w, x(t*)>. Exact if there is one critical point in [a, b]; a tight clump of them acts as
    one.

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
        Oriented along the line; the sign of the output weight is not included. Their length is
        that of the gradient jump.
    bias : float
    t : float
        The critical point, NaN if the gradients at a and b are the same along the line.

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
    gradients = [get_gradient(oracle, x, alpha, rng).reshape(-1, oracle.dim) for x in ends]
    left, right = (Piece(i, ends[i], values[i], gradients[i]) for i in (0, 1))
    block = neuron_between(left, right, line)
    if not len(block.weights):
        return right.gradient[0] - left.gradient[0], np.nan, np.nan
    size = float(np.linalg.norm(block.outputs))
    return size * block.weights[0], size * float(block.biases[0]), float(block.kinks[0])


def neuron_between(left: Piece, right: Piece, line: Line) -> Block:
    """The neuron at which two pieces of a line meet; none if they are parallel along the line.

    Of several outputs, the direction in which the slope along the line jumps is the neuron's.
    """
    jump = (right.gradient - left.gradient) @ line.direction
    return solve_block(left, right, output_directions(jump[None]), line)


def solve_line(
    target: Target,
    found: Found,
    rng: np.random.Generator,
    *,
    silent: Collection[int] = (),
    slack: float = SLACK,
    looks: Looks | None = None,
    lean: bool = False,
) -> Generator[Piece | Block, None, None]:
    """Gradients and neurons of a line that was searched (paper: GetNeurons, its second half).

    Parameters
    ----------
    target : Target
    found : Found
        With its slice; the rest is filled in.
    rng : numpy.random.Generator
    silent : collection of int
        Pieces on which the target is known to vanish.
    slack : float
        How much blocks of several neurons may amplify an error.
    looks : Looks, optional
    lean : bool
        Measure all pieces where the line crosses them, and trust the steps.

    Yields
    ------
    Piece
        When its gradient is known.
    Block
        When the pieces on both sides of some neurons are known; at the end those that deserved a
        second look.
    """
    line, s = found.line, found.slice
    d, k = len(line.origin), len(s.kinks)
    looks, basis = looks or Looks(), orthonormal_basis(line.direction, rng)
    shortcut = None if looks.shortcuts is None else looks.shortcuts(found, basis)
    survey = Survey(target, found, basis, rng, lean, shortcut)
    goal = GOAL / (4 * np.sqrt(d))
    found.directions = output_directions(s.jumps)
    found.chosen, found.amplify, found.hopeless = choose(
        found.directions, survey.errors, goal, slack
    )
    zero = np.zeros((s.values.shape[1], d))
    found.pieces = {r: Piece(r, survey.points[r], zero[:, 0], zero) for r in silent}
    short = (survey.errors[found.chosen] * found.amplify > goal) & (d > 1) & (k > 0) & (not lean)
    narrow = [int(r) for r in found.chosen[short] if r not in found.pieces]
    # What deserves a second look: an error of F' much larger than what the answers allow.
    limit = max(10 * GOAL, LEVER * float(found.noise.level.max()))
    block_of = np.searchsorted(found.chosen, np.arange(k), side="right") - 1
    found.doubt = direction_doubt(found)
    worst = np.maximum(found.amplify[block_of], found.amplify[block_of + 1]) if k else found.doubt
    found.vague = found.doubt * worst > limit / 10
    waiting = set(block_of[found.vague].tolist())
    for piece in survey.measure(narrow):  # all that are chosen; the narrow ones last, elsewhere
        found.pieces[piece.index] = piece
        yield piece
        i = int(np.searchsorted(found.chosen, piece.index))
        if piece.error * np.sqrt(d) * found.amplify[i] > limit and d > 1:
            found.poor.append(piece.index)
            waiting |= {i - 1, i}
        yield from _solved(found, {i - 1, i} - waiting)
    for look in looks.pieces:
        yield from look(target, found, rng)
    yield from _solved(found, waiting)


def _solved(found: Found, blocks: Iterable[int]) -> Iterator[Block]:
    """Those of the blocks that exist, and whose ends are known."""
    for j in sorted(blocks):
        ends = found.chosen[j : j + 2].tolist() if j >= 0 else []
        if len(ends) == 2 and {*ends} <= found.pieces.keys() and j not in found.blocks:
            found.blocks[j] = found.solve(j)
            yield found.blocks[j]
