"""What of many alike cases belongs to the quick tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def mostly_slow(values: Iterable[Any], quick: int = 1) -> list[Any]:
    """Parameters for a test: the first ones are for everybody, the rest for when there is time."""
    first, rest = list(values)[:quick], list(values)[quick:]
    slow = [value if isinstance(value, tuple) else (value,) for value in rest]
    return [*first, *(pytest.param(*value, marks=pytest.mark.slow) for value in slow)]
