"""How precise are the answers? Heard from a few points of the first line."""

import numpy as np
import pytest

from relu_learn.core.hearing import probe_noise
from relu_learn.core.lines import Window

pytestmark = pytest.mark.numerical


class Function:
    """A network on a line, t (n,) -> (n, m), that counts what it is asked."""

    def __init__(self, kinks, jumps, slope=0.0, value=0.0, seed=0):
        order = np.argsort(kinks)
        self.kinks = np.asarray(kinks, dtype=float)[order]
        jumps = np.asarray(jumps, dtype=float)
        self.jumps = (jumps if jumps.ndim == 2 else jumps[:, None])[order]
        self.slope, self.value = slope, value
        # Orientations as they come: they change the affine part, not the kinks.
        self.signs = np.random.default_rng(seed).choice([-1.0, 1.0], len(self.kinks))
        self.queries = 0

    @classmethod
    def random(cls, k, m, rng, kinks=None):
        kinks = rng.standard_cauchy(k) if kinks is None else kinks
        kinks = np.clip(kinks, -1e4, 1e4) + 1e-3 * np.arange(k)
        jumps = rng.standard_normal((k, m))
        return cls(kinks, jumps, rng.standard_normal(m), rng.standard_normal(m), k)

    def __call__(self, t):
        t = np.asarray(t, dtype=float)[:, None]
        self.queries += len(t)
        return (
            np.maximum(self.signs * (t - self.kinks), 0) @ self.jumps + t * self.slope + self.value
        )


@pytest.mark.parametrize("level", [1e-9, 1e-5, 1e-2])
def test_noise_is_estimated(level):
    ratios = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        f = Function.random(5, 1, rng)

        def noisy(t, f=f, rng=rng):
            return f(t) + level * (1 + np.abs(t))[:, None] * rng.standard_normal((len(t), 1))

        ratios.append(probe_noise(noisy, rng, Window())[0] / level)
    assert 0.3 < np.median(ratios) < 4 and max(ratios) < 10


def test_rounding_is_the_least_noise(rng):
    f = Function([], np.zeros((0, 2)), 0.0, np.array([1.0, 1e6]))
    level = probe_noise(f, rng, Window())
    assert (level > 0).all() and (level < 1e-15 * np.array([1, 1e6])).all()
