"""What happened, in the paper's words: the one stream that every consumer reads.

An event is a frozen value with read-only arrays. The learner yields events; the batch API, the
lesson's player, the static export, the command line and the tests consume them. Nothing here
refers to the black box, so a recorded `Trace` replays without it.

Shapes: d is the input dimension, m the number of outputs (1 for a scalar secret).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from typing import Any, overload

import numpy as np

from relu_learn.core.errors import InvalidArgument
from relu_learn.core.loss import Certificate
from relu_learn.core.network import ReluNetwork

TRACE_VERSION = 1


def _frozen(value: Any) -> np.ndarray:
    array = np.array(value, dtype=float)
    array.flags.writeable = False
    return array


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Event:
    """One step of the learner.

    Attributes
    ----------
    phase : str
        "start", "search", "gradients", "neurons", "validate", "repair", "polish" or "finish".
    procedure : str
        The paper's procedure that the step belongs to: "GetGradient", "GetBias", "GetNeurons" or
        "LearnFromQueries".
    queries : int
        Queries spent so far, this step included.
    narration : str
        One sentence for people.
    """

    phase: str
    procedure: str
    queries: int
    narration: str

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, (np.ndarray, list, tuple)):
                object.__setattr__(self, field.name, _frozen(value))


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class RunStarted(Event):
    """The learner knows the dimension, the number of outputs and how precise the answers are."""

    dim: int
    n_outputs: int
    method: str
    noise: float


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class LineDrawn(Event):
    """A new line x(t) = origin + t * direction; `t_range` is the part worth drawing."""

    origin: np.ndarray
    direction: np.ndarray
    t_range: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class IntervalProbed(Event):
    """One level of the search: new samples `t` (n,), `values` (n, m) on the current line, and the
    intervals (q, 2) that are still open after them."""

    t: np.ndarray
    values: np.ndarray
    open_intervals: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class CriticalPointFound(Event):
    """A kink of the current line at `t`, where the slope changes by `jump` (m,)."""

    t: float
    jump: np.ndarray
    point: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class GradientMeasured(Event):
    """The gradient (m, d) of the affine piece around `point` (d,), measured with steps `step`."""

    t: float
    point: np.ndarray
    gradient: np.ndarray
    step: float


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class NeuronFound(Event):
    """A neuron output_weights (m,) * relu(<weights, x> - bias), seen as the kink at `t`."""

    index: int
    weights: np.ndarray
    bias: float
    output_weights: np.ndarray
    t: float


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class NeuronsMerged(Event):
    """Neurons with the same critical hyperplane became one (or vanished)."""

    before: int
    after: int


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class ResidualFitted(Event):
    """The affine part of the hypothesis so far: skip (m, d) and offset (m,)."""

    skip: np.ndarray
    offset: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class NetworkUpdated(Event):
    """The whole hypothesis was replaced (after a repair, a merge or the polish)."""

    network: ReluNetwork


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Validated(Event):
    """The hypothesis was tested on fresh points (n, d): |F - F'| there is `errors` (n,)."""

    points: np.ndarray
    errors: np.ndarray
    worst: float
    scale: float
    loss: float


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Finished(Event):
    """The end: the network, and what a learner who saw only answers can claim about it."""

    network: ReluNetwork
    certificate: Certificate
    loss: float
    worst: float
    scale: float


EVENT_TYPES: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in (
        RunStarted,
        LineDrawn,
        IntervalProbed,
        CriticalPointFound,
        GradientMeasured,
        NeuronFound,
        NeuronsMerged,
        ResidualFitted,
        NetworkUpdated,
        Validated,
        Finished,
    )
}


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
        return next((len(e.origin) for e in self if isinstance(e, LineDrawn)), None)

    @property
    def n_outputs(self) -> int | None:
        """Number of outputs, or None before it is known."""
        return next((e.n_outputs for e in self if isinstance(e, RunStarted)), None)

    def network_at(self, index: int) -> ReluNetwork | None:
        """The hypothesis after event number `index`, or None while there is none.

        A network with m outputs, also for a scalar secret until the run is `Finished`.
        """
        events = self._events[: range(len(self))[index] + 1]
        base: ReluNetwork | None = None
        found: list[NeuronFound] = []
        affine: ResidualFitted | None = None
        for event in reversed(events):
            if isinstance(event, (NetworkUpdated, Finished)):
                base = event.network
                break
            if isinstance(event, NeuronFound):
                found.append(event)
            elif isinstance(event, ResidualFitted) and affine is None:
                affine = event
        if base is None and affine is None:
            return None
        if base is not None and not found and affine is None:
            return base
        d, m = self.dim, self.n_outputs
        assert d is not None and m is not None
        # A repair goes back over earlier neurons: in doubt the later event counts.
        parts = [] if base is None else [base]
        weights = np.array([e.weights for e in reversed(found)]).reshape(-1, d)
        biases = np.array([e.bias for e in reversed(found)])
        outputs = np.array([e.output_weights for e in reversed(found)]).reshape(-1, m).T
        for part in parts:
            weights = np.concatenate([part.weights, weights])
            biases = np.concatenate([part.biases, biases])
            outputs = np.concatenate([part.output_weights.reshape(m, -1), outputs], axis=1)
        if affine is not None:
            skip, offset = affine.skip, affine.offset
        else:
            skip, offset = parts[0].skip.reshape(m, d), parts[0].offset.reshape(m)
        return ReluNetwork(weights, biases, outputs, skip, offset)

    def save(self, path: Any) -> None:
        """Write the trace to one file (npz; no pickles inside)."""
        arrays: dict[str, Any] = {"version": np.array(TRACE_VERSION)}
        heads = []
        for i, event in enumerate(self):
            head: dict[str, Any] = {"type": type(event).__name__}
            for field in dataclasses.fields(event):
                value = getattr(event, field.name)
                if isinstance(value, np.ndarray):
                    arrays[f"{i}.{field.name}"] = value
                elif isinstance(value, ReluNetwork):
                    for part in _NETWORK:
                        arrays[f"{i}.{field.name}.{part}"] = getattr(value, part)
                elif isinstance(value, Certificate):
                    head[field.name] = dataclasses.asdict(value)
                else:
                    head[field.name] = value
            heads.append(head)
        arrays["events"] = np.frombuffer(json.dumps(heads).encode(), dtype=np.uint8)
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
        try:
            # np.load would leave a file open that it cannot read.
            with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            version = int(arrays["version"])
            heads = json.loads(arrays["events"].tobytes())
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise InvalidArgument(f"path must be a saved trace: {error}") from error
        except Exception as error:  # numpy's own words would advise to trust the file
            raise InvalidArgument("path must be an undamaged saved trace") from error
        if version != TRACE_VERSION:
            raise InvalidArgument(f"path is a trace of version {version}, need {TRACE_VERSION}")
        try:
            return cls(_restore(i, head, arrays) for i, head in enumerate(heads))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidArgument("path must be an undamaged saved trace") from error


_NETWORK = ("weights", "biases", "output_weights", "skip", "offset")


def _restore(i: int, head: dict[str, Any], arrays: dict[str, np.ndarray]) -> Event:
    cls = EVENT_TYPES[head["type"]]
    data: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        name = field.name
        if name == "network":
            data[name] = ReluNetwork(*(arrays[f"{i}.{name}.{part}"] for part in _NETWORK))
        elif name == "certificate":
            data[name] = Certificate(**head[name])
        else:
            data[name] = head[name] if name in head else arrays[f"{i}.{name}"]
    return cls(**data)
