"""A box as a space: every query stays within its bounds.

An affine change of variables maps the box to the cube [-1, 1]^d, where the usual procedures work,
and what they say is mapped back: neither offsets nor widths matter.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from relu_learn.asking.errors import InvalidArgument, NotOneHiddenLayer, NotPiecewiseLinear
from relu_learn.asking.oracle import Oracle
from relu_learn.asking.rows import Directions, Points, Rows, chunks, points_around
from relu_learn.core.basis import Basis
from relu_learn.core.lines import Line, Window
from relu_learn.core.space import WALL, Space, T
from relu_learn.network import ReluNetwork
from relu_learn.telling.events import Event, ResidualFitted

# A random chord passes the center of the cube within this distance (in every coordinate), and ends
# within it of two opposite corners: far reaching, but never special. (÷ 10: 1 % fewer queries in 4
# runs; × 10: 3 % more.)
OFF_CENTER = 0.05
# Uniform points that tell the size of the outputs, and where the first chords have to go. (Two: 2 %
# fewer queries in 4 runs; 160: 18 % more.)
FIRST_LOOK = 16
# Near a point every coordinate moves by a share U^6 of the way to a random one, U uniform: 1/7 on
# average, so that half of a corner's neighbours are in a half-space that one corner in 200 is in.
_STAY = 6
# A box that is narrower than twice so many neighbouring floats far from 0 is too coarse a grid.
_FLOATS = 2**19


class Box(Space):
    """The box low <= x <= high as a space: the cube [-1, 1]^d, mapped by x = mid + half z.

    Parameters
    ----------
    bounds : (low, high)
        Numbers or vectors (d,), finite, low < high in every coordinate.
    dim : int

    Raises
    ------
    InvalidArgument
    """

    measure = "uniform-on-the-box"
    glance = FIRST_LOOK
    audible = 1.3  # the spread of so few answers, noise included
    share = 20  # every chord meets only a part of the neurons

    def __init__(self, bounds: Any, dim: int) -> None:
        try:
            low, high = bounds
            low, high = (np.array(side, dtype=float) for side in (low, high))
        except (TypeError, ValueError):
            raise InvalidArgument(f"bounds must be a pair (low, high), got {bounds!r}") from None
        for name, side in (("low", low), ("high", high)):
            if side.shape not in ((), (1,), (dim,)):
                raise InvalidArgument(
                    f"bounds: {name} must be a number or a vector of shape ({dim},), "
                    f"got shape {side.shape}"
                )
            if not np.isfinite(side).all():
                raise InvalidArgument(
                    f"bounds: {name} must be finite (one-sided bounds are not supported: choose "
                    f"how far the learner may go), got {side}"
                )
        super().__init__(dim)
        self.low, self.high = (np.broadcast_to(side, dim).copy() for side in (low, high))
        if not (self.low < self.high).all():
            i = int(np.flatnonzero(~(self.low < self.high))[0])
            raise InvalidArgument(
                f"bounds: low must be less than high, got {self.low[i]} and {self.high[i]} "
                f"(coordinate {i})"
            )
        few = self.high / 2 - self.low / 2 < _FLOATS * np.spacing(
            np.maximum(np.abs(self.low), np.abs(self.high))
        )
        if few.any():
            i = int(np.flatnonzero(few)[0])
            raise InvalidArgument(
                f"bounds must have at least {2 * _FLOATS:,} floating-point numbers between them, "
                f"got {float(self.low[i])!r} and {float(self.high[i])!r} (coordinate {i}): shift "
                "and rescale the inputs"
            )
        self.mid, self.half = self.low / 2 + self.high / 2, self.high / 2 - self.low / 2

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(-1.0, 1.0, (n, self.dim))

    def spread(
        self, n: int, rng: np.random.Generator, tilt: np.ndarray | float = 0.0
    ) -> np.ndarray:
        """Every other point is a corner, or every eighth if there are few corners: uniform points
        hardly ever lie near them, and are nearer to the middle by sqrt(3) in every direction, where
        fewer neurons switch.

        With a density exp(<tilt, x>), if they are tilted.
        """
        x, slope = self.sample(n, rng), np.broadcast_to(tilt, self.dim)
        steep = np.flatnonzero(np.abs(slope) > 1e-6)
        s = np.abs(slope[steep])  # the integral of exp(s x), inverted; without overflow
        x[:, steep] = 1 + np.log1p((x[:, steep] - 1) / 2 * -np.expm1(-2 * s)) / s
        x[:, steep] *= np.sign(slope[steep])
        corners = slice(None, None, 2 if 2.0**self.dim > n else 8)
        x[corners] = np.where(x[corners] < 0, -1.0, 1.0)
        return x

    def held_out(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """With corners, too: there a fit explodes."""
        return self.spread(n, rng)

    def near(self, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Most coordinates move little and few far: to shrink a point as a whole would only leave
        the corner behind that a neuron cuts off."""
        share = rng.random(points.shape) ** _STAY
        return points + share * (self.sample(len(points), rng) - points)

    def line(self, rng: np.random.Generator, through: np.ndarray | None = None) -> Line:
        """A chord, nearly a diagonal; or one from near the center through a point."""
        center = rng.uniform(-OFF_CENTER, OFF_CENTER, self.dim)
        if through is not None:
            return Line(through, through - center)
        reach = rng.uniform(1 - 2 * OFF_CENTER, 1 - OFF_CENTER, self.dim)
        return Line(center, rng.choice([-1.0, 1.0], self.dim) * reach)

    def window(self, line: Line) -> Window:
        speed = np.abs(line.direction)
        with np.errstate(divide="ignore"):
            ahead = (1 - np.sign(line.direction) * line.origin) / speed
            behind = (1 + np.sign(line.direction) * line.origin) / speed
        return Window(-float(behind.min()), float(ahead.min()), cauchy=False)

    def candidates(self, n: int, rng: np.random.Generator, reach: float = 10.0) -> np.ndarray:
        return self.sample(n, rng)

    def room(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(1.0 - np.abs(x).max(axis=1))

    def faces(self, origin: np.ndarray, basis: Basis) -> tuple[np.ndarray, np.ndarray]:
        if basis.rows is None and len(basis) == self.dim:
            return super().faces(origin, basis)  # too many: who walks out finds no room there
        rows = basis.array().T
        return np.concatenate([-rows, rows]), np.concatenate([1 - origin, 1 + origin])

    def batches(self, n: int, few: int) -> list[int]:
        """A few, then all: a chord may end inside a bump, and only many points tell a repair that
        helps there from one that does harm beyond."""
        return [min(few, n), *([n - few] if n > few else [])]

    # ---------------------------------------------------------------- to the user's box, and back

    def asking(self, oracle: Oracle) -> Oracle:
        return _Cube(oracle, self)

    def place(self, points: np.ndarray) -> np.ndarray:
        """The points of the box at points (..., d) of the cube; rounding never leaves the box."""
        return np.clip(self.mid + self.half * points, self.low, self.high)

    def locate(self, points: np.ndarray) -> np.ndarray:
        return np.asarray((points - self.mid) / self.half)

    def growth(self, x: np.ndarray) -> np.ndarray:
        return np.full(len(x), 2.0)  # the cube's points are at most sqrt(d) from its middle

    def told(self, value: T) -> T:
        if isinstance(value, ReluNetwork):
            return self._network(value)  # type: ignore[return-value]
        if isinstance(value, Event):
            return self._event(value)  # type: ignore[return-value]
        if isinstance(value, (NotPiecewiseLinear, NotOneHiddenLayer)):
            value.witness = self.place(value.witness)
        if isinstance(value, NotOneHiddenLayer):
            value.crease = self.place(value.crease)
        return value

    def _network(self, net: ReluNetwork) -> ReluNetwork:
        weights, skip = net.weights / self.half, net.skip / self.half
        biases, offset = net.biases + weights @ self.mid, net.offset - skip @ self.mid
        return ReluNetwork(weights, biases, net.output_weights, skip, offset)

    def _event(self, event: Event) -> Event:
        data = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
        places = data.keys() & {"point", "points", "origin"}
        new: dict[str, Any] = {name: self.place(data[name]) for name in places}
        if "direction" in data:
            new["direction"] = data["direction"] * self.half
        if "gradient" in data:
            new["gradient"] = data["gradient"] / self.half
        if "weights" in data:
            new["weights"] = data["weights"] / self.half
            new["bias"] = float(data["bias"] + new["weights"] @ self.mid)
        if "network" in data:
            new["network"] = self._network(data["network"])
        if isinstance(event, ResidualFitted):
            new["skip"] = event.skip / self.half
            new["offset"] = event.offset - new["skip"] @ self.mid
        return dataclasses.replace(event, **new)


class _Cube(Oracle):
    """An oracle on the cube [-1, 1]^d that asks another one inside a box."""

    def __init__(self, oracle: Oracle, box: Box) -> None:
        self.inner, self.box = oracle, box
        self._basis, self._scaled = np.empty(0), np.empty(0)

    def __getattr__(self, name: str) -> Any:  # the books: dim, queries, n_outputs, is_scalar
        return getattr(self.inner, name)

    def __call__(self, x: Points) -> np.ndarray:
        if isinstance(x, Rows):
            return self.inner(x.mapped(self.box.place))
        assert len(x) == 0 or self.box.room(x).min() > -WALL, "a query left the box"
        return self.inner(self.box.place(x))

    def history(self) -> tuple[np.ndarray, np.ndarray]:
        x, y = self.inner.history()
        return self.box.locate(x), y

    def around(
        self,
        point: np.ndarray,
        steps: np.ndarray,
        basis: np.ndarray | Directions,
        moves: np.ndarray,
    ) -> np.ndarray:
        if isinstance(basis, np.ndarray):
            if basis is not self._basis:
                self._basis, self._scaled = basis, basis * self.box.half
            x = points_around(self.box.place(point), steps, self._scaled, moves * self.box.half)
            if all(((self.box.low <= p) & (p <= self.box.high)).all() for p in chunks(x)):
                return self.inner(x)
        return self(points_around(point, steps, basis, moves))
