"""Where a black box may be asked, and what F' shall be good on: all of R^d here, `bounded.Box`.

The learner works in the coordinates of its space. `asking` maps its questions to the user's inputs;
`told` maps what it says (networks, events, witnesses) back: nothing else knows of both.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from relu_learn.asking.arguments import real_array
from relu_learn.asking.errors import InvalidArgument
from relu_learn.asking.oracle import Oracle
from relu_learn.asking.rows import Points, drawn
from relu_learn.core.basis import Basis
from relu_learn.core.lines import EDGE, FAR, SIGMAS, Line, Window
from relu_learn.telling.certificate import GAUSSIAN

T = TypeVar("T")
# Points may lie beyond a wall by this, of the box's size: rounding on the way, and then they are
# clipped.
WALL = 1e-9
# Points among which a roomy one is chosen. (÷ 10: as many queries in 39 runs, and the worst error
# is 6e-9, not 4e-9; × 10: 7 % more queries, 4e-9.)
CANDIDATES = 256
_NEVER = 6.0  # in standard deviations: one point in 1e9


class Space:
    """All of R^d, with the standard normal distribution.

    Attributes
    ----------
    dim : int
    own : ndarray of shape (n, d)
        The user's own points: F' shall be good on them, too.
    measure : str
        Name of the distribution of `sample`.
    glance : int
        Points of the measure whose answers tell the size of F at first; 0: a line tells it.
    audible : float
        An output whose spread at first is more than so many times its noise is not noise.
    share : int
        At least one query in so many is a fresh point of the final test.
    far : float
        Lines are asked for |t| <= far; less if the answers there would drown those near 0.
    """

    measure = GAUSSIAN
    glance = 0
    audible = SIGMAS / EDGE  # what an end of the line and its middle differ by is divided by EDGE
    share = 200

    def __init__(self, dim: int) -> None:
        self.dim, self.far = dim, FAR
        self.own = np.empty((0, dim))

    def give(self, points: Any) -> None:
        """Take the user's own points (n, d), in the user's coordinates.

        Raises
        ------
        InvalidArgument
        """
        own = real_array("points", points)
        if own.ndim != 2 or own.shape[1] != self.dim or not len(own):
            raise InvalidArgument(f"points must have shape (n, {self.dim}), got {own.shape}")
        self.own = self.locate(own)
        outside = np.flatnonzero(self.room(self.own) < -WALL)
        if len(outside):
            raise InvalidArgument(f"points must lie within the bounds: row {outside[0]} does not")

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Fresh points (n, d) of the measure that F' is to be good on."""
        return rng.standard_normal((n, self.dim))

    def fresh(self, n: int, rng: np.random.Generator) -> Points:
        """The same; made again whenever they are looked at if they are too many to be kept."""
        return drawn(self.sample, n, self.dim, rng)

    def spread(
        self, n: int, rng: np.random.Generator, tilt: np.ndarray | float = 0.0
    ) -> np.ndarray:
        """Points (n, d) for a least squares fit: every other one three times farther out. Noise
        does not grow with them, so they weigh more, and neurons that are rarely reached show.

        Their density is multiplied by exp(<tilt, x>), which shifts a Gaussian; but not to where no
        Gaussian point will ever be.
        """
        x = self.sample(n, rng)
        x[::2] *= 3.0
        return x + tilt / max(1.0, float(np.linalg.norm(tilt)) / _NEVER)

    def held_out(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Points (n, d) that judge such a fit."""
        return self.sample(n, rng)

    def near(self, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A random point (n, d) in the neighbourhood of each of these."""
        return points + 0.4 * self.sample(len(points), rng)

    def line(self, rng: np.random.Generator, through: np.ndarray | None = None) -> Line:
        """A random line, or one through a point (at t = 0)."""
        return Line.draw(self.dim, rng, through)

    def window(self, line: Line) -> Window:
        """The part of a line that may be asked."""
        return Window(-self.far, self.far)

    def candidates(self, n: int, rng: np.random.Generator, reach: float = 10.0) -> np.ndarray:
        """Points (n, d) that may be asked, every other one `reach` times farther out."""
        x = self.sample(n, rng)
        x[1::2] *= reach
        return x

    def room(self, x: np.ndarray) -> np.ndarray:
        """How far (n,) a step from each row of x (n, d) may go."""
        return np.full(len(x), np.inf)

    def faces(self, origin: np.ndarray, basis: Basis) -> tuple[np.ndarray, np.ndarray]:
        """Where questions end, in an affine subspace: normals (f, n) and distances (f,)."""
        return np.empty((0, len(basis))), np.empty(0)

    def batches(self, n: int, few: int) -> list[int]:
        """The sizes of the batches in which n fresh points are asked, the first one `few`.

        Doubled: what one point in a hundred shows costs some hundred points.
        """
        sizes: list[int] = []
        while n > sum(sizes):
            sizes.append(min(max(few, sum(sizes)), n - sum(sizes)))
        return sizes

    def asking(self, oracle: Oracle) -> Oracle:
        """An oracle that takes this space's points."""
        return oracle

    def place(self, points: np.ndarray) -> np.ndarray:
        """Points (..., d) as the black box sees them."""
        return points

    def locate(self, points: np.ndarray) -> np.ndarray:
        """The user's points (..., d) in the space's coordinates: the inverse of `place`."""
        return points

    def growth(self, x: np.ndarray) -> np.ndarray:
        """How much (n,) the noise has grown at points as the black box sees them."""
        return 1 + np.linalg.norm(x, axis=1) / np.sqrt(self.dim)

    def told(self, value: T) -> T:
        """A network, an event or an error in the user's coordinates."""
        return value
