"""The ledger: a file that keeps every answer, so that an interrupted run pays for none twice.

A run with the same seed asks the same queries bit for bit. So the file stores no queries, only a
digest of each batch and the answers; a run that is started again gets them back in order. With
them go a few notes: the state of the random generator when the run began, the noise of its
answers, and three queries to tell by whether the black box still is the same.

One batch is one record with a checksum. A record that is cut off or unreadable at the very end of
the file is the trace of an interruption (a kill, a power cut) and is dropped when the next one is
written; anywhere else it is damage, and an error. Opening a ledger never changes what it holds.
(A database would do as much in fewer lines, but not keep the answers of a file that was cut off or
copied while it was written, nor know that there is room for answers before they are paid for.)
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import struct
import sys
import weakref
from collections import deque
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from relu_learn.asking.arguments import integer, real_array
from relu_learn.asking.errors import InvalidArgument, LedgerError

VERSION = 2
PROBES = 3  # queries that are kept, to ask them again
_MAGIC = b"relu_learn ledger\n"
# The file's head: magic, version, dim, a random key; and a checksum of these.
_FILE = struct.Struct("<18sIQ16s")
_SUM = 16
_START = _FILE.size + _SUM
# A record's head: the file's key, so that no other file's record fits; number of the record, rows,
# outputs (0: scalar), bytes of its notes, digest of the queries; checksum of these, notes, answers.
_RECORD = struct.Struct("<16sQQQQ16s16s")
_HERE: weakref.WeakValueDictionary[tuple[int, int], Ledger] = weakref.WeakValueDictionary()


def digest(*data: bytes) -> bytes:
    """Checksum (16 bytes) of some bytes."""
    return blake2b(b"".join(data), digest_size=_SUM).digest()


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


def _noted(note: bytes) -> dict[str, Any]:
    return json.loads(note) if note else {}


def _check(notes: dict[str, Any], answers: np.ndarray, dim: int) -> None:
    """What a record says is data, whoever wrote it: checksums tell damage, and not a stranger."""
    outputs = 1 if answers.ndim == 1 else answers.shape[1]
    real_array("answers", answers)
    if "doubt" in notes:
        real_array("doubt", notes["doubt"], (outputs,))
    for row, asked in notes.get("probes", []):
        integer("row", len(answers) - 1 - row, 0)
        integer("row", row, 0)
        real_array("probe", np.frombuffer(bytes.fromhex(asked), "<f8"), (dim,))


class UnfitLedger(LedgerError, InvalidArgument):
    """The file that was given as ledger is none, or is not this run's: it is left as it is."""


