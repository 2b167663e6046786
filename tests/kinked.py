"""Piecewise linear functions of one variable."""

from __future__ import annotations

import numpy as np


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
