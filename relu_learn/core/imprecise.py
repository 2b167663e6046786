"""Imprecise answers: lines first, where they are sharp enough, then all neurons at once.

Float32, rounded and noisy answers. The least squares fits themselves are in `noisy`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from relu_learn.core import events as ev
from relu_learn.core.diagnosis import look_for_curves, look_for_steps, require_repeatable
from relu_learn.core.errors import BlackBoxError, LearningFailed, NotPiecewiseLinear
from relu_learn.core.events import Event
from relu_learn.core.network import ReluNetwork
from relu_learn.core.noisy import learn_noisy, sharpen
from relu_learn.core.readable import merge_alike, thin
from relu_learn.core.run import RANDOM, Run
from relu_learn.core.target import Target

# A noisy fit that needs more neurons than this is given up.
_MAX_NOISY = 120
# Imprecise answers with an error up to this show the kinks of a line: they are looked at first.
_LINES = 1e-5
# Share of the gradients' queries that may be spent on choosing a line, and how many lines at most.
_SURVEY, _MAX_LINES = 0.15, 30
# A least squares step for all neurons costs (k d)^2 / m operations: up to the first, many are done;
# up to the second, one (or many, if something is missing).
_FIT, _SLOW_FIT = 1e8, 1e9
# A curve looks like very many kinks.
_MAX_KINKS = 500
# Points that tell whether a neuron is missing in the start of a fit.
_GLANCE = 64
# How often a line, or a repair, is tried again; and how many parameters are few.
_ATTEMPTS, _SMALL = 3, 10_000
# Error of F' that noisy answers are averaged for, in units of the scale, where they allow it.
_WISH = 0.3
# What is fitted to noise alone is smaller than this, in units of the error that was wished for.
_LOUDER = 1.3
# Answers are rounded coarsely if the step is more than this, in units of the scale: to labels?
_COARSE = 0.1
# With errors below this, in units of the scale, nothing is missing.
_ALMOST = 3e-4


def learn_imprecise(run: Run) -> Iterator[Event]:
    """Imprecise answers: a start from lines where these are sharp enough, then all neurons at once,
    by least squares on Gaussian samples."""
    if run.random:
        require_repeatable(run)
    elif run.step:
        look_for_steps(run)
    d, m = run.oracle.dim, len(run.scale)
    if run.noise.max() <= _LINES and d > 1 and run.draw is None:
        yield from _by_lines(run)
    effort = 0.0 if run.known is None else (run.known.n_neurons * d) ** 2 / m
    if effort > _FIT:
        yield from _long_steps(run)
        if run.errors.max() <= _ALMOST * run.output_scale and effort <= _SLOW_FIT:
            yield from _sharpen(run)
            return
        if effort > _SLOW_FIT:
            _check_usefulness(run)
            return
    yield from _fit(run)


def _fit(run: Run) -> Iterator[Event]:
    """All neurons by least squares, starting from those that are known."""
    start, run.known = run.known, None
    k = 0 if start is None else start.n_neurons
    # Noise that is larger than F is averaged until F shows.
    precision = float(np.clip(_WISH / run.noise.max(), 0.2, 0.5))
    finished = False
    for step in learn_noisy(
        run.target(),
        run.oracle.dim,
        run.noise,
        run.rng,
        draw=run.draw,
        start=start,
        precision=precision,
        max_neurons=max(_MAX_NOISY, 2 * k),
        grows=run.single,
    ):
        run.known = step.network
        run.accept()
        yield run.emit(
            ev.NetworkUpdated,
            "neurons",
            "LearnFromQueries",
            f"Fit {step.network.n_neurons} neurons to {step.samples} noisy answers: on fresh ones "
            f"the error is {step.held_out:.2g} times the noise.",
            network=run.hypothesis(),
        )
        finished = step.finished
        if finished and step.network.n_neurons * run.oracle.dim > 20_000:
            break  # averaging a large network further takes long and gains little
    yield from run.validate()
    if run.random:
        assert run.known is not None
        values = run.known(run.sample(1000))
        if (values**2).mean() < ((_LOUDER * precision * run.noise) ** 2).mean():
            raise BlackBoxError(RANDOM, run.points[:1])
    if run.step and not run.random and not _on_lattice(run):
        rounded, run.step = run.step, 0.0
        look_for_curves(run)
        run.step = rounded
    if run.step > _COARSE * run.output_scale and not run.random:
        finished &= math.sqrt(float((run.errors**2).mean())) < 0.5 * run.output_scale
    if not finished or not (run.random or run.step):
        _check_usefulness(run)


def _by_lines(run: Run) -> Iterator[Event]:
    """The neurons that lines and small steps show, as far as the noise allows.

    What one line shows badly may be repaired; if not, another line may be better. That matters for
    large networks only: the least squares fit of small ones finds missing neurons itself.
    """
    best: tuple[tuple[float, float], ReluNetwork | None] = ((math.inf, math.inf), None)
    for attempt in range(_ATTEMPTS):
        _forget(run)
        if attempt:
            yield from run.draw_line()
        yield from _survey(run)
        if len(run.slice.kinks) > _MAX_KINKS:
            break
        yield from run.solve("gradients")
        run.commit()
        yield from run.validate(_GLANCE)
        for _ in range(_ATTEMPTS):
            if _explained(run):
                break
            before, score, doubt = run.known, run.score(run.known), run.doubt
            yield from _repair(run)
            if run.score(run.known) >= score:
                run.known, run.doubt = before, doubt
                break
            yield from run.validate(_GLANCE)
        assert run.known is not None
        if _explained(run):
            return
        best = min(best, (run.score(run.known), run.known), key=lambda pair: pair[0])
        if run.known.n_neurons * run.oracle.dim < _SMALL:
            break
    run.known = best[1]


def _repair(run: Run) -> Iterator[Event]:
    """Add what one more line shows of F - F'."""
    worst = run.points[run.errors.argmax()]
    yield from run.draw_line(worst)
    try:
        yield from _survey(run, worst)
    except NotPiecewiseLinear:
        return  # the residual may be noise; the fit will tell
    if len(run.slice.kinks):
        yield from run.solve("repair")
        run.commit()
        assert run.known is not None
        run.known = merge_alike(run.known)


