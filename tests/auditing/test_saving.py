"""The copy as a file: checked before, written after."""

import pytest

from relu_learn import InvalidArgument, ReluNetwork, zoo
from relu_learn.auditing.saving import check_kind, check_writable, save_copy


def test_a_copy_is_what_was_saved(tmp_path):
    network = zoo.get("tent")
    check_kind(tmp_path / "copy.npz")
    save_copy(network, tmp_path / "copy.npz")
    assert ReluNetwork.load(tmp_path / "copy.npz") == network


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
