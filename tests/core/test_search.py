"""The line search: every kink of a piecewise linear function of t, from few answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kinked import Function
from runs import whole

from relu_learn import LearningFailed
from relu_learn.core.lines import EPS, Noise, Window
from relu_learn.core.probing import probe_noise
from relu_learn.core.search import PATIENCE, search_line
from relu_learn.core.watch import LongLine

pytestmark = pytest.mark.numerical


def find(f, rng, window=None, **options):
    """Search with the noise that a run would assume: not less than the rounding of the outputs."""
    window = window or Window()
    noise = probe_noise(f, rng, window)
    size = np.abs(f(np.linspace(-1, 1, 5))).max(axis=0)
    noise = Noise(np.maximum(noise, EPS * np.maximum(size, EPS) / 4))
    *steps, found = whole(search_line(f, window, noise, rng, **options))
    return steps, found


def deviation(found, f, low=-1e4, high=1e4):
    """Largest |slice - f| / (1 + |t|) at many t, near all kinks among them."""
    t = np.tan(np.linspace(np.arctan(low), np.arctan(high), 2001))
    steps = [0, 1e-9, 1e-6, 1e-3, -1e-9, -1e-6, -1e-3]
    t = np.concatenate([t, np.add.outer(f.kinks, steps).ravel()])
    t = t[(t >= low) & (t <= high)]
    i = np.searchsorted(found.kinks, t)
    y = found.values[i] + found.slopes[i] * (t - found.centers[i])[:, None]
    return (np.abs(y - f(t)).max(axis=1) / (1 + np.abs(t))).max(initial=0)


def visible(found, least=1e-9):
    """The kinks at which something happens: where there are none, a search may report one."""
    return found.kinks[np.abs(found.jumps).max(axis=1) > least]


# --------------------------------------------------------------------- random functions


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("k", [0, 1, 2, 5, 20, 100])
def test_every_kink_of_random_functions(k, m):
    for seed in range(20 if k < 100 else 4):
        rng = np.random.default_rng(seed)
        f = Function.random(k, m, rng)
        _, found = find(f, rng)
        cost = f.queries
        assert len(found.kinks) == k
        assert cost <= 50 + 11 * k
        scale = 1 + np.abs(f.kinks)
        np.testing.assert_allclose(found.kinks / scale, f.kinks / scale, atol=1e-7)
        np.testing.assert_allclose(found.jumps, f.jumps, atol=1e-7)
        assert deviation(found, f) < 1e-9


def test_many_kinks_cost_about_seven_queries_each():
    f = Function.random(400, 1, rng := np.random.default_rng(0))
    _, found = find(f, rng)
    assert len(found.kinks) == 400 and f.queries < 8 * 400


def test_the_slice_is_consistent(rng):
    f = Function.random(12, 2, rng)
    _, s = find(f, rng)
    assert (np.diff(s.kinks) > 0).all()
    np.testing.assert_allclose(s.jumps, np.diff(s.slopes, axis=0))
    inner = s.centers[1:-1]
    assert (inner > s.kinks[:-1]).all() and (inner < s.kinks[1:]).all()
    assert s.centers[0] < s.kinks[0] and s.centers[-1] > s.kinks[-1]
    np.testing.assert_allclose(s.widths[1:-1], np.diff(s.kinks) / 2)
    np.testing.assert_allclose(s.values, f(s.centers), rtol=1e-9)
    assert np.abs(s.steps).max() < 1e-9


def test_levels_report_what_was_asked(rng):
    f = Function.random(8, 1, rng)
    asked = []

    def ask(t):
        asked.append(t)
        return f(t)

    *steps, _ = whole(search_line(ask, Window(), Noise(np.array([1e-15])), rng))
    for step, t in zip(steps, asked, strict=True):
        np.testing.assert_array_equal(step.t, t)
        np.testing.assert_array_equal(step.values, f(t))
        assert (step.open_intervals[:, 0] < step.open_intervals[:, 1]).all()


def test_the_same_seed_asks_the_same(rng):
    asked = []
    for _ in range(2):
        f = Function.random(6, 1, np.random.default_rng(1))
        steps, _ = find(f, np.random.default_rng(2))
        asked.append(np.concatenate([s.t for s in steps]))
    np.testing.assert_array_equal(*asked)


def test_more_samples_at_the_start(rng):
    f = Function.random(3, 1, rng)
    steps, _ = find(f, rng, extra=np.array([0.125, 3.0]))
    assert np.isin([0.125, 3.0], steps[0].t).all()


@given(st.integers(0, 12), st.integers(1, 3), st.integers(0, 10**6), st.floats(-6, 6))
@settings(max_examples=60)
def test_any_scale_of_the_outputs(k, m, seed, power):
    rng = np.random.default_rng(seed)
    # Gaps in the quantile, so that chance does not hide a whole bump between two samples.
    quantile = (np.arange(k) + rng.uniform(0.2, 0.8, k)) / max(k, 1)
    f = Function.random(k, m, rng, np.tan(np.pi * (quantile - 0.5)))
    for name in ("jumps", "slope", "value"):
        setattr(f, name, getattr(f, name) * 10**power)
    _, found = find(f, rng)
    assert deviation(found, f) < 1e-8 * 10**power


# --------------------------------------------------------------------- hostile functions


PAIRS = {"same": 1.0, "cancelling": -1.0, "half cancelling": -0.5}


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6, 1e-8, 1e-9])
@pytest.mark.parametrize("kind", PAIRS)
def test_close_pairs(kind, gap):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        kinks = rng.uniform(-3, 3, 5) + np.arange(5)
        jumps = rng.choice([-1, 1], 5) * rng.uniform(0.5, 2, 5)
        pairs = PAIRS[kind] * jumps[:2]
        f = Function(np.r_[kinks, kinks[:2] + gap], np.r_[jumps, pairs], 0.5, 0.1, seed)
        _, found = find(f, rng)
        # Closer than 1e-7 a pair may be taken for one kink: an error of about gap * jump is all.
        kinks = len(visible(found))
        assert kinks == 7 or gap < 1e-7
        assert f.queries <= 50 + 25 * 7
        assert deviation(found, f) < max(1e-11, gap if kinks != 7 else 0)


def test_collinear_samples_do_not_hide_kinks():
    """Two kinks of opposite curvature: the end lines meet outside, where the value fits anyway."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        a, b = np.sort(rng.uniform(-1, 1, 2))
        f = Function([a, b, 4], [1.0, -2.0, 0.7], -1, 0)
        _, found = find(f, rng)
        assert deviation(found, f) < 1e-11


