"""Black boxes that answer only inside a box: every query stays within `bounds`.

An affine change of variables maps the box to the cube [-1, 1]^d, where the usual procedures work,
and the network is mapped back: neither offsets nor widths matter.

A chord of the cube meets only some critical hyperplanes, so several chords are needed. All go
through one point p (a star). What the chords so far have given is subtracted; each neuron that is
still missing has p and all these chords on one side of its hyperplane, and once it is oriented away
from them it is switched off there: F - F' vanishes around the chords, and on their convex hull. So
a chord from p through any point where F and F' differ meets at least one more neuron; it starts on
a piece whose gradient is known to be zero, and costs gradients only for what is new.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np

from relu_learn.core.cells import Arrangement
from relu_learn.core.diagnosis import look_for_bent_hyperplanes
from relu_learn.core.errors import InvalidArgument
from relu_learn.core.events import Event
from relu_learn.core.gradients import measure_rates, orthonormal_basis
from relu_learn.core.lines import SIGMAS, Line, Noise, Window
from relu_learn.core.network import ReluNetwork
from relu_learn.core.neurons import choose_pieces, subset
from relu_learn.core.oracle import Oracle, points_around
from relu_learn.core.pieces import Piece, output_directions
from relu_learn.core.polish import along
from relu_learn.core.run import FEW, USEFUL, Run, Settings
from relu_learn.core.target import Target

# The center of the star lies within this distance of the cube's center (in every coordinate), and
# the first chord ends within it of two opposite corners: far reaching, but never special.
_OFF_CENTER = 0.05
# Uniform points that tell the size of the outputs, and where the first chords have to go.
_FIRST_LOOK = 16
# Answers less precise than this, in units of the outputs' spread, are fitted by least squares:
# gradients over steps lose up to two digits, which is more than the final test allows.
_BLURRED = USEFUL / 50
# Chords after which a black box that still is not explained is looked at for bent hyperplanes.
_SUSPICION = 12
# Chords in a row that do not help after which a run gives up; and so many are added in any case:
# one may end in the middle of a bump, and only others show the rest of it.
_PATIENCE, _ASTRAY = 12, 3
# Errors at known points below this (in units of the scale) are not from a missing neuron: some
# gradient was measured badly. They are measured again.
_NEARLY = 1e-6
# Hyperplanes that only graze the box are met one chord at a time; this many chords end a run.
_MAX_CHORDS = 300
# Corners that are tested besides uniform points: so many, or a quarter of all queries, up to 8
# times as many.
_CORNERS = 128
# Length of the step that checks whether a residual vanishes; see `safe_step`.
_CHECK_STEP = 0.1


# A box that is narrower than twice so many neighbouring floats far from 0 is too coarse a grid.
_FLOATS = 2**19


class Box:
    """The box low <= x <= high, and its map x = mid + half z from the cube [-1, 1]^d.

    Parameters
    ----------
    bounds : (low, high)
        Numbers or vectors (d,), finite, low < high in every coordinate.
    dim : int

    Raises
    ------
    InvalidArgument
    """

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
        self.dim = dim
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

    def place(self, z: np.ndarray) -> np.ndarray:
        """The points of the box at points (..., d) of the cube; rounding never leaves the box."""
        return np.clip(self.mid + self.half * z, self.low, self.high)

    def network(self, net: ReluNetwork) -> ReluNetwork:
        """A network on the cube as one on the box."""
        weights, skip = net.weights / self.half, net.skip / self.half
        biases, offset = net.biases + weights @ self.mid, net.offset - skip @ self.mid
        return ReluNetwork(weights, biases, net.output_weights, skip, offset)

    def outward(self, data: dict[str, Any]) -> dict[str, Any]:
        """An event's fields, from the cube to the box. (Networks are mapped already.)"""
        data = dict(data)
        for name in data.keys() & {"point", "points", "origin"}:
            data[name] = self.place(data[name])
        if "direction" in data:
            data["direction"] = data["direction"] * self.half
        if "gradient" in data:
            data["gradient"] = data["gradient"] / self.half
        if "weights" in data:
            data["weights"] = data["weights"] / self.half
            data["bias"] = float(data["bias"] + data["weights"] @ self.mid)
        return data


