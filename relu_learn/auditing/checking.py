"""A first look at a black box for some dozens of queries: what it is, and what it would cost."""

from __future__ import annotations

import dataclasses
import math
import time

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import BlackBoxError
from relu_learn.asking.oracle import Oracle
from relu_learn.core.lines import Line
from relu_learn.core.precision import EXACT
from relu_learn.core.space import Space
from relu_learn.imprecise.kind import NoiseEstimate, estimate_noise
from relu_learn.judging.planning import Plan, plan
from relu_learn.learn import space_of

Array = NDArray[np.float64]
# Parts of the line in which kinks are looked for. While nearly all have one, a short piece in the
# middle of each is looked at instead, and once more: of 1,800 kinks half of the last have none.
_BINS, _FULL, _PIECE = 10, 0.9, 16
_FINEST = _BINS * _PIECE**2
# The plan of so many neurons, three times as many in a box, is rehearsed for three seconds.
_MOST = 600
# A bend is no rounding if it is so many times larger than one answer is off. (A bend of normal
# noise has 1.2 times its size, so this is more than 6 of its deviations: in 135 parts never.)
_CLEAR = 8.0
# If few have one, so many short pieces tell whether answers vary at all, and not only jump.
_FEW = 2
# Queries in units of `plan` for exact answers in R^d, fewest and most, as the table of roads in the
# README has them; and how many times more in a box, as the brake has it: a chord meets only some of
# the hyperplanes. (Then there are about so many times more neurons than kinks on one of them.)
_COST = {"exact": (1.0, 1.0), "float32": (3.0, 9.9), "random": (2.4, 4.9)}
_COARSE = (2.6, 6.9)
_CHORDS = 3
# A budget is so many times the most that is expected: the number of neurons is an estimate. Small
# networks may be hostile ones; the learner's own brake lets all ask 10,000.
_BUDGET, _ANY = 3, 10_000
# Noise is heard on so much of the line's middle: kinks are not taken for it, and not looked into.
_NEAR = 0.05
# Points off the line that must be rounded as well.
_ELSEWHERE = 8
# Rows of the user's own, or random ones, that are looked at first.
_FIRST = 8
_ONE = 1e-3  # probabilities may be printed with so few digits


@dataclasses.dataclass(frozen=True)
class Check:
    """What the first look showed.

    Attributes
    ----------
    dim, outputs : int
    noise : NoiseEstimate
        What kind of numbers the answers are.
    shape : str
        What the line looks like: the kind of activation, as far as it shows.
    learnable : bool
        Whether the line looks like one of a ReLU network.
    neurons : int
        A guess, from the parts of the line that have a kink.
    batch : str
        Whether an answer depends on the other rows of its batch.
    domain : str
        What is answered far from the usual inputs.
    values : str
        What numbers the answers are, and what that suggests.
    plan : Plan or None
        For exact answers and so many neurons; None if none could be made.
    queries : int
        What the look cost.
    seconds : float
        For one query, in a batch as large as the look's largest; 0 if all answers were replayed.
    bounded : bool
        Whether it may be asked in a box only.
    structure : bool
        Whether a structure of its first layer would be made use of; none is planned for.
    """

    dim: int
    outputs: int
    noise: NoiseEstimate
    shape: str
    learnable: bool
    neurons: int
    batch: str
    domain: str
    values: str
    plan: Plan | None
    queries: int
    seconds: float
    bounded: bool = False
    structure: bool = False

    @property
    def expected(self) -> tuple[int, int]:
        """Fewest and most queries that learning it will probably cost."""
        if self.plan is None:
            return 0, 0
        low, high = _COST.get(self.noise.kind, _COARSE)
        high *= _CHORDS if self.bounded else 1
        return round(low * self.plan.low), round(high * self.plan.high)

    @property
    def budget(self) -> int:
        """Queries after which something is not as it looked."""
        return max(_ANY, _BUDGET * self.expected[1])

    def rows(self, price: float | None = None) -> dict[str, str]:
        """The findings, by what they are about; `price` is that of one query."""
        low, high = self.expected
        about = {
            "inputs, outputs": f"{self.dim}, {self.outputs}",
            "answers": f"{self.noise}; {self.values}",
            "batches": self.batch,
            "far away": self.domain,
            "along a line": self.shape,
        }
        if self.plan is None or not self.learnable:
            return about | {"to learn it": "no estimate: it does not look like a ReLU network"}
        cost = f"about {_rounded(low)} to {_rounded(high)} queries"
        less = ", fewer if its first layer is sparse or of low rank" if self.structure else ""
        about["to learn it"] = f"{cost}, if it has about {self.neurons} neurons{less}"
        if self.seconds:
            own, most = self.plan.seconds * _COST.get(self.noise.kind, _COARSE)[1], self.seconds
            about["time"] = f"at most about {_duration(own + most * high)} ({_duration(most)} each)"
        if price is not None:
            about["price"] = f"{price * low:,.2f} to {price * high:,.2f} at {price:g} each"
        return about