@pytest.mark.parametrize("steps", [2, 5, 20])
def test_staircases(steps):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        kinks = np.linspace(-2, 2, 2 * steps) + rng.uniform(0, 0.1)
        f = Function(kinks, np.tile([1.0, -1.0], steps), 0.3, 0.2, seed)
        _, found = find(f, rng)
        assert deviation(found, f) < 1e-11
        assert len(visible(found)) == 2 * steps


def test_wide_hats_are_seen():
    """A bump that is affine outside shows only to samples inside it."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        f = Function(rng.uniform(-0.2, 0.2) + np.array([-4, 0, 4]), [1.0, -2.0, 1.0])
        _, found = find(f, rng)
        assert len(found.kinks) == 3


@pytest.mark.parametrize("span", [3, 6, 9])
def test_jumps_of_very_different_sizes(span):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        f = Function.random(10, 1, rng)
        f.jumps = f.jumps * 10.0 ** -np.linspace(0, span, 10)[:, None]
        _, found = find(f, rng)
        assert deviation(found, f) < 1e-11


def test_kinks_of_single_outputs():
    """Every neuron feeds one output only."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        f = Function.random(9, 3, rng)
        f.jumps = f.jumps * np.tile(np.eye(3), (3, 1))
        _, found = find(f, rng)
        assert len(visible(found)) == 9 and deviation(found, f) < 1e-9


def test_outputs_that_are_multiples_of_each_other():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        f = Function.random(9, 1, rng)
        f.jumps, f.slope, f.value = (
            a * np.array([1, -2, 1e-3]) for a in (f.jumps, f.slope, f.value)
        )
        _, found = find(f, rng)
        assert len(visible(found)) == 9 and deviation(found, f) < 1e-9


def test_a_constant_and_a_zero():
    for value in (0.0, 3.0, -1e6):
        f = Function([], np.zeros((0, 1)), 0.0, value)
        _, found = find(f, np.random.default_rng(0))
        assert len(found.kinks) == 0 and found.values[0, 0] == value and found.slopes[0, 0] == 0


# --------------------------------------------------------------------- windows


def test_nothing_is_asked_outside_the_window():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        f = Function.random(8, 1, rng, rng.uniform(-3, 3, 8))
        low, high = -1.5, 2.0
        steps, found = find(f, rng, Window(low, high, cauchy=False))
        t = np.concatenate([s.t for s in steps])
        assert t.min() >= low and t.max() <= high
        inside = f.kinks[(f.kinks > low) & (f.kinks < high)]
        np.testing.assert_allclose(found.kinks, inside, atol=1e-10)
        assert deviation(found, f, low, high) < 1e-11


# --------------------------------------------------------------------- noise


def test_float32_answers():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        f = Function.random(6, 2, rng, rng.uniform(-3, 3, 6) + 2 * np.arange(6))

        def single(t, f=f):
            return f(t).astype(np.float32).astype(float)

        noise = Noise(probe_noise(single, rng, Window()))
        assert (noise.level > 1e-9).all()
        *_, found = whole(search_line(single, Window(), noise, rng))
        assert deviation(found, f) < 1e-4


# --------------------------------------------------------------------- outside the class


def test_a_long_search_is_told_and_given_up_in_the_end(rng):
    """Alone, the search believes that there are very many kinks; whoever watches it need not."""

    def smooth(t):
        return np.tanh(t)[:, None]

    told = []
    with pytest.raises(LearningFailed, match="questions on one line the black box still bends"):
        list(search_line(smooth, Window(), Noise(np.full(1, 1e-15)), rng, watch=told.append))
    assert all(isinstance(occasion, LongLine) and occasion.found is None for occasion in told)
    sizes = [len(occasion.samples.t) for occasion in told]
    assert sizes[0] > PATIENCE / 8 and sizes == sorted(sizes)
    very = [occasion.very for occasion in told]
    assert any(very) and sizes[very.index(True)] > PATIENCE
