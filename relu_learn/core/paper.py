"""The paper's algorithm: GetNeurons on a grid, and LearnFromQueries around it.

Beside the paper: GetGradient is `gradients.measure_gradient`, GetBias is `neurons.neuron_between`,
the same functions that `get_gradient` and `get_bias` offer, and that every other method uses.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Generator, Iterator

import numpy as np

from relu_learn.core import events as ev
from relu_learn.core.basis import orthonormal_basis
from relu_learn.core.events import Event
from relu_learn.core.gradients import measure_gradient
from relu_learn.core.lines import SIGMAS, Noise
from relu_learn.core.network import ReluNetwork
from relu_learn.core.neurons import neuron_between
from relu_learn.core.pieces import Block, Measured, Piece
from relu_learn.core.run import Run


def get_neurons_on_grid(run: Run, found: Measured) -> Generator[Piece | Block, None, None]:
    """GetNeurons: gradients in the middle of intervals of length r on [-tau, tau]; where two
    neighbours differ, there is a neuron between them (or a clump of close ones, that acts as one).
    """
    line, noise, target = run.line, Noise(run.answers.noise), run.target()
    alpha, d = run.settings.alpha, run.oracle.dim
    basis = orthonormal_basis(line.direction, run.rng)
    t = midpoints(run.settings.r, run.settings.tau)
    for i, x in enumerate(line.at(t)):
        eta = noise.at(t[i])
        # GetGradient: F is affine on the ball B(x, alpha), unless a hyperplane cuts it.
        piece = measure_gradient(target, x, basis, np.full(d, alpha), eta, run.rng)
        found.pieces[i] = dataclasses.replace(piece, index=i)
        yield found.pieces[i]
        if i > 0:
            left, right = found.pieces[i - 1], found.pieces[i]
            jump = np.linalg.norm(right.gradient - left.gradient, axis=1)
            if (jump > 8 * SIGMAS * eta * math.sqrt(d) / alpha).any():
                found.blocks[i] = neuron_between(left, right, line)  # GetBias
                yield found.blocks[i]


def midpoints(r: float, tau: float) -> np.ndarray:
    """The parameters t (n,) in the middle of the intervals that [-tau, tau] is cut into."""
    n = max(1, math.ceil(2 * tau / r))
    return -tau + (np.arange(n) + 0.5) * (2 * tau / n)


def grid(run: Run) -> Iterator[Event]:
    """LearnFromQueries: GetNeurons, then linear regression for what the orientations, which are
    guesses, got wrong."""
    d, scale, line, tau = run.oracle.dim, run.answers.scale, run.line, run.settings.tau
    run.found = found = Measured(line)
    middles, index = midpoints(run.settings.r, tau), 0
    for part in get_neurons_on_grid(run, found):
        if isinstance(part, Piece):
            t = float(middles[part.index])
            values, rest = (part.value * scale)[None], [[t + run.settings.r / 2, tau]]
            yield run.emit(ev.IntervalProbed, t=[t], values=values, open_intervals=rest)
            yield run.measured(part, t, "")
            continue
        neurons = zip(part.weights, part.biases, part.outputs.T * scale, part.kinks, strict=True)
        for w, b, a, t in neurons:
            jump, point = a * (w @ line.direction), line.at(np.array([t]))[0]
            yield run.emit(ev.CriticalPointFound, t=float(t), jump=jump, point=point)
            data = {"index": index, "weights": w, "bias": float(b), "output_weights": a}
            yield run.emit(ev.NeuronFound, t=float(t), **data)
            index += 1
    # Subtract the neurons, and fit the affine residual to Gaussian samples.
    net = found.network()
    assert net is not None
    n = 4 * (d + 1)
    x = run.space.sample(n, run.rng)
    y = run.target()(x) - (net(x) - x @ net.skip.T - net.offset)
    fit = np.linalg.lstsq(np.column_stack([x, np.ones(n)]), y, rcond=None)[0]
    skip, offset = fit[:-1].T, fit[-1]
    yield run.emit(ev.ResidualFitted, skip=skip * scale[:, None], offset=offset * scale)
    # l(x) = relu(l(x)) - relu(-l(x)): the output is a pure ReLU network.
    fitted = ReluNetwork(net.weights, net.biases, net.output_weights, skip, offset)
    run.take(fitted.to_pure_relu())
    yield run.updated("")
    yield from run.test()
