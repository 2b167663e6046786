"""The ledger: a file that keeps every answer, so that an interrupted run pays for none twice.

A run with the same seed asks the same queries bit for bit. So the file stores no queries, only a
digest of each batch and the answers; a run that is started again gets them back in order.

One batch is one record: a head with its own checksum, then the answers. A record that is cut off or
unreadable at the very end of the file is the trace of an interruption (a kill, a power cut) and is
dropped when the next one is written; anywhere else it is damage, and an error. Opening a ledger
never changes what it holds.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import sys
import weakref
from collections import deque
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from relu_learn.core.errors import InvalidArgument, LedgerError

VERSION = 1
_MAGIC = b"relu_learn ledger\n"
# The file's head: magic, version, dim, a random key; sealed with a checksum of these.
_FILE = struct.Struct("<18sIQ16s")
# A record's head: mark, number of the record, rows, outputs (0: scalar), digests of the queries and
# of the answers; the checksum is keyed with the file's key, so that no other file's record fits.
_RECORD = struct.Struct("<8sQQQ16s16s")
_MARK = b"\x93answers"
_SUM = 16
_FILE_SIZE, _RECORD_SIZE = _FILE.size + _SUM, _RECORD.size + _SUM
_HERE: weakref.WeakValueDictionary[tuple[int, int], Ledger] = weakref.WeakValueDictionary()


def digest(data: bytes, key: bytes = b"") -> bytes:
    """Checksum (16 bytes) of some bytes."""
    return blake2b(data, digest_size=_SUM, key=key).digest()


def _seal(head: bytes, key: bytes = b"") -> bytes:
    return head + digest(head, key)


def _unseal(form: struct.Struct, raw: bytes, at: int, key: bytes = b"") -> tuple[Any, ...] | None:
    """The head of this form that starts there, if one does."""
    head = raw[at : at + form.size]
    whole = raw[at : at + form.size + _SUM] == _seal(head, key)
    return form.unpack(head) if whole else None


def fingerprint(rows: np.ndarray) -> bytes:
    """Checksum (16 bytes) of queries (n, d), ten times faster than `digest`.

    Every row becomes two numbers, sums modulo 2^64 of the entries' bits times random odd numbers:
    one of all bits, and one of the upper halves, whose products the first sum mostly loses.
    """
    bits = np.ascontiguousarray(rows).view(np.uint64)
    # The raw stream is the part of NumPy's generators that no release changes.
    odd = np.random.PCG64(1).random_raw(rows.shape[1]) | np.uint64(1)
    halves = (bits, bits >> np.uint64(32))
    return digest(b"".join(np.einsum("ij,j->i", half, odd).tobytes() for half in halves))


class _Record(NamedTuple):
    mark: bytes
    number: int
    rows: int
    outputs: int
    queries: bytes
    answers: bytes

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.rows, self.outputs) if self.outputs else (self.rows,)

    @property
    def size(self) -> int:
        return 8 * self.rows * max(self.outputs, 1)


class Ledger:
    """Recorded answers, and the file that new ones are appended to.

    Open in one place at a time: the file is locked against other processes. In the same process
    the newest `Ledger` takes over and older ones refuse to work, so that a notebook's cell can be
    run again.

    Parameters
    ----------
    path : path-like
        Created if it does not exist.
    dim : int
        Input dimension of the black box.

    Raises
    ------
    InvalidArgument
        If the file is not a ledger, is damaged, belongs to another dimension or version, or is in
        use by another process. It is left as it is.
    LedgerError
        If it cannot be opened or written.
    """

    def __init__(self, path: str | os.PathLike[str], dim: int) -> None:
        try:
            self.path = os.fspath(path)
            if not isinstance(self.path, str):
                raise TypeError
        except TypeError:
            raise InvalidArgument(f"ledger must be a path, got {path!r}") from None
        self._recorded: deque[tuple[_Record, np.ndarray]] = deque()
        self._number = 0
        self.outputs: int | None = None
        try:
            if os.path.lexists(self.path) and not os.path.isfile(self.path):
                raise InvalidArgument(f"ledger={self.path!r} must be a regular file")
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
            self._fd = os.open(self.path, flags, 0o666)
            self.close = weakref.finalize(self, os.close, self._fd)
            self._lock()
            with open(self.path, "rb") as file:
                raw = file.read()
        except OSError as error:
            raise LedgerError(f"ledger={self.path!r} cannot be opened: {error}") from error
        try:
            if len(raw) < _FILE_SIZE and raw[: len(_MAGIC)] == _MAGIC[: len(raw)]:
                self._create(dim)  # a new file, or one that was interrupted before the first query
            else:
                self._read(raw, dim)
        except BaseException:
            self.close()
            raise

    # ------------------------------------------------------------------- reading

    def replay(self, rows: np.ndarray) -> np.ndarray | None:
        """Answers to the first of these rows (n, d), as recorded, or None when all are used up.

        Raises
        ------
        InvalidArgument
            If other queries were recorded.
        """
        if not self._recorded:
            return None
        head, answers = self._recorded[0]
        if head.rows > len(rows) or head.queries != fingerprint(rows[: head.rows]):
            raise InvalidArgument(
                f"ledger={self.path!r} recorded other queries than this run asks (batch "
                f"{head.number + 1} of {self._number} differs): resume with the same seed, "
                "settings, black box and versions, or name a new file"
            )
        self._recorded.popleft()
        return answers

    def _read(self, raw: bytes, dim: int) -> None:
        if not raw.startswith(_MAGIC):
            raise InvalidArgument(f"ledger={self.path!r} is not a ledger: it is left untouched")
        head = _unseal(_FILE, raw, 0)
        if head is None:
            raise self._damaged(0)
        _, version, recorded_dim, self._key = head
        if version != VERSION:
            raise InvalidArgument(
                f"ledger={self.path!r} has version {version}, this is version {VERSION}"
            )
        if recorded_dim != dim:
            raise InvalidArgument(
                f"ledger={self.path!r} was recorded with dim={recorded_dim}, not {dim}"
            )
        at = _FILE_SIZE
        while (found := _unseal(_RECORD, raw, at, self._key)) is not None:
            record, start = _Record(*found), at + _RECORD_SIZE
            body = raw[start : start + record.size]
            if len(body) < record.size or digest(body) != record.answers:
                break
            if record.number != self._number or self.outputs not in (None, record.outputs):
                raise self._damaged(at)
            answers = np.frombuffer(body, "<f8").astype(float).reshape(record.shape)
            self._recorded.append((record, answers))
            self._number, self.outputs = self._number + 1, record.outputs
            at = start + record.size
        self._end = at
        while (at := raw.find(_MARK, at + 1)) >= 0:
            if _unseal(_RECORD, raw, at, self._key) is not None:
                raise self._damaged(self._end)

    def _damaged(self, at: int) -> InvalidArgument:
        return InvalidArgument(
            f"ledger={self.path!r} is damaged at byte {at} (after {self._number} whole batches): "
            "it is left untouched"
        )

    # ------------------------------------------------------------------- writing

    def reserve(self, rows: int) -> None:
        """Claim the room for the answers to so many rows, before they are paid for.

        Raises
        ------
        LedgerError
            If the disk is full: nothing was asked.
        """
        if not self.close.alive:
            raise LedgerError(f"ledger={self.path!r} was closed, or opened again by another Oracle")
        size = _RECORD_SIZE + 8 * rows * max(self.outputs or 1, 1)
        try:
            os.ftruncate(self._fd, self._end)
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._fd, self._end, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
                raise self._failed(error, "nothing was asked") from error

    def append(self, rows: np.ndarray, answers: np.ndarray) -> None:
        """Store the answers (n,) or (n, m) to queries (n, d); on disk when it returns.

        Raises
        ------
        LedgerError
            If they cannot be written. What was written before is whole.
        """
        outputs = 0 if answers.ndim == 1 else answers.shape[1]
        body = answers.astype("<f8").tobytes()
        queries = fingerprint(rows)
        head = _RECORD.pack(_MARK, self._number, len(rows), outputs, queries, digest(body))
        try:
            self._write(self._end, _seal(head, self._key) + body)
        except OSError as error:
            raise self._failed(error, "the last answers were not stored") from error
        self._end += _RECORD_SIZE + len(body)
        self._number, self.outputs = self._number + 1, outputs

    def _create(self, dim: int) -> None:
        self._key, self._end = os.urandom(16), _FILE_SIZE
        head = _FILE.pack(_MAGIC, VERSION, dim, self._key)
        try:
            os.ftruncate(self._fd, 0)
            self._write(0, _seal(head))
            if os.name == "posix":  # the file's name must survive a power cut, too
                folder = os.open(os.path.dirname(os.path.abspath(self.path)), os.O_RDONLY)
                os.fsync(folder)
                os.close(folder)
        except OSError as error:
            self._end = 0
            raise self._failed(error, "nothing was asked") from error

    def _write(self, at: int, data: bytes) -> None:
        os.lseek(self._fd, at, os.SEEK_SET)
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        os.fsync(self._fd)

    def _failed(self, error: OSError, what: str) -> LedgerError:
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, self._end)
        self.close()
        return LedgerError(
            f"ledger={self.path!r} cannot be written: {error.strerror or error}; {what}. "
            f"{self._number} batches are stored: make room and resume"
        )

    def _lock(self) -> None:
        status = os.fstat(self._fd)
        older = _HERE.get((status.st_dev, status.st_ino))
        if older is not None:
            older.close()
        try:
            _lock_file(self._fd)
        except OSError:
            self.close()
            raise InvalidArgument(
                f"ledger={self.path!r} is in use by another process: one run at a time"
            ) from None
        _HERE[status.st_dev, status.st_ino] = self


# Both locks go with the process, however it ends.
if sys.platform == "win32":
    import msvcrt

    def _lock_file(fd: int) -> None:
        os.lseek(fd, 0x7FFFFFFF, os.SEEK_SET)  # beyond what is written: readable while locked
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock_file(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
