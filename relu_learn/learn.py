"""LearnFromQueries: the one place that knows the core and the wings, and puts them together.

`learn_steps` is the primitive, a generator of events; `learn_from_queries` drains it, and
`get_neurons` its first line. What they do with a black box is chosen here, from its answers:

- the *method*: `adaptive` for exact answers, `grid` for the paper's, `star` in a box, `fit` for
  imprecise answers;
- the *space*: all of R^d, or a box;
- the *watch*: what to do when answers make no sense;
- the *looks*: what is measured a second time, for the last digits, and at the end the refit; and
  whether gradients are guessed (`structure`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from relu_learn.asking.errors import (
    InvalidArgument,
    LearningFailed,
    NotOneHiddenLayer,
    NotPiecewiseLinear,
    ReluLearnError,
)
from relu_learn.asking.oracle import BlackBox, Oracle
from relu_learn.asking.replies import labels
from relu_learn.bounded.box import Box
from relu_learn.bounded.star import star
from relu_learn.core.brake import Brake
from relu_learn.core.candidate import Step
from relu_learn.core.evidence import Evidence
from relu_learn.core.hearing import hear
from relu_learn.core.learning import adaptive
from relu_learn.core.lines import SIGMAS, Line
from relu_learn.core.looks import Looks
from relu_learn.core.paper import get_neurons_on_grid, grid
from relu_learn.core.pieces import Measured
from relu_learn.core.run import FEW, Run
from relu_learn.core.settings import Settings
from relu_learn.core.space import Space
from relu_learn.core.watch import Doubted
from relu_learn.diagnosis.watch import confirm, diagnose
from relu_learn.early import EarlyEnd
from relu_learn.imprecise.kind import listen
from relu_learn.imprecise.method import fit
from relu_learn.network import ReluNetwork
from relu_learn.precise.clumps import merge_clumps
from relu_learn.precise.polish import polish as measure_again
from relu_learn.precise.refit import refit, settled
from relu_learn.precise.second_looks import remeasure, sharpen
from relu_learn.structured.pairs import Pairs
from relu_learn.structured.shortcut import Shortcut
from relu_learn.telling import events as ev
from relu_learn.telling.events import Event
from relu_learn.telling.result import LearnResult

# Fresh points at which a black box that is zero to rounding is asked for anything else.
_SILENT = 2000
_RANDOM = (
    "the answers are random: the same question is answered differently every time, and what is "
    "learned is their average (is a dropout layer left on? then model.eval() first)"
)
Method = Callable[[Run], Iterator[Step]]
_NONE = "it repairs nothing"
_LOOKS = Looks((sharpen, remeasure), (merge_clumps,), measure_again, settled, samples=Pairs)
# Answers that tell labels from numbers.
_RECALLED = 1000


def learn_steps(
    black_box: BlackBox | Oracle,
    dim: int | None = None,
    *,
    method: str = "adaptive",
    rng: int | np.random.Generator | None = None,
    epsilon: float | None = None,
    delta: float = Settings.delta,
    max_queries: int | None = None,
    validation: int | None = None,
    polish: bool = False,
    lean: bool = False,
    structure: str | None = None,
    bounds: Any = None,
    points: Any = None,
    r: float = Settings.r,
    tau: float = Settings.tau,
    alpha: float = Settings.alpha,
    repeats: int = Settings.repeats,
    patience: float = Settings.patience,
    max_seconds: float | None = None,
) -> Iterator[Event]:
    """Learn a one-hidden-layer ReLU network from its answers, step by step (LearnFromQueries).

    Parameters
    ----------
    black_box : callable or Oracle
        (n, d) -> (n,) or (n, m). Its weights are never looked at, only its answers.
    dim : int, optional
        Input dimension d (default: the `dim` that the black box says it has).
    method : {"adaptive", "grid"}
        "adaptive" finds all critical points by refinement, and is exact to rounding. "grid" is the
        paper's: intervals of length r on [-tau, tau], one gradient in each.
    rng : int, numpy.random.Generator or None
        Same seed and black box: same queries, bit for bit.
    epsilon : float, optional
        A loss E[(F - F')^2] that is good enough (default: repair down to rounding).
    delta : float
        The certificate may be wrong with this probability.
    max_queries : int, optional
        Budget.
    validation : int, optional
        Fresh points of the final test (default: chosen from what was found).
    polish : bool
        Measure everything once more with long steps, for the last digits: about twice the queries.
        (What the answers of any run tell of them, F' is fitted to at the end, for no query.)
    lean : bool
        Of exact answers on R^d ask less: two samples are enough for a piece of a line, no gradient
        is checked or measured at a better place, and the final test has 32 points (unless
        `validation` says otherwise; the certificate says how little they prove). When it fails, the
        run goes on with the usual care.
    structure : {None, "auto"}
        "auto": of exact answers on R^d guess gradients from some of their directions, and test
        every guess. Where weight vectors have few entries (sparse, convolutional), or lie in a
        space of few dimensions (low rank), this takes fewer queries than there are parameters;
        elsewhere one more for some of the gradients. Below 100 inputs it changes nothing.
    bounds : (low, high), optional
        Numbers or vectors (d,), finite: not one query leaves the box low <= x <= high. The network
        is learned on the box; loss and certificate are about uniform points of it. Not with "grid".
        (Default: the `bounds` that the black box says it has.)
    points : array_like of shape (n, d), optional
        Your own inputs: all of them are asked, and F' is repaired until it is right on them, too.
        Neurons that hardly any random point meets may be the ones that they are about. Not with
        "grid".
    r, tau, alpha : float
        The paper's parameters, for "grid": length of an interval and half length of the line (in
        units of t), radius of the gradient's steps (in units of x). A line meets the hyperplane of
        a neuron beyond tau with probability (2/pi) arctan(1/tau), or less if it is far from the
        origin: 16 % for tau = 4. To meet all k with probability 1 - delta: tau = 2k / (pi delta).
    repeats : int
        Lines of "grid": the network that is best on fresh points is kept. If one line fails with
        probability p, all of them do with probability p^repeats (the theorem's log 1/delta).
    patience : float
        Without a budget, the run ends once it has asked so many times what is usual for the neurons
        that were seen, and 10,000 more; infinite: never.
    max_seconds : float, optional
        Time limit.

    Yields
    ------
    Event
        See `relu_learn.telling.events`; the last one is `Finished`.

    Raises
    ------
    InvalidArgument
        Before the first query.
    QueryBudgetExceeded, TimeLimitExceeded
        With what was found so far as `partial`.
    BlackBoxError, NotPiecewiseLinear, NotOneHiddenLayer, LearningFailed
        With what was found so far as `partial`; so does KeyboardInterrupt.
    """
    paper = r, tau, alpha, repeats
    settings = Settings(
        method, epsilon, delta, validation, polish, lean, structure, *paper, patience, max_seconds
    )
    return _steps(_run(black_box, dim, settings, rng, max_queries, bounds, points))


def learn_from_queries(
    black_box: BlackBox | Oracle,
    dim: int | None = None,
    *,
    method: str = "adaptive",
    rng: int | np.random.Generator | None = None,
    epsilon: float | None = None,
    delta: float = Settings.delta,
    max_queries: int | None = None,
    validation: int | None = None,
    polish: bool = False,
    lean: bool = False,
    structure: str | None = None,
    bounds: Any = None,
    points: Any = None,
    r: float = Settings.r,
    tau: float = Settings.tau,
    alpha: float = Settings.alpha,
    repeats: int = Settings.repeats,
    patience: float = Settings.patience,
    max_seconds: float | None = None,
    on_event: Callable[[Event], object] | None = None,
    progress: bool = False,
) -> LearnResult:
    """Learn a one-hidden-layer ReLU network from its answers (paper: LearnFromQueries).

    Parameters
    ----------
    black_box : callable or Oracle
        (n, d) -> (n,) or (n, m).
    dim : int, optional
        Input dimension d (default: that of the black box).
    method, rng, epsilon, delta, max_queries, validation, polish, lean, structure, bounds, points,
    r, tau, alpha, repeats, patience, max_seconds
        As for `learn_steps`.
    on_event : callable, optional
        Called with every event.
    progress : bool
        Show a tqdm bar that counts queries.

    Returns
    -------
    LearnResult

    Raises
    ------
    ReluLearnError
        See `learn_steps`.

    Warns
    -----
    UserWarning
        If the same question is answered differently every time: what is learned is an average.

    Examples
    --------
    >>> from relu_learn import learn_from_queries, zoo
    >>> secret = zoo.random_network(dim=5, neurons=8, rng=1)
    >>> result = learn_from_queries(secret, dim=5, rng=0)
    >>> result.network.n_neurons
    8
    """
    paper = r, tau, alpha, repeats
    settings = Settings(
        method, epsilon, delta, validation, polish, lean, structure, *paper, patience, max_seconds
    )
    run = _run(black_box, dim, settings, rng, max_queries, bounds, points)
    bar = None
    if progress:
        from tqdm.auto import tqdm

        bar = tqdm(unit=" queries")
    try:
        for event in _steps(run):
            if isinstance(event, ev.RunStarted) and run.answers.random:
                warnings.warn(_RANDOM, stacklevel=2)
            if on_event is not None:
                on_event(event)
            if bar is not None:
                bar.update(event.queries - bar.n)
                bar.set_description(event.phase)
    except KeyboardInterrupt as stop:  # between two events
        _with_partial(run, stop)
        raise
    finally:
        if bar is not None:
            bar.close()
    return run.result()


def get_neurons(
    black_box: BlackBox | Oracle,
    dim: int | None = None,
    *,
    method: str = "adaptive",
    line: Line | None = None,
    rng: int | np.random.Generator | None = None,
    r: float = Settings.r,
    tau: float = Settings.tau,
    alpha: float = Settings.alpha,
) -> ReluNetwork:
    """The neurons whose critical hyperplanes one Gaussian line crosses (paper: GetNeurons).

    The first line of `learn_steps`, and nothing else. Orientations are those of the line: every
    neuron grows along it. What they get wrong is affine, and left to LearnFromQueries; so is
    everything that the line missed. Eight parameters, as six of them are those of `learn_steps`.

    Parameters
    ----------
    black_box : callable or Oracle
        (n, d) -> (n,) or (n, m).
    dim : int, optional
        Input dimension d (default: that of the black box).
    method : {"adaptive", "grid"}
    line : Line, optional
        Default: a random Gaussian line.
    rng : int, numpy.random.Generator or None
    r, tau, alpha : float
        For "grid": see `learn_steps`.

    Returns
    -------
    ReluNetwork
        The neurons in the order of their critical points, without an affine part.

    Raises
    ------
    InvalidArgument, BlackBoxError, NotPiecewiseLinear

    Examples
    --------
    >>> from relu_learn import zoo
    >>> get_neurons(zoo.random_network(3, 5, rng=0), 3, rng=1).n_neurons
    5
    """
    settings = Settings(method, r=r, tau=tau, alpha=alpha)
    run = _run(black_box, dim, settings, rng, None, None)
    run.line = line or run.line

    def one_line(run: Run) -> Iterator[Event]:
        if method == "grid":
            run.found = Measured(run.line)
            for _ in get_neurons_on_grid(run, run.found):
                pass
        else:
            yield from run.look()

    for _ in _steps(run, one_line):
        pass
    net = run.space.told(run.hypothesis())
    return ReluNetwork(net.weights, net.biases, net.output_weights)


def _run(
    black_box: BlackBox | Oracle,
    dim: int | None,
    settings: Settings,
    rng: int | np.random.Generator | None,
    max_queries: int | None,
    bounds: Any,
    points: Any = None,
) -> Run:
    """A run that has not begun, in its space and with its watch."""
    if isinstance(black_box, Oracle):
        oracle = black_box
        if dim not in (None, oracle.dim):
            raise InvalidArgument(f"dim must be the oracle's {oracle.dim}, got {dim!r}")
        if max_queries is not None:
            raise InvalidArgument("max_queries must be given to the Oracle when one is passed")
    else:
        oracle = Oracle(black_box, dim, max_queries=max_queries)
    bounds = oracle.bounds if bounds is None else bounds
    for name, value, why in (("bounds", bounds, "its line leaves them"), ("points", points, _NONE)):
        if value is not None and settings.method == "grid":
            raise InvalidArgument(f"{name} cannot be combined with method='grid': {why}")
    random = oracle.generator(rng)
    guessing = settings.structure is not None and bounds is None
    looks = dataclasses.replace(_LOOKS, shortcuts=Shortcut if guessing else None)
    run = Run(oracle, space_of(bounds, oracle.dim, points), settings, random, looks)
    # Not a circle: a run, and with it all that was asked, is let go of as soon as it ends.
    run.watch = partial(diagnose, weakref.proxy(run))
    return run


def space_of(bounds: Any, dim: int, points: Any = None) -> Space:
    """Where questions may be asked, all of R^d or a box, and what F' shall be good on."""
    space = Space(dim) if bounds is None else Box(bounds, dim)
    if points is not None:
        space.give(points)
    return space


def _method(run: Run) -> Method:
    """What to do with a black box that answers like this one."""
    if run.settings.method == "grid":
        return grid
    if not run.answers.exact:
        run.watch(Doubted())  # are they what they seem?
        return fit
    return star if isinstance(run.space, Box) else adaptive


def _steps(run: Run, method: Method | None = None) -> Iterator[Event]:
    brake = Brake(run)
    run.hurry = partial(brake.check_time, weakref.proxy(run))
    try:
        yield from run.draw(line=run.line)
        yield from _started(run)
        try:
            steps = (method or _method(run))(run)
            early = EarlyEnd(run)
            for event in early.during(steps):
                yield event
                brake.check(run, event)
            if method is None and run.settings.method == "adaptive":
                yield from early.last_test()
                if run.answers.exact:
                    yield from refit(run)
        except ReluLearnError as error:
            confirm(run, error)
            raise
        if method is None:
            result = run.result()
            yield run.emit(
                ev.Finished,
                network=run.best,
                certificate=result.certificate,
                loss=result.loss,
                worst=result.worst_error,
                scale=result.scale,
            )
    except (ReluLearnError, KeyboardInterrupt) as error:
        _with_partial(run, error)
        raise


def _with_partial(run: Run, error: ReluLearnError | KeyboardInterrupt) -> None:
    """What was paid for goes with whatever stops the run."""
    if isinstance(error, ReluLearnError):
        run.space.told(error)
        if isinstance(error, (NotPiecewiseLinear, NotOneHiddenLayer, LearningFailed)):
            error.args = (f"{error}{labels(run.outside.recall(_RECALLED)[1])}",)
    partial = getattr(error, "partial", None)
    if partial is None and run.oracle.queries:
        # Ctrl-C may come while something is half done: it must not become another error.
        with contextlib.suppress(*[Exception] * isinstance(error, KeyboardInterrupt)):
            partial = run.result(complete=False)
    error.partial = partial  # type: ignore[union-attr]


def _started(run: Run) -> Iterator[Event]:
    """How precise are the answers, and how large? Where F is silent, look elsewhere first."""
    heard = hear(run.oracle, run.space, run.line, run.rng)
    first, tested, points = heard.tested, [], run.space.own
    for size in [*run.space.batches(_SILENT, FEW), 0]:
        tested.append((points, run.oracle(points).reshape(len(points), run.oracle.n_outputs or 1)))
        loud = np.abs(tested[-1][1]).max(axis=1, initial=0.0)
        if heard.silent and loud.any():
            yield from run.draw(points[loud.argmax()])
            heard = hear(run.oracle, run.space, run.line, run.rng)
        if not heard.silent:
            break
        points = run.space.sample(size, run.rng)
    answers = heard.answers if heard.is_clear() else listen(heard)
    run.outside.heard(SIGMAS * answers.noise * answers.scale)
    run.evidence = Evidence(answers)
    (own, values), *others = tested
    run.evidence.add_own(own, values / answers.scale)
    for points, values in others if first is None else [first, *others]:
        run.evidence.add(points, values / answers.scale)
    yield run.emit(
        ev.RunStarted,
        dim=run.oracle.dim,
        n_outputs=run.oracle.n_outputs or 1,
        method=run.settings.method,
        noise=float(answers.noise.max()),
    )
