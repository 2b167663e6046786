"""Functions of any shape: of one sample or of a batch, of arrays or of lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.arguments import positive_int
from relu_learn.asking.errors import InvalidArgument
from relu_learn.blackboxes.model import Model

Array = NDArray[np.float64]


def from_function(
    function: Callable[..., Any],
    dim: int | None = None,
    *,
    input_shape: tuple[int, ...] | None = None,
    one_by_one: bool = False,
    as_lists: bool = False,
    batch: int | None = None,
    dtype: Any = np.float64,
) -> Model:
    """Any function as a black box.

    Parameters
    ----------
    function : callable
        Takes an array (n, *input_shape), returns n answers, or n rows of them.
    dim : int, optional
        The input dimension d (default: that of `input_shape`).
    input_shape : tuple of int, optional
        Shape of one sample, of d numbers in all (default: (d,)).
    one_by_one : bool
        Whether it takes one sample at a time.
    as_lists : bool
        Whether it takes lists, not arrays.
    batch : int, optional
        It takes this many samples, no more and no fewer: the last batch is filled up.
    dtype : dtype
        Type of the numbers that it takes.

    Returns
    -------
    Model

    Examples
    --------
    >>> model = from_function(lambda row: max(row[0], row[1]), 2, one_by_one=True, as_lists=True)
    >>> model(np.array([[1.0, 3.0], [2.0, 0.5]]))
    array([3., 2.])
    """
    if not callable(function):
        raise InvalidArgument(f"function must be callable, got {type(function).__name__}")
    shape = (positive_int("dim", dim),) if input_shape is None else tuple(input_shape)
    size = int(np.prod(shape))
    if dim not in (None, size):
        raise InvalidArgument(f"input_shape must have {dim} numbers in all, got {shape}")

    def give(samples: Array) -> Any:
        return function(samples.tolist() if as_lists else samples)

    def ask(x: Array) -> Any:
        samples = x.reshape(len(x), *shape)
        return np.asarray([give(one) for one in samples] if one_by_one else give(samples))

    asked = ask if batch is None else filled_up(ask, positive_int("batch", batch))
    name = getattr(function, "__name__", type(function).__name__)
    return Model(asked, size, f"the function {name}", dtype)


def filled_up(ask: Callable[[Array], Any], batch: int) -> Callable[[Array], Any]:
    """Ask so many rows at a time, no more and no fewer: the last row is repeated."""

    def asked(x: Array) -> Any:
        parts = []
        for start in range(0, len(x), batch):
            rows = x[start : start + batch]
            full = np.concatenate([rows, np.repeat(rows[-1:], batch - len(rows), axis=0)])
            parts.append(np.asarray(ask(full))[: len(rows)])
        return np.concatenate(parts)

    return asked


def unzipped(rows: Any) -> Any:
    """Rows that are dicts {label: number} as rows of numbers, in the order of the first one's."""
    if isinstance(rows, (list, tuple)) and len(rows) and isinstance(rows[0], dict):
        order = list(rows[0])
        return [[row[label] for label in order] for row in rows]
    return rows
