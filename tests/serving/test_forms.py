"""Questions in the forms of MLflow and TensorFlow Serving, and those that are none."""

import json

import numpy as np
import pytest

from relu_learn.serving.defences import Refusal
from relu_learn.serving.forms import reply_to, rows_of

ROWS = [[1.0, 2.0], [3.0, 4.5]]
RECORDS = [{"a": 1.0, "b": 2.0}, {"b": 4.5, "a": 3.0}]


@pytest.mark.parametrize(
    "question",
    [
        {"instances": ROWS},
        {"instances": [[[1.0], [2.0]], [[3.0], [4.5]]]},
        {"instances": RECORDS},
        {"inputs": ROWS, "params": {}},
        {"dataframe_split": {"columns": ["a", "b"], "data": ROWS}},
        {"dataframe_split": {"columns": ["b", "a"], "data": [row[::-1] for row in ROWS]}},
        {"dataframe_split": {"columns": [0, 1], "data": ROWS}},
        {"dataframe_split": {"data": ROWS}},
        {"dataframe_records": RECORDS},
    ],
)
def test_all_forms_ask_the_same(question):
    assert np.array_equal(rows_of(json.dumps(question).encode(), 2, ["a", "b"]), ROWS)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"\xff", "no JSON"),
        (b"[[1, 2]]", "one of the fields"),
        (b'{"instances": [[1, 2]], "inputs": [[1, 2]]}', "one of the fields"),
        (b'{"instances": [[1, 2, 3]]}', "must have 2 numbers, not 3"),
        (b'{"instances": [[1, 2], [3]]}', "no table of numbers"),
        (b'{"instances": []}', "no table of numbers"),
        (b'{"instances": 5}', "no table of numbers"),
        (b'{"instances": [["1", "2"]]}', "real numbers"),
        (b'{"instances": [[true, false]]}', "real numbers"),
        (b'{"instances": [[NaN, 1]]}', "must be finite"),
        (b'{"instances": [[1e999, 1]]}', "must be finite"),
        (b'{"instances": [{"a": 1}]}', "'b' is missing"),
        (b'{"instances": [{"a": 1, "b": 2}, [1, 2]]}', "missing"),
        (b'{"dataframe_split": [[1, 2]]}', "fields columns and data"),
        (b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1]]}}', "must have 2 numbers"),
    ],
)
def test_what_is_wrong_is_said(body, said):
    with pytest.raises(Refusal, match=said) as refusal:
        rows_of(body, 2, ["a", "b"])
    assert refusal.value.status == 400


def test_a_reply_has_all_digits():
    answers = np.array([[0.1, 1 / 3], [1e-300, -2.0]])
    assert np.array_equal(json.loads(reply_to(answers))["predictions"], answers)
