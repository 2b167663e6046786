"""How imprecise are the answers of a black box: exact, float32, rounded to a grid, or noisy?"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from relu_learn.asking.errors import BlackBoxError
from relu_learn.core.answers import Answers, powers_of_two
from relu_learn.core.hearing import Hearing, singles
from relu_learn.core.lines import EPS, SIGMAS, Ask
from relu_learn.core.precision import BATCH, BLUNT, EXACT, STAIR

RANDOM = (
    "black_box must answer the same point alike: two answers differ by more than the function "
    "itself varies"
)
# Points off the line that have to be rounded as well before answers are called rounded. (÷ 10: 1 %
# fewer queries in 22 runs, × 10: 3 % more; as right.)
_ELSEWHERE = 24
# Sums of float32 numbers are not less precise than this, in units of the scale: 16,000 roundings.
# (÷ or × 10: 0 of 22 change.)
_SINGLE = 1e-3
# Places that are asked twice: answers that are random differ at the first. (÷ or × 10: 5 or 7 %
# more queries in 22 runs.)
_SITES = 4
# Points off a line that is silent: all are on the idle side of a hyperplane through 0 once in 64.
_GLANCE = 6
# Answers are compared over these distances: rounding to 1e-6 shows at the first, to 0.1 at the
# last.
_SPACINGS = np.array([1e-6, 1e-4, 1e-2, 1e-1])
# Uneven: evenly spaced points of an affine piece are multiples of one step anyway.
_PLACES = np.array([0.0, 1.0, 2.7, 3.6, 5.0])
# A common step below this share of the largest answer, unless it is a power of ten, is what is left
# of large terms' rounding, or of float32 in other units (eight of its roundings): elsewhere it is
# another one. (÷ or × 10: 0 of 22 change.)
_FINE = 1e-6
# So many different answers have no common divisor by chance.
_MANY = 8
# So many answers with zeros at their ends are no accident (one in ten ends in a zero).
_MANY_ZEROS = 2
# So many neighbours on a lattice have a larger common step by chance in 1 case of 2048 (of _MANY,
# the least that are looked at, in 1 of 128).
_ENDS = 12
_LABEL = 0.2  # a larger step of one output alone, in units of its range (six values) is no rounding
# Digits, and bits. Fewer are labels, or prices; many are float64's own, or float32's.
_DIGITS = ((10.0, range(3, 13)), (2.0, range(4, 24)))


@dataclasses.dataclass(frozen=True, eq=False)
class NoiseEstimate:
    """How imprecise the answers of a black box are.

    Attributes
    ----------
    sigma : ndarray of shape (m,)
        Root-mean-square error of one answer, in the units of the answers.
    kind : {"exact", "float32", "digits", "rounded", "mixed", "random"}
        "exact": float64, up to rounding. "digits": rounded to significant digits, or bits
        (bfloat16, float16), so that large answers are less precise. "rounded": to multiples of
        `step`.
        "mixed": some outputs are rounded to multiples of one number, others to another's or not.
        "random": the same question is answered differently every time.
    step : float
        For "rounded", or "random" and then rounded: the distance between neighbouring answers;
        otherwise 0.
    """

    sigma: np.ndarray
    kind: str
    step: float = 0.0

    def __str__(self) -> str:
        size = f"{float(self.sigma.max()):.0e}"
        return {
            "exact": "the answers are exact to float64 rounding",
            "float32": f"the answers are computed in float32, and off by about {size}",
            "digits": f"the answers have few significant digits, and are off by about {size}",
            "rounded": f"the answers are rounded to multiples of {self.step:.3g}",
            "mixed": f"some outputs are rounded more coarsely than others, and off by about {size}",
            "random": f"the answers are noisy: off by about {size}, differently every time",
        }[self.kind]


def listen(heard: Hearing) -> Answers:
    """What the answers are that do not look like float64 at a tiny scale.

    Raises
    ------
    BlackBoxError
        If they are nothing but noise.
    """
    oracle, line, space, rng = heard.oracle, heard.line, heard.space, heard.rng
    ends = _loud_ends(heard)
    estimate = estimate_noise(
        lambda x: oracle(x).reshape(len(x), -1),
        ends.mean(axis=0),
        (ends[1] - ends[0]) / 2,
        rng,
        lambda: space.sample(_ELSEWHERE, rng),
        heard.everything(),
    )
    seeming, noise, kind = heard.answers, estimate.sigma, estimate.kind
    scale, size = seeming.scale, heard.size
    # Float64, too, is imprecise under a large offset.
    dirty = kind != "exact" or bool((noise > BLUNT * scale).any())
    if kind == "float32":  # or a curve; float32 has more digits than a few
        dirty = heard.single or bool((noise < _SINGLE * scale).all())
    if not dirty or not (noise > EXACT / 100 * scale).any():
        return seeming
    if kind not in ("float32", "digits"):  # it does not grow with t: more is heard above it
        clear = np.where(heard.spread > space.audible * noise, heard.spread, 0)
        size = np.where(clear > 0, clear, np.where(heard.values > SIGMAS * noise, heard.values, 0))
        if kind == "random" and not size.any():
            raise BlackBoxError(RANDOM, space.place(line.at(np.zeros(2))))
        scale = powers_of_two(size)
    weak = noise > 0.3 * scale
    if weak.any() and not weak.all():  # an output that is nothing but noise
        sharpest = max((noise / scale)[~weak].min(), EPS / 2)
        scale[weak] = np.exp2(np.round(np.log2(noise[weak] / sharpest)))
    return Answers.of(size, noise, scale, "coarse" if kind == "exact" else kind, estimate.step)


def _loud_ends(heard: Hearing) -> np.ndarray:
    """Between which points (2, d) to listen: on the line, near its origin; but where an output that
    is not constant elsewhere is constant there, between those where it differs most."""
    window = heard.space.window(heard.line)  # through a point near a face, one end is close
    ends = heard.line.at(np.array([max(-1.0, window.low), min(1.0, window.high)]))
    if heard.tested is None:
        return ends
    points, values = heard.tested
    span = np.ptp(values, axis=0) * (np.ptp(np.concatenate(heard.seen), axis=0) == 0)
    j = int((span / np.maximum(np.abs(values).max(axis=0), 1e-300)).argmax())
    low, high = values[:, j].argmin(), values[:, j].argmax()
    return points[[low, high]] if span[j] > 0 else ends


def estimate_noise(
    ask: Ask,
    origin: np.ndarray,
    direction: np.ndarray,
    rng: np.random.Generator,
    elsewhere: Callable[[], np.ndarray] | None = None,
    known: Sequence[np.ndarray] = (),
) -> NoiseEstimate:
    """Estimate the precision of the answers: 28 queries on one line, and 24 more if they are
    random, 48 if they are computed in float32 or bend between neighbours; those of `elsewhere` if
    they look rounded, and six of these if they are constant on the line.

    Asking twice shows random noise. Answers that are all multiples of one step, or all float32
    numbers, show a rounded output. Second differences over tiny distances show the rounding inside
    the black box, of its inputs and sums.

    Parameters
    ----------
    ask : callable
        Points (n, d) -> raw answers (n,) or (n, m). Not divided by anything: decimals must show.
    origin, direction : ndarray of shape (d,)
        The line x(t) = origin + t * direction, of which -1 <= t <= 1 is used.
    rng : numpy.random.Generator
    elsewhere : callable, optional
        Gives points (n, d) off the line, asked if answers on it look rounded: so do those of large
        terms that cancel, and answers of all sizes tell decimals from digits.
    known : sequence of ndarray (n, m)
        Answers to other questions, which count where those on the line are all the same.
    """

    def answers(t: np.ndarray) -> np.ndarray:
        y = np.asarray(ask(origin + np.multiply.outer(t, direction)), dtype=float)
        return y.reshape(len(t), -1)

    sites = np.linspace(-0.9, 0.9, _SITES) + rng.uniform(-0.1, 0.1, _SITES)
    first = answers(sites)
    places = _PLACES + rng.uniform(0, 0.3, 5)
    near = rng.uniform(-0.9, 0.4, len(_SPACINGS))[:, None] + np.multiply.outer(_SPACINGS, places)
    y = answers(np.concatenate([sites, near.ravel()]))
    inside, *wider = np.median(_bends(near, y[_SITES:].reshape(*near.shape, -1)), axis=1) / 0.67
    size, varied = np.abs(y).max(axis=0), _varied(y)
    single = singles(y).all(axis=0) & varied
    unit = np.where(single, float(np.finfo(np.float32).eps), EPS)
    floor = np.maximum(unit / 2 * size / math.sqrt(12), np.finfo(float).tiny)

    def off_the_line(most: int | None = None) -> np.ndarray:
        return y[:0] if elsewhere is None else ask(elsewhere()[:most]).reshape(-1, len(size))

    silent = not varied.any()  # perhaps no neuron is active on this part of the line
    seen = np.concatenate([y, off_the_line(_GLANCE), *known]) if silent else y
    kind, spacing = _spacing(seen, off_the_line)
    step = float(spacing[0]) if kind == "rounded" else 0.0
    rounding = np.maximum(spacing / math.sqrt(12), floor)

    differs, scatter = _scatter(answers, sites, first, y[:_SITES])
    if scatter is not None:
        return NoiseEstimate(np.maximum(scatter, rounding), "random", step)
    if kind:
        own = np.where(spacing > 0, 0, np.maximum(2 * inside, unit / 2 * size))
        return NoiseEstimate(np.maximum(rounding, own), kind, step)
    # A curve bends by 1e-12 of its size over the smallest distance, and float32 rounds to 1e-7.
    if (np.max(wider, axis=0) > 100 * np.maximum(inside, floor)).any():  # a kink, mostly
        rough = _staircase(answers, rng)
        inside = np.maximum(inside, np.where(rough < STAIR * np.ptp(y, axis=0), rough, 0))
    if not single.any() and (inside <= 1e-9 * size + floor).all():
        return NoiseEstimate(np.maximum(2 * inside, floor), "exact")
    # Away from this line it may be more: other neurons are active there.
    sigma = 1.5 * _rounding(answers, rng, 16, 1e-4)
    return NoiseEstimate(np.maximum(np.maximum(sigma, differs), floor), "float32")


def _scatter(
    answers: Ask, sites: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """How much two answers (s, m) to the same questions differ (m,); and the error of one answer
    (m,) if they are random. (If the very same batch is answered alike, it is the order of float32
    sums that changes.)"""
    differs, size = np.abs(first - second).max(axis=0), np.abs(second).max(axis=0)
    if (differs <= 1e-10 * size).all():
        return differs, None
    # Float32 sums depend on the batch, but are the same in the same one.
    if (differs <= BATCH * size).all() and (answers(sites) == first).all():
        return differs, None
    again = answers(np.tile(sites, 6)).reshape(6, *first.shape)
    unit = np.where(size > 0, size, 1.0)  # squares of huge answers would leave float64
    repeats = np.concatenate([first[None], second[None], again]) / unit
    return differs, unit * np.sqrt(repeats.var(axis=0, ddof=1).mean(axis=0))


def _bends(t: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Second differences (s, n - 2, m) of y (s, n, m) at uneven places t (s, n), each divided so
    that independent errors of size 1 make one of size 1."""
    left, right = np.diff(t)[:, :-1, None], np.diff(t)[:, 1:, None]
    weight = right / (left + right)
    bend = y[:, 1:-1] - weight * y[:, :-2] - (1 - weight) * y[:, 2:]
    return np.asarray(np.abs(bend) / np.sqrt(1 + weight**2 + (1 - weight) ** 2))


