"""The copy as a file: checked before, written after."""

import sys

import numpy as np
import pytest

from relu_learn import InvalidArgument, ReluNetwork, blackboxes, zoo
from relu_learn.auditing.saving import check_kind, check_writable, save_copy


def test_a_copy_is_what_was_saved(tmp_path):
    network = zoo.get("tent")
    check_kind(tmp_path / "copy.npz")
    save_copy(network, tmp_path / "copy.npz")
    assert ReluNetwork.load(tmp_path / "copy.npz") == network


@pytest.mark.parametrize("kind", ["onnx", "joblib"])
def test_other_libraries_open_it(tmp_path, rng, kind):
    network, x = zoo.random_network(4, 5, 3, rng=0), rng.standard_normal((6, 4))
    path = tmp_path / f"copy.{kind}"
    check_kind(path)
    save_copy(network, path)
    answers = blackboxes.open(path, trust=True)(x)
    assert np.allclose(answers, network(x), rtol=1e-12, atol=1e-12)


def test_a_missing_library_is_said_before(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(blackboxes.MissingExtra, match=r"pip install 'relu-learn\[onnx\]'"):
        check_kind(tmp_path / "copy.onnx")


def test_checking_leaves_files_as_they_are(tmp_path):
    (tmp_path / "old").write_text("kept")
    check_writable("out", tmp_path / "old")
    check_writable("out", tmp_path / "new")
    assert (tmp_path / "old").read_text() == "kept" and not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("copy.txt", "out must end in .npz, .onnx, .pt, .joblib"),
        ("no/folder.npz", "cannot be written: No such file"),
        ("file/copy.npz", "cannot be written: Not a directory"),
        ("x" * 300 + ".npz", "cannot be written: File name too long"),
    ],
)
def test_what_cannot_be_written_is_said_before(tmp_path, name, said):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidArgument, match=said):
        check_kind(tmp_path / name)