class _Record(NamedTuple):
    """One batch: digest of its queries, answers (n,) or (n, m), and what was noted with it."""

    number: int
    queries: bytes
    answers: np.ndarray
    notes: dict[str, Any]


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

    Attributes
    ----------
    doubt : ndarray of shape (m,) or None
        What was noted last of how much answers may be off.
    probes : list of (ndarray of shape (d,), ndarray of shape () or (m,))
        The first, the last and a middle one of the first queries, and their recorded answers.

    Raises
    ------
    UnfitLedger
        If the file is not a ledger, is damaged, belongs to another dimension or version, or is in
        use by another process. It is left as it is.
    LedgerError
        If it cannot be opened or written.
    """

    def __init__(self, path: str | os.PathLike[str], dim: int) -> None:
        try:
            self.path = os.fspath(path)
            if not isinstance(self.path, str) or "\0" in self.path:
                raise TypeError
            os.fsencode(self.path)
        except (TypeError, UnicodeError):
            raise InvalidArgument(f"ledger must be a path, got {path!r}") from None
        self.doubt: np.ndarray | None = None
        self.probes: list[tuple[np.ndarray, np.ndarray]] = []
        self._recorded: deque[_Record] = deque()
        self._notes: dict[str, Any] = {}
        self._number = self._outputs = 0
        try:
            if os.path.lexists(self.path) and not os.path.isfile(self.path):
                raise UnfitLedger(f"ledger={self.path!r} must be a regular file")
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
            self._fd = os.open(self.path, flags, 0o666)
            self.close = weakref.finalize(self, os.close, self._fd)
            self._lock()
            with open(self.path, "rb") as file:
                raw = file.read()
        except OSError as error:
            raise LedgerError(f"ledger={self.path!r} cannot be opened: {error}") from error
        try:
            if len(raw) < _START and raw[: len(_MAGIC)] == _MAGIC[: len(raw)]:
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
        UnfitLedger
            If other queries were recorded.
        """
        if not self._recorded:
            return None
        head = self._recorded[0]
        n = len(head.answers)
        if n > len(rows) or head.queries != fingerprint(rows[:n]):
            raise UnfitLedger(
                f"ledger={self.path!r} recorded other queries than this run asks (batch "
                f"{head.number + 1} of {self._number} differs): resume with the same seed (or "
                "rng=None), settings, black box and versions, or name a new file"
            )
        return self._recorded.popleft().answers

    def noted(self, name: str) -> Any:
        """What was noted under this name with the batch that is replayed next, or None."""
        return self._recorded[0].notes.get(name) if self._recorded else None

    def _read(self, raw: bytes, dim: int) -> None:
        if not raw.startswith(_MAGIC):
            raise UnfitLedger(f"ledger={self.path!r} is not a ledger: it is left untouched")
        head = raw[: _FILE.size]
        if raw[_FILE.size : _START] != digest(head):
            raise self._damaged(0)
        _, version, recorded_dim, self._key = _FILE.unpack(head)
        if version != VERSION:
            raise UnfitLedger(
                f"ledger={self.path!r} has version {version}, this is version {VERSION}"
            )
        if recorded_dim != dim:
            raise UnfitLedger(
                f"ledger={self.path!r} was recorded with dim={recorded_dim}, not {dim}"
            )
        self._end = _START
        try:
            for record, end in self._records(raw):
                if record.number != self._number:
                    raise self._damaged(self._end)
                _check(record.notes, record.answers, dim)
                self._recorded.append(record)
                self._keep(record)
                self._end = end
        except (ArithmeticError, AttributeError, RecursionError, TypeError, ValueError) as error:
            raise self._damaged(self._end) from error
        if raw.find(self._key, self._end + 1) >= 0:  # a torn record is the last one
            raise self._damaged(self._end)

    def _records(self, raw: bytes) -> Iterator[tuple[_Record, int]]:
        """All whole records, and where each of them ends."""
        at = _START
        while at + _RECORD.size <= len(raw):
            key, number, rows, outputs, size, queries, checksum = _RECORD.unpack_from(raw, at)
            start = at + _RECORD.size + size
            end = start + 8 * rows * max(outputs, 1)
            whole = raw[at : at + _RECORD.size - _SUM], raw[at + _RECORD.size : end]
            if key != self._key or not rows or end > len(raw) or checksum != digest(*whole):
                return
            notes = _noted(raw[start - size : start])
            answers = np.frombuffer(raw[start:end], "<f8").astype(float)
            shape = (rows, outputs) if outputs else (rows,)
            yield _Record(number, queries, answers.reshape(shape), notes), end
            at = end

    def _keep(self, record: _Record) -> None:
        """What a record says beyond the answers to its own queries."""
        self._number = record.number + 1
        self._outputs = 0 if record.answers.ndim == 1 else record.answers.shape[1]
        if "doubt" in record.notes:
            self.doubt = np.array(record.notes["doubt"])
        for row, asked in record.notes.get("probes", []):
            x = np.frombuffer(bytes.fromhex(asked), "<f8").astype(float)
            self.probes.append((x, record.answers[row]))

    def _damaged(self, at: int) -> UnfitLedger:
        return UnfitLedger(
            f"ledger={self.path!r} is damaged at byte {at} (after {self._number} whole batches): "
            "it is left untouched"
        )

    # ------------------------------------------------------------------- writing

    def note(self, **facts: Any) -> None:
        """Keep something that JSON can hold with the next batch that is appended. While batches
        are replayed it has been noted already."""
        if not self._recorded:
            self._notes |= facts

    def reserve(self, rows: np.ndarray) -> None:
        """Claim the room for the answers to these rows (n, d), before they are paid for.

        Raises
        ------
        LedgerError
            If the disk is full: nothing was asked.
        """
        if not self.close.alive:
            raise LedgerError(f"ledger={self.path!r} was closed, or opened again by another Oracle")
        size = _RECORD.size + len(self._note(rows)) + 8 * len(rows) * max(self._outputs, 1)
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
        note, outputs = self._note(rows), 0 if answers.ndim == 1 else answers.shape[1]
        numbers = self._number, len(rows), outputs, len(note)
        head = _RECORD.pack(self._key, *numbers, fingerprint(rows), bytes(_SUM))[:-_SUM]
        body = note + answers.astype("<f8").tobytes()
        record = head + digest(head, body) + body
        try:
            self._write(self._end, record)
        except OSError as error:
            raise self._failed(error, "the last answers were not stored") from error
        self._end += len(record)
        self._keep(_Record(self._number, b"", answers, _noted(note)))
        self._notes.clear()

    def _note(self, rows: np.ndarray) -> bytes:
        """What goes into the file with the answers to these rows."""
        notes, few = dict(self._notes), min(len(rows), PROBES - len(self.probes))
        if few:
            picked = np.linspace(0, len(rows) - 1, few).astype(int).tolist()
            notes["probes"] = [(i, rows[i].astype("<f8").tobytes().hex()) for i in picked]
        return json.dumps(notes).encode() if notes else b""

    def _create(self, dim: int) -> None:
        self._key, self._end = os.urandom(16), _START
        head = _FILE.pack(_MAGIC, VERSION, dim, self._key)
        try:
            os.ftruncate(self._fd, 0)
            self._write(0, head + digest(head))
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
            raise UnfitLedger(
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
