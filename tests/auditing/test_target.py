"""What is audited: who may, and with which inputs."""

import numpy as np
import pytest

from relu_learn import InvalidArgument, zoo
from relu_learn.auditing.target import is_remote, open_target


@pytest.mark.parametrize(
    ("name", "remote"),
    [
        ("model.npz", False),
        ("http://127.0.0.1:80/x", False),
        ("http://[::1]/x", False),
        ("https://localhost/x", False),
        ("http://127.0.0.1.example.org/x", True),
        ("http://localhost.example.org/x", True),
        ("http://192.168.0.2/x", True),
        ("https://example.org", True),
    ],
)
def test_only_this_machine_is_local(name, remote):
    assert is_remote(name) == remote


def test_a_remote_target_needs_somebody_who_is_entitled():
    with pytest.raises(InvalidArgument, match="--i-am-authorized"):
        open_target("http://192.0.2.1/x", dim=2)
    target = open_target("http://192.0.2.1/x", dim=2, authorised=True)
    assert target.authorised["target"] == "http://192.0.2.1/x" and target.authorised["time"]


def test_a_service_has_as_many_inputs_as_the_points_have_columns(tmp_path):
    with pytest.raises(InvalidArgument, match="give dim, or points"):
        open_target("http://127.0.0.1:9/x")
    (tmp_path / "p.csv").write_text("a,b\n1,2\n")
    target = open_target(
        "http://127.0.0.1:9/x", points=tmp_path / "p.csv", request="dataframe_split"
    )
    assert target.model.dim == 2 and target.model.names == ("a", "b") and not target.authorised


def test_points_outside_the_box_are_left_out(tmp_path):
    zoo.get("tent").save(tmp_path / "tent.npz")
    (tmp_path / "p.csv").write_text("0,0\n2,0\n0.5,1\n")
    name = str(tmp_path / "tent.npz")
    target = open_target(name, points=tmp_path / "p.csv", bounds=(0, 1))
    assert target.inside().tolist() == [0, 2]
    assert np.array_equal(target.rows(), [[0, 0], [0.5, 1]])
    assert open_target(name).rows() is None and len(open_target(name).inside()) == 0


def test_points_must_fit(tmp_path):
    zoo.get("tent").save(tmp_path / "tent.npz")
    (tmp_path / "p.csv").write_text("0,0,1\n")
    with pytest.raises(InvalidArgument, match="must have 2 columns"):
        open_target(str(tmp_path / "tent.npz"), points=tmp_path / "p.csv")