def _rounding(answers: Ask, rng: np.random.Generator, sites: int, spacing: float) -> np.ndarray:
    """Error of one answer (m,) from the bends of three neighbours at every site: their upper
    quartile, as half of them may be spoilt upwards by kinks, or downwards by answers that are
    rounded alike. (That of |N(0, 1)| is 1.15.)"""
    t = rng.uniform(-0.95, 0.95 - 3 * spacing, (sites, 1))
    t = t + spacing * (_PLACES[:3] + rng.uniform(0, 0.3, (sites, 3)))
    bends = _bends(t, answers(t.ravel()).reshape(*t.shape, -1))
    return np.asarray(np.quantile(bends[:, 0], 0.75, axis=0) / 1.15)


def _staircase(answers: Ask, rng: np.random.Generator) -> np.ndarray:
    """Error of one answer (m,) where rounding is a staircase, otherwise 0.

    The steps of what is left of large terms that cancel may be wider than a tiny distance. Bends of
    kinks and curves grow with the distance; those of a staircase are alike over ten times it.
    """
    close, far = (_rounding(answers, rng, 8, spacing) for spacing in (3e-3, 3e-2))
    return np.where(far < 5 * close, np.maximum(close, far), 0.0)


def _spacing(y: np.ndarray, elsewhere: Callable[[], np.ndarray]) -> tuple[str, np.ndarray]:
    """How the answers y (n, m) are rounded, "" if they are not; and the distance (m,) of every
    output's neighbouring answers where they are largest, 0 if it is not rounded."""
    if not any(_common_step(part) or _last_digit(part) for part in [*y.T, y[:, _varied(y)]]):
        return "", np.zeros(y.shape[1])
    y = np.concatenate([y, elsewhere()])  # more answers tell better
    step, steps = _common_step(y[:, _varied(y)]), np.array([_common_step(part) for part in y.T])
    last = np.array([_last_digit(*pair) for pair in zip(y.T, steps, strict=True)])
    steps[steps > _LABEL * np.ptp(y, axis=0)] = 0
    ends = np.array([_coarsest(*pair) for pair in zip(y.T, steps, strict=True)])
    last = np.maximum(last, np.where(ends > steps, ends, 0))
    if step > 0 and not last.any() and not (steps > 1.5 * step).any():
        return "rounded", np.full(len(steps), step)
    spacing = np.maximum(last, steps)
    return "digits" if last.any() else "mixed" if spacing.any() else "", spacing


