"""The user's own points: what a file may look like, and what is said of one that does not."""

import numpy as np
import pytest

from relu_learn import InvalidArgument
from relu_learn.auditing.points import read_points


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1,2\n3,4.5\n", None),
        ("a,b\n1,2\n\n3,4.5\n", ("a", "b")),
        ("\ufeffa;b\r\n1;2\r\n3;4.5\r\n", ("a", "b")),
        ("1\t2\n3\t4.5", None),
    ],
)
def test_numbers_are_read(tmp_path, text, names):
    (tmp_path / "p.csv").write_text(text, encoding="utf-8", newline="")
    points = read_points(tmp_path / "p.csv", 2)
    assert points.rows.tolist() == [[1, 2], [3, 4.5]] and points.names == names


def test_columns_are_taken_by_name_and_others_left_out(tmp_path):
    (tmp_path / "p.csv").write_text("label,b,a\ncat,1,2\ndog,3,4\n")
    points = read_points(tmp_path / "p.csv", 2, ["a", "b"])
    assert np.array_equal(points.rows, [[2, 1], [4, 3]]) and points.names == ("a", "b")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n3,x\n", r"line 3, column 2 \(b\): 'x' is no finite number"),
        ("1,2\n3,nan\n", r"line 2, column 2: 'nan' is no finite number"),
        ("1,2\n3\n", "line 2: 1 cells instead of 2"),
        ("1,2,3\n", "must have 2 columns, one per input, got 3"),
        ("a,b\n", "no rows of numbers"),
        ("", "no rows of numbers"),
        ("a,b\n\xff", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, said):
    (tmp_path / "p.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidArgument, match=said):
        read_points(tmp_path / "p.csv", 2)


def test_a_missing_file(tmp_path):
    with pytest.raises(InvalidArgument, match="cannot be read: No such file"):
        read_points(tmp_path / "p.csv")
