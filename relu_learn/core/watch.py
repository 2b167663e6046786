"""What to do when answers make no sense: the one callback, and its occasions.

The core trusts the black box. Whoever does not plugs in a `Watch` (see `diagnosis`), which raises
with a witness, or says how noisy the answers really are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from relu_learn.core.lines import Ask, Noise, Slice, Window
from relu_learn.core.pieces import Found
from relu_learn.core.samples import Samples


@dataclasses.dataclass(frozen=True, eq=False)
class LongLine:
    """The search of a line takes more samples than most; `very` many, or it is over and has
    `found` many kinks."""

    ask: Ask
    samples: Samples
    window: Window
    rng: np.random.Generator
    very: bool = False
    found: Slice | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class SearchedLine:
    """A line was searched: do its pieces meet at the kinks?"""

    found: Found


@dataclasses.dataclass(frozen=True, eq=False)
class Doubted:
    """Before the answers are believed to be imprecise."""


@dataclasses.dataclass(frozen=True, eq=False)
class Unexplained:
    """F' does not explain the answers; `curved` if only a curve is looked for."""

    curved: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Creases:
    """Many lines, and F' still is wrong: do creases end?"""


Occasion = Creases | LongLine | SearchedLine | Doubted | Unexplained
Watch = Callable[[Occasion], Noise | None]


def trust(occasion: Occasion) -> Noise | None:
    """The default: nothing is looked at."""
    return None