class Cube(Oracle):
    """An oracle on the cube [-1, 1]^d that asks another one inside a box."""

    def __init__(self, oracle: Oracle, box: Box) -> None:
        self.inner, self.box = oracle, box
        self._basis, self._scaled = np.empty(0), np.empty(0)

    def __getattr__(self, name: str) -> Any:  # the books: dim, queries, n_outputs, is_scalar
        return getattr(self.inner, name)

    def room(self, x: np.ndarray) -> np.ndarray:
        """Distances (n,) of points in the cube from its nearest face."""
        return 1.0 - np.abs(x).max(axis=1)

    def candidates(self, n: int, rng: np.random.Generator, spread: float = 1.0) -> np.ndarray:
        return rng.uniform(-1.0, 1.0, (n, self.box.dim))

    def faces(self, origin: np.ndarray, basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The 2 d faces in an affine subspace, as an `Arrangement` wants them."""
        return np.concatenate([-basis.T, basis.T]), np.concatenate([1 - origin, 1 + origin])

    def __call__(self, x: np.ndarray) -> np.ndarray:
        assert len(x) == 0 or self.room(x).min() > -1e-9, "a query left the box"
        return self.inner(self.box.place(x))

    def around(
        self, point: np.ndarray, steps: np.ndarray, basis: np.ndarray, moves: np.ndarray
    ) -> np.ndarray:
        if basis is not self._basis:
            self._basis, self._scaled = basis, basis * self.box.half
        recipe = self.box.place(point), steps, self._scaled, moves * self.box.half
        x = points_around(*recipe)
        if ((self.box.low <= x) & (x <= self.box.high)).all():
            return self.inner.around(*recipe)  # which keeps only the recipe, not the points
        return self(points_around(point, steps, basis, moves))


class BoxRun(Run):
    """A run on the cube, which tells of the box."""

    measure = "uniform-on-the-box"
    marks = np.array([0.0, 1.0])  # the star's center, and the point to be explained
    audible = 1.3  # the spread of _FIRST_LOOK answers, noise included

    def __init__(
        self, oracle: Oracle, box: Box, settings: Settings, rng: np.random.Generator
    ) -> None:
        super().__init__(Cube(oracle, box), settings, rng)
        self.box, self.draw, self.outside = box, self.spread, oracle
        self.n_corners = 0
        self.center = self.rng.uniform(-_OFF_CENTER, _OFF_CENTER, oracle.dim)

    # ---------------------------------------------------------------- from the cube to the box

    def emit(
        self, kind: type[Event], phase: str, procedure: str, narration: str, **data: Any
    ) -> Event:
        return super().emit(kind, phase, procedure, narration, **self.box.outward(data))

    def hypothesis(self) -> ReluNetwork:
        return self.box.network(super().hypothesis())

    def place(self, points: np.ndarray) -> np.ndarray:
        return self.box.place(points)

    def ask(self, x: np.ndarray) -> np.ndarray:
        return self.outside(x).reshape(len(x), -1)

    def noise_at(self, x: np.ndarray) -> np.ndarray:
        return np.tile(2 * self.noise * self.scale, (len(x), 1))

    def sample(self, n: int) -> np.ndarray:
        return self.rng.uniform(-1.0, 1.0, (n, self.oracle.dim))

    def spread(self, n: int) -> np.ndarray:
        """Points (n, d) for a fit to imprecise answers: where no sample is, it may explode.

        Uniform points hardly ever lie near corners, so every eighth point is one.
        """
        x = self.sample(n)
        x[::8] = np.where(x[::8] < 0, -1.0, 1.0)
        return x

    def validate(self, most: int | None = None) -> Iterator[Event]:
        """Test what is handed out: far from the origin the way to the box costs digits."""
        yield from super().validate(most)
        points, answers = self.tested[-1]
        found = self.hypothesis()(self.place(points)).reshape(answers.shape)
        errors = np.abs(answers * self.scale - found).max(axis=1)
        self.errors = np.maximum(self.errors, errors)

    # ---------------------------------------------------------------- chords

    def choose_line(self, through: np.ndarray | None) -> str:
        """A chord through the star's center: nearly a diagonal, or through a given point too."""
        d = self.oracle.dim
        if through is None:
            text = "Draw a chord of the box, nearly a diagonal."
            reach = self.rng.uniform(1 - 2 * _OFF_CENTER, 1 - _OFF_CENTER, d)
            direction = self.rng.choice([-1.0, 1.0], d) * reach
        else:
            text = "Draw a chord through a point where the hypothesis is wrong."
            direction = through - self.center
        self.line = Line(self.center, direction)
        self.window = _chord(self.line)
        return text

    def shown(self) -> tuple[float, float]:
        return self.window.low, self.window.high

    def sizes(self, probes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x = self.sample(_FIRST_LOOK)
        y = Target(self.oracle, np.ones(1))(x)
        self.seen = x, y
        most = np.abs(y).max(axis=0)
        unit = np.where(most > 0, most, 1.0)
        return (y / unit).std(axis=0) * unit, most  # squares of large answers would overflow

    def measure_precision(self) -> Iterator[Event]:
        yield from super().measure_precision()
        self.imprecise |= bool(self.noise.max() > _BLURRED)

    def search(self, through: bool) -> Iterator[Event]:
        yield from super().search(through)
        if self.known is None and not len(self.slice.kinks):
            # Perhaps affine in the whole box: then no step is too long.
            self.slice = dataclasses.replace(self.slice, widths=np.full(1, np.inf))

    def precision(self) -> Noise:
        """The noise of an answer; of a residual, also what F' is off where it is right."""
        if self.known is None:
            return Noise(self.noise)
        errors = self.paid(self.known)[1]
        right = (errors * self.scale).max(axis=1) <= self.tolerance()
        most = self.tolerance() / self.scale / (2 * SIGMAS)
        level = 2 * errors[right].max(axis=0) if right.any() else most
        return Noise(np.maximum(self.noise, np.minimum(level, most)))

    def silent_pieces(self) -> list[int]:
        """Pieces of the chord on which F' is right: the residual vanishes in random directions."""
        if self.known is None:
            return []
        s, d = self.slice, self.oracle.dim
        eta = SIGMAS * self.precision().at(s.centers)
        flat = (np.abs(s.values) <= eta) & (np.abs(s.slopes) * s.widths[:, None] <= eta)
        points = self.line.at(s.centers)
        radius = np.minimum(_CHECK_STEP * np.sqrt(d) * s.widths, 0.9 * self.oracle.room(points))
        silent = []
        for r in np.flatnonzero(flat.all(axis=1)):
            moves = self.rng.standard_normal((2, d))
            moves *= radius[r] / np.linalg.norm(moves, axis=1, keepdims=True)
            if (np.abs(self.target()(points[r] + moves)) <= eta[r]).all():
                silent.append(int(r))
        return silent

    # ---------------------------------------------------------------- the star

    def settle(self) -> None:
        """No kink is far out on a chord."""

    def learn(self) -> Iterator[Event]:
        """Chord after chord through the worst point known, until fresh points show none."""
        self.tested.append((self.seen[0], self.seen[1] / self.scale))
        yield from self.search(False)
        yield from self.solve("gradients")
        self.commit()
        self.lines = [self.line]
        polished, rejected = False, 0
        near: list[ReluNetwork | None] = []  # the hypotheses that were nearly right
        goal, tries = np.array(self.score(self.known)), 0
        for number in range(_MAX_CHORDS):
            points, worst = self.worst()
            nearly = worst.max() <= _NEARLY * self.output_scale
            if not rejected:
                best, mark = self.known, self.score(self.known)
                if nearly:
                    near.append(best)
            if nearly and len(x := self.corners()):
                self.tested.append((x, Target(self.oracle, self.scale)(x)))
                continue
            good = worst.max() <= self.tolerance()
            if not polished and (self.settings.polish if good else nearly):
                polished = True
                yield from self.polish()
                continue
            if good:
                best, rejected = self.known, 0
                yield from self.validate()
                if self.errors.max() <= self.tolerance():
                    return
                if self.worst()[1].max() <= self.tolerance():
                    break  # right on the cube, but its digits do not survive the way to the box
                continue
            if number % _SUSPICION == _SUSPICION - 1:
                look_for_bent_hyperplanes(self)
            # Nearly right, and no chord helps much: what is left are digits that nobody can see.
            now = np.array(self.score(self.known))
            if (now < goal / 2).any():
                goal, tries = np.minimum(goal, now), 0
            tries += nearly
            if _PATIENCE in (rejected, tries):
                break
            if rejected % _ASTRAY == 0:  # from the best so far; and from another place this time
                self.known = best
                self.center = self.sample(1)[0] / 2 if rejected else self.center
                points, worst = self.worst()
            yield from self.extend(points[worst.argmax()])
            self.lines.append(self.line)
            if self.better(mark):
                rejected = 0
                yield self.repaired("Add what this chord met to the hypothesis.")
            else:
                rejected += 1
        self.known = best
        yield from self.validate()
        yield from self.go_back(near)
        self.require_useful(" on the box")

    def remeasure(self) -> Generator[Piece, None, ReluNetwork]:
        """Measure every neuron once more, now that all hyperplanes are known (see `polish`).

        Chord by chord again: each neuron on the first chord that meets it.
        """
        assert self.known is not None
        rest, done = self.known, None
        for line in self.lines:
            window = _chord(line)
            here = rest.weights @ line.direction
            with np.errstate(divide="ignore", invalid="ignore"):
                t = (rest.biases - rest.weights @ line.origin) / here
            met = (window.low < t) & (t < window.high)
            if met.any() or done is None:
                target = Target(self.oracle, self.scale, done)
                found = yield from polish_chord(
                    target, line, window, rest, met, Noise(self.noise), self.rng
                )
                done = found if done is None else done + found
                rest = subset(rest, ~met)
        assert done is not None
        return done if not rest.n_neurons else self.known

    def corners(self) -> np.ndarray:
        """The next corners of the cube to be tested; none when they were enough.

        A neuron that is switched on somewhere in the box is on at a corner, and on a larger share
        of the corners than of uniform points, whose spread is smaller by sqrt(3) in every
        direction: 1 in 60 corners shows what 1 in 10,000 uniform points do.
        """
        d = self.oracle.dim
        done = self.n_corners
        if 2**d <= _CORNERS:
            x = 2.0 * (np.arange(2**d)[:, None] >> np.arange(d) & 1) - 1
            x = x[done:]
        else:
            wanted = min(max(_CORNERS, self.oracle.queries // 4), 8 * _CORNERS)
            n = max(0, wanted - done) if done else _FIRST_LOOK
            x = self.rng.choice([-1.0, 1.0], (n, d))
        self.n_corners += len(x)
        return x

    def batches(self, n: int) -> list[int]:
        """A few, then all: a chord may end inside a bump, and only many points tell a repair that
        helps there from one that does harm beyond."""
        return [min(FEW, n), *([n - FEW] if n > FEW else [])]

    def validation_size(self) -> int:
        """As on Gaussian points; but here every chord met only a part, so at least 5 %."""
        return max(super().validation_size(), min(self.oracle.queries // 20, 1000))


def polish_chord(
    target: Target,
    line: Line,
    window: Window,
    network: ReluNetwork,
    met: np.ndarray,
    noise: Noise,
    rng: np.random.Generator,
) -> Generator[Piece, None, ReluNetwork]:
    """Measure the neurons that a chord meets, each piece at the roomiest point of its cell.

    Parameters
    ----------
    target : Target
        What is known of F more precisely is subtracted already, and vanishes at the line's origin.
    line : Line
    window : Window
    network : ReluNetwork
        All neurons of the target, roughly.
    met : ndarray of bool, shape (k,)
        Those to be measured.

    Yields
    ------
    Piece
        After each gradient.
    """
    d = network.dim
    rough, t = along(subset(network, met), line)
    outer = np.concatenate([[window.low], t, [window.high]])
    centers = (outer[:-1] + outer[1:]) / 2
    alpha = output_directions(rough.output_weights.T)
    chosen, _ = choose_pieces(alpha, np.ones(len(centers)), 3.0)
    basis = orthonormal_basis(line.direction, rng)
    normals, levels = target.oracle.faces(line.origin, basis.rows)
    size = np.linalg.norm(network.weights, axis=1)
    view = Arrangement(
        line.origin,
        basis.rows,
        np.concatenate([network.weights / size[:, None] @ basis.rows.T, normals]),
        np.concatenate([(network.weights @ line.origin - network.biases) / size, levels]),
    )
    start = np.zeros((len(chosen), d))
    start[:, 0] = centers[chosen] * np.linalg.norm(line.direction)
    where, _ = view.roomy(start, steps=150 + 4 * network.n_neurons)
    rows = []
    for r, c in zip(chosen, where, strict=True):
        if target.known is not None and outer[r] < 0 < outer[r + 1]:
            rows.append(np.zeros((len(noise.level), d + 1)))
            continue
        point = view.origin + c @ basis.rows
        own = noise.at_point(point)
        reach = np.minimum(view.reach(c, 0.4, np.inf), 0.9 * target.oracle.room(point[None]))
        value, rates, used = measure_rates(target, point, None, basis, reach, own, rng)
        gradient = basis.combine(rates)
        rows.append(np.column_stack([gradient, value - gradient @ point]))
        error = float(own.max() / used.min())
        yield Piece(int(r), point, value, gradient, float(used.min()), error)
    parts = [np.zeros((0, d + 1))]
    for a, b, left, right in zip(chosen[:-1], chosen[1:], rows[:-1], rows[1:], strict=True):
        # The step from piece to piece switches the neurons in between on: w and -b together.
        parts.append(np.linalg.lstsq(alpha[a:b].T, right - left, rcond=None)[0])
    found = np.concatenate(parts)
    size = np.linalg.norm(found[:, :-1], axis=1)
    size = np.where(size > 0, size, 1.0)
    return ReluNetwork(
        found[:, :-1] / size[:, None],
        -found[:, -1] / size,
        alpha.T * size,
        rows[0][:, :-1],
        rows[0][:, -1],
    )


def _chord(line: Line) -> Window:
    """The part of a line, from a point inside, that lies in the cube."""
    speed = np.abs(line.direction)
    with np.errstate(divide="ignore"):
        ahead = (1 - np.sign(line.direction) * line.origin) / speed
        behind = (1 + np.sign(line.direction) * line.origin) / speed
    return Window(-float(behind.min()), float(ahead.min()), cauchy=False)
