"""What a service does to its answers, or refuses, so that it gives less of its model away."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.arguments import integer, non_negative, positive_int
from relu_learn.asking.errors import InvalidArgument
from relu_learn.asking.oracle import Oracle

Array = NDArray[np.float64]
# Points that tell between which extremes the 256 levels of 8 bits lie.
_CALIBRATION = 4096
_LEVELS = 255
# Decimals that float64 can hold beside a digit before the point.
_DECIMALS = 15


class Refusal(Exception):
    """A question that is not answered: the HTTP status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclasses.dataclass(frozen=True)
class Defences:
    """Each costs the honest user something, and the attacker something else.

    Parameters
    ----------
    decimals : int, optional
        Answers are rounded to so many.
    noise : float
        Standard deviation of what is added to every answer, anew each time.
    labels_only : bool
        Only the place of the largest answer is given; of a single one, whether it is positive.
    int8 : bool
        Answers are 8 bits: 256 levels between the extremes on 4,096 random points.
    budget : int, optional
        Rows that one client (one address) is answered.
    bounds : (low, high), optional
        Rows that leave this box are refused: numbers, or vectors (d,).

    Raises
    ------
    InvalidArgument
    """

    decimals: int | None = None
    noise: float = 0.0
    labels_only: bool = False
    int8: bool = False
    budget: int | None = None
    bounds: Any = None

    def __post_init__(self) -> None:
        if self.decimals is not None and integer("decimals", self.decimals, 0) > _DECIMALS:
            raise InvalidArgument(f"decimals must be at most {_DECIMALS}, got {self.decimals}")
        non_negative("noise", self.noise)
        if self.budget is not None:
            positive_int("budget", self.budget)
        if self.bounds is not None and not np.all(np.less(*self.bounds)):
            raise InvalidArgument(f"bounds must be low < high, got {self.bounds!r}")

    def __str__(self) -> str:
        said = {
            "8 bits": self.int8,
            f"noise of {self.noise:g}": self.noise,
            f"{self.decimals} decimals": self.decimals is not None,
            "labels only": self.labels_only,
            f"{self.budget or 0:,} rows for each client": self.budget,
            "only inside a box": self.bounds is not None,
        }
        return ", ".join(name for name, there in said.items() if there) or "no defence"


class Defended:
    """A black box behind defences; asked as `defended(x)`, or `defended.answer(x, client)`.

    Parameters
    ----------
    black_box : callable
        (n, d) -> (n,) or (n, m).
    dim : int
    defences : Defences
    rng : int, numpy.random.Generator or None
        Of the noise.

    Raises
    ------
    BlackBoxError
        It gives no levels for 8 bits: it raises, or answers with no numbers.

    Attributes
    ----------
    spent : Counter
        Rows answered, by client.

    Examples
    --------
    >>> import numpy as np
    >>> defended = Defended(lambda x: x.sum(axis=1) / 3, 2, Defences(decimals=2))
    >>> defended(np.ones((1, 2)))
    array([0.67])
    """

    def __init__(
        self,
        black_box: Callable[[Array], Any],
        dim: int,
        defences: Defences | None = None,
        rng: int | np.random.Generator | None = None,
    ) -> None:
        self.black_box, self.dim = black_box, positive_int("dim", dim)
        self.defences = Defences() if defences is None else defences
        self.spent: Counter[str] = Counter()
        self._rng = np.random.default_rng(rng)
        self._levels = self._calibrated() if self.defences.int8 else None

    def __call__(self, x: Array) -> Array:
        return self.answer(x)

    def answer(self, x: Array, client: str = "") -> Array:
        """The defended answers, (n,) or (n, m); labels are whole numbers (n,).

        Raises
        ------
        Refusal
            400 outside the box, 429 beyond the budget: then nothing is counted.
        """
        d, n = self.defences, len(x)
        if d.bounds is not None and not ((x >= d.bounds[0]) & (x <= d.bounds[1])).all():
            raise Refusal(400, "a row is outside the box of inputs that this service takes")
        if d.budget is not None and self.spent[client] + n > d.budget:
            left = d.budget - self.spent[client]
            raise Refusal(429, f"the budget is {d.budget:,} rows, {left:,} of them left, not {n:,}")
        y = np.asarray(self.black_box(x), dtype=float)
        self.spent[client] += n
        if d.noise:
            y = y + d.noise * self._rng.standard_normal(y.shape)
        if self._levels is not None:
            low, step = self._levels
            y = low + step * np.clip(np.round((y - low) / step), 0, _LEVELS)
        if d.decimals is not None:
            y = np.round(y, d.decimals)
        if d.labels_only:
            y = y > 0 if y.ndim == 1 or y.shape[1] == 1 else y.argmax(axis=1)
            return y.reshape(n).astype(int)
        return y

    def _calibrated(self) -> tuple[Array, Array]:
        """The lowest of the 256 levels of each output, and the step between them."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((_CALIBRATION, self.dim))
        if self.defences.bounds is not None:
            low, high = self.defences.bounds
            x = rng.uniform(low, high, x.shape)
        y = Oracle(self.black_box, self.dim)(x)  # it says what is wrong with a model that raises
        low, high = y.min(axis=0), y.max(axis=0)
        return low, np.where(high > low, high - low, 1.0) / _LEVELS
