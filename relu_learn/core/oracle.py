"""The only door to a secret: it counts, batches, limits and remembers every query."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from relu_learn.core.arguments import positive_int
from relu_learn.core.errors import BlackBoxError, InvalidArgument, QueryBudgetExceeded
from relu_learn.core.ledger import Ledger

BlackBox = Callable[[np.ndarray], Any]


class Oracle:
    """Ask a black box, and keep the books.

    Parameters
    ----------
    black_box : callable
        Takes an array of shape (n, d), returns real numbers of shape (n,) or (n, m).
    dim : int
        The input dimension d.
    max_queries : int, optional
        Budget: a batch that would exceed it is refused before any of it is sent.
    batch_size : int, optional
        Longest batch that the black box is asked at once (default: no limit).
    ledger : path-like, optional
        File that every answered batch is appended to, durably. A run that was interrupted and is
        started again with the same seed gets the recorded answers from there and asks the black
        box for the rest. On a new black box: name a new file.

    Attributes
    ----------
    queries : int
        Rows answered so far, replayed ones included: they were paid for.
    replayed : int
        How many of them were answered from the ledger.
    n_outputs : int or None
        m, or None before the first answer. A scalar black box, answers of shape (n,), has m = 1.
    is_scalar : bool
        Whether the answers have shape (n,).

    Examples
    --------
    >>> import tempfile
    >>> from relu_learn import learn_from_queries, zoo
    >>> secret, folder = zoo.random_network(dim=3, neurons=4, rng=0), tempfile.TemporaryDirectory()
    >>> path = f"{folder.name}/run.ledger"
    >>> with Oracle(secret, 3, ledger=path) as oracle:
    ...     first = learn_from_queries(oracle, 3, rng=0)
    >>> with Oracle(secret, 3, ledger=path) as oracle:
    ...     again = learn_from_queries(oracle, 3, rng=0)
    >>> again.network == first.network, oracle.queries - oracle.replayed
    (True, 0)
    >>> folder.cleanup()
    """

    def __init__(
        self,
        black_box: BlackBox,
        dim: int,
        *,
        max_queries: int | None = None,
        batch_size: int | None = None,
        ledger: str | os.PathLike[str] | None = None,
    ) -> None:
        if not callable(black_box):
            raise InvalidArgument(
                f"black_box must be callable with an (n, d) array, got {type(black_box).__name__}"
            )
        self.dim = positive_int("dim", dim)
        self.max_queries = None if max_queries is None else positive_int("max_queries", max_queries)
        self.batch_size = None if batch_size is None else positive_int("batch_size", batch_size)
        self.queries = 0
        self.replayed = 0
        self.n_outputs: int | None = None
        self.is_scalar = True
        self._nothing = np.empty(0)  # the answers to no rows
        self._black_box = black_box
        self._history: list[tuple[Any, np.ndarray]] = []
        self._ledger = None if ledger is None else Ledger(ledger, self.dim)

    def __enter__(self) -> Oracle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the ledger, if there is one; it can then be opened by another process."""
        if self._ledger is not None:
            self._ledger.close()

    @property
    def remaining(self) -> int | None:
        """Queries left in the budget, or None without one."""
        return None if self.max_queries is None else self.max_queries - self.queries

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Ask for the answers at the rows of `x`.

        Parameters
        ----------
        x : ndarray of shape (n, d)

        Returns
        -------
        ndarray of shape (n,) or (n, m), float64

        Raises
        ------
        QueryBudgetExceeded
            Before anything is sent.
        BlackBoxError
            When the black box raises, or answers with the wrong shape or type, or not finitely.
        LedgerError
            When the ledger cannot be written.
        """
        try:
            if np.iscomplexobj(x):
                raise TypeError("it is complex")
            x = np.array(x, dtype=float, order="C")
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"x must be a real array of shape (n, d): {error}") from None
        if x.ndim != 2 or x.shape[1] != self.dim:
            raise InvalidArgument(f"x must have shape (n, {self.dim}), got {x.shape}")
        if not np.isfinite(x).all():
            raise InvalidArgument("x must be finite")
        return self._ask(x, x)

    def around(
        self, point: np.ndarray, steps: np.ndarray, basis: np.ndarray, moves: np.ndarray
    ) -> np.ndarray:
        """Ask at ``point + steps[j] * basis[j]`` for all rows of `basis`, and at ``point + moves``.

        The same as calling the oracle with these rows, but the history keeps only the recipe: the
        gradients of a large network are hundreds of megabytes of queries.

        Parameters
        ----------
        point : ndarray of shape (d,)
        steps : ndarray of shape (n,)
        basis : ndarray of shape (n, d)
            Kept by reference: it must not change afterwards.
        moves : ndarray of shape (q, d)

        Returns
        -------
        ndarray of shape (n + q,) or (n + q, m)
        """
        recipe = (point.copy(), np.array(steps), basis, np.array(moves))
        return self._ask(points_around(*recipe), recipe)

    def history(self) -> tuple[np.ndarray, np.ndarray]:
        """Every query (n, d) and its answer, (n,) or (n, m), in the order they were asked."""
        asked = [np.empty((0, self.dim)), *(_rows(x) for x, _ in self._history)]
        answers = [self._nothing, *(y for _, y in self._history)]
        return np.concatenate(asked), np.concatenate(answers)

    def recall(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Up to n earlier queries, evenly from the first to the last, and their answers."""
        starts = np.cumsum([0, *(len(y) for _, y in self._history)])
        rows = np.unique(np.linspace(0, starts[-1] - 1, min(n, starts[-1])).astype(int))
        parts = np.split(rows, np.searchsorted(rows, starts[1:]))
        asked, answers = [np.empty((0, self.dim))], [self._nothing]
        for (x, y), start, part in zip(self._history, starts, parts, strict=False):
            if len(part):
                asked.append(_rows(x)[part - start])
                answers.append(y[part - start])
        return np.concatenate(asked), np.concatenate(answers)

    def _ask(self, x: np.ndarray, keep: Any) -> np.ndarray:
        """The answers at x, remembered under `keep`: x itself or the recipe for it."""
        n = len(x)
        if self.max_queries is not None and self.queries + n > self.max_queries:
            raise QueryBudgetExceeded(
                f"max_queries={self.max_queries}: {self.queries} are spent and the next step needs "
                f"{n} more"
            )
        # A black box may write into its argument: it gets a copy, or rows that can be made again.
        spare = isinstance(keep, tuple) and self._ledger is None
        parts: list[np.ndarray] = []
        done = 0
        try:
            while done < n:
                parts.append(self._next(x[done:], spare))
                done += len(parts[-1])
        except BaseException as error:
            asked = _rows(keep) if spare else x
            if parts:  # what was answered before it went wrong
                self._history.append((asked[:done].copy(), np.concatenate(parts)))
            if isinstance(error, _Refused):
                query = asked[done:][error.rows]
                raise BlackBoxError(f"black_box {error}", query) from error.__cause__
            raise
        if not parts:
            return self._nothing.copy()
        answers = parts[0] if len(parts) == 1 else np.concatenate(parts)
        self._history.append((keep, answers))
        return answers.copy()

    def _next(self, x: np.ndarray, spare: bool) -> np.ndarray:
        """Answers to the first rows of x: one record of the ledger, or one batch of new queries."""
        ledger = self._ledger
        recorded = None if ledger is None else ledger.replay(x)
        if recorded is not None:
            self.replayed += len(recorded)
            self._count(recorded)
            return recorded
        x = x[: self.batch_size]
        if ledger is not None:
            ledger.reserve(len(x))
        answers = _answers(self._black_box, x if spare else x.copy())
        self._count(answers)
        if ledger is not None:
            ledger.append(x, answers)
        return answers

    def _count(self, answers: np.ndarray) -> None:
        if self.n_outputs is None:
            self._nothing = answers[:0].copy()
            self.is_scalar = answers.ndim == 1
            self.n_outputs = 1 if self.is_scalar else answers.shape[1]
        elif answers.shape[1:] != self._nothing.shape[1:]:
            was = "(n,)" if self.is_scalar else f"(n, {self.n_outputs})"
            what = f"changed the shape of its answers from {was} to {answers.shape}"
            raise _Refused(what, slice(len(answers)))
        self.queries += len(answers)


