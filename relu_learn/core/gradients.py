"""GetGradient: the gradient of the affine piece around a point, from d + 1 answers."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from relu_learn.core.errors import InvalidArgument
from relu_learn.core.lines import EPS, SIGMAS
from relu_learn.core.oracle import BlackBox, Oracle
from relu_learn.core.target import Target

# How far to step from the middle of a piece, in units of its half width, once the direction is
# orthogonal to the line (see `safe_step`).
CAUTION = 0.02
_RETRIES = 6


def orthonormal_basis(first: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random orthonormal basis (d, d) whose first row is parallel to `first`.

    A cosine basis with random signs, reflected so that the first row points where it should: as
    good as a uniformly random basis against weights with structure (sparse, shared), at the price
    of O(d^2) instead of O(d^3).
    """
    from scipy.fft import dct

    d = len(first)
    basis = dct(np.eye(d), norm="ortho", axis=0, overwrite_x=True) * rng.choice([-1.0, 1.0], d)
    basis = basis[rng.permutation(d)]
    unit = first / np.linalg.norm(first)
    normal = basis[0] - unit
    size = np.linalg.norm(normal)
    if size > 1e-8:
        normal /= size
        basis -= 2 * np.outer(basis @ normal, normal)
    basis[0] = unit
    return basis


def safe_step(half_width: float, t: float, dim: int) -> float:
    """Length of a step that most likely stays on the piece of a Gaussian line around t.

    Along a unit direction u orthogonal to the line the hyperplane of a neuron is about sqrt(d)
    times farther than along the line: <w, u> is of size |w| / sqrt(d) where <w, v> is of size |w|.
    Far out on the line only nearly parallel hyperplanes are left: <w, v> falls like 1 / |t|.
    """
    return float(CAUTION * np.sqrt(dim) * half_width / np.hypot(1.0, t))


def get_gradient(
    black_box: BlackBox | Oracle, x: np.ndarray, alpha: float = 1e-4, rng: Any = None
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
    directions = np.vstack([np.zeros(len(x)), basis])
    answers = oracle.around(x, np.full(len(directions), alpha), directions, directions[:0])
    values = answers.reshape(len(answers), -1)
    gradient = ((values[1:] - values[0]) / alpha).T @ basis
    return gradient[0] if oracle.is_scalar else gradient


def measure_rates(
    target: Target,
    point: np.ndarray,
    value: np.ndarray | None,
    directions: np.ndarray,
    steps: np.ndarray,
    noise: np.ndarray,
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
    directions : ndarray of shape (n, d)
        Orthonormal rows.
    steps : ndarray of shape (n,)
    noise : ndarray of shape (m,)
        Of one answer at the point.

    Returns
    -------
    value : ndarray of shape (m,)
    rates : ndarray of shape (n, m)
    steps : ndarray of shape (n,)
        The steps that were used in the end.
    """
    n = len(directions)
    # On a hyperplane there is no room: a worthless answer, but a number.
    steps = np.where(np.abs(steps) > EPS, steps, EPS)
    everything = _Combinations.draw([np.arange(n)], 1.0, rng)
    moves = everything.of(directions, steps)
    measured = value is None
    if value is None:
        moves = np.concatenate([moves, np.zeros((1, len(point)))])
    answers = target.around(point, steps, directions, moves)
    if value is None:
        value = answers[-1]
    changes = answers[:n] - value
    suspect = everything.failing(answers[n : n + 1] - value, changes, noise)
    if suspect and not measured:
        # No step is wrong if the value is: it may come from a line that misjudged a kink.
        value = target(point[None])[0]
        changes = answers[:n] - value
        suspect = everything.failing(answers[n : n + 1] - value, changes, noise)
    for _ in range(_RETRIES):
        if not suspect:
            break
        # Which of them? Tests of about sqrt(n) directions each, closer to the point so that the
        # tests themselves stay on the piece.
        group = np.concatenate(suspect)
        parts = np.array_split(rng.permutation(group), max(1, round(np.sqrt(len(group)))))
        tests = _Combinations.draw(parts, 0.25, rng)
        answers = target.around(point, steps[:0], directions[:0], tests.of(directions, steps))
        suspect = tests.failing(answers - value, changes, noise)
        if not suspect:
            break
        todo = np.concatenate(suspect)
        steps[todo] /= 8
        again = _Combinations.draw([todo], 1.0, rng)
        answers = target.around(point, steps[todo], directions[todo], again.of(directions, steps))
        changes[todo] = answers[:-1] - value
        suspect = again.failing(answers[-1:] - value, changes, noise)
    return value, changes / steps[:, None], steps


@dataclasses.dataclass(frozen=True, eq=False)
class _Combinations:
    """Random combinations of the moves in each group, `size` times as long as one move.

    On an affine piece the change of the answer is the combination of the moves' changes.
    """

    groups: list[np.ndarray]
    weights: list[np.ndarray]
    size: float

    @classmethod
    def draw(cls, groups: list[np.ndarray], size: float, rng: np.random.Generator) -> _Combinations:
        groups = [np.sort(g) for g in groups]
        weights = [rng.standard_normal(len(g)) for g in groups]
        return cls(groups, [size * w / np.linalg.norm(w) for w in weights], size)

    def of(self, rows: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        """The combinations of the rows (n, ...), each multiplied by its factor (n,)."""
        f = np.ones(len(rows)) if factors is None else factors
        everything = len(rows)  # then g is 0, 1, 2, ...: no copy of the rows
        return np.array(
            [(w * f[g]) @ (rows if len(g) == everything else rows[g]) for g, w in self._pairs()]
        )

    def _pairs(self) -> zip[tuple[np.ndarray, np.ndarray]]:
        return zip(self.groups, self.weights, strict=True)

    def failing(
        self, measured: np.ndarray, changes: np.ndarray, noise: np.ndarray
    ) -> list[np.ndarray]:
        """The groups whose measured change is not the combination of their changes."""
        misfit = np.abs(measured - self.of(changes))
        bad = (misfit > SIGMAS * noise * 2 * (1 + self.size)).any(axis=1)
        return [g for g, b in zip(self.groups, bad, strict=True) if b]
