"""The user's own inputs, from a file of comma-separated values."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import InvalidArgument


class Points(NamedTuple):
    """Rows (n, d), and the names of their columns if the file has them."""

    rows: NDArray[np.float64]
    names: tuple[str, ...] | None


def read_points(
    path: str | os.PathLike[str], dim: int | None = None, names: Sequence[str] | None = None
) -> Points:
    """Read numbers separated by commas, semicolons or tabs; the first line may name the columns.

    Parameters
    ----------
    path : path-like
    dim : int, optional
        How many columns there must be (default: any number).
    names : sequence of str, optional
        Of the model's inputs: if the file's columns have these names, they are taken by name, and
        other columns (a label, say) are left out.

    Returns
    -------
    Points

    Raises
    ------
    InvalidArgument
        The file cannot be read; a line holds text, or more or fewer numbers than the others.
    """
    where = os.fspath(path)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            text = file.read()
        first = text.partition("\n")[0]
        mark = max(",;\t", key=first.count)
        lines = [(i, row) for i, row in enumerate(csv.reader(text.splitlines(), delimiter=mark), 1)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise InvalidArgument(f"points={where!r} cannot be read: {why}") from None
    lines = [(i, row) for i, row in lines if any(cell.strip() for cell in row)]
    header = None
    if lines and all(_number(cell) is None for cell in lines[0][1]):
        header = [cell.strip() for cell in lines[0][1]]
        lines = lines[1:]
    if not lines:
        raise InvalidArgument(f"points={where!r} has no rows of numbers")
    columns = list(range(len(header or lines[0][1])))
    if header is not None and names is not None and set(names) <= set(header):
        columns = [header.index(name) for name in names]
    if dim not in (None, len(columns)):
        raise InvalidArgument(
            f"points={where!r} must have {dim} columns, one per input, got {len(columns)} (leave "
            "out those that are no inputs)"
        )
    rows = np.array([_row(where, i, line, columns, header) for i, line in lines])
    return Points(rows, None if header is None else tuple(header[i] for i in columns))


def _row(
    where: str, line: int, cells: list[str], columns: list[int], header: list[str] | None
) -> list[float]:
    values = []
    width = len(header) if header else max(columns) + 1
    if len(cells) != width:
        raise InvalidArgument(
            f"points={where!r}, line {line}: {len(cells)} cells instead of {width}"
        )
    for i in columns:
        value = _number(cells[i])
        if value is None:
            name = f" ({header[i]})" if header else ""
            cell = f"column {i + 1}{name}: {cells[i][:40]!r} is no finite number"
            raise InvalidArgument(f"points={where!r}, line {line}, {cell}")
        values.append(value)
    return values


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
