"""LearnFromQueries: the whole algorithm, one event at a time.

`learn_steps` is the primitive, a generator; `learn_from_queries` drains it. One round draws a
Gaussian line, finds its critical points, measures gradients, and solves for the neurons. The
hypothesis is then tested on fresh Gaussian points. Where it fails, the residual F - F' is learned
in the same way along a line through the worst point (peeling): it is a one-hidden-layer network
too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from relu_learn.core import events as ev
from relu_learn.core.bounded import Box, BoxRun
from relu_learn.core.diagnosis import check_witness, require_repeatable
from relu_learn.core.errors import (
    InvalidArgument,
    LearningFailed,
    NotOneHiddenLayer,
    NotPiecewiseLinear,
    ReluLearnError,
)
from relu_learn.core.events import Event, Trace
from relu_learn.core.grid import Probe, probe_intervals
from relu_learn.core.imprecise import learn_imprecise
from relu_learn.core.lines import Noise
from relu_learn.core.network import ReluNetwork
from relu_learn.core.oracle import BlackBox, Oracle, positive_int
from relu_learn.core.pieces import Block, Piece
from relu_learn.core.run import FEW, USEFUL, LearnResult, Run, Settings

# A repair adds what one line has met; many narrow bumps take as many.
_MAX_REPAIRS = 16
# Expected errors above this are not left to the final test: everything is measured once more.
_ROUGH = 1e-9
# F' has to fit the answers of earlier tests, too, to so many times the tolerance (the scale is an
# estimate, and differs from test to test).
_CONTRADICTION = 10


def learn_steps(
    black_box: BlackBox | Oracle,
    dim: int,
    *,
    method: str = "adaptive",
    rng: int | np.random.Generator | None = None,
    epsilon: float | None = None,
    delta: float = 0.05,
    max_queries: int | None = None,
    validation: int | None = None,
    polish: bool = False,
    bounds: Any = None,
    r: float = 0.05,
    tau: float = 4.0,
    alpha: float = 1e-3,
) -> Iterator[Event]:
    """Learn a one-hidden-layer ReLU network from its answers, step by step (LearnFromQueries).

    Parameters
    ----------
    black_box : callable or Oracle
        (n, d) -> (n,) or (n, m). Its weights are never looked at, only its answers.
    dim : int
        Input dimension d.
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
    bounds : (low, high), optional
        Numbers or vectors (d,), finite: not one query leaves the box low <= x <= high. The network
        is learned on the box; loss and certificate are about uniform points of it. Not with "grid".
    r, tau, alpha : float
        The paper's parameters, for "grid": length of an interval and half length of the line (in
        units of t), radius of the gradient's steps (in units of x).

    Yields
    ------
    Event
        See `relu_learn.core.events`; the last one is `Finished`.

    Raises
    ------
    InvalidArgument
        Before the first query.
    QueryBudgetExceeded, BlackBoxError, NotPiecewiseLinear, NotOneHiddenLayer, LearningFailed
        With what was found so far as `partial`.
    """
    settings = _checked(method, epsilon, delta, validation, polish, r, tau, alpha)
    if isinstance(black_box, Oracle):
        oracle = black_box
        if oracle.dim != dim:
            raise InvalidArgument(f"dim must be the oracle's {oracle.dim}, got {dim!r}")
        if max_queries is not None:
            raise InvalidArgument("max_queries must be given to the Oracle when one is passed")
    else:
        oracle = Oracle(black_box, dim, max_queries=max_queries)
    try:
        random = np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        rule = "rng must be a non-negative integer, a numpy.random.Generator or None"
        raise InvalidArgument(f"{rule}, got {rng!r}") from error
    if bounds is None:
        return _steps(_GaussianRun(oracle, settings, random))
    if method == "grid":
        raise InvalidArgument("bounds cannot be combined with method='grid': its line leaves them")
    box = Box(bounds, oracle.dim)
    return _steps(BoxRun(oracle, box, settings, random))


def _steps(run: Run) -> Iterator[Event]:
    try:
        yield from run.draw_line()
        yield from run.measure_precision()
        try:
            if run.settings.method == "grid":
                yield from _grid(run)
            elif run.imprecise:
                yield from learn_imprecise(run)
            else:
                yield from run.learn()
        except (NotPiecewiseLinear, NotOneHiddenLayer, LearningFailed) as error:
            require_repeatable(run)  # a black box that changes looks like anything
            check_witness(run, error)
            raise
        result = run.result()
        yield run.emit(
            ev.Finished,
            "finish",
            "LearnFromQueries",
            f"Done: {result.network.n_neurons} neurons from {run.oracle.queries:,} queries.",
            network=result.network,
            certificate=result.certificate,
            loss=result.loss,
            worst=result.worst_error,
            scale=result.scale,
        )
    except ReluLearnError as error:
        if error.partial is None and run.oracle.queries:
            error.partial = run.result(complete=False)
        raise


class _GaussianRun(Run):
    """A run on all of R^d, tested on Gaussian points."""

    def learn(self) -> Iterator[Event]:
        yield from self.search(False)
        yield from self.solve("gradients")
        self.commit()
        kept = [self.known]
        polished, rejected = self.settings.polish or self.roughness > _ROUGH, 0
        if polished:
            yield from self.validate(FEW)
            yield from self.polish()
        yield from self.validate()
        while self.repairs < _MAX_REPAIRS:
            points, errors = self.points, self.errors
            if errors.max() <= self.tolerance():
                points, errors = self.worst()
                if errors.max() <= _CONTRADICTION * self.tolerance():
                    return
            little = errors.max() <= USEFUL * self.output_scale
            if not polished and (little or np.median(errors) > self.tolerance() / 10):
                # Only a little wrong: nothing is missing, but something was measured badly.
                polished = True
                yield from self.polish()
                yield from self.validate()
                continue
            self.repairs += 1
            afresh = rejected == 2  # the hypothesis is beyond repair: start again on another line
            rejected = -2 if afresh else rejected
            through = points[errors.argmax()]
            text = "Add what was missing to the hypothesis."
            kept.append(self.known)
            if (yield from self.repair(through, text, afresh)):
                polished = False
                yield from self.validate()
            else:
                rejected += 1
        yield from self.go_back(kept)
        self.require_useful()


def _grid(run: Run) -> Iterator[Event]:
    s = run.settings
    target, scale, d = run.target(), run.scale, run.oracle.dim
    middle = s.tau - s.r / 2
    index = 0
    for part in probe_intervals(target, run.line, s.r, s.tau, s.alpha, Noise(run.noise), run.rng):
        if isinstance(part, Probe):
            if run.first is None:
                run.first = Piece(0, part.point, part.value, part.gradient, s.alpha, 0.0)
            yield run.emit(
                ev.IntervalProbed,
                "search",
                "GetNeurons",
                f"Look at the interval around t = {part.t:.3g}.",
                t=[part.t],
                values=(part.value * scale)[None],
                open_intervals=[[part.t + s.r / 2, middle + s.r / 2]],
            )
            yield run.emit(
                ev.GradientMeasured,
                "gradients",
                "GetGradient",
                f"Measure the gradient in the middle of the interval, with {d} small steps.",
                t=part.t,
                point=part.point,
                gradient=part.gradient * scale[:, None],
                step=s.alpha,
            )
            continue
        block = Block(
            index,
            index + 1,
            part.weights[None],
            np.array([part.bias]),
            part.outputs[:, None],
            np.array([part.t]),
            np.zeros(1),
        )
        run.blocks.append(block)
        yield run.emit(
            ev.CriticalPointFound,
            "search",
            "GetBias",
            f"The gradient jumps between t = {part.left:.3g} and t = {part.right:.3g}; "
            f"the two affine pieces meet at t = {part.t:.4g}.",
            t=part.t,
            jump=part.outputs * (part.weights @ run.line.direction) * scale,
            point=run.line.at(np.array([part.t]))[0],
        )
        yield run.emit(
            ev.NeuronFound,
            "neurons",
            "GetBias",
            f"The gradient jump is the weight vector of neuron {index + 1}; "
            "the meeting point gives its bias.",
            index=index,
            weights=part.weights,
            bias=part.bias,
            output_weights=part.outputs * scale,
            t=part.t,
        )
        index += 1
    run.commit()
    assert run.known is not None
    # The orientations are guesses: what they get wrong is affine, and linear regression finds it.
    n = 4 * (d + 1)
    x = run.rng.standard_normal((n, d))
    y = target(x) - (run.known(x) - x @ run.known.skip.T - run.known.offset)
    fit = np.linalg.lstsq(np.column_stack([x, np.ones(n)]), y, rcond=None)[0]
    k = run.known
    run.known = ReluNetwork(k.weights, k.biases, k.output_weights, fit[:-1].T, fit[-1])
    net = run.hypothesis()
    yield run.emit(
        ev.ResidualFitted,
        "neurons",
        "LearnFromQueries",
        f"Subtract the neurons and fit what is left by linear regression on {n} Gaussian samples.",
        skip=net.skip.reshape(-1, d),
        offset=net.offset.reshape(-1),
    )
    run.known = run.known.to_pure_relu()
    run.accept()
    yield run.emit(
        ev.NetworkUpdated,
        "neurons",
        "LearnFromQueries",
        "Write the affine part as two more ReLUs: the output is a pure ReLU network.",
        network=run.hypothesis(),
    )
    yield from run.validate()


def learn_from_queries(
    black_box: BlackBox | Oracle,
    dim: int,
    *,
    on_event: Callable[[Event], object] | None = None,
    progress: bool = False,
    **settings: Any,
) -> LearnResult:
    """Learn a one-hidden-layer ReLU network from its answers (paper: LearnFromQueries).

    Parameters
    ----------
    black_box : callable or Oracle
        (n, d) -> (n,) or (n, m).
    dim : int
        Input dimension d.
    on_event : callable, optional
        Called with every event.
    progress : bool
        Show a tqdm bar that counts queries.
    **settings
        As for `learn_steps`: method, rng, epsilon, delta, max_queries, validation, polish, bounds,
        r, tau, alpha.

    Returns
    -------
    LearnResult

    Raises
    ------
    ReluLearnError
        See `learn_steps`.

    Examples
    --------
    >>> from relu_learn import learn_from_queries, zoo
    >>> secret = zoo.random_network(dim=5, neurons=8, rng=1)
    >>> result = learn_from_queries(secret, dim=5, rng=0)
    >>> result.network.n_neurons
    8
    """
    steps = learn_steps(black_box, dim, **settings)
    seen: list[Event] = []
    bar = None
    if progress:
        from tqdm.auto import tqdm

        bar = tqdm(unit=" queries")
    try:
        for event in steps:
            seen.append(event)
            if on_event is not None:
                on_event(event)
            if bar is not None:
                bar.update(event.queries - bar.n)
                bar.set_description(event.phase)
    finally:
        if bar is not None:
            bar.close()
    last = seen[-1]
    assert isinstance(last, ev.Finished)
    started = next(e for e in seen if isinstance(e, ev.RunStarted))
    return LearnResult(
        last.network,
        last.queries,
        last.loss,
        last.certificate,
        last.worst,
        last.scale,
        started.noise,
        Trace(seen),
    )


def _checked(
    method: str,
    epsilon: float | None,
    delta: float,
    validation: int | None,
    polish: bool,
    r: float,
    tau: float,
    alpha: float,
) -> Settings:
    if method not in ("adaptive", "grid"):
        raise InvalidArgument(f"method must be 'adaptive' or 'grid', got {method!r}")
    if validation is not None:
        validation = positive_int("validation", validation)
    if not isinstance(polish, (bool, np.bool_)):
        raise InvalidArgument(f"polish must be True or False, got {polish!r}")
    positive = {"r": r, "tau": tau, "alpha": alpha}
    if epsilon is not None:
        positive["epsilon"] = epsilon
    for name, value in positive.items():
        if not _between(0, value, math.inf):
            raise InvalidArgument(f"{name} must be a positive number, got {value!r}")
    if not _between(0, delta, 1):
        raise InvalidArgument(f"delta must be a number in (0, 1), got {delta!r}")
    if r > 2 * tau:
        raise InvalidArgument(f"r must be at most 2 tau = {2 * tau}, got {r!r}")
    return Settings(
        method,
        None if epsilon is None else float(epsilon),
        float(delta),
        validation,
        bool(polish),
        float(r),
        float(tau),
        float(alpha),
    )


def _between(low: float, value: Any, high: float) -> bool:
    """Whether it is a number, and in the open interval."""
    kinds = (int, float, np.integer, np.floating)
    return isinstance(value, kinds) and not isinstance(value, bool) and bool(low < value < high)