def check(
    oracle: Oracle,
    *,
    bounds: object = None,
    points: object = None,
    rng: int = 0,
    careful: bool = True,
    lean: bool = False,
    structure: str | None = None,
) -> Check:
    """Look at a black box before learning it: some 70 queries, 8 more if its answers are rounded,
    24 if they are random, 48 if they are float32 or bend where their noise is heard, and up to 30
    if it has many neurons.

    Parameters
    ----------
    oracle : Oracle
        It counts, and keeps the answers if it has a ledger.
    bounds : (low, high), optional
        As for `learn_steps`.
    points : ndarray of shape (n, d), optional
        The user's own inputs, of which the first eight are asked.
    rng : int
        Same seed, same queries.
    careful : bool
        A black box that refuses to answer far away is a finding, not an error.
    lean, structure
        As for `learn_steps`: how it would be learned.

    Returns
    -------
    Check

    Raises
    ------
    ReluLearnError
        BlackBoxError, above all.
    """
    before, random = oracle.queries, np.random.default_rng([19, rng])
    bounds = oracle.bounds if bounds is None else bounds
    look = _Look(oracle, space_of(bounds, oracle.dim), random)
    first = look.space.sample(_FIRST, random)
    x = look.space.place(first) if points is None else np.asarray(points, dtype=float)[:_FIRST]
    y = look.asked(x)
    noise = look.noise(float(np.abs(y).max()), y)
    batch = look.batch(x, y, noise)
    shape, learnable, neurons = look.shape(noise)
    domain = look.domain(bounds is not None, careful)
    if noise.kind != "exact" or bounds is not None:  # there they change nothing
        lean, structure = False, None
    expected = None
    if learnable:
        expected = plan(oracle.dim, y.shape[1], neurons, lean=lean, structure=structure)
    return Check(
        dim=oracle.dim,
        outputs=oracle.n_outputs or 1,
        noise=noise,
        shape=shape,
        learnable=learnable,
        neurons=neurons,
        batch=batch,
        domain=domain,
        values=_values(y),
        plan=expected,
        queries=oracle.queries - before,
        seconds=look.seconds,
        bounded=bounds is not None,
        structure=structure is not None,
    )


def _values(y: Array) -> str:
    """What numbers answers (n, m) are: probabilities, a few values, anything."""
    span, kinds = f"from {y.min():.4g} to {y.max():.4g}", len(np.unique(y, axis=0))
    if kinds <= len(y) // 4:
        return f"only {kinds} values, {span}: labels have no slopes"
    if y.min() < 0 or y.max() > 1:
        return span
    one = y.shape[1] > 1 and np.abs(y.sum(axis=1) - 1).max() <= _ONE
    sure = ((y == 0) | (y == 1)).any(axis=1).mean()
    lost = f", {100 * sure:.0f} % of the rows saturated at 0 or 1" if sure else ""
    name = "softmax" if one else "logit" if y.shape[1] == 1 else "logits"
    return f"{span}{lost}: if these are probabilities, --link {name} learns their scores"


