"""What a method yields besides events: where it could end."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator

import numpy as np

from relu_learn.network import ReluNetwork
from relu_learn.telling.events import Event


@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
    """A network (whitened) that may do, and more is to be asked for a better one.

    `errors` (n,) are the largest |F - F'| of all outputs at points that it was not fitted to, in
    units of answers (default: at all points that are known). `fewer` gives a candidate with fewer
    neurons, for no query.
    """

    network: ReluNetwork | None
    errors: np.ndarray | None = None
    fewer: Callable[[], Generator[Event, None, Candidate]] | None = None


Step = Event | Candidate
