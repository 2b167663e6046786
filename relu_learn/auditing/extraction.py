"""Learn a target, keep every answer, and say what was found: complete, or until it was stopped."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import (
    LearningFailed,
    NotOneHiddenLayer,
    NotPiecewiseLinear,
    QueryBudgetExceeded,
    ReluLearnError,
)
from relu_learn.auditing.asked import Asked
from relu_learn.auditing.checking import Check, check
from relu_learn.auditing.target import Target
from relu_learn.blackboxes.links import IDENTITY, Link, link_of
from relu_learn.blackboxes.refining import Refined, is_right, refine
from relu_learn.learn import learn_steps
from relu_learn.network import ReluNetwork
from relu_learn.telling.certificate import Certificate, output_scale
from relu_learn.telling.events import Event, Finished
from relu_learn.telling.trace import Hypothesis, Trace

Array = NDArray[np.float64]
# Where the learner failed, a fit to the probabilities must explain so much of fresh rows.
_LEARNED = 0.95
# Longest batch that is lost if a run is killed while it is asked.
_BATCH = 2000


class LeftOut(NamedTuple):
    """How good the copy is on rows that it was not learned from: their probabilities have too few
    digits. So many rows, the share with the same label, and how far probabilities are off."""

    rows: int
    agree: float
    worst: float


@dataclasses.dataclass(frozen=True, eq=False)
class OnPoints:
    """How good the copy is on the user's own points.

    Attributes
    ----------
    answers, copies : ndarray of shape (n, m)
        The target's scores there, and the copy's.
    numbers : ndarray of shape (n,)
        Which rows of the user's these are.
    left_out : int
        Rows that were not learned from, as they are outside the box.
    link : Link
        Between scores and answers.
    compared : LeftOut or None
        What is known of rows that were left out, if they may be asked.
    """

    answers: Array
    copies: Array
    numbers: NDArray[np.intp]
    left_out: int
    link: Link = IDENTITY
    compared: LeftOut | None = None

    @property
    def errors(self) -> Array:
        """The largest difference (n,) of each row."""
        return np.asarray(np.abs(self.answers - self.copies).max(axis=1))

    @property
    def scale(self) -> float:
        """The scale of the answers, which errors are compared with."""
        return output_scale(self.answers)

    @property
    def agree(self) -> float:
        """Share of the rows with the same label."""
        same = _labels(self.answers, self.link) == _labels(self.copies, self.link)
        return float(same.all(axis=1).mean())


@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
    """What an extraction found, however it ended.

    Attributes
    ----------
    target : Target
    check : Check or None
        The look before it; None if it did not get so far.
    network : ReluNetwork or None
        The copy of the scores, so far as it is known.
    certificate : Certificate or None
    scale : float
        The scale of the outputs, which errors are compared with.
    stopped : exception or None
        Why it ended early.
    trace : Trace
    on_points : OnPoints or None
    queries, replayed : int
        In all, and of them from the ledger.
    seconds, answering : float
        What this took, and the target's share of it.
    authorised : list of dict
        What was said when it was first asked, and now.
    refined : Refined or None
        What a fit to the probabilities of the user's rows found, where the copy was off.
    """

    target: Target
    check: Check | None
    network: ReluNetwork | None
    certificate: Certificate | None
    scale: float
    stopped: BaseException | None
    trace: Trace
    on_points: OnPoints | None
    queries: int
    replayed: int
    seconds: float
    answering: float
    authorised: list[dict[str, str]]
    refined: Refined | None = None

    @property
    def complete(self) -> bool:
        """Whether it was learned to the end."""
        return self.stopped is None and self.network is not None

    @property
    def outside(self) -> bool:
        """Whether it ended because the target is no one-hidden-layer ReLU network."""
        return isinstance(self.stopped, (NotPiecewiseLinear, NotOneHiddenLayer, LearningFailed))

    @property
    def worth_keeping(self) -> bool:
        """Whether there is a copy, or what may become one."""
        return self.network is not None and not self.outside


def extract(
    target: Target,
    ledger: str | os.PathLike[str],
    *,
    max_queries: int | None = None,
    max_seconds: float | None = None,
    rng: int = 0,
    on_check: Callable[[Check], object] | None = None,
    on_event: Callable[[Event, Hypothesis], object] | None = None,
    **saving: Any,
) -> Outcome:
    """Learn a target from its answers; started again, it pays for none twice.

    Parameters
    ----------
    target : Target
    ledger : path-like
        Every answer is kept there.
    max_queries : int, optional
        Budget (default: that of `check`).
    max_seconds : float, optional
    rng : int
        Same seed, same queries.
    on_check, on_event : callable, optional
        Called with the first look; and with every event and what is known after it.
    **saving
        lean, structure: as for `learn_steps`.

    Returns
    -------
    Outcome
        Also when it was stopped, by hand or by an error: `stopped` says by what.

    Raises
    ------
    InvalidArgument
        Before anything was asked; so does an `UnfitLedger`.
    LedgerError
    """
    return _Extraction(target, ledger, max_queries, saving).run(
        max_seconds, rng, on_check or _ignore, on_event or _ignore
    )


def _labels(scores: Array, link: Link) -> Array:
    """The place of the largest answer (n, 1); of a yes or no, or several, which are likely."""
    if link.name == "softmax":
        scores = link.answers(scores)
    elif scores.shape[1] == 1 or link.name == "logits":
        return np.asarray(scores > 0)
    return np.asarray(scores.argmax(axis=1)[:, None])


def _ignore(*_: object) -> None:
    pass


class _Extraction:
    """One run: what is known of it so far."""

    def __init__(
        self,
        target: Target,
        ledger: str | os.PathLike[str],
        max_queries: int | None,
        saving: dict[str, Any],
    ) -> None:
        self.start, self.saving = time.perf_counter(), saving
        self.events: list[Event] = []
        self.check: Check | None = None
        self.network: ReluNetwork | None = None
        self.known = Hypothesis(target.model.dim, 1)
        self.certificate: Certificate | None = None
        self.scale = 1.0
        self.on_points: OnPoints | None = None
        self.refined: Refined | None = None
        self.told: Array | None = None  # the answers to rows that were left out
        self.oracle = Asked(target, max_queries=max_queries, batch_size=_BATCH, ledger=ledger)
        self.authorised = [note for note in (self.oracle.noted("authorised"),) if note]
        if target.authorised:
            self.authorised.append(target.authorised)
            self.oracle.note(authorised=target.authorised)

    def run(
        self,
        max_seconds: float | None,
        rng: int,
        on_check: Callable[[Check], object],
        on_event: Callable[[Event, Hypothesis], object],
    ) -> Outcome:
        stopped: BaseException | None = None
        with self.oracle:
            try:
                self.oracle.open()
                self._look(rng, on_check)
                try:
                    self._learn(max_seconds, rng, on_event)
                except LearningFailed as error:
                    self._refine(max_seconds, rng, getattr(error.partial, "network", None))
                    if self.network is None:
                        raise
                else:
                    self._refine(max_seconds, rng)
                self._compare()
            except (ReluLearnError, KeyboardInterrupt) as error:
                if isinstance(error, ReluLearnError) and not self.oracle.queries:
                    raise
                stopped = error
                self._salvage(error)
        return Outcome(
            target=self.oracle.target,
            check=self.check,
            network=self.network,
            certificate=self.certificate,
            scale=self.scale,
            stopped=stopped,
            trace=Trace(self.events),
            on_points=self.on_points,
            queries=self.oracle.queries,
            replayed=self.oracle.replayed,
            seconds=time.perf_counter() - self.start,
            answering=self.oracle.answering,
            authorised=self.authorised,
            refined=self.refined,
        )

    def _look(self, rng: int, on_check: Callable[[Check], object]) -> None:
        points = self.oracle.points
        self.check = check(self.oracle, points=points, rng=rng, careful=False, **self.saving)
        self.known = dataclasses.replace(self.known, n_outputs=self.check.outputs)
        on_check(self.check)

    def _learn(
        self,
        max_seconds: float | None,
        rng: int,
        on_event: Callable[[Event, Hypothesis], object],
    ) -> None:
        assert self.check is not None
        budget = None
        if self.oracle.max_queries is None:
            budget = self.oracle.target.opening + self.check.budget
        if max_seconds is not None:  # the first look took some of them
            max_seconds = max(max_seconds - (time.perf_counter() - self.start), 1e-3)
        steps = learn_steps(
            self.oracle,
            points=self.oracle.points,
            rng=rng,
            max_seconds=max_seconds,
            **self.saving,
        )
        for event in steps:
            self.events.append(event)
            self.known = self.known.after(event)
            if isinstance(event, Finished):
                self.network, self.scale = event.network, event.scale
                self.certificate = event.certificate
            on_event(event, self.known)
            if budget is not None and event.queries > budget and self.network is None:
                # (Not the oracle's own budget: with that there is no brake, and no diagnosis.)
                steps.throw(  # type: ignore[attr-defined]
                    QueryBudgetExceeded(
                        f"the budget of {budget:,} queries is spent, several times what was "
                        "expected: max_queries allows more"
                    )
                )

    def _refine(
        self, max_seconds: float | None, rng: int, start: ReluNetwork | None = None
    ) -> None:
        """Fit the copy to probabilities where scores could not be read, if it is off there; or what
        a learner that failed has found."""
        oracle, model, own = self.oracle, self.oracle.target.model, self.oracle.target.points
        network, room = start or self.network, oracle.remaining
        left = oracle.left_out
        if network is None or own is None or model.link is IDENTITY or len(oracle.allowed) < 2:
            return
        if start is None:
            if not len(left) or (room is not None and room < len(left)):
                return
            x = own.rows[left]
            self.told = oracle.answers(x)
            if is_right(model, network, x, self.told):
                return
        asked = dataclasses.replace(model, ask=oracle.answers, dtype=float)
        found = refine(
            asked,
            network,
            own.rows[oracle.allowed],
            max_queries=oracle.remaining,
            rng=rng,
            hurry=lambda: (
                max_seconds is not None and time.perf_counter() - self.start > max_seconds
            ),
        )
        if found.changed and (start is None or found.after >= _LEARNED):
            self.refined, self.network = found, found.network
            assert found.certificate is not None
            self.certificate, self.scale = found.certificate, 1.0  # of probabilities
        elif start is None:
            self.refined = found

    def _salvage(self, error: BaseException) -> None:
        """What was found before it was stopped."""
        partial = getattr(error, "partial", None)
        if self.network is not None:  # only the comparison is missing
            return
        if partial is not None:
            self.network, self.scale = partial.network, partial.scale
        elif not self.known.is_empty:
            self.network = self.known.network

    def _compare(self) -> None:
        """Copy and target on the user's own points; those that the learner has asked are known."""
        points, target = self.oracle.points, self.oracle.target
        if points is None or self.network is None:
            return
        n, answers = len(points), self.oracle.seen
        if answers is None:
            answers = self.oracle(points)
        answers = answers.reshape(n, -1)
        copies = np.asarray(self.network(points)).reshape(n, -1)
        assert target.points is not None
        left_out = len(target.points.rows) - n
        link = link_of(target.model.link)
        self.on_points = OnPoints(
            answers, copies, target.inside(), left_out, link, self._left_out(link)
        )

    def _left_out(self, link: Link) -> LeftOut | None:
        """A claim that leaves rows out says what it can of them."""
        left, room = self.oracle.left_out, self.oracle.remaining
        if not len(left) or (room is not None and room < len(left)):
            return None
        assert self.network is not None and self.oracle.target.points is not None
        x = self.oracle.target.points.rows[left]
        told = self.oracle.answers(x) if self.told is None else self.told
        told = told.reshape(len(x), -1)
        copied = np.asarray(link.answers(self.network(x))).reshape(told.shape)
        agree = ((told > 0.5) == (copied > 0.5)).all(axis=1)
        if link.name == "softmax":  # of two classes that are told to be as likely either is right
            agree = told[np.arange(len(x)), copied.argmax(axis=1)] == told.max(axis=1)
        return LeftOut(len(x), float(agree.mean()), float(np.abs(told - copied).max()))
