"""The forms of a question: those of MLflow's `/invocations`, and of TensorFlow Serving."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relu_learn.serving.defences import Refusal

Array = NDArray[np.float64]
FORMS = ("instances", "inputs", "dataframe_split", "dataframe_records")


def rows_of(body: bytes, dim: int, names: Sequence[str] | None = None) -> Array:
    """The rows (n, d) that a request asks about.

    Parameters
    ----------
    body : bytes
        JSON: {"instances": rows}, {"inputs": rows}, {"dataframe_split": {"columns": names, "data":
        rows}} or {"dataframe_records": rows}. A row is a list, or {name: number}; an image may be a
        list of lists.
    dim : int
    names : sequence of str, optional
        Of the inputs, in the model's order.

    Raises
    ------
    Refusal
        400, with what is wrong.
    """
    try:
        question = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"the request is no JSON: {error}") from None
    forms = [form for form in FORMS if isinstance(question, dict) and form in question]
    if len(forms) != 1:
        raise Refusal(400, f"the request must have one of the fields {', '.join(FORMS)}")
    data = question[forms[0]]
    if forms[0] == "dataframe_split":
        data = _records(data)
    if isinstance(data, list) and data and isinstance(data[0], dict):
        data = _in_order(data, names)
    try:
        rows = np.array(data)
        if rows.size == 0:
            raise ValueError("there are none")
        if rows.dtype.kind not in "iuf":
            raise ValueError("they must be real numbers")
        rows = rows.astype(float).reshape(len(rows), -1)
    except (TypeError, ValueError, OverflowError) as error:
        raise Refusal(400, f"the rows make no table of numbers: {error}") from None
    if rows.shape[1] != dim:
        raise Refusal(400, f"a row must have {dim} numbers, not {rows.shape[1]}")
    if not np.isfinite(rows).all():
        raise Refusal(400, "the numbers must be finite")
    return rows


def _records(frame: Any) -> Any:
    """The rows of a data frame that was split; as {name: number} if its columns have names."""
    if not isinstance(frame, dict) or not isinstance(frame.get("data"), list):
        raise Refusal(400, "dataframe_split must have the fields columns and data")
    columns = frame.get("columns")
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        return frame["data"]
    if not all(isinstance(row, list) and len(row) == len(columns) for row in frame["data"]):
        raise Refusal(400, f"a row of data must have {len(columns)} numbers, as columns has names")
    return [dict(zip(columns, row, strict=True)) for row in frame["data"]]


def _in_order(rows: list[Any], names: Sequence[str] | None) -> list[Any]:
    order = list(rows[0]) if names is None else list(names)
    try:
        return [[row[name] for name in order] for row in rows]
    except (KeyError, TypeError) as error:
        raise Refusal(400, f"a row must have a number for each name: {error} is missing") from None


def reply_to(answers: Array) -> bytes:
    """{"predictions": answers}, every number with all of its digits."""
    return json.dumps({"predictions": answers.tolist()}, separators=(",", ":")).encode()