class _Refused(Exception):
    """What is wrong with the answers to a batch, and to which of its rows."""

    def __init__(self, what: str, rows: slice | np.ndarray) -> None:
        super().__init__(what)
        self.rows = rows


def _answers(black_box: BlackBox, x: np.ndarray) -> np.ndarray:
    """The answers as a float64 array of their own: the black box may use its buffer again."""
    n, everything = len(x), slice(len(x))
    try:
        raw = black_box(x)
    except Exception as error:
        what = f"raised {type(error).__name__}: {error} (on a batch of {n} rows)"
        raise _Refused(what, everything) from error
    try:
        # np.asarray would drop the mask, and with it what is missing.
        y = np.asarray(raw.filled(np.nan) if isinstance(raw, np.ma.MaskedArray) else raw)
    except Exception as error:
        what = f"must return an array, got {type(raw).__name__} ({error})"
        raise _Refused(what, everything) from error
    if y.dtype.kind != "f":
        what = _KINDS.get(y.dtype.kind, f"{type(raw).__name__} of type {y.dtype}")
        raise _Refused(f"must return real floating-point numbers, got {what}", everything)
    if y.ndim not in (1, 2) or len(y) != n or (y.ndim == 2 and y.shape[1] == 0):
        what = f"must return shape (n,) or (n, m) for n={n} rows, got {y.shape}"
        raise _Refused(what, everything)
    with np.errstate(over="ignore"):  # longer floats: what overflows is reported as infinite
        y = y.astype(float)
    bad = np.flatnonzero(~np.isfinite(y.reshape(n, -1)).all(axis=1))
    if len(bad):
        what = f"must return finite numbers, got {y[bad[0]]} ({len(bad)} of {n} rows)"
        raise _Refused(what, bad)
    return y


_KINDS = {
    "i": "integers (labels?)",
    "u": "integers (labels?)",
    "b": "booleans",
    "c": "complex numbers",
    "U": "strings",
    "S": "strings",
}


def _rows(asked: Any) -> np.ndarray:
    """What was asked, kept as such or as a recipe."""
    return points_around(*asked) if isinstance(asked, tuple) else asked


def points_around(
    point: np.ndarray, steps: np.ndarray, basis: np.ndarray, moves: np.ndarray
) -> np.ndarray:
    """The rows ``point + steps[j] * basis[j]``, and then ``point + moves``."""
    n = len(basis)
    x = np.empty((n + len(moves), len(point)))
    # Neighbours with the same step at once: a product with a number is faster than with a column.
    ends = np.flatnonzero(np.diff(steps, prepend=np.nan, append=np.nan))
    if 8 * len(ends) > n:
        np.multiply(basis, steps[:, None], out=x[:n])
    else:
        for i, j in zip(ends[:-1], ends[1:], strict=True):
            np.multiply(basis[i:j], steps[i], out=x[i:j])
    x[:n] += point
    np.add(moves, point, out=x[n:])
    return x
