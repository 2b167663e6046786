"""The settings of a run, checked before its first query."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from relu_learn.core.errors import InvalidArgument
from relu_learn.core.oracle import positive_int


@dataclasses.dataclass(frozen=True)
class Settings:
    """See `learn_steps`, whose keywords these are.

    Raises
    ------
    InvalidArgument
    """

    method: str = "adaptive"
    epsilon: float | None = None
    delta: float = 0.05
    validation: int | None = None
    polish: bool = False
    r: float = 0.05
    tau: float = 4.0
    alpha: float = 1e-3

    def __post_init__(self) -> None:
        if self.method not in ("adaptive", "grid"):
            raise InvalidArgument(f"method must be 'adaptive' or 'grid', got {self.method!r}")
        if self.validation is not None:
            self._set("validation", positive_int("validation", self.validation))
        if not isinstance(self.polish, (bool, np.bool_)):
            raise InvalidArgument(f"polish must be True or False, got {self.polish!r}")
        for name in ("r", "tau", "alpha", "epsilon"):
            value = getattr(self, name)
            if not (name == "epsilon" and value is None):
                if not _between(0, value, math.inf):
                    raise InvalidArgument(f"{name} must be a positive number, got {value!r}")
                self._set(name, float(value))
        if not _between(0, self.delta, 1):
            raise InvalidArgument(f"delta must be a number in (0, 1), got {self.delta!r}")
        if self.r > 2 * self.tau:
            raise InvalidArgument(f"r must be at most 2 tau = {2 * self.tau}, got {self.r!r}")

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


def _between(low: float, value: Any, high: float) -> bool:
    """Whether it is a number, and in the open interval."""
    kinds = (int, float, np.integer, np.floating)
    return isinstance(value, kinds) and not isinstance(value, bool) and bool(low < value < high)
