"""The practical method in a box: a star of chords.

A chord of the cube meets only some critical hyperplanes, so several chords are needed. All go
through one point p (a star). What the chords so far have given is subtracted; each neuron that is
still missing has p and all these chords on one side of its hyperplane, and once it is oriented away
from them it is switched off there: F - F' vanishes around the chords, and on their convex hull. So
a chord from p through any point where F and F' differ meets at least one more neuron; it starts on
a piece whose gradient is known to be zero, and costs gradients only for what is new.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial

import numpy as np

from relu_learn.bounded.box import FIRST_LOOK
from relu_learn.core.candidate import Candidate, Step
from relu_learn.core.choice import too_short
from relu_learn.core.gradients import safe_step
from relu_learn.core.lines import SIGMAS, Line, Noise, Slice
from relu_learn.core.mending import go_back, kinks_at, polish, require_useful
from relu_learn.core.pieces import GOAL, Found
from relu_learn.core.run import Run
from relu_learn.core.watch import Creases
from relu_learn.network import ReluNetwork, subset
from relu_learn.telling.events import Event

# As `neurons.SLACK`, but every further chord builds on this one, and amplifies its errors again.
# (÷ or × 10: none of 4 runs changes.)
_SLACK = 60.0
# Chords after which a black box that still is not explained is looked at for bent hyperplanes.
# (One: 54 % more queries in 4 runs; 120: none of them changes.)
_SUSPICION = 12
# Chords in a row that do not help after which a run gives up; and so many are added in any case:
# one may end in the middle of a bump, and only others show the rest of it. (÷ or × 10: none of 4
# runs changes.)
_PATIENCE, _ASTRAY = 12, 3
# Errors at known points below this (in units of the scale) are not from a missing neuron: some
# gradient was measured badly. They are measured again. (÷ or × 10: none of 30 runs of digits behind
# a scaler changes.)
_NEARLY = 1e-5
# With errors below this, in units of the scale, corners are asked: uniform points have shown what
# they can. A neuron that a test misses is on at 1 % of them: a loss of (0.1 scale)^2, at most.
# (Of 8 shapes, ÷ 10: 10 % more queries for 64-32-10 in [0, 1], else as many; × 10: up to 4 % fewer,
# but an epsilon saves half as much.)
_ROUGHLY = 0.1
# Hyperplanes that only graze the box are met one chord at a time; this many chords end a run.
# (30 or 3,000: none of 4 runs changes.)
_MAX_CHORDS = 300
# Corners that are tested besides uniform points: so many, or a quarter of all queries, up to 8
# times as many. (÷ 10: 1 % fewer queries in 4 runs; × 10: 29 % more. One in 60 of them meets a rare
# neuron, see `_Corners`: 128 do not miss it, 88 times of 100.)
_CORNERS = 128
# Length of the step that checks whether a residual vanishes, as `CAUTION` in `safe_step`. Longer:
# only two steps are to stay on the piece, and one that does not costs no more than a gradient.
# (÷ or × 10: as many queries.)
_CHECK_STEP = 0.1


def star(run: Run) -> Iterator[Step]:
    """Chord after chord through the worst point known, until fresh points show none."""
    evidence, center, corners = run.evidence, run.line.origin, _Corners(run)
    yield from _chord(run)
    polished, rejected = False, 0
    near: list[ReluNetwork | None] = []  # the hypotheses that were nearly right
    goal, tries = np.array(evidence.score(run.known)), 0
    best, mark = run.known, evidence.score(run.known)
    for number in range(_MAX_CHORDS):
        points, worst = evidence.worst(run.known)
        nearly = worst.max() <= _NEARLY * evidence.scale
        if not rejected:
            best, mark = run.known, evidence.score(run.known)
            near += [best] * bool(nearly)
        good = evidence.enough(worst)
        if (good or worst.max() <= _ROUGHLY * evidence.scale) and corners.ask():
            continue
        if not good:  # otherwise the end is near
            yield Candidate(run.known)
        # If few points are off, they lie just beyond a hyperplane, and a chord is cheaper.
        typical = nearly and bool(np.median(worst) > evidence.tolerance / 10 or rejected)
        if not polished and (run.settings.polish if good else typical):
            polished = True
            yield from polish(run)
            continue
        if good:
            best, rejected = run.known, 0
            yield from run.test()
            if evidence.passed:
                return
            if evidence.worst(run.known)[1].max() <= evidence.tolerance:
                break  # right on the cube, but its digits do not survive the way to the box
            continue
        if number % _SUSPICION == _SUSPICION - 1:
            run.watch(Creases())
        # Nearly right, and no chord helps much: what is left are digits that nobody can see.
        now = np.array(evidence.score(run.known))
        if (now < goal / 2).any():
            goal, tries = np.minimum(goal, now), 0
        tries += nearly
        if _PATIENCE in (rejected, tries):
            break
        if rejected % _ASTRAY == 0:  # from the best so far; and from another place this time
            run.known = best
            center = run.space.sample(1, run.rng)[0] / 2 if rejected else center
            points, worst = evidence.worst(run.known)
        through = points[worst.argmax()]
        if (through == center).all():  # the first chord went through a point where F is not silent
            center = run.space.sample(1, run.rng)[0] / 2
        yield from run.draw(line=Line(center, through - center))
        yield from _chord(run, np.array([0.0, 1.0]))
        if evidence.better(run.known, mark):
            rejected = 0
            yield run.updated("repair")
        else:
            rejected += 1
    run.known = best
    yield from run.test()
    yield from go_back(run, near)
    require_useful(run)


def _chord(run: Run, marks: np.ndarray | None = None) -> Iterator[Event]:
    """Look along the chord that was drawn last, and take what it gave.

    Two kinks of F - F' where F' has one are a neuron that was measured badly: its own, and F's next
    to it. As two more neurons they would be measured worse: the piece in between is as short as the
    error. The neuron is forgotten, and F's is met here.
    """
    noise, repair = partial(_precision, run), run.known is not None
    found = yield from run.search(noise, marks)
    if run.known is not None and (kinks := kinks_at(run.known, found)).max(initial=0) > 1:
        run.known = subset(run.known, kinks < 2)
        found = yield from run.search(noise, marks)
    found.slice = _roomy(found)
    yield from run.solve(found, _silent_pieces(run, found) if repair else (), _SLACK)
    run.take(found.anchored())


def _roomy(found: Found) -> Slice:
    """The chord without what it cannot measure at its ends.

    It ends on a wall, and a hyperplane may cross it just before: a user's own point, or a corner,
    lies close to one now and then. On what is left behind there is no room for steps, in whatever
    direction, and with several outputs a whole block of neurons would be as badly measured. The few
    that cross there are met again, in the middle of other chords.
    """
    s, d = found.slice, len(found.line.origin)
    if d == 1:  # the chord itself is the only direction
        return s
    steps = [safe_step(w, t, d) for w, t in zip(s.widths, s.centers, strict=True)]
    errors = found.sharp.at(s.centers).max(axis=1) / steps
    good = np.flatnonzero(~too_short(errors, GOAL / (4 * np.sqrt(d))))
    a, b = good[0], good[-1]
    if a == b:  # but something the chord has to tell
        return s
    kinks = {name: getattr(s, name)[a:b] for name in ("kinks", "jumps", "steps")}
    of_pieces = ("slopes", "values", "centers", "widths")
    pieces = {name: getattr(s, name)[a : b + 1] for name in of_pieces}
    return dataclasses.replace(s, **kinks, **pieces)


def _precision(run: Run) -> Noise:
    """The noise of an answer; of a residual, also what F' is off where it is right."""
    noise, scale, tolerance = run.answers.noise, run.answers.scale, run.evidence.tolerance
    if run.known is None:
        return Noise(noise)
    errors = run.evidence.off(run.known)
    right = (errors * scale).max(axis=1) <= tolerance
    most = tolerance / scale / (2 * SIGMAS)
    level = 2 * errors[right].max(axis=0) if right.any() else most
    return Noise(np.maximum(noise, np.minimum(level, most)))


