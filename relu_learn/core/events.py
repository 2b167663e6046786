"""What happened, in the paper's words: the one stream that every consumer reads.

An event is a frozen value with read-only arrays. The learner yields events; the batch API, the
lesson's player, the static export, the command line and the tests consume them. Nothing here
refers to the black box, so a recorded `Trace` replays without it.

Shapes: d is the input dimension, m the number of outputs (1 for a scalar secret).
"""

from __future__ import annotations

import dataclasses
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
