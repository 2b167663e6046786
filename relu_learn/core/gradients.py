"""GetGradient: the gradient of the affine piece around a point, from d + 1 answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from relu_learn.asking.errors import InvalidArgument
from relu_learn.asking.oracle import BlackBox, Oracle
from relu_learn.core.basis import Basis, orthonormal_basis
from relu_learn.core.crossings import Combinations, Doubt, shorten
from relu_learn.core.lines import EPS
from relu_learn.core.pieces import Piece
from relu_learn.core.target import Target

# How far to step from the middle of a piece, in units of its half width, once the direction is
# orthogonal to the line (see `safe_step`). For a neuron without bias whose kink is at t,
# <w, v> hypot(1, t) / |w| is Rayleigh distributed, and sqrt(d) <w, u> / |w| is normal: a step
# crosses one of the two hyperplanes of its piece with probability CAUTION^2 / 2 = 2e-4.
CAUTION = 0.02

# Radius alpha of GetGradient. Nothing checks its steps: one of k neurons cuts the ball around a
# Gaussian point with probability 2 phi(0) alpha k = 8e-5 k, and rounding is EPS / alpha = 2e-12.
ALPHA = 1e-4


def safe_step(half_width: float, t: float, dim: int) -> float:
    """Length of a step that most likely stays on the piece of a Gaussian line around t.

    Along a unit direction u orthogonal to the line the hyperplane of a neuron is about sqrt(d)
    times farther than along the line: <w, u> is of size |w| / sqrt(d) where <w, v> is of size |w|.
    Far out on the line only nearly parallel hyperplanes are left: <w, v> falls like 1 / |t|.
    """
    return float(CAUTION * np.sqrt(dim) * half_width / np.hypot(1.0, t))


def get_gradient(
    black_box: BlackBox | Oracle, x: np.ndarray, alpha: float = ALPHA, rng: Any = None
) -> np.ndarray:
    """The gradient of the black box at x (paper: GetGradient).

    Queries x and d points at distance alpha from it, and solves the linear system: exact up to
    rounding if no critical hyperplane cuts the ball of radius alpha around x.

    Parameters
    ----------
    black_box : callable or Oracle
        (n, d) -> (n,) or (n, m).
    x : ndarray of shape (d,)
    alpha : float
        Radius of the ball, in units of x.
    rng : int, numpy.random.Generator or None
        Chooses the d directions (an orthonormal set).

    Returns
    -------
    ndarray of shape (d,) or (m, d)

    Raises
    ------
    InvalidArgument
        If x is not a vector or alpha is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> f = lambda x: np.maximum(x[:, 0] - x[:, 1], 0.0)
    >>> get_gradient(f, np.array([2.0, 1.0])).round(6)
    array([ 1., -1.])
    """
    x = np.asarray(x, dtype=float)
    if x.ndim != 1 or not len(x) or not np.isfinite(x).all():
        raise InvalidArgument(f"x must be a finite vector of shape (d,), got shape {x.shape}")
    if not (np.isfinite(alpha) and alpha > 0):
        raise InvalidArgument(f"alpha must be positive, got {alpha!r}")
    oracle = black_box if isinstance(black_box, Oracle) else Oracle(black_box, len(x))
    rng = np.random.default_rng(rng)
    basis = orthonormal_basis(rng.standard_normal(len(x)), rng)
    piece = measure_gradient(Target(oracle), x, basis, np.full(len(x), alpha), None, rng)
    return piece.gradient[0] if oracle.is_scalar else piece.gradient


def measure_gradient(
    target: Target,
    point: np.ndarray,
    basis: Basis,
    steps: np.ndarray,
    noise: np.ndarray | None,
    rng: np.random.Generator,
) -> Piece:
    """The affine piece around a point, from steps along a whole basis: see `measure_rates`."""
    value, rates, used = measure_rates(target, point, None, basis, steps, noise, rng)
    error = 0.0 if noise is None else float(noise.max() / used.min())
    return Piece(-1, point, value, basis.combine(rates), float(used.min()), error)


def measure_rates(
    target: Target,
    point: np.ndarray,
    value: np.ndarray | None,
    basis: Basis,
    steps: np.ndarray,
    noise: np.ndarray | None,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Directional derivatives of the affine piece around a point, in n orthonormal directions.

    n queries (one more for the value at the point, unless it is known), and a few that detect a
    step across a hyperplane: a random combination of the directions must give the combination of
    the answers. If it does not, groups of directions are tested in the same way, and only the
    guilty ones are measured again with a smaller step.

    Parameters
    ----------
    target : Target
    point : ndarray of shape (d,)
    value : ndarray of shape (m,) or None
        The answer at the point.
    basis : Basis
        The n directions.
    steps : ndarray of shape (n,)
        To begin with: those that cross a hyperplane become shorter.
    noise : ndarray of shape (m,) or None
        Of one answer at the point; None: trust the steps, and test nothing.

    Returns
    -------
    value : ndarray of shape (m,)
    rates : ndarray of shape (n, m)
    steps : ndarray of shape (n,)
        The steps that were used in the end.
    """
    n = len(basis)
    # On a hyperplane there is no room: a worthless answer, but a number.
    steps = np.where(np.abs(steps) > EPS, steps, EPS)
    test = [] if noise is None else [np.arange(n)]
    everything = Combinations.draw(test, 1.0, rng)
    moves = everything.moves(basis, steps)
    known = value is not None
    if not known:
        moves = np.concatenate([moves, np.zeros((1, len(point)))])
    answers = target.around(point, steps, basis, moves)
    value = value if value is not None else answers[-1]
    changes = answers[:n] - value
    if noise is not None:
        doubt = Doubt(noise, point, steps)
        suspect = everything.failing(answers[n : n + 1] - value, changes, doubt)
        if suspect and known:
            # No step is wrong if the value is: it may come from a line that misjudged a kink.
            value = target(point[None])[0]
            changes = answers[:n] - value
            suspect = everything.failing(answers[n : n + 1] - value, changes, doubt)
        if suspect:
            shorten(suspect, target, value, basis, changes, doubt, rng)
    return value, changes / steps[:, None], steps