class _Look:
    """One line of a space, asked in the user's inputs."""

    def __init__(self, oracle: Oracle, space: Space, rng: np.random.Generator) -> None:
        self.oracle, self.space, self.rng = oracle, space, rng
        self.line: Line = space.line(rng)
        self.window = space.window(self.line)
        self.seconds, self._largest = 0.0, 0

    def asked(self, x: Array) -> Array:
        """Answers (n, m) at the user's own inputs; the largest new batch tells the time."""
        new, start = self.oracle.queries - self.oracle.replayed, time.perf_counter()
        answers = self.oracle(x).reshape(len(x), -1)
        if self.oracle.queries - self.oracle.replayed - new == len(x) > self._largest:
            self._largest = len(x)
            self.seconds = (time.perf_counter() - start) / len(x)
        return answers

    def ask(self, x: Array) -> Array:
        """The same in the space's coordinates."""
        return self.asked(self.space.place(x))

    def at(self, t: Array) -> Array:
        return self.ask(self.line.at(np.ravel(t))).reshape(*np.shape(t), -1)

    def noise(self, size: float, *known: Array) -> NoiseEstimate:
        """How precise the answers are, heard on a middle part of the line."""
        low, high = max(-1.0, self.window.low), min(1.0, self.window.high)
        origin = self.line.at(np.array([(low + high) / 2]))[0]
        half = self.line.direction * _NEAR * (high - low) / 2
        elsewhere = self.space.sample(_ELSEWHERE, self.rng)
        noise = estimate_noise(self.ask, origin, half, self.rng, lambda: elsewhere, known)
        # Sums of float64 numbers are rounded, too: not the kind tells then, but how much.
        fine = noise.kind == "float32" and (noise.sigma <= EXACT * size).all()
        return NoiseEstimate(noise.sigma, "exact") if fine else noise

    def batch(self, x: Array, y: Array, noise: NoiseEstimate) -> str:
        """Is an answer the same alone and among others?"""
        if noise.kind == "random" and (self.asked(x) != y).any():
            return "not told apart from noise: the same question is answered differently"
        among, alone = y[len(x) // 2], self.asked(x[len(x) // 2][None])[0]
        off = float(np.abs(among - alone).max())
        if off == 0:
            return "an answer does not depend on the other rows; the same question, the same answer"
        size = float(np.abs(among).max())
        small = off <= 1e-4 * size  # sums of float32 numbers are not less precise
        why = "as sums in another order do" if small else "is a normalisation by batch left on?"
        return (
            f"an answer depends on the other rows, by {off / (size or 1):.0e} of its size ({why})"
        )

    def shape(self, noise: NoiseEstimate) -> tuple[str, bool, int]:
        """In how many parts of the line does it bend; are these kinks; how many neurons is that?"""
        t, y = self._parts(_BINS)
        first = bent = _bent(t, y, noise)
        moving = (np.ptp(y, axis=1) > 0).any(axis=1)
        if not moving.any():
            return "constant", True, 1
        n, kinks, full = _BINS, _kinks(_BINS, bent), bool(bent.mean() >= _FULL)
        some = np.flatnonzero(moving)
        t, y = self._pieces(t[some[:: 2 if full else -(-len(some) // _FEW)]])
        if not np.ptp(y, axis=1).any():
            return "constant pieces, with jumps: a tree, labels, or coarsely rounded", False, 0
        while full:
            n, bent = _PIECE * n, _bent(t, y, noise)
            kinks = max(kinks, _kinks(n, bent))
            full = bent.mean() >= _FULL and n < _FINEST
            if full:
                t, y = self._pieces(t)
        if n == _FINEST and bent.mean() > 0.5:
            return "bends everywhere, in short pieces, too: smooth (tanh, GELU, softmax)", False, 0
        if not first.any():
            return "straight: affine, or its neurons are met by other lines", True, 1
        seen = "one kink" if first.sum() == 1 else f"{first.sum()} kinks"
        more = " or more" if bent.all() or kinks > _MOST else ""
        kinks = min(kinks, _MOST)
        about = f"straight pieces with at least {seen}, probably {kinks}{more}, as ReLUs make"
        about += ", beside those that the noise hides" * (noise.kind == "random")
        return about, True, kinks * (1 if self.window.cauchy else _CHORDS)

    def _parts(self, n: int) -> tuple[Array, Array]:
        """Two ends and a place between them for each of n parts of the line: t (n, 3), and the
        answers (n, 3, m)."""
        # Kinks are uniform in the window's coordinate; the outermost hundredths lie far out.
        low, high = np.array([self.window.low]), np.array([self.window.high])
        fraction = np.linspace(0.01, 0.99, 2 * n + 1)
        fraction[1::2] += self.rng.uniform(-0.2, 0.2, n) * (fraction[1] - fraction[0])
        t = np.concatenate([self.window.middle(low, high, np.array([f])) for f in fraction])
        y = self.at(t)
        return tuple(np.stack([v[:-1:2], v[1::2], v[2::2]], axis=1) for v in (t, y))  # type: ignore[return-value]

    def _pieces(self, t: Array) -> tuple[Array, Array]:
        """The same for a short piece in the middle of each of these parts."""
        wide = (t[:, 2] - t[:, 0])[:, None] / _PIECE
        t = t[:, 1][:, None] + wide * np.array([-0.5, -0.05, 0.5])
        return t, self.at(t)

    def domain(self, bounded: bool, careful: bool) -> str:
        """What comes back from far away."""
        if bounded:
            return "not asked: all queries stay in the box"
        try:
            y = self.at(np.array([-2e3, -1e3, 1e3, 2e3]))
        except BlackBoxError as error:
            if careful:
                return f"no answer ({error}): give bounds"
            raise BlackBoxError(
                f"far from 0 the {error}: bounds keep all queries in a box"
            ) from error
        still = (y[0] == y[1]).all() and (y[2] == y[3]).all()
        return (
            "the answers are constant: they saturate"
            if still
            else "answers go on changing, as a ReLU network's do"
        )


def _kinks(n: int, bent: NDArray[np.bool_]) -> int:
    """How many kinks a line has if some of n equal parts were looked at: so many balls in n bins
    leave so many of them empty."""
    empty = max(1 - float(bent.mean()), 1 / len(bent))
    return max(int(bent.sum()), round(-n * math.log(empty)))


def _bent(t: Array, y: Array, noise: NoiseEstimate) -> NDArray[np.bool_]:
    """In which parts (n,) the answers (n, 3, m) at places t (n, 3) are not on a straight line."""
    weight = ((t[:, 1] - t[:, 0]) / (t[:, 2] - t[:, 0]))[:, None]
    bend = np.abs(y[:, 1] - (1 - weight) * y[:, 0] - weight * y[:, 2])
    # Rounding grows with the answers, and far out with the inputs.
    far = np.maximum(1.0, np.abs(t).max(axis=1))[:, None]
    size = np.abs(y).max(axis=1)
    grows = noise.kind not in ("rounded", "random")
    doubt = noise.sigma * (far if grows else 1.0) + 4 * np.finfo(float).eps * size
    return np.asarray((bend > _CLEAR * doubt).any(axis=1))


def _rounded(n: float) -> str:
    """A number of queries with two digits."""
    digits = max(0, int(math.log10(max(n, 1))) - 1)
    return f"{round(n, -digits):,.0f}"


def _duration(seconds: float) -> str:
    if seconds < 0.001:
        return f"{1e6 * seconds:.0f} µs"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
