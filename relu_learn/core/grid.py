"""The paper's GetNeurons: uniform intervals on one Gaussian line, a gradient in each."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator

import numpy as np

from relu_learn.core.gradients import measure_rates, orthonormal_basis
from relu_learn.core.lines import SIGMAS, Line, Noise
from relu_learn.core.target import Target


@dataclasses.dataclass(frozen=True, eq=False)
class Probe:
    """The gradient (m, d) and value (m,) at the midpoint t of an interval."""

    t: float
    point: np.ndarray
    value: np.ndarray
    gradient: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Jump:
    """A neuron (or a clump of close ones) between two neighbouring intervals."""

    left: float
    right: float
    weights: np.ndarray
    bias: float
    outputs: np.ndarray
    t: float


def probe_intervals(
    target: Target,
    line: Line,
    r: float,
    tau: float,
    alpha: float,
    noise: Noise,
    rng: np.random.Generator,
) -> Generator[Probe | Jump, None, None]:
    """Gradients at the midpoints of the intervals of length r on [-tau, tau]; jumps are neurons.

    Parameters
    ----------
    target : Target
    line : Line
    r, tau, alpha : float
        Length of an interval, half the length of the line, radius of a gradient's steps.
    noise : Noise

    Yields
    ------
    Probe
        After each interval.
    Jump
        After an interval whose gradient differs from the one before by more than rounding.
    """
    d = len(line.origin)
    count = max(1, int(np.ceil(2 * tau / r)))
    middles = -tau + (np.arange(count) + 0.5) * (2 * tau / count)
    basis = orthonormal_basis(line.direction, rng)
    before: Probe | None = None
    for t, point in zip(middles, line.at(middles), strict=True):
        eta = noise.at(t)
        value, rates, _ = measure_rates(target, point, None, basis, np.full(d, alpha), eta, rng)
        probe = Probe(float(t), point, value, basis.combine(rates))
        yield probe
        if before is not None:
            threshold = 8 * SIGMAS * eta * np.sqrt(d) / alpha
            jump = probe.gradient - before.gradient
            if (np.linalg.norm(jump, axis=1) > threshold).any():
                yield _neuron(line, before, probe)
        before = probe


def _neuron(line: Line, a: Probe, b: Probe) -> Jump:
    jump = b.gradient - a.gradient
    w, bias, t = bias_from_pieces(line, a.t, b.t, a.value, b.value, a.gradient, b.gradient)
    size = float(np.linalg.norm(w))
    # A clump of different neurons has no single output direction: the best one for the common w.
    outputs = jump @ w / size
    return Jump(a.t, b.t, w / size, bias / size, outputs, t)


def bias_from_pieces(
    line: Line,
    a: float,
    b: float,
    value_a: np.ndarray,
    value_b: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
) -> tuple[np.ndarray, float, float]:
    """GetBias from values (m,) and gradients (m, d) at both ends of [a, b]."""
    jump = right - left
    output = int(np.abs(jump).sum(axis=1).argmax())
    w = jump[output]
    slope_left, slope_right = left[output] @ line.direction, right[output] @ line.direction
    if slope_left == slope_right:
        return w, np.nan, np.nan
    rise = value_b[output] - slope_right * (b - a) - value_a[output]
    t = a + rise / (slope_left - slope_right)
    if w @ line.direction < 0:
        w = -w
    return w, float(w @ (line.origin + t * line.direction)), float(t)