def _long_steps(run: Run) -> Iterator[Event]:
    """Imprecise answers of a network that is too large for least squares: average with levers.

    Measured with long steps, what is known becomes precise, and what is missing shows.
    """
    run.accept()
    yield from run.validate()
    for _ in range(_ATTEMPTS):
        worst = float(run.errors.max())
        if worst <= run.tolerance():
            return
        yield from run.polish()
        yield from run.validate()
        if run.errors.max() > worst / 2:
            if worst <= _ALMOST * run.output_scale:
                return
            yield from _repair(run)
            run.accept()
            yield from run.validate()


def _sharpen(run: Run) -> Iterator[Event]:
    """The last digits of a network in which nothing is missing."""
    assert run.known is not None
    target = Target(run.oracle, run.scale)
    run.known = sharpen(target, run.known, run.noise, run.rng, draw=run.draw, grows=run.single)
    run.accept()
    yield run.emit(
        ev.NetworkUpdated,
        "polish",
        "LearnFromQueries",
        "Fit all neurons at once to fresh answers: the last digits.",
        network=run.hypothesis(),
    )
    yield from run.validate()


def _survey(run: Run, through: np.ndarray | None = None) -> Iterator[Event]:
    """Search several lines, and keep the one that shows the most kinks, and shows them best.

    Two kinks that are too close for the noise look like one. Lines are cheap next to gradients.
    """
    best, asked, lines = (-1, 0.0), 0, 0
    while True:
        before = run.oracle.queries
        yield from run.search(through is not None)
        s = thin(run.slice, run.line, run.precision())
        asked, lines = asked + run.oracle.queries - before, lines + 1
        quality = (len(s.kinks), float((s.widths / (1 + s.centers**2)).min()))
        if quality > best:
            best, line, found = quality, run.line, s
        affordable = _SURVEY * max(1, len(found.kinks)) * run.oracle.dim
        if lines == _MAX_LINES or asked * (lines + 1) / lines > affordable:
            break
        yield from run.draw_line(through)
    run.line, run.slice = line, found


def _forget(run: Run) -> None:
    """Start from nothing."""
    run.known, run.doubt = None, 0.0


def _explained(run: Run) -> bool:
    """Whether the errors of F' are those that its neurons' own errors explain."""
    expected = 6 * float((run.doubt * run.scale).max())
    return bool(run.errors.max() <= max(run.tolerance(), expected))


def _on_lattice(run: Run) -> bool:
    """Are the answers multiples of one step, as they seemed? Probabilities, say, are 0 or 1 on most
    of a line to all digits."""
    y = np.concatenate([values for _, values in run.tested]) * run.scale
    ratio = (y - y[0]) / run.step
    return bool((np.abs(ratio - np.round(ratio)) < 0.1).all())


def _check_usefulness(run: Run) -> None:
    """Raise if F' is much worse than the noise explains."""
    noise, worst = float((run.noise * run.scale).max()), float(run.errors.max())
    limit = max(20 * noise, 1e-3 * run.output_scale)
    if run.step > _COARSE * run.output_scale and not run.random:
        limit = run.step
    elif not run.random:  # what was heard on lines may be no noise
        limit = min(limit, max(_COARSE * run.output_scale, 20 * run.measured))
    if worst > limit:
        if not run.step and not run.random:
            look_for_curves(run)
        raise LearningFailed(
            f"after {run.oracle.queries:,} queries F and F' still differ by {worst:.2g}, "
            f"while the answers' own noise is {noise:.2g}: the black box is not a "
            "one-hidden-layer ReLU network, or too large for so imprecise answers"
        )
