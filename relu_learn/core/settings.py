"""The settings of a run, checked before its first query."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from relu_learn.asking.arguments import is_between, positive_int, positive_number
from relu_learn.asking.errors import InvalidArgument


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
    lean: bool = False
    structure: str | None = None
    r: float = 0.05
    tau: float = 4.0
    alpha: float = 1e-3  # ten times `gradients.ALPHA`, for digits: here steps are checked
    repeats: int = 1
    patience: float = 4.0
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.method not in ("adaptive", "grid"):
            raise InvalidArgument(f"method must be 'adaptive' or 'grid', got {self.method!r}")
        if self.structure is not None and self.structure != "auto":
            raise InvalidArgument(f"structure must be 'auto' or None, got {self.structure!r}")
        if self.validation is not None:
            self._set("validation", positive_int("validation", self.validation))
        for name in ("polish", "lean"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                got = getattr(self, name)
                raise InvalidArgument(f"{name} must be True or False, got {got!r}")
        self._set("repeats", positive_int("repeats", self.repeats))
        for name in ("r", "tau", "alpha"):
            self._set(name, positive_number(name, getattr(self, name)))
        for name in ("epsilon", "max_seconds"):
            if getattr(self, name) is not None:
                self._set(name, positive_number(name, getattr(self, name)))
        if self.patience != math.inf:
            self._set("patience", positive_number("patience", self.patience))
        if not is_between(0, self.delta, 1):
            raise InvalidArgument(f"delta must be a number in (0, 1), got {self.delta!r}")
        if self.r > 2 * self.tau:
            raise InvalidArgument(f"r must be at most 2 tau = {2 * self.tau}, got {self.r!r}")

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