def _silent_pieces(run: Run, found: Found) -> list[int]:
    """Pieces of the chord on which F' is right: the residual vanishes in random directions."""
    s, d = found.slice, run.oracle.dim
    eta = SIGMAS * found.noise.at(s.centers)
    widths = np.minimum(s.widths, run.space.window(found.line).width)
    flat = (np.abs(s.values) <= eta) & (np.abs(s.slopes) * widths[:, None] <= eta)
    points = found.line.at(s.centers)
    radius = np.minimum(_CHECK_STEP * np.sqrt(d) * widths, 0.9 * run.space.room(points))
    silent = []
    for r in np.flatnonzero(flat.all(axis=1)):
        moves = run.rng.standard_normal((2, d))
        moves *= radius[r] / np.linalg.norm(moves, axis=1, keepdims=True)
        if (np.abs(run.target()(points[r] + moves)) <= eta[r]).all():
            silent.append(int(r))
    return silent


class _Corners:
    """The corners of the cube, as points to be tested.

    A neuron that is switched on somewhere in the box is on at a corner, and on a larger share of
    the corners than of uniform points, whose spread is smaller by sqrt(3) in every direction: 1 in
    60 corners shows what 1 in 10,000 uniform points do.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.done = run, 0

    def ask(self) -> bool:
        """Add the next corners to the evidence; False when they were enough."""
        run, d = self.run, self.run.oracle.dim
        if 2**d <= _CORNERS:
            x = 2.0 * (np.arange(2**d)[:, None] >> np.arange(d) & 1) - 1
            x = x[self.done :]
        else:
            wanted = min(max(_CORNERS, (run.oracle.queries - len(run.fresh)) // 4), 8 * _CORNERS)
            n = max(0, wanted - self.done) if self.done else FIRST_LOOK
            x = run.rng.choice([-1.0, 1.0], (n, d))
        if len(x):
            self.done += len(x)
            run.evidence.add(x, run.target(known=False)(x))
        return len(x) > 0
