"""Hypothesis strategies: arbitrary networks, and black boxes that misbehave in every way.

What is drawn is a recipe of a few small values, so that a case prints as one line from which it can
be built again.
"""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import numpy as np
from dirt import Noise
from hypothesis import strategies as st

from relu_learn import ReluNetwork

# ------------------------------------------------------------------------------- networks

STYLES = ("normal", "integers", "origin", "far", "sparse")
# What happens to a random neuron, after which there is one more (or one that does nothing).
CHANGES = (
    "copy",  # the same hyperplane twice, at different scales
    "twin",  # relu(z) and relu(-z)
    "cancel",  # relu(z) - relu(-z): no kink at all
    "shift",  # parallel
    "near",  # at a tiny angle and distance
    "near, cancelling",
    "near, opposite",
    "hat",  # 1, -2, 1 on parallel neurons
    "needle",  # steep, and switched on by one Gaussian input in a thousand
    "zero weights",
    "zero output",
    "huge",
    "tiny",
)
MIXES = ("normal", "rank one", "zero row", "equal rows", "sparse")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to build a network.

    Attributes
    ----------
    dim, neurons : int
        Before the changes.
    outputs : int
        0 for a scalar network.
    style, mix : str
        Of the hidden neurons, and of the output weights.
    changes : tuple of str
    gap : float
        Distance of near neurons, width of hats.
    scale : float
        Of the outputs.
    skip : bool
    offset : float
        In units of the scale.
    seed : int
    """

    dim: int
    neurons: int
    outputs: int
    style: str
    mix: str
    changes: tuple[str, ...]
    gap: float
    scale: float
    skip: bool
    offset: float
    seed: int

    def build(self) -> ReluNetwork:
        rng = np.random.default_rng(self.seed)
        d, k = self.dim, self.neurons
        w, b = rng.standard_normal((k, d)), rng.standard_normal(k)
        if self.style == "integers":
            w, b = rng.integers(-2, 3, (k, d)).astype(float), rng.integers(-2, 3, k) / 2
        elif self.style == "origin":
            b = np.zeros(k)
        elif self.style == "far":
            b = b * 10.0 ** rng.integers(0, 4, k)
        elif self.style == "sparse":
            w = w * (rng.random((k, d)) < 0.3)
        m = max(self.outputs, 1)
        a = rng.standard_normal((m, k))
        if self.mix == "rank one" and k:
            a = np.outer(rng.standard_normal(m), rng.standard_normal(k))
        elif self.mix == "zero row":
            a[-1] = 0.0
        elif self.mix == "equal rows":
            a[:] = a[0]
        elif self.mix == "sparse":
            a = a * (rng.random((m, k)) < 0.4)
        for change in self.changes if k else ():
            w, b, a = _changed(change, self.gap, w, b, a, rng)
        head = () if self.outputs == 0 else (self.outputs,)
        u = rng.standard_normal((*head, d)) if self.skip else None
        return ReluNetwork(w, b, a if head else a[0], u, np.full(head, self.offset)) * self.scale


def _changed(
    change: str,
    gap: float,
    w: np.ndarray,
    b: np.ndarray,
    a: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    i = int(rng.integers(len(b)))
    if change in ("zero weights", "zero output", "huge", "tiny"):
        w, b, a = w.copy(), b.copy(), a.copy()
        factor = {"zero weights": 0.0, "huge": 1e4, "tiny": 1e-4}.get(change, 1.0)
        w[i] *= factor
        b[i] *= factor or 1.0
        a[:, i] *= 0.0 if change == "zero output" else 1.0
        return w, b, a
    unit = w[i] / (np.linalg.norm(w[i]) or 1.0)
    aside = gap * rng.standard_normal(w.shape[1])
    more: list[tuple[np.ndarray, float, np.ndarray]] = {
        "copy": [(2 * w[i], 2 * b[i], rng.standard_normal(len(a)))],
        "twin": [(-w[i], -b[i], rng.standard_normal(len(a)))],
        "cancel": [(-w[i], -b[i], -a[:, i])],
        "shift": [(w[i], b[i] + 0.5, rng.standard_normal(len(a)))],
        "near": [(w[i] + aside, b[i] + gap, a[:, i] * rng.uniform(0.5, 2))],
        "near, cancelling": [(w[i] + aside, b[i] + gap, -a[:, i])],
        "near, opposite": [(-w[i] - aside, -b[i] - gap, a[:, i] * rng.uniform(0.5, 2))],
        "needle": [(30 * unit, 93.0, rng.standard_normal(len(a)))],
        "hat": [(w[i], b[i] + gap, -2 * a[:, i]), (w[i], b[i] + 2 * gap, a[:, i])],
    }[change]
    for w2, b2, a2 in more:
        w, b, a = np.vstack([w, w2]), np.append(b, b2), np.column_stack([a, a2])
    return w, b, a


@st.composite
def recipes(draw: Any, max_dim: int = 8, max_neurons: int = 9) -> Recipe:
    """Networks with every degeneracy at once; at most 12 neurons or so."""
    return Recipe(
        dim=draw(st.integers(1, max_dim)),
        neurons=draw(st.integers(0, max_neurons)),
        outputs=draw(st.sampled_from([0, 0, 1, 2, 3])),
        style=draw(st.sampled_from(STYLES)),
        mix=draw(st.sampled_from(MIXES)),
        changes=tuple(draw(st.lists(st.sampled_from(CHANGES), max_size=3))),
        gap=10.0 ** -draw(st.integers(1, 9)),
        scale=10.0 ** draw(st.sampled_from([0, 0, -9, -6, -3, 3, 6, 9])),
        skip=draw(st.booleans()),
        offset=draw(st.sampled_from([0.0, 0.0, 1.0, -1e3])),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


def simple_recipes() -> st.SearchStrategy[Recipe]:
    """Networks that are easy to learn: what goes wrong is the black box's fault."""
    return st.builds(
        Recipe,
        dim=st.integers(1, 4),
        neurons=st.integers(0, 5),
        outputs=st.sampled_from([0, 1, 3]),
        style=st.just("normal"),
        mix=st.just("normal"),
        changes=st.just(()),
        gap=st.just(0.1),
        scale=st.just(1.0),
        skip=st.booleans(),
        offset=st.sampled_from([0.0, 1.0]),
        seed=st.integers(0, 2**32 - 1),
    )


