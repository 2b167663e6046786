"""Second looks: what was measured badly, measured again. The core knows none (see `precise`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterable, Sequence

import numpy as np

from relu_learn.core.evidence import Evidence
from relu_learn.core.lines import Line, Noise
from relu_learn.core.pieces import Found, Piece
from relu_learn.core.samples import Samples
from relu_learn.core.spots import Shortcuts
from relu_learn.core.target import Target
from relu_learn.network import ReluNetwork

# Changes what a line has found, and yields the gradients that it measured.
SecondLook = Callable[[Target, Found, np.random.Generator], Iterable[Piece]]
# Measures all of a network (whose answers are that noisy), and returns the better one.
Polish = Callable[
    [Target, ReluNetwork, Noise, np.random.Generator], Generator[Piece, None, ReluNetwork]
]
# What a network from a line, off by little, becomes if it fits the answers of all tests best.
Settle = Callable[[ReluNetwork, Line, Evidence], ReluNetwork]


@dataclasses.dataclass(frozen=True)
class Looks:
    """Second looks: at the pieces of a line before it is solved, at its neurons afterwards; and
    `polish`, which measures a whole network again. All of them buy digits; `settle` does for
    nothing. `shortcuts` save queries: they know gradients before they are measured in all
    directions; so do `samples`, which in a lean search know pieces from fewer of them."""

    pieces: Sequence[SecondLook] = ()
    neurons: Sequence[SecondLook] = ()
    polish: Polish | None = None
    settle: Settle | None = None
    shortcuts: Shortcuts | None = None
    samples: type[Samples] = Samples
