"""Checks of arguments: one rule and one wording, wherever the argument is given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import InvalidArgument

Seed = int | np.random.Generator | None


def is_between(low: float, value: Any, high: float) -> bool:
    """Whether it is a number, and in the open interval."""
    kinds = (int, float, np.integer, np.floating)
    return isinstance(value, kinds) and not isinstance(value, bool) and bool(low < value < high)


def positive_number(name: str, value: Any) -> float:
    if not is_between(0, value, np.inf):
        raise InvalidArgument(f"{name} must be a positive number, got {value!r}")
    return float(value)


def non_negative(name: str, value: Any) -> float:
    if not is_between(0, value, np.inf) and not (is_between(-1, value, 1) and value == 0):
        raise InvalidArgument(f"{name} must be a number >= 0, got {value!r}")
    return float(value)


def positive_int(name: str, value: Any) -> int:
    """Whole floats are integers here: budgets are often computed."""
    if not is_between(0, value, np.inf) or value % 1:
        raise InvalidArgument(f"{name} must be a positive integer, got {value!r}")
    return int(value)


def integer(name: str, value: Any, least: int) -> int:
    if not is_between(least - 1, value, np.inf) or isinstance(value, (float, np.floating)):
        raise InvalidArgument(f"{name} must be an integer >= {least}, got {value!r}")
    return int(value)


def generator(rng: Seed, *salt: int) -> np.random.Generator:
    """The generator of a seed; an integer is mixed with the salt."""
    try:
        mixed = [*salt, rng] if salt and isinstance(rng, (int, np.integer)) else rng
        return np.random.default_rng(mixed)
    except (TypeError, ValueError):
        rule = "rng must be a non-negative integer, a numpy.random.Generator or None"
        raise InvalidArgument(f"{rule}, got {rng!r}") from None


def restored(state: Any) -> np.random.Generator:
    """The generator that had this `bit_generator.state`, as JSON holds it; from anybody's file.

    NumPy calls no code of a state's, but some generators read their buffers wherever they are told
    to: those places must be in the buffers.
    """
    try:
        kind = getattr(np.random, state["bit_generator"])
        if not issubclass(kind, np.random.BitGenerator) or kind is np.random.BitGenerator:
            raise TypeError
        for name, size in (("pos", 624), ("buffer_pos", 4)):  # of MT19937 and of Philox
            for part in (state, state["state"]):
                integer(name, size - integer(name, part.get(name, 0), 0), 0)
        bits = kind()
        bits.state = state
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise InvalidArgument("ledger must hold the state of one of NumPy's generators") from error
    return np.random.Generator(bits)


def real_array(name: str, value: Any, *shapes: tuple[int, ...]) -> NDArray[np.float64]:
    """A finite float64 array of the caller's own, of one of these shapes (if there are any)."""
    try:
        array = np.asarray(value)
        kind = array.dtype.kind
        if kind == "O":
            array, kind = array.astype(float), "f"
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"{name} must be an array of real numbers: {error}") from None
    if kind not in "biuf":
        raise InvalidArgument(f"{name} must be an array of real numbers, got dtype {array.dtype}")
    result = np.array(array, dtype=float, order="C")
    if not np.isfinite(result).all():
        count = int(result.size - np.isfinite(result).sum())
        raise InvalidArgument(f"{name} must be finite, got {count} NaN or infinite entries")
    if shapes and result.shape not in shapes:
        wanted = " or ".join(map(str, dict.fromkeys(shapes)))
        raise InvalidArgument(f"{name} must have shape {wanted}, got {result.shape}")
    return result