def _varied(y: np.ndarray) -> np.ndarray:
    """Which outputs (m,) tell how answers y (n, m) are rounded: not constants, nor labels."""
    return np.array([len(_distinct(column)) > 2 for column in y.T])


def _distinct(y: np.ndarray) -> np.ndarray:
    """The answers y (n,) in order, once each: those that differ by rounding only are the same one
    (a constant is a sum of large terms, perhaps)."""
    values = np.unique(y)
    return values[np.append(True, np.diff(values) > 8 * _unit(values))] if len(values) else values


def _common_step(y: np.ndarray) -> float:
    """The largest step of a lattice with all answers: a power of ten, or any other."""
    values = _distinct(y)
    if len(values) < 3:  # too few to tell: a constant, or labels
        return 0.0
    size, unit = float(np.abs(values).max()), _unit(values)
    highest = math.ceil(math.log10(size))
    exponents = range(highest, max(highest - 12, -300), -1)
    powers = [10.0**e if e >= 0 else 1 / 10.0**-e for e in exponents]
    gap = float(np.diff(values).min())
    own = _divisor(values, unit) if gap >= 200 * unit else gap

    def divides(step: float) -> bool:
        tolerance = 8 * unit / step
        if step < 200 * unit or tolerance >= 0.02:
            return False
        ratio = (values - values[0]) / step
        return bool((np.abs(ratio - np.round(ratio)) <= tolerance).all())

    power = next(filter(divides, powers), 0.0)
    # A few answers may all be even multiples of the step: decimals are likelier.
    other = power == 0 or (own > 4 * power and len(values) >= _MANY)
    if other and divides(own):  # 3.3 times a multiple of 64 is one of 0.1, too
        return own if _coarsest(values, own) > _FINE * size else 0.0
    return power


