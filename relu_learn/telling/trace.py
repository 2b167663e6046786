"""What the events add up to: the hypothesis after each of them, and the recorded run as a file."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, overload

import numpy as np

from relu_learn.archive import read_file
from relu_learn.asking.errors import InvalidArgument
from relu_learn.network import FIELDS, ReluNetwork
from relu_learn.telling import events as ev
from relu_learn.telling.certificate import Certificate
from relu_learn.telling.events import Event

TRACE_VERSION = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Hypothesis:
    """The network so far, in parts, as the events tell it; many moments share one.

    Attributes
    ----------
    dim, n_outputs : int
    queries : int
        What it had cost when it was formed.
    base : ReluNetwork or None
        The last network that was stated as a whole.
    neurons : tuple of NeuronFound
        Found since then.
    skip, offset : ndarray of shape (m, d) and (m,), or None
        The affine part, when it was fitted since then.
    """

    dim: int
    n_outputs: int
    queries: int = 0
    base: ReluNetwork | None = None
    neurons: tuple[ev.NeuronFound, ...] = ()
    skip: np.ndarray | None = None
    offset: np.ndarray | None = None

    def after(self, event: Event) -> Hypothesis:
        """The hypothesis when `event` has happened; the same object if it says nothing new."""
        if isinstance(event, ev.NeuronFound):
            neurons = (*self.neurons, event)
            return dataclasses.replace(self, queries=event.queries, neurons=neurons)
        if isinstance(event, ev.ResidualFitted):
            skip, offset = event.skip, event.offset
            return dataclasses.replace(self, queries=event.queries, skip=skip, offset=offset)
        if isinstance(event, (ev.NetworkUpdated, ev.Finished)):
            return Hypothesis(self.dim, self.n_outputs, event.queries, event.network)
        return self

    @property
    def is_empty(self) -> bool:
        """True while there is no claim about F: neurons without an affine part are none yet."""
        return self.base is None and self.skip is None

    @property
    def n_neurons(self) -> int:
        """Number of neurons found so far."""
        return len(self.neurons) + (self.base.n_neurons if self.base is not None else 0)

    @functools.cached_property
    def network(self) -> ReluNetwork:
        """The parts put together."""
        if self.base is not None and not self.neurons and self.skip is None:
            return self.base
        d, m = self.dim, self.n_outputs
        base = self.base or ReluNetwork(np.zeros((0, d)), [], np.zeros((m, 0)))
        outputs = [np.atleast_2d(base.output_weights), *(n.output_weights for n in self.neurons)]
        skip, offset = base.skip, base.offset
        if self.skip is not None and self.offset is not None:
            skip, offset = self.skip, self.offset
        head = () if m == 1 else (m,)
        return ReluNetwork(
            np.vstack([base.weights, *(n.weights for n in self.neurons)]),
            np.append(base.biases, [n.bias for n in self.neurons]),
            np.column_stack(outputs).reshape(*head, -1),
            skip.reshape(*head, d),
            offset.reshape(head),
        )


class Trace:
    """The recorded events of a run; replays without the black box.

    A sequence: ``len``, indexing (scrubbing backwards is indexing), slicing, iteration.

    Parameters
    ----------
    events : iterable of Event
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._events = tuple(events)

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Trace: ...
    def __getitem__(self, index: int | slice) -> Event | Trace:
        return Trace(self._events[index]) if isinstance(index, slice) else self._events[index]

    def __repr__(self) -> str:
        queries = self._events[-1].queries if self._events else 0
        return f"Trace({len(self)} events, {queries:,} queries)"

    @property
    def dim(self) -> int | None:
        """Input dimension, or None before the first line."""
        return next((len(e.origin) for e in self if isinstance(e, ev.LineDrawn)), None)

    @property
    def n_outputs(self) -> int | None:
        """Number of outputs, or None before it is known."""
        return next((e.n_outputs for e in self if isinstance(e, ev.RunStarted)), None)

    def network_at(self, index: int) -> ReluNetwork | None:
        """The hypothesis after event number `index`, or None while there is none."""
        known = Hypothesis(self.dim or 1, self.n_outputs or 1)
        for event in self._events[: range(len(self))[index] + 1]:
            known = known.after(event)
        return None if known.is_empty else known.network

    def save(self, path: Any) -> None:
        """Write the trace to one file (npz; no pickles inside)."""
        arrays: dict[str, Any] = {"version": np.array(TRACE_VERSION)}
        heads: list[dict[str, Any]] = []
        for i, event in enumerate(self):
            heads.append({"type": type(event).__name__})
            for name, value in vars(event).items():
                if isinstance(value, np.ndarray):
                    arrays[f"{i}.{name}"] = value
                elif isinstance(value, ReluNetwork):
                    arrays |= {f"{i}.{name}.{part}": getattr(value, part) for part in FIELDS}
                else:
                    heads[i][name] = value
        data = json.dumps(heads, default=dataclasses.asdict)  # which a certificate needs
        arrays["events"] = np.frombuffer(data.encode(), dtype=np.uint8)
        with open(path, "wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: Any) -> Trace:
        """Read a trace from a file.

        Raises
        ------
        InvalidArgument
            If the file is not a trace, is damaged or from another version.
        """
        return read_file(path, "trace", TRACE_VERSION, lambda data: cls(_events(data)))


# The words of an event, which are shown in pages: no tags.
_WORDS = re.compile(r"[\w .,()+-]{0,80}")
# Numbers with a sign; all others are counts and sizes, of which some are bounded.
_SIGNED = {"t", "bias"}
_LEAST = {"dim": 1, "n_outputs": 1}
# A run needs matrices of d x d and k x m numbers: with sizes like these, terabytes. All other sizes
# have arrays behind them.
_MOST = {"delta": 1, "mass": 1, "dim": 10**6, "n_outputs": 10**6}


def _is_possible(event: Event, name: str, value: Any, sizes: dict[str, int]) -> bool:
    """Whether a field can have this value. `sizes` holds d and m, from the first event that tells
    them, and the other sizes of this event's arrays."""

    def fits(letter: str, size: int) -> bool:
        return size == (int(letter) if letter.isdigit() else sizes.setdefault(letter, size))

    if isinstance(value, np.ndarray):
        shape = event.shapes.get(name, "")
        return value.ndim == len(shape) and all(map(fits, shape, value.shape))
    if isinstance(value, ReluNetwork):
        return fits("d", value.dim) and fits("m", value.n_outputs)
    if isinstance(value, Certificate):
        return all(_is_possible(event, *field, sizes) for field in vars(value).items())
    if name in ("phase", "method", "measure"):
        return isinstance(value, str) and _WORDS.fullmatch(value) is not None
    whole = name in ("queries", "index", "n", "dim", "n_outputs")
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        return False
    if name in _SIGNED:
        return name == "t" or value == value  # a gradient away from the line has no t
    letter = {"dim": "d", "n_outputs": "m"}.get(name)
    within = _LEAST.get(name, 0) <= value <= _MOST.get(name, np.inf)
    return within and (letter is None or fits(letter, int(value)))


def _events(arrays: dict[str, np.ndarray]) -> Iterator[Event]:
    """What `Trace.save` took apart, put together."""
    sizes: dict[str, int] = {}
    queries = 0
    for i, head in enumerate(json.loads(arrays["events"].tobytes())):
        kind = ev.EVENT_TYPES[head.pop("type")]
        for field in dataclasses.fields(kind):
            name = field.name
            if name == "network":
                head[name] = ReluNetwork(*(arrays[f"{i}.{name}.{part}"] for part in FIELDS))
            elif name == "certificate":
                head[name] = Certificate(**head[name])
            elif name not in head:
                head[name] = arrays[f"{i}.{name}"]
        event = kind(**head)
        sizes = {letter: size for letter, size in sizes.items() if letter in "dm"}
        for name, value in vars(event).items():
            if not _is_possible(event, name, value, sizes) or event.queries < queries:
                what = f"of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
                where = f"{name} of its event {i + 1}, {kind.__name__},"
                raise InvalidArgument(f"trace must fit together, but {where} is {what}")
        queries = event.queries
        yield event
