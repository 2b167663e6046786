"""Arrays in a file that anybody may have made: data and nothing else, and no more than it holds.

A kilobyte can ask for any amount of memory: by a header that claims a huge array, which NumPy
allocates before it reads; by entries that share their bytes; by a packing that unpacks to more. So
nothing is allocated but what bytes of the file stand for: at most 1,032 for each, which is the most
that deflate, the only packing that is read, can make of one.
"""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import InvalidArgument

T = TypeVar("T")

# Bytes of all arrays of a file, unpacked. A network of as many has 5e8 parameters, several for each
# query that can be asked in a day; without a limit, 100 MB could ask for 100 GB.
MOST = 2**32


def read_file(
    path: Any, what: str, version: int, build: Callable[[dict[str, NDArray[Any]]], T]
) -> T:
    """What `build` makes of the arrays in an npz file of this version, or an InvalidArgument."""
    try:
        arrays = read_arrays(path)
        found = int(arrays["version"])
        if found == version:
            return build(arrays)
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged zip file raises nearly anything
        # Without the words of others, which need not make sense to whoever has only the file.
        why = f": {error}" if isinstance(error, InvalidArgument) else ""
        raise InvalidArgument(f"path must be an undamaged saved {what}{why}") from error
    raise InvalidArgument(f"path is a {what} of version {found}, need {version}")


def read_arrays(path: Any) -> dict[str, NDArray[Any]]:
    """The arrays (read-only) of numbers in an npz file, by name.

    Raises
    ------
    InvalidArgument
        The file claims more than it holds, or holds something else.
    OSError, ValueError, zipfile.BadZipFile, ...
        It cannot be read, or is damaged.
    """
    with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        _check_sizes(entries, os.fstat(file.fileno()).st_size)
        return {
            entry.filename.removesuffix(".npy"): _array(_content(archive, entry))
            for entry in entries
        }


def _check_sizes(entries: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Before anything is unpacked. `size` is that of the file."""
    packings = {entry.compress_type for entry in entries}
    if not packings <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise InvalidArgument("its arrays must be stored or deflated")
    if sum(entry.compress_size for entry in entries) > size:
        raise InvalidArgument("its arrays must not share their bytes")
    total = sum(entry.file_size for entry in entries)
    if total > MOST:
        raise InvalidArgument(f"it must not unpack to more than {MOST:,} bytes, got {total:,}")


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """An entry, unpacked no further than it says; its checksum is tested with the last byte."""
    with archive.open(entry) as packed:
        content = packed.read(entry.file_size)
    if len(content) != entry.file_size:
        raise InvalidArgument(f"{entry.filename} must be as long as it says")
    return content


def _array(content: bytes) -> NDArray[Any]:
    """An array in NumPy's npy format, if it has the size that its header says."""
    file = BytesIO(content)
    headers = {(1, 0): np.lib.format.read_array_header_1_0}
    headers[2, 0] = np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = headers[np.lib.format.read_magic(file)](file)
    if dtype.kind not in "biuf":
        raise InvalidArgument(f"its arrays must hold numbers, got {dtype}")
    data = memoryview(content)[file.tell() :]
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise InvalidArgument(f"an array of shape {shape} must be as long as its header says")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C")
