"""What happened, in the paper's words: the one stream that every consumer reads.

An event is a frozen value with read-only arrays. The learner yields events; the batch API, the
lesson's player, the static export, the command line and the tests consume them. Nothing here
refers to the black box, so a recorded `Trace` replays without it.

Shapes: d is the input dimension, m the number of outputs (1 for a scalar secret).
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np

from relu_learn.network import ReluNetwork
from relu_learn.telling.certificate import Certificate


def _frozen(value: Any) -> np.ndarray:
    array = np.array(value, dtype=float)
    array.flags.writeable = False
    return array


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Event:
    """One step of the learner.

    Attributes
    ----------
    queries : int
        Queries spent so far, this step included.
    phase : str
        "start", "search", "gradients", "neurons", "validate" or "finish", as the class says;
        "repair" when the step is one in the learning of F - F', "polish" or "fit" when it measures
        or fits again what is known roughly.
    """

    procedure: ClassVar[str] = "LearnFromQueries"  # the paper's, that the step belongs to
    usual: ClassVar[str] = ""  # its phase, unless it is a repair or a second measurement
    shapes: ClassVar[dict[str, str]] = {}  # of its arrays: "md" is (m, d), a digit is itself

    queries: int
    phase: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "phase", self.phase or self.usual)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, (np.ndarray, list, tuple)):
                object.__setattr__(self, field.name, _frozen(value))

    @property
    def narration(self) -> str:
        """One sentence for people."""
        return _sentence(self)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class RunStarted(Event):
    """The learner knows the dimension, the number of outputs and how precise the answers are."""

    usual = "start"

    dim: int
    n_outputs: int
    method: str
    noise: float


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class LineDrawn(Event):
    """A new line x(t) = origin + t * direction; `t_range` is the part worth drawing."""

    procedure, usual = "GetNeurons", "start"
    shapes = {"origin": "d", "direction": "d", "t_range": "2"}

    origin: np.ndarray
    direction: np.ndarray
    t_range: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class IntervalProbed(Event):
    """One level of the search: new samples `t` (n,), `values` (n, m) on the current line, and the
    intervals (q, 2) that are still open after them."""

    procedure, usual = "GetNeurons", "search"
    shapes = {"t": "n", "values": "nm", "open_intervals": "q2"}

    t: np.ndarray
    values: np.ndarray
    open_intervals: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class CriticalPointFound(Event):
    """A kink of the current line at `t`, where the slope changes by `jump` (m,)."""

    procedure, usual = "GetNeurons", "search"
    shapes = {"jump": "m", "point": "d"}

    t: float
    jump: np.ndarray
    point: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class GradientMeasured(Event):
    """The gradient (m, d) of the affine piece around `point` (d,), measured with steps `step`."""

    procedure, usual = "GetGradient", "gradients"
    shapes = {"point": "d", "gradient": "md"}

    t: float
    point: np.ndarray
    gradient: np.ndarray
    step: float


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class NeuronFound(Event):
    """A neuron output_weights (m,) * relu(<weights, x> - bias), seen as the kink at `t`."""

    procedure, usual = "GetBias", "neurons"
    shapes = {"weights": "d", "output_weights": "m"}

    index: int
    weights: np.ndarray
    bias: float
    output_weights: np.ndarray
    t: float


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class ResidualFitted(Event):
    """The affine part of the hypothesis so far: skip (m, d) and offset (m,)."""

    usual = "neurons"
    shapes = {"skip": "md", "offset": "m"}

    skip: np.ndarray
    offset: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class NetworkUpdated(Event):
    """The whole hypothesis was replaced: after a repair, the polish, or a fit."""

    usual = "neurons"

    network: ReluNetwork


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class FitImproved(Event):
    """A least squares fit is under way, about every second: to its own samples, F' is off by
    `misfit` times the noise of an answer."""

    usual = "fit"

    neurons: int
    misfit: float


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Validated(Event):
    """The hypothesis was tested on fresh points (n, d): |F - F'| there is `errors` (n,)."""

    usual = "validate"
    shapes = {"points": "nd", "errors": "n"}

    points: np.ndarray
    errors: np.ndarray
    worst: float
    scale: float
    loss: float


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Finished(Event):
    """The end: the network, and what a learner who saw only answers can claim about it."""

    usual = "finish"

    network: ReluNetwork
    certificate: Certificate
    loss: float
    worst: float
    scale: float


def _sentence(event: Event) -> str:
    """What happened, told from the event's fields."""
    match event:
        case RunStarted():
            return (
                f"The secret takes {event.dim} numbers and answers with {event.n_outputs}; "
                f"its answers are precise to about {event.noise:.0e} of their size."
            )
        case LineDrawn(phase="repair"):
            return "Draw a new line through the point where the hypothesis is worst."
        case LineDrawn():
            return "Draw a random line through the input space."
        case IntervalProbed():
            n, q = len(event.t), len(event.open_intervals)
            points = f"{n} point{'s' * (n != 1)} of the line"
            return f"Ask at {points}: {q} interval{'s' * (q != 1)} still to be explained."
        case CriticalPointFound():
            kink = f"The slope jumps at t = {event.t:.4g}"
            return f"{kink}: the line crosses a critical hyperplane there."
        case GradientMeasured() if math.isnan(event.t):
            return "Measure a gradient again, far from all hyperplanes and with long steps."
        case GradientMeasured():
            piece = f"on the piece around t = {event.t:.4g}"
            return f"Measure the gradient {piece} with {len(event.point)} small steps."
        case NeuronFound():
            return (
                f"The gradients on both sides of t = {event.t:.4g} differ by the weights of neuron "
                f"{event.index + 1}; the kink gives its bias."
            )
        case ResidualFitted():
            return "What is left where every neuron is switched off is the affine part."
        case NetworkUpdated(phase="repair"):
            return "Add what this line met to the hypothesis."
        case NetworkUpdated(phase="polish"):
            return "Solve for all neurons again: the last digits."
        case NetworkUpdated():
            means = "by least squares" if event.phase == "fit" else "the affine part as ReLUs, too"
            return f"All {event.network.n_neurons} neurons of the hypothesis at once, {means}."
        case FitImproved():
            off = f"off by {event.misfit:.3g} times the noise so far"
            return f"Fit {event.neurons} neurons at once to all samples: {off}."
        case Validated():
            share = event.worst / event.scale
            size = "rounding" if share < 1e-8 else f"{share:.1g} of the output's spread"
            worst = f"differ by at most {event.worst:.1e}: {size}"
            return f"On {len(event.errors)} fresh points F and F' {worst}."
        case Finished():
            return f"Done: {event.network.n_neurons} neurons from {event.queries:,} queries."
    raise NotImplementedError(type(event).__name__)


EVENT_TYPES: dict[str, type[Event]] = {cls.__name__: cls for cls in Event.__subclasses__()}
