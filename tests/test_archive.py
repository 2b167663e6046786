"""Files that strangers made: what they ask for beyond what they hold is never allocated."""

import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from relu_learn import InvalidArgument, ReluNetwork, Trace
from relu_learn.archive import MOST, read_arrays


def header(shape: str, dtype: str = "<f8") -> bytes:
    """The head of an npy file, whatever it claims."""
    text = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text


def packed(path, entries: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in entries.items():
            archive.writestr(f"{name}.npy", content)


def claims_an_array(path):
    packed(path, {"version": header("(12500000000,)")})


def claims_a_huge_number(path):
    packed(path, {"version": header("(1,)", "V100000000000")})


def claims_text(path):
    packed(path, {"version": header("()", "<U1000000000")})


def claims_rows_of_nothing(path):
    packed(path, {"version": header(f"({2**62}, {2**62}, 1)")})


def bomb(path):
    """A packing that knows no limit: less than a kilobyte unpacks to 10 MB, and so on."""
    packed(path, {"version": header("(1250000,)") + bytes(10**7)}, zipfile.ZIP_BZIP2)


def shares_bytes(path):
    """A thousand names for the same megabyte, in a file of 60 kB."""
    packed(path, {"version": header("(125000,)") + bytes(10**6)})
    data = path.read_bytes()
    end = data.rindex(b"PK\5\6")
    start = struct.unpack_from("<I", data, end + 16)[0]
    counts = struct.pack("<HHI", 1000, 1000, 1000 * (end - start))
    last = data[end : end + 8] + counts + data[end + 16 :]
    path.write_bytes(data[:start] + data[start:end] * 1000 + last)


def claims_to_unpack_to_more(path):
    packed(path, {"version": header("(125000,)") + bytes(10**6)})
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        struct.pack_into("<I", data, data.rindex(mark) + at, MOST - 1)
    path.write_bytes(data)


HOSTILE = [
    claims_an_array,
    claims_a_huge_number,
    claims_text,
    claims_rows_of_nothing,
    bomb,
    shares_bytes,
    claims_to_unpack_to_more,
]


@pytest.mark.parametrize("load", [ReluNetwork.load, Trace.load], ids=["network", "trace"])
@pytest.mark.parametrize("make", HOSTILE)
def test_a_small_file_cannot_ask_for_much(tmp_path, make, load):
    path = tmp_path / "file"
    make(path)
    size = path.stat().st_size
    assert size < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(InvalidArgument, match="must be an undamaged saved"):
            load(path)
        # Deflate's limit; while it unpacks, a buffer grows beside what there is already.
        assert tracemalloc.get_traced_memory()[1] < 4 * 1032 * size
    finally:
        tracemalloc.stop()


def test_a_file_may_not_unpack_to_more_than_can_be_of_use(tmp_path, monkeypatch):
    path = tmp_path / "file"
    packed(path, {"version": header("(3,)") + bytes(24)})
    assert np.array_equal(read_arrays(path)["version"], np.zeros(3))
    monkeypatch.setattr("relu_learn.archive.MOST", 50)
    with pytest.raises(InvalidArgument, match="unpack to more than 50 bytes, got "):
        read_arrays(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_wrote_is_read(tmp_path, save):
    arrays = {
        "number": np.array(3.5),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "swapped": np.arange(3, dtype=">i4"),
        "none": np.empty((0, 5), bool),
        "bytes": np.frombuffer(b"text", np.uint8),
    }
    with open(tmp_path / "file", "wb") as file:
        save(file, **arrays)
    found = read_arrays(tmp_path / "file")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)
