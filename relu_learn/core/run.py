"""One run of LearnFromQueries: what is known, and the five verbs in the order of their use.

`look` along a line (GetNeurons) gives neurons; `take` adds them to the hypothesis F'; `test` asks
fresh points; `keep` holds on to a better hypothesis; `result` is what is handed out. When to use
which is a method's business: `learning.adaptive`, `paper.grid`, `star` (boxes), `fit` (noise).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Generator, Iterator

import numpy as np

from relu_learn.asking.errors import NotPiecewiseLinear
from relu_learn.asking.fresh import Fresh
from relu_learn.asking.oracle import Oracle
from relu_learn.asking.rows import Points, stacked, values
from relu_learn.core.answers import Answers
from relu_learn.core.evidence import FREE, Evidence, misfit
from relu_learn.core.lines import SIGMAS, Line, Noise
from relu_learn.core.looks import Looks
from relu_learn.core.neurons import SLACK, solve_line
from relu_learn.core.pieces import Found, Measured, Piece
from relu_learn.core.samples import Samples
from relu_learn.core.search import search_line
from relu_learn.core.settings import Settings
from relu_learn.core.space import Space
from relu_learn.core.target import Target
from relu_learn.core.teller import Teller, each
from relu_learn.core.watch import Occasion, SearchedLine, trust
from relu_learn.network import ReluNetwork, prune
from relu_learn.telling import events as ev
from relu_learn.telling.certificate import fresh_points, mean_square
from relu_learn.telling.events import Event
from relu_learn.telling.result import LearnResult
from relu_learn.telling.trace import Trace

# Fresh points of the smallest test: they see what is wrong on a tenth of inputs, 97 times of 100.
FEW = 32
# Neurons smaller than this, in units of the largest one, may be rounding that was taken for kinks.
# (÷ or × 10: 0 of 39 runs change.)
ROUNDING = 1e-8
# Share of inputs that a certificate leaves open, and where so few neurons were found: narrow bumps
# that are missed, and queries, with these and with other numbers: `tests/benchmarks/hats.py`.
_OPEN, _SIMPLE, _FEW_NEURONS = 0.01, 0.005, 8
# With more inputs than this, checks and better places (five queries for each gradient) cost little,
# and a refit of all parameters, which would make good for bad places, too much.
SMALL = 100
# Fresh points of any test, if only their share of all queries asks for more.
MOST = 1000  # what is wrong on 0.3 % of inputs, they see 95 times of 100


class Run:
    """The state of one run, in the coordinates of its space.

    Parameters
    ----------
    oracle : Oracle
        The user's.
    space : Space
    settings : Settings
    rng : numpy.random.Generator
    looks : Looks

    Attributes
    ----------
    outside, oracle : Oracle
        The user's, and the same asked in the space's coordinates.
    fresh : Fresh
        The points of tests.
    evidence : Evidence
        Holds the answers' scale and noise, too; a placeholder until these were heard (`learn`).
    accepted : ReluNetwork or None
        What would be handed out now; in the user's units, the space's coordinates.
    repairs : int
        Lines drawn to repair F'.
    known : ReluNetwork or None
        F', whitened, with m outputs.
    line : Line
        The one that was drawn last.
    found : Measured or None
        What the line that is being looked at has given so far.
    first : Measured or None
        What the first line with neurons gave.
    watch : callable
        Told when answers make no sense; see `watch`.
    lean : bool
        Ask less, and leave it to a short test to find what that missed.
    hurry : callable
        Called in long computations; raises when the time is over. (`bool()` does nothing.)
    """

    def __init__(
        self,
        oracle: Oracle,
        space: Space,
        settings: Settings,
        rng: np.random.Generator,
        looks: Looks,
    ) -> None:
        self.outside, self.oracle = oracle, space.asking(oracle)
        self.space, self.settings, self.rng, self.looks = space, settings, rng, looks
        self.fresh = Fresh(lambda n: space.fresh(n, rng))
        self.line = space.line(rng)
        self.known: ReluNetwork | None = None
        self.found: Measured | None = None
        self.first: Measured | None = None
        self.accepted: ReluNetwork | None = None
        self.repairs, self.lean = 0, False
        self.events: list[Event] = []
        self.watch: Callable[[Occasion], Noise | None] = trust
        self.hurry: Callable[[], object] = bool
        self.evidence = Evidence(Answers(np.ones(1), np.zeros(1), 1.0))

    # ---------------------------------------------------------------- bookkeeping

    def emit(self, kind: type[Event], **data: object) -> Event:
        """An event, told in the user's coordinates."""
        event = self.space.told(kind(queries=self.oracle.queries, **data))  # type: ignore[arg-type]
        self.events.append(event)
        return event

    def teller(self, phase: str | None = None) -> Teller:
        """Makes events of what was measured (default: in the phase of finding or repairing F')."""
        usual = "" if self.known is None else "repair"
        return Teller(self.emit, self.answers.scale, usual if phase is None else phase)

    @property
    def answers(self) -> Answers:
        """How large and how precise they are."""
        return self.evidence.answers

    @property
    def best(self) -> ReluNetwork:
        """What was accepted last. Not `hypothesis()`: in the middle of a repair that holds half of
        what it takes."""
        return self.hypothesis() if self.accepted is None else self.accepted

    def target(self, known: bool = True) -> Target:
        """F - F', or (not `known`) F itself."""
        return Target(self.oracle, self.answers.scale, self.known if known else None, self.space)

    def hypothesis(self) -> ReluNetwork:
        """The network so far, in the units and the output shape of the black box."""
        d, m = self.oracle.dim, len(self.answers.scale)
        net = None if self.found is None else self.found.network()
        net = net if self.known is None else (self.known if net is None else self.known + net)
        if net is None:
            net = ReluNetwork(np.zeros((0, d)), np.zeros(0), np.zeros((m, 0)))
        return self.teller().network(net, self.oracle.is_scalar)

    def precision(self) -> Noise:
        """The noise of an answer; in a repair, what needs no repair counts as noise."""
        if self.known is None:
            return Noise(self.answers.noise)
        harmless = self.evidence.tolerance / self.answers.scale / (2 * SIGMAS)
        return Noise(np.maximum(self.answers.noise, harmless))

    # ---------------------------------------------------------------- look

    def draw(self, through: np.ndarray | None = None, line: Line | None = None) -> Iterator[Event]:
        """Draw a line, or one through a point, or announce this one."""
        self.line = line or self.space.line(self.rng, through)
        shown = self.space.window(self.line).shown(self.settings.tau)
        yield self.teller().line(self.line, shown)

    def look(self) -> Generator[Event, None, Found]:
        """GetNeurons on the line that was drawn last: search it, and solve for its neurons."""
        found = yield from self.search()
        yield from self.solve(found)
        return found

    def search(
        self, noise: Callable[[], Noise] | None = None, marks: np.ndarray | None = None
    ) -> Generator[Event, None, Found]:
        """The first half of `look`: all kinks of the line.

        Parameters
        ----------
        noise : callable, optional
            Gives the noise of the target's answers (default: `precision`). It is asked again if the
            search heard more.
        marks : ndarray, optional
            Parameters t at which the line certainly is asked.
        """
        target, line, tell = self.target(), self.line, self.teller()
        precision = noise or self.precision
        level = precision().level

        def ask(t: np.ndarray) -> np.ndarray:
            return target(line.at(t))

        window = self.space.window(line)
        kind = self.looks.samples if self.lean else Samples
        levels = search_line(
            ask, window, Noise(level), self.rng, extra=marks, watch=self._on_line, kind=kind
        )
        s = yield from each(levels, tell.level)
        # Unless more was heard, the answers' own: in a repair `level` is what needs no repair.
        heard = np.where(s.noise.level > level, s.noise.level, self.answers.noise)
        self.evidence.answers = self.answers.louder(heard)
        found = Found(line, s, precision(), Noise(heard))
        self._on_line(SearchedLine(found))
        for t, jump in zip(s.kinks, s.jumps, strict=True):
            yield tell.kink(line, t, jump)
        return found

    def _on_line(self, occasion: Occasion) -> Noise | None:
        """Tell the watch of something on the line; its witness is three parameters of it."""
        try:
            return self.watch(occasion)
        except NotPiecewiseLinear as error:
            error.witness = self.line.at(error.witness)
            raise

    def solve(
        self, found: Found, silent: Collection[int] = (), slack: float = SLACK
    ) -> Iterator[Event]:
        """The second half of `look`: gradients and neurons. The target is known to vanish on
        `silent` pieces; blocks of several neurons may amplify an error by `slack`."""
        target, tell = self.target(), self.teller()
        index = 0 if self.known is None else self.known.n_neurons
        self.found = found
        lean = self.lean and self.oracle.dim <= SMALL
        looks = dataclasses.replace(self.looks, pieces=()) if lean else self.looks
        for part in solve_line(
            target, found, self.rng, silent=silent, slack=slack, looks=looks, lean=lean
        ):
            if isinstance(part, Piece):
                if part.step:  # otherwise silent: nothing was measured
                    yield tell.piece(part, found.slice.centers[part.index])
                    if part.index == 0:
                        net = self.hypothesis()
                        affine = {"skip": np.atleast_2d(net.skip), "offset": net.offset.ravel()}
                        yield self.emit(ev.ResidualFitted, phase="gradients", **affine)
                continue
            yield from tell.neurons(part, index)
            index += len(part.biases)
        for look in self.looks.neurons:
            for piece in look(target, found, self.rng):
                yield tell.piece(piece, math.nan)

    # ---------------------------------------------------------------- take and keep

    def take(self, network: ReluNetwork) -> None:
        """Take what a line gave as the hypothesis, or add it to the hypothesis."""
        if self.first is None or not self.first.blocks:
            self.first = self.found
        self.found = None
        if self.known is None:
            self.known = network
            if self.accepted is None:
                self.accept()
        else:
            self.known = self.evidence.merged(self.known + network)

    def accept(self) -> None:
        """Take the hypothesis as the best so far; nothing can be claimed about it yet."""
        self.accepted, self.evidence.errors = self.hypothesis(), np.empty(0)

    def keep(
        self, before: ReluNetwork | None, phase: str, better: bool
    ) -> Generator[Event, None, bool]:
        """Keep the hypothesis if the evidence says that it is better, otherwise go back to what was
        known `before`."""
        if better:
            yield self.updated(phase)
        else:
            self.known = before
        return better

    def updated(self, phase: str) -> Event:
        """The event that the hypothesis was replaced as a whole."""
        self.accept()
        return self.emit(ev.NetworkUpdated, phase=phase, network=self.hypothesis())

    # ---------------------------------------------------------------- test

    def test(self, most: int | None = None, whole: bool = False) -> Iterator[Event]:
        """Compare F and F' on more and more fresh points; stop where they differ, or `whole`."""
        evidence, scale, target = self.evidence, self.answers.scale, self.target(known=False)
        tested: list[tuple[Points, np.ndarray, np.ndarray]] = []
        evidence.looks, evidence.tested = evidence.looks + 1, self.known
        evidence.planned = most or _validation_size(self)
        for size in self.space.batches(evidence.planned, FEW):
            x, y = self.fresh.take(size, target)
            tested.append((x, y, misfit(self.known, x, y)))
            points, answers, errors = zip(*tested, strict=True)
            evidence.errors = (np.concatenate(errors) * scale).max(axis=1)
            evidence.measure_scale(np.concatenate(answers))
            if not (whole or evidence.passed or evidence.explained):
                break
        x, y = stacked(points), np.concatenate(answers)
        evidence.points = x
        evidence.add(x, y)
        yield self.emit(
            ev.Validated,
            points=x,
            errors=evidence.errors,
            worst=float(evidence.errors.max()),
            scale=evidence.scale,
            loss=mean_square(evidence.errors),
        )
        net = self.hypothesis()
        handed = self.space.told(net)
        if handed is not net:  # that is what counts: the way to the user's inputs may cost digits
            evidence.errors = np.maximum(evidence.errors, _off(self, handed, x, y))

    # ---------------------------------------------------------------- result

    def result(self, complete: bool = True) -> LearnResult:
        """What is handed out."""
        evidence, errors = self.evidence, self.evidence.errors
        claim = evidence.certificate(self.settings.delta, self.space.measure)
        network, tested = self.space.told(self.best), evidence.all
        own = (
            _off(self, network, *(part[: evidence.own] for part in tested))
            if tested
            else np.empty(0)
        )
        return LearnResult(
            network=network,
            queries=self.oracle.queries,
            loss=mean_square(errors) if len(errors) else math.inf,
            certificate=claim,
            worst_error=claim.eta if len(errors) else math.inf,
            scale=evidence.scale,
            noise=self.answers.rounding / evidence.scale,
            random=self.answers.random,
            points=evidence.own,
            points_error=float(own.max(initial=0.0)),
            trace=Trace(self.events),
            complete=complete,
        )


def _off(run: Run, handed: ReluNetwork, x: Points, y: np.ndarray) -> np.ndarray:
    """How far (n,) a network in the user's coordinates is off at points (n, d) of the space with
    whitened answers (n, m)."""
    told = values(lambda part: handed(run.space.place(part)), x).reshape(y.shape)
    return np.asarray(np.abs(y * run.answers.scale - told).max(axis=1))


def _validation_size(run: Run) -> int:
    """Fresh points of the final test: as many as leave 1 % of the inputs open, or half of that
    where few neurons were found.

    A secret that looks simple (not just because of epsilon) is where a narrow bump would hide, and
    points are cheap; and where one repair was needed there may be more. Rounding does not count.
    """
    settings = run.settings
    if settings.validation is not None:
        return settings.validation
    if run.lean:
        return FEW
    k = prune(run.known, ROUNDING).n_neurons if run.known is not None else 0
    simple = k <= _FEW_NEURONS and not run.evidence.wished
    share = _SIMPLE if simple or run.repairs else _OPEN
    share /= 1 + 1 / FREE  # what a refit may cost of it
    n = fresh_points(share, settings.delta, run.evidence.looks)
    return max(FEW, n, min((run.oracle.queries - len(run.fresh)) // run.space.share, MOST))
