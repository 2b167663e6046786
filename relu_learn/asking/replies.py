"""What a black box returns, as float64 numbers; or what is wrong with it, and how to wrap it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from relu_learn.asking.errors import BlackBoxError, InvalidArgument

BlackBox = Callable[[np.ndarray], Any]

# What models call what is asked, the most useful first: labels are the last resort.
_METHODS = ("decision_function", "predict_proba", "predict", "forward", "transform")
_KINDS = {"b": "booleans", "c": "complex numbers", "U": "strings", "S": "strings"}
_WRAP = (
    "a function of one sample is wrapped as lambda x: np.array([f(row) for row in x]), and a model "
    "that takes B rows, no more and no fewer, as Oracle(lambda x: f(np.resize(x, (B, "
    "x.shape[1])))[:len(x)], d, batch_size=B)"
)

# More different answers than this are no labels.
_FEW = 100


class Refused(Exception):
    """What is wrong with the answers to a batch, and to which of its rows."""

    def __init__(self, what: str, rows: slice | np.ndarray) -> None:
        super().__init__(what)
        self.rows = rows


def check_callable(black_box: Any) -> None:
    """An object that cannot be called may have a method that can."""
    if callable(black_box):
        return
    names = [name for name in _METHODS if callable(getattr(black_box, name, None))]
    hint = f": give its method, model.{' or model.'.join(names)}" if names else ""
    kind = type(black_box).__name__
    raise InvalidArgument(f"black_box must be callable with an (n, d) array, got {kind}{hint}")


def ask(black_box: BlackBox, x: np.ndarray, first: bool = False) -> np.ndarray:
    """The answers as a float64 array of their own: the black box may use its buffer again.

    Parameters
    ----------
    black_box : callable
    x : ndarray of shape (n, d)
    first : bool
        Whether it has answered nothing yet: then it may not know what a batch is.

    Returns
    -------
    ndarray of shape (n,) or (n, m)

    Raises
    ------
    Refused
    """
    n, everything = len(x), slice(len(x))
    hint = f": {_WRAP}" if first and n > 1 else ""
    try:
        raw = black_box(x)
    except BlackBoxError as error:  # it says itself what is wrong
        raise Refused(str(error), everything) from error
    except Exception as error:
        what = f"raised {type(error).__name__}: {error} (on a batch of {n} rows){hint}"
        raise Refused(what, everything) from error
    try:
        # np.asarray would drop the mask, and with it what is missing.
        y = np.asarray(raw.filled(np.nan) if isinstance(raw, np.ma.MaskedArray) else raw)
    except Exception as error:
        what = f"must return an array, got {type(raw).__name__} ({error})"
        raise Refused(what, everything) from error
    if y.dtype.kind == "O":
        y = _numbers(y, type(raw).__name__)
    if y.dtype.kind not in "fiu":
        what = _KINDS.get(y.dtype.kind, f"{type(raw).__name__} of type {y.dtype}")
        raise Refused(f"must return real numbers, got {what}", everything)
    if y.ndim not in (1, 2) or len(y) != n or (y.ndim == 2 and y.shape[1] == 0):
        what = f"must return shape (n,) or (n, m) for n={n} rows, got {y.shape}{hint}"
        raise Refused(what, everything)
    with np.errstate(over="ignore"):  # longer floats: what overflows is reported as infinite
        y = y.astype(float)
    bad = np.flatnonzero(~np.isfinite(y.reshape(n, -1)).all(axis=1))
    if len(bad):
        row, one = x[bad[0]], y[bad[0]]
        size, most = math.hypot(*row), np.abs(row).max()
        what = (
            f"must return finite numbers, got {one} ({len(bad)} of {n} rows), at a query of norm "
            f"{size:.2g} with coordinates up to {most:.2g} (if that is more than it is made for, "
            "bounds=(low, high) keeps all queries in a box)"
        )
        raise Refused(what, bad)
    return y


def _numbers(y: np.ndarray, container: str) -> np.ndarray:
    """Objects as floats if they are numbers: decimals, fractions, whole numbers of any size."""
    values = [_number(value) for value in y.flat]
    if None not in values:
        return np.array(values, dtype=float).reshape(y.shape)
    other = type(y.flat[values.index(None)]).__name__
    what = f"a {container} of {other}" if y.ndim else container
    if other == "dict" and y.ndim:
        what += ": take the number out of each, as in [row['score'] for row in f(x)]"
    raise Refused(f"must return real numbers, got {what}", slice(len(y) if y.ndim else None))


def _number(value: Any) -> float | None:
    kind = value.dtype.kind if isinstance(value, (np.ndarray, np.generic)) else "f"
    odd = isinstance(value, (str, bytes, bool, complex)) or np.ndim(value) > 0 or kind not in "fiu"
    if odd or not hasattr(value, "__float__"):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number
        return np.inf
    except Exception:
        return None


def labels(answers: np.ndarray) -> str:
    """What to say of answers (n,) or (n, m) that a run failed on if they take few values."""
    values = np.unique(answers, axis=0)
    if not 1 < len(values) <= min(_FEW, len(answers) // 4):
        return ""
    some = ", ".join(map(str, values[:4].tolist())) + ", ..." * (len(values) > 4)
    return (
        f". Its answers take only {len(values)} values ({some}): if these are labels, ask for what "
        "they are chosen by (decision_function, predict_proba, logits)"
    )