def _divisor(values: np.ndarray, unit: float) -> float:
    """The greatest common divisor of the differences of increasing values, precise to `unit`.

    Euclid's algorithm. Of values without one it returns something that does not divide them.
    """
    gaps = np.sort(np.diff(values))
    step = float(gaps[0])
    for gap in gaps[1:]:
        rest = abs(gap - step * round(gap / step))
        while rest > max(100 * unit, 0.01 * step):
            step, rest = rest, abs(step - rest * round(step / rest))
        step = gap / round(gap / step)  # the larger the gap, the more precise
    span = float(values[-1] - values[0])
    return span / round(span / step)


def _coarsest(y: np.ndarray, step: float) -> float:
    """The step of the largest, or the smallest, of the answers y on a lattice: more than `step` if
    they are float16 in other units, say, so that it is finer where these are around 0."""
    values = np.unique(y)
    n = min(_ENDS, len(values) // 2)
    if step == 0 or n < _MANY:
        return step
    whole = np.round((values - values[0]) / step).astype(int)
    ends = (np.gcd.reduce(np.diff(end)) for end in (whole[:n], whole[-n:]))
    return step * float(max(ends))


def _last_digit(y: np.ndarray, step: float = 0.0) -> float:
    """What the last significant digit, or bit, of the largest of the answers y is worth if all have
    a few of them and are not only multiples of `step`; otherwise 0."""
    values = np.unique(np.abs(y[np.abs(y) > 1e-290]))
    if len(_distinct(values)) < 3:  # constants, labels
        return 0.0
    worth = 0.0
    for base, few in _DIGITS:
        exponent = np.floor(np.log(values) / np.log(base) + 1e-12) + 1
        for digits in few:
            unit = base ** (exponent - digits)
            if (np.abs(np.round(values / unit) * unit - values) <= 4 * EPS * values).all():
                if (values >= 0.99 * step * base**digits).sum() >= _MANY_ZEROS:
                    worth = max(worth, float(unit[-1]))
                break
    return worth


def _unit(y: np.ndarray) -> float:
    """The rounding of the largest of the answers, in float32 if they all are such numbers."""
    single = singles(y).all()
    return float(np.finfo(np.float32 if single else float).eps * np.abs(y).max())
