"""The paper's algorithm: GetNeurons on a grid, and LearnFromQueries around it.

Beside the paper: GetGradient is `gradients.measure_gradient`, GetBias is `neurons.neuron_between`,
the same functions that `get_gradient` and `get_bias` offer, and that every other method uses.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Generator, Iterator

import numpy as np

from relu_learn.core.basis import orthonormal_basis
from relu_learn.core.gradients import measure_gradient
from relu_learn.core.lines import SIGMAS, Level, Line, Noise
from relu_learn.core.neurons import neuron_between
from relu_learn.core.pieces import Block, Measured, Piece
from relu_learn.core.probing import noise_near
from relu_learn.core.run import Run
from relu_learn.network import ReluNetwork
from relu_learn.telling import events as ev
from relu_learn.telling.certificate import mean_square
from relu_learn.telling.events import Event


def get_neurons_on_grid(run: Run, found: Measured) -> Generator[Piece | Block, None, None]:
    """GetNeurons: gradients in the middle of intervals of length r on [-tau, tau]; where two
    neighbours differ, there is a neuron between them (or a clump of close ones, that acts as one).
    """
    line, target, alpha, d = run.line, run.target(), run.settings.alpha, run.oracle.dim
    basis = orthonormal_basis(line.direction, run.rng)
    t = midpoints(run.settings.r, run.settings.tau)
    noise = Noise(run.answers.noise).at(t)
    for i, x in enumerate(line.at(t)):
        # GetGradient: F is affine on the ball B(x, alpha), unless a hyperplane cuts it.
        ball = target, x, basis, np.full(d, alpha)
        piece = measure_gradient(*ball, noise[i], run.rng)
        if piece.step < alpha:  # a hyperplane, or rounding that was not heard elsewhere
            before, noise[i] = noise[i], noise_near(target, piece, noise[i], run.rng)
            if (noise[i] > before).any():
                piece = measure_gradient(*ball, noise[i], run.rng)
        found.pieces[i] = dataclasses.replace(piece, index=i)
        yield found.pieces[i]
        if i > 0:
            left, right = found.pieces[i - 1], found.pieces[i]
            jump = np.linalg.norm(right.gradient - left.gradient, axis=1)
            # The steps that were used divide the noise: they may be shorter than alpha.
            error = noise[i - 1 : i + 1].max(axis=0) / min(left.step, right.step)
            if (jump > 8 * SIGMAS * error * math.sqrt(d)).any():
                block = neuron_between(left, right, line)  # GetBias
                found.blocks[i] = _within(block, line, t[i - 1], t[i])
                yield found.blocks[i]


def _within(block: Block, line: Line, low: float, high: float) -> Block:
    """The neuron with its t* in its interval. Where two pieces meet elsewhere there are several
    critical points between them: one neuron stands for all, at the end that is nearest."""
    kinks = np.clip(np.where(np.isnan(block.kinks), (low + high) / 2, block.kinks), low, high)
    biases = np.where(kinks == block.kinks, block.biases, (block.weights * line.at(kinks)).sum(1))
    return dataclasses.replace(block, kinks=kinks, biases=biases)


def midpoints(r: float, tau: float) -> np.ndarray:
    """The parameters t (n,) in the middle of the intervals that [-tau, tau] is cut into."""
    n = max(1, math.ceil(2 * tau / r))
    return -tau + (np.arange(n) + 0.5) * (2 * tau / n)


def grid(run: Run) -> Iterator[Event]:
    """LearnFromQueries: GetNeurons, then linear regression for what the orientations, which are
    guesses, got wrong. All of it `repeats` times; the best of the networks is kept."""
    networks = []
    for i in range(run.settings.repeats):
        if i:
            yield from run.draw()
        networks.append((yield from _learned(run, told=i == 0)))
        if i == 0:
            run.take(networks[0])
            yield run.updated("")
        run.known = run.found = None
    if len(networks) > 1:
        x = run.space.sample(4 * (run.oracle.dim + 1), run.rng)
        y = run.target()(x)
        networks.sort(key=lambda net: mean_square(y - net(x)))
        run.take(networks[0])
        yield run.updated("")
    run.known = networks[0]
    yield from run.test()


def _learned(run: Run, told: bool) -> Generator[Event, None, ReluNetwork]:
    """The network of one line. Only of the first one the neurons are `told` one by one: events add
    up, and the hypothesis is not the sum of several lines."""
    d, line, r, tau = run.oracle.dim, run.line, run.settings.r, run.settings.tau
    run.found = found = Measured(line)
    tell, middles, index = run.teller(), midpoints(r, tau), 0
    for part in get_neurons_on_grid(run, found):
        if isinstance(part, Piece):
            t = middles[part.index]
            yield tell.level(Level(t[None], part.value[None], np.array([[t + r / 2, tau]])))
            yield tell.piece(part, t)
            continue
        for w, a, t in zip(part.weights, part.outputs.T, part.kinks, strict=True):
            yield tell.kink(line, t, a * (w @ line.direction))
        if told:
            yield from tell.neurons(part, index)
            index += len(part.biases)
    # Subtract the neurons, and fit the affine residual to Gaussian samples.
    net = found.network()
    assert net is not None
    n = 4 * (d + 1)
    x = run.space.sample(n, run.rng)
    y = run.target()(x) - (net(x) - x @ net.skip.T - net.offset)
    fit = np.linalg.lstsq(np.column_stack([x, np.ones(n)]), y, rcond=None)[0]
    skip, offset = fit[:-1].T, fit[-1]
    if told:
        affine = {"skip": skip * run.answers.scale[:, None], "offset": offset * run.answers.scale}
        yield run.emit(ev.ResidualFitted, **affine)
    # l(x) = relu(l(x)) - relu(-l(x)): the output is a pure ReLU network.
    fitted = ReluNetwork(net.weights, net.biases, net.output_weights, skip, offset)
    return fitted.to_pure_relu()
