"""The method for imprecise answers: lines first, where they are sharp enough, then all neurons at
once.

Float32, rounded and noisy answers. The least squares fits themselves are in `imprecise.fit`.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from functools import partial

import numpy as np

from relu_learn.asking.errors import BlackBoxError, LearningFailed
from relu_learn.core.candidate import Candidate, Step
from relu_learn.core.precision import FIT, LINES, NOISY, SLOW_FIT
from relu_learn.core.run import Run
from relu_learn.core.teller import each
from relu_learn.core.watch import Unexplained
from relu_learn.imprecise.fit import Learner, NoisyStep, sharpen
from relu_learn.imprecise.kind import RANDOM
from relu_learn.imprecise.least_squares import Fit
from relu_learn.imprecise.peeling import ALMOST, Peeling
from relu_learn.imprecise.sampling import Sampling
from relu_learn.telling.events import Event, FitImproved

# A noisy fit that needs more neurons than this is given up. (÷ 10: one of 22 runs is lost; × 10:
# none changes.)
_MAX_NOISY = 120
# What lines leave unexplained at more points than this is looked at, before a fit is tried. (÷ 10:
# 0 of 22 change; × 10: one.)
_MOSTLY = 0.05
# A fit is better than another if its error on held-out points is below this share of the other's:
# noise alone makes a few per cent.
_CLEARLY = 0.9
# How often lines and least squares take turns: every turn makes what is missing stand out more.
# (÷ or × 10: 0 of 22 change.)
_ROUNDS = 8
# Error of F' that noisy answers are averaged for, in units of the scale, where they allow it.
# (÷ 10: loud noise takes 22,000 queries more; × 10: 0 of 22 change.)
_WISH = 0.3
# What is fitted to noise alone is smaller than this, in units of the error that was wished for.
# It is about 1. (÷ or × 10: 0 of 22 change.)
_LOUDER = 1.3
# Answers are rounded coarsely if the step is more than this, in units of the scale: to labels?
# (÷ or × 10: 0 of 22 change.)
_COARSE = 0.1


def fit(run: Run) -> Iterator[Step]:
    """Imprecise answers: a start from lines where these are sharp enough, then all neurons at once,
    by least squares on samples."""
    answers, evidence = run.answers, run.evidence
    peeling, sharp = Peeling(run), answers.noise.max() <= LINES
    if sharp:
        yield from peeling.peel()
        if not peeling.explains(_MOSTLY):  # a least squares fit to something else takes long
            run.watch(Unexplained())
        k = 0 if run.known is None else run.known.n_neurons
        effort = (k * run.oracle.dim) ** 2 / len(answers.scale)
        if effort > FIT:
            yield from peeling.long_steps()
            if evidence.errors.max() <= ALMOST * evidence.scale and effort <= SLOW_FIT:
                assert run.known is not None
                target = run.target(known=False)
                run.known = sharpen(target, run.known, answers.noise, run.rng, answers.grows)
                yield run.updated("fit")
                yield from run.test()
                return
            if effort > SLOW_FIT:
                _check_usefulness(run)
                return
    yield from _together(run, None if run.known is None else peeling)


def _together(run: Run, peeling: Peeling | None) -> Iterator[Step]:
    """All neurons by least squares, starting from those that are known.

    What is missing shows once the others are precise: on lines through the worst points, where
    these are sharp enough, and otherwise in neurons that resemble the rest.
    """
    answers, evidence, target = run.answers, run.evidence, run.target(known=False)
    # Noise that is larger than F is averaged until F shows.
    precision = float(np.clip(_WISH / answers.noise.max(), 0.2, 0.5))
    sampling = Sampling(target, answers.noise, run.rng, answers.grows, precision)
    learner = Learner(sampling, run.hurry)

    def improved(fit: Fit) -> Event:
        misfit = math.sqrt(fit.loss / fit.residual.size) / sampling.floor
        return run.emit(FitImproved, neurons=len(fit.hidden), misfit=misfit)

    def fewer(step: NoisyStep) -> Generator[Event, None, Candidate]:
        pruned = yield from each(learner.pruned(step), improved)
        return candidate(pruned)

    def candidate(step: NoisyStep) -> Candidate:
        off = sampling.misses(step.fit or step.network) * sampling.unit * answers.scale
        errors = np.abs(off).max(axis=1)
        return Candidate(step.network, errors, partial(fewer, step) if step.fit else None)

    def unless_complete(step: NoisyStep) -> Iterator[Candidate]:
        if not learner.complete(step):  # otherwise the end is near
            yield candidate(step)

    best: NoisyStep | None = None
    while peeling and peeling.ask_more():
        pass  # the same points judge the fits
    for _ in range(_ROUNDS):
        sampling.judge_by(evidence.all, 0 if run.known is None else run.known.n_neurons)
        start = learner.start(run.known, peeling.doubt if peeling else math.inf)
        step = yield from each(start, improved)
        better = best is None or step.held_out < _CLEARLY * best.held_out
        best = step if best is None or better else best
        run.known = best.network
        yield run.updated("fit")
        yield from unless_complete(best)
        if peeling is not None and better:
            evidence.answers = run.answers.louder(sampling.noise)
            evidence.add(*learner.puzzles())
            peeling.fitted()
            yield from peeling.peel()
            if run.known is not best.network:
                continue
        last = kept = best
        for part in learner.finish(best, max(_MAX_NOISY, 2 * best.network.n_neurons)):
            if isinstance(part, Fit):
                yield improved(part)
                continue
            last, run.known = part, part.network
            kept = last if last.held_out < kept.held_out else kept
            yield run.updated("fit")
            yield from unless_complete(last)
            if last.finished and last.network.n_neurons * run.oracle.dim > 20_000:
                break  # averaging a large network further takes long and gains little
        if kept.held_out < _CLEARLY * last.held_out:  # where a neuron is missing, others fill in
            last, run.known = kept, kept.network
            yield run.updated("fit")
        yield from run.test()
        if last.finished and not (answers.random or evidence.explained):
            best = None  # the fit's own points had not shown it: these do, in the next round
        elif peeling is None or peeling.explains() or not better:
            break
    _judge(run, last.finished and (answers.random or evidence.explained), precision)


def _judge(run: Run, finished: bool, precision: float) -> None:
    """Raise if the answers are not those of a network with this noise."""
    answers = run.answers
    if answers.random:
        assert run.known is not None
        values = run.known(run.space.sample(1000, run.rng))
        if (values**2).mean() < ((_LOUDER * precision * answers.noise) ** 2).mean():
            raise BlackBoxError(RANDOM, run.space.place(run.evidence.points[:1]))
    if answers.lattice and not _on_lattice(run):
        run.watch(Unexplained(curved=True))
    if answers.lattice > _COARSE * run.evidence.scale:
        rms = math.sqrt(float((run.evidence.errors**2).mean()))
        finished &= rms < 0.5 * run.evidence.scale
    if not finished or not (answers.random or answers.step):
        _check_usefulness(run)


def _on_lattice(run: Run) -> bool:
    """Are the answers multiples of one step, as they seemed? Probabilities, say, are 0 or 1 on most
    of a line to all digits."""
    assert run.evidence.all is not None
    y = run.evidence.all[1] * run.answers.scale
    ratio = (y - y[0]) / run.answers.step
    return bool((np.abs(ratio - np.round(ratio)) < 0.1).all())


def _check_usefulness(run: Run) -> None:
    """Raise if F' is much worse than the noise explains."""
    answers, evidence = run.answers, run.evidence
    # One point in a thousand may lie in a ramp that is narrower than its place is known.
    worst = float(np.sort(evidence.errors)[-1 - len(evidence.errors) // 1000])
    limit = max(NOISY * answers.rounding, 1e-3 * evidence.scale)
    if answers.lattice > _COARSE * evidence.scale:
        limit = answers.lattice
    elif not answers.random:  # what was heard on lines may be no noise
        limit = min(limit, max(_COARSE * evidence.scale, NOISY * answers.heard))
    if worst > limit:
        if not answers.step and not answers.random:
            run.watch(Unexplained())
        raise LearningFailed(
            f"after {run.oracle.queries:,} queries F and F' still differ by {worst:.2g}, "
            f"while the answers' own noise is {answers.rounding:.2g}: the black box is not a "
            "one-hidden-layer ReLU network, or too large for so imprecise answers"
        )
