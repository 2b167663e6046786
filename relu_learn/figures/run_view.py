"""From events to what is known: `RunView` folds the stream, `State` is one moment of it.

State i is what a spectator knows after i events, and depends on nothing else: going back is
indexing. Every view draws a state, never the learner and never the secret.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from relu_learn.asking.errors import ReluLearnError
from relu_learn.network import ReluNetwork
from relu_learn.telling import events as ev
from relu_learn.telling.trace import Hypothesis

_NONE = np.empty(0)


def _empty(*shape: int) -> Any:
    """A field that starts as an empty array."""
    return dataclasses.field(default_factory=lambda: np.empty(shape))


@dataclasses.dataclass(frozen=True, eq=False)
class State:
    """What is known after `index` events.

    Attributes
    ----------
    index : int
    event : Event or None
        The last event (None at the very start).
    line : LineDrawn or None
        The current line.
    subtracted : ReluNetwork or None
        On the line of a repair: the hypothesis whose error F - F' is learned there.
    t, values : ndarray of shape (n,) and (n, m)
        Samples of F (or of F - F') on the current line, in increasing t.
    fresh : ndarray of shape (f,)
        The t of the samples that the last event brought.
    open_intervals : ndarray of shape (q, 2)
        Parts of the line that may still hide a critical point.
    kinks : tuple of CriticalPointFound
        Critical points found on the current line.
    queried, probed : ndarray of shape (n, 2)
        In the plane only (d = 2): the queries on lines, and the points where a gradient was
        measured. Empty in any other dimension.
    tests : tuple of Validated
    hypothesis : Hypothesis
    history : tuple of Hypothesis
        All hypotheses so far, the current one last.
    """

    index: int
    event: ev.Event | None
    hypothesis: Hypothesis
    history: tuple[Hypothesis, ...]
    queries: int = 0
    line: ev.LineDrawn | None = None
    line_number: int = 0
    subtracted: ReluNetwork | None = None
    t: np.ndarray = _empty(0)
    values: np.ndarray = _empty(0, 1)
    fresh: np.ndarray = _empty(0)
    open_intervals: np.ndarray = _empty(0, 2)
    kinks: tuple[ev.CriticalPointFound, ...] = ()
    queried: np.ndarray = _empty(0, 2)
    probed: np.ndarray = _empty(0, 2)
    tests: tuple[ev.Validated, ...] = ()

    @property
    def dim(self) -> int:
        """Number of inputs d."""
        return self.hypothesis.dim

    @property
    def narration(self) -> str:
        """One sentence about what just happened."""
        if self.event is None:
            return "Nothing is known yet. Press Play, or Step to go one event at a time."
        return self.event.narration

    @property
    def claimed(self) -> float:
        """The t up to which the hypothesis is claimed: the next kink whose neuron is not known.

        On its first line a learner knows F from one end of it, and neuron after neuron goes on
        from there; what it says beyond is a plane that was bent long since. Infinite when no such
        kink is left, and on the lines of repairs, which begin with a whole hypothesis.
        """
        if self.hypothesis.base is not None or self.hypothesis.is_empty:
            return np.inf
        known = [neuron.t for neuron in self.hypothesis.neurons]
        return min((kink.t for kink in self.kinks if kink.t not in known), default=np.inf)

    @property
    def is_final(self) -> bool:
        """True when the learner has finished."""
        return isinstance(self.event, ev.Finished)


class RunView:
    """The states of a run, recorded as its events arrive.

    Parameters
    ----------
    events : iterable of Event
        A `learn_steps` generator (pulled only as far as someone looks), or a recorded `Trace`.
    dim, n_outputs : int
        Size of the secret.

    Attributes
    ----------
    n_outputs : int
    error : ReluLearnError or None
        What ended the run early, if anything did.
    exhausted : bool
        True when no further event will come.
    """

    def __init__(self, events: Iterable[ev.Event], dim: int, n_outputs: int = 1) -> None:
        start = Hypothesis(dim, n_outputs)
        first = State(0, None, start, (start,), values=np.empty((0, n_outputs)))
        self._states = [first]
        self.n_outputs = n_outputs
        self._source: Iterator[ev.Event] = iter(events)
        self.exhausted = False
        self.error: ReluLearnError | None = None

    def __len__(self) -> int:
        """Number of states recorded so far: one more than events."""
        return len(self._states)

    def __getitem__(self, index: int) -> State:
        return self._states[index]

    @property
    def events(self) -> list[ev.Event]:
        """The events recorded so far."""
        return [state.event for state in self._states if state.event is not None]

    def reach(self, index: int) -> State:
        """The state after `index` events, pulling new ones as needed; the last one if fewer come.

        A run that stops with an error of ours keeps what it had, and says why in `error`.
        """
        while len(self) <= index and not self.exhausted:
            try:
                event = next(self._source)
            except StopIteration:
                self.exhausted = True
            except ReluLearnError as error:
                self.exhausted, self.error = True, error
            else:
                self._states.append(after(self._states[-1], event))
        return self._states[min(index, len(self) - 1)]

    def finish(self) -> State:
        """Pull everything that is left; the last state."""
        while not self.exhausted:
            self.reach(len(self))
        return self._states[-1]

    def close(self) -> None:
        """Let go of the source; what was recorded stays."""
        self.exhausted = True
        close = getattr(self._source, "close", None)
        if close is not None:
            close()


def after(state: State, event: ev.Event) -> State:
    """The state that follows `state` when `event` happens."""
    changes: dict[str, Any] = {
        "index": state.index + 1,
        "event": event,
        "queries": event.queries,
        "fresh": _NONE,
    }
    known = state.hypothesis.after(event)
    plane = state.dim == 2
    if isinstance(event, ev.LineDrawn):
        repair = event.phase == "repair" and not known.is_empty
        changes.update(
            line=event,
            subtracted=known.network if repair else None,
            line_number=state.line_number + 1,
            t=_NONE,
            values=state.values[:0],
            open_intervals=np.empty((0, 2)),
            kinks=(),
        )
    elif isinstance(event, ev.IntervalProbed) and state.line is not None:
        t = np.concatenate([state.t, event.t])
        order = np.argsort(t, kind="stable")
        changes.update(
            t=t[order],
            values=np.concatenate([state.values, event.values])[order],
            fresh=event.t,
            open_intervals=event.open_intervals,
        )
        if plane:
            points = state.line.origin + event.t[:, None] * state.line.direction
            changes["queried"] = np.concatenate([state.queried, points])
    elif isinstance(event, ev.CriticalPointFound):
        low, high = state.open_intervals.reshape(-1, 2).T
        explained = (low <= event.t) & (event.t <= high)
        changes["kinks"] = (*state.kinks, event)
        changes["open_intervals"] = state.open_intervals[~explained]
    elif isinstance(event, ev.GradientMeasured):
        changes["open_intervals"] = state.open_intervals[:0]  # the search is over
        if plane:
            changes["probed"] = np.concatenate([state.probed, event.point[None]])
    elif isinstance(event, ev.Validated):
        changes["tests"] = (*state.tests, event)
    if known is not state.hypothesis:
        changes.update(hypothesis=known, history=(*state.history, known))
    return dataclasses.replace(state, **changes)


def squeezed(network: ReluNetwork) -> ReluNetwork:
    """A network with one output as the scalar network that its hypotheses are."""
    if network.is_scalar or network.n_outputs > 1:
        return network
    parts = (network.output_weights, network.skip, network.offset)
    return ReluNetwork(network.weights, network.biases, *(part[0] for part in parts))