# ------------------------------------------------------------------------------------- roads

ROUGH = ("exact", "float32", "float32 in other units", "6 decimals", "3 decimals", "noise 0.001")


@dataclasses.dataclass(frozen=True)
class Road:
    """How a network is asked, and what is wished for.

    Attributes
    ----------
    kind : str
        Of the answers; decimals and noise are relative to the size of an output.
    bounds : (float, float), optional
    epsilon : float, optional
        In units of the variance.
    polish : bool
    """

    kind: str
    bounds: tuple[float, float] | None
    epsilon: float | None
    polish: bool

    def points(self, n: int, dim: int, seed: int) -> np.ndarray:
        """Points (n, d) of the measure."""
        rng = np.random.default_rng(seed)
        shape = n, dim
        return (
            rng.standard_normal(shape) if self.bounds is None else rng.uniform(*self.bounds, shape)
        )

    def answers(self, x: np.ndarray, y: np.ndarray, size: float, noise: Noise) -> np.ndarray:
        """What is answered at x instead of y, if outputs are of this size."""
        first, *rest = self.kind.split()
        if first == "exact":
            return y
        if first == "float32":
            return y.astype(np.float32).astype(float) * (3.3 if rest else 1.0)
        if first == "noise":
            drawn = noise(x, y.size // len(x)) if len(x) else np.zeros(0)
            return y + float(rest[0]) * size * drawn.reshape(y.shape)
        unit = 10.0 ** np.round(np.log10(size))
        return np.round(y / unit, int(first)) * unit


def roads() -> st.SearchStrategy[Road]:
    return st.builds(
        Road,
        kind=st.sampled_from(ROUGH),
        bounds=st.sampled_from([None, (-2.0, 2.0), (0.0, 1.0)]),
        epsilon=st.sampled_from([None, None, 1e-12, 1e-6, 1e-4, 1e-2, 0.1]),
        polish=st.booleans(),
    )


# ----------------------------------------------------------------------------- misbehaviour

# Odd, but every answer is there: the network must be learned all the same.
HARMLESS = (
    "list",
    "read-only",
    "reused buffer",
    "mutates its input",
    "keeps its input",
    "strided",
    "long double",
    "decimals",
    "subclass",
    "asks itself",
)
# From some call on, the answer is not an array of n finite real numbers.
BROKEN = (
    "raises ValueError",
    "raises ConnectionError",
    "raises MemoryError",
    "raises StopIteration",
    "raises AssertionError",
    "NaN",
    "infinite",
    "minus infinite",
    "huge integers",
    "complex",
    "objects",
    "strings",
    "None",
    "a number",
    "booleans",
    "masked",
    "too few rows",
    "too many rows",
    "no rows",
    "transposed",
    "three axes",
    "no columns",
    "other shape",
    "ragged list",
    "dictionary",
    "generator",
)
# The answers are numbers, but not those of one function.
CHANGING = (
    "another network",
    "adds a constant",
    "random",
    "random sometimes",
    "depends on the batch's size",
    "depends on the row's place",
    "depends on the neighbours",
    "stuck at one answer",
)
COARSE = ("float32", "float16")


class Interrupted(KeyboardInterrupt):
    """Somebody pressed Ctrl-C."""


@dataclasses.dataclass(frozen=True)
class Misbehaviour:
    """What a black box does from its call number `at` on (0 is the first)."""

    kind: str
    at: int
    seed: int = 0


class Misbehaving:
    """A network behind a bad interface; counts what it answered.

    Attributes
    ----------
    asked : list of ndarray
        Copies of all batches that were answered without an exception.
    """

    def __init__(self, secret: ReluNetwork, how: Misbehaviour) -> None:
        self.secret, self.how = secret, how
        self.rng = np.random.default_rng(how.seed)
        self.calls = 0
        self.asked: list[np.ndarray] = []
        self.buffer = np.empty(0)
        self.inputs: list[np.ndarray] = []
        rng = np.random.default_rng(how.seed)
        shape = secret.output_weights.shape
        self.other = ReluNetwork(
            rng.standard_normal(secret.weights.shape), secret.biases, rng.standard_normal(shape)
        ) + ReluNetwork(
            np.ones((1, secret.dim)), [0.3], np.ones((*shape[:-1], 1))
        )  # never equal to the secret

    @property
    def rows(self) -> int:
        return sum(map(len, self.asked))

    def __call__(self, x: np.ndarray) -> Any:
        active = self.calls >= self.how.at
        self.calls += 1
        y = self.secret(x)
        copy = x.copy()
        answer = self.answer(x, y) if active else y
        self.asked.append(copy)
        return answer

    def answer(self, x: np.ndarray, y: np.ndarray) -> Any:
        kind = self.how.kind
        if kind == "interrupt":
            raise Interrupted
        if kind.startswith("raises "):
            error = {e.__name__: e for e in (ValueError, ConnectionError, MemoryError)}
            error |= {e.__name__: e for e in (StopIteration, AssertionError)}
            raise error[kind.removeprefix("raises ")]("no")
        return getattr(self, "_" + kind.replace(" ", "_").replace("'", "").replace("-", "_"))(x, y)

    # ---- harmless

    def _list(self, x, y):
        return y.tolist()

    def _read_only(self, x, y):
        y.flags.writeable = False
        return y

    def _reused_buffer(self, x, y):
        self.buffer[:] = np.pi  # the previous answer, should anybody have kept it
        self.buffer = y
        return y

    def _mutates_its_input(self, x, y):
        x[:] = np.nan
        return y

    def _keeps_its_input(self, x, y):
        for old in self.inputs:
            old[:] = 1e300
        self.inputs.append(x)
        return y

    def _strided(self, x, y):
        return np.repeat(y, 2, axis=0)[::2]

    def _long_double(self, x, y):
        return y.astype(np.longdouble)

    def _subclass(self, x, y):
        return y.view(type("Tensor", (np.ndarray,), {}))

    def _asks_itself(self, x, y):
        return np.where(True, y, self.secret(x))

    # ---- coarse

    def _float32(self, x, y):
        return y.astype(np.float32)

    def _float16(self, x, y):
        return np.clip(y, -6e4, 6e4).astype(np.float16)

    # ---- broken

    def _one(self, y, value):
        y = y.copy()
        y.reshape(-1)[self.rng.integers(y.size)] = value
        return y

    def _NaN(self, x, y):
        return self._one(y, np.nan)

    def _infinite(self, x, y):
        return self._one(y, np.inf)

    def _minus_infinite(self, x, y):
        return self._one(y, -np.inf)

    def _decimals(self, x, y):
        return np.reshape([Decimal(repr(float(value))) for value in y.flat], y.shape).tolist()

    def _huge_integers(self, x, y):
        return [10**400] * len(x)

    def _complex(self, x, y):
        return y + 0j

    def _objects(self, x, y):
        return np.full(y.shape, None)

    def _strings(self, x, y):
        return y.astype(str)

    def _None(self, x, y):
        return None

    def _a_number(self, x, y):
        return 1.0

    def _booleans(self, x, y):
        return y > 0

    def _masked(self, x, y):
        mask = np.zeros(y.shape, bool)
        mask.reshape(-1)[0] = True
        return np.ma.masked_array(y, mask)

    def _too_few_rows(self, x, y):
        return y[:-1]

    def _too_many_rows(self, x, y):
        return np.concatenate([y, y])

    def _no_rows(self, x, y):
        return y[:0]

    def _transposed(self, x, y):
        return np.ones((3, len(x)))[: 3 if len(x) != 3 else 2]

    def _three_axes(self, x, y):
        return y[..., None] if y.ndim == 2 else y[:, None, None]

    def _no_columns(self, x, y):
        return np.empty((len(x), 0))

    def _other_shape(self, x, y):
        return y[:, None] if y.ndim == 1 else np.concatenate([y, y], axis=1)

    def _ragged_list(self, x, y):
        return [[1.0], [1.0, 2.0], *([[1.0]] * len(x))]

    def _dictionary(self, x, y):
        return {"answers": y}

    def _generator(self, x, y):
        return (value for value in y)

    # ---- changing

    def _another_network(self, x, y):
        return self.other(x)

    def _adds_a_constant(self, x, y):
        return y + 0.5

    def _random(self, x, y):
        return self.rng.standard_normal(y.shape)

    def _random_sometimes(self, x, y):
        wrong = self.rng.random(len(x)) < 0.05
        return y + (wrong[:, None] if y.ndim == 2 else wrong)

    def _depends_on_the_batchs_size(self, x, y):
        return y + 0.01 * len(x)

    def _depends_on_the_rows_place(self, x, y):
        place = 0.01 * np.arange(len(x))
        return y + (place[:, None] if y.ndim == 2 else place)

    def _depends_on_the_neighbours(self, x, y):
        return y + 0.1 * np.roll(y, 1, axis=0)

    def _stuck_at_one_answer(self, x, y):
        return np.broadcast_to(np.asarray(self.secret(np.ones(self.secret.dim))), y.shape).copy()


def misbehaviours(kinds: tuple[str, ...], last: int = 25) -> st.SearchStrategy[Misbehaviour]:
    """Starting at any of the first calls (a run makes 10 to 30)."""
    return st.builds(
        Misbehaviour,
        kind=st.sampled_from(kinds),
        at=st.integers(0, last),
        seed=st.integers(0, 2**32 - 1),
    )
