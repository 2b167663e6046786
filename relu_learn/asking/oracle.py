"""The only door to a secret: it counts, batches, limits and remembers every query."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from relu_learn.asking.arguments import Seed, generator, positive_int, restored
from relu_learn.asking.errors import BlackBoxError, InvalidArgument, QueryBudgetExceeded
from relu_learn.asking.ledger import Ledger, UnfitLedger
from relu_learn.asking.replies import BlackBox, Refused, ask, check_callable
from relu_learn.asking.rows import Directions, Points, Rows, chunks, points_around

# Until the ledger knows the noise of the answers, they may be off by so much of their size: sums of
# float32 numbers depend on the other rows of a batch.
_BATCH = 1e-4
# Random answers are those of another black box if they are off by so many times what four answers
# differ: a coin that a dropout layer throws may fall on the same side four times.
_RANDOM = 10.0


class Oracle:
    """Ask a black box, and keep the books.

    Parameters
    ----------
    black_box : callable
        Takes an array of shape (n, d), returns real numbers of shape (n,) or (n, m).
    dim : int, optional
        The input dimension d (default: the `dim` that the black box says it has).
    max_queries : int, optional
        Budget: a batch that would exceed it is refused before any of it is sent.
    batch_size : int, optional
        Longest batch that the black box is asked at once (default: no limit).
    ledger : path-like, optional
        File that every answered batch is appended to, durably. A run that was interrupted and is
        started again with the same seed (or with rng=None: it is in the file) gets the recorded
        answers from there and asks the black box for the rest. Opening it asks up to three of the
        recorded queries again (and thrice more where the answers differ: they may be random). On a
        new black box: name a new file.

    Attributes
    ----------
    queries : int
        Rows answered so far, replayed ones included: they were paid for.
    replayed : int
        How many of them were answered from the ledger.
    verified : int
        Rows that were asked again when the ledger was opened, which no budget counts.
    n_outputs : int or None
        m, or None before the first answer. A scalar black box, answers of shape (n,), has m = 1.
    is_scalar : bool
        Whether the answers have shape (n,).
    bounds : (low, high) or None
        Where the black box says that it may be asked, if it says so.

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
        dim: int | None = None,
        *,
        max_queries: int | None = None,
        batch_size: int | None = None,
        ledger: str | os.PathLike[str] | None = None,
    ) -> None:
        check_callable(black_box)
        self.dim = positive_int("dim", getattr(black_box, "dim", None) if dim is None else dim)
        self.bounds = getattr(black_box, "bounds", None)
        self.max_queries = None if max_queries is None else positive_int("max_queries", max_queries)
        self.batch_size = None if batch_size is None else positive_int("batch_size", batch_size)
        self.queries = self.replayed = self.verified = 0
        self.n_outputs: int | None = None
        self.is_scalar = True
        self._nothing = np.empty(0)  # the answers to no rows
        self._black_box = black_box
        self._history: list[tuple[Points, np.ndarray]] = []
        self._ledger = None if ledger is None else Ledger(ledger, self.dim)
        if self._ledger is not None:
            try:
                self._verify(self._ledger)
            except BaseException:
                self.close()
                raise

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

    def __call__(self, x: Points) -> np.ndarray:
        """Ask for the answers at the rows of `x`.

        Parameters
        ----------
        x : ndarray of shape (n, d), or Rows
            Of `Rows` the history keeps what they are made from, and a chunk is asked at a time.

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
        if isinstance(x, Rows):
            return self._ask(x)
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
        return self._ask(x)

    def around(
        self,
        point: np.ndarray,
        steps: np.ndarray,
        basis: np.ndarray | Directions,
        moves: np.ndarray,
    ) -> np.ndarray:
        """Ask at ``point + steps[j] * basis[j]`` for all rows of `basis`, and at ``point + moves``.

        Parameters
        ----------
        point : ndarray of shape (d,)
        steps : ndarray of shape (n,)
        basis : ndarray of shape (n, d), or Directions
            Kept by reference: it must not change afterwards.
        moves : ndarray of shape (q, d)

        Returns
        -------
        ndarray of shape (n + q,) or (n + q, m)
        """
        return self(points_around(point, steps, basis, moves))

    def generator(self, rng: Seed) -> np.random.Generator:
        """The random generator of a run. With a ledger its state is kept there: None is the seed
        of the run that was recorded, if there is one."""
        random = generator(rng)
        if self._ledger is None:
            return random
        state = self.noted("random")
        if rng is None and state is not None:
            return restored(state)
        if type(random.bit_generator).__module__.startswith("numpy."):
            state = json.dumps(random.bit_generator.state, default=np.ndarray.tolist)
            self._ledger.note(random=json.loads(state))
        return random

    def heard(self, doubt: np.ndarray) -> None:
        """Keep with the answers how much (m,) they may be off, per unit of 1 + |t| on a Gaussian
        line."""
        self.note(doubt=doubt.tolist())

    def note(self, **facts: Any) -> None:
        """Keep facts that JSON can hold in the ledger, if there is one, with the next answers."""
        if self._ledger is not None:
            self._ledger.note(**facts)

    def noted(self, name: str) -> Any:
        """What was noted under this name with the answers that are replayed next, or None."""
        return None if self._ledger is None else self._ledger.noted(name)

    def history(self) -> tuple[np.ndarray, np.ndarray]:
        """Every query (n, d) and its answer, (n,) or (n, m), in the order they were asked."""
        asked = [np.empty((0, self.dim)), *(np.asarray(x) for x, _ in self._history)]
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
                asked.append(x[part - start])
                answers.append(y[part - start])
        return np.concatenate(asked), np.concatenate(answers)

    def _ask(self, x: Points) -> np.ndarray:
        """The answers at x, remembered with it."""
        n = len(x)
        if self.max_queries is not None and self.queries + n > self.max_queries:
            raise QueryBudgetExceeded(
                f"max_queries={self.max_queries}: {self.queries} are spent and the next step needs "
                f"{n} more"
            )
        # A black box may write into its argument: it gets a copy, or rows that can be made again.
        spare = isinstance(x, Rows) and self._ledger is None
        parts: list[np.ndarray] = []
        done = 0
        try:
            for chunk in chunks(x):
                end = done + len(chunk)
                while done < end:
                    parts.append(self._next(chunk[len(chunk) - end + done :], spare))
                    done += len(parts[-1])
        except BaseException as error:
            if parts:  # what was answered before it went wrong
                asked = x.head(done) if isinstance(x, Rows) else x[:done].copy()
                self._history.append((asked, np.concatenate(parts)))
            if isinstance(error, Refused):
                query = x[done : done + len(chunk)][error.rows]
                raise BlackBoxError(f"black_box {error}", query) from error.__cause__
            raise
        if not parts:
            return self._nothing.copy()
        answers = parts[0] if len(parts) == 1 else np.concatenate(parts)
        self._history.append((x, answers))
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
            ledger.reserve(x)
        answers = ask(self._black_box, x if spare else x.copy(), first=not self.queries)
        self._count(answers)
        if ledger is not None:
            ledger.append(x, answers)
        return answers

    def _verify(self, ledger: Ledger) -> None:
        """Is it the black box that the ledger recorded? Some of its queries are asked again."""
        if not ledger.probes:
            return
        x, recorded = (np.array(part) for part in zip(*ledger.probes, strict=True))
        what = f"ledger={ledger.path!r} was recorded with another black box"
        try:
            answers = self._once_more(x)
            if answers.shape != recorded.shape:
                raise Refused(f"gives answers of shape {answers.shape}, not {recorded.shape}", x)
            off = np.abs(answers - recorded)
            harmless = _BATCH * np.abs(recorded).max(axis=0) * np.ones(off.shape)
            if ledger.doubt is not None:
                far = 1 + np.linalg.norm(x, axis=1) / np.sqrt(self.dim)
                harmless = 2 * np.multiply.outer(far, ledger.doubt).reshape(off.shape)
            if (off > harmless).any():
                # Random answers differ every time; and far out more than where they were heard.
                more = np.stack([answers, *(self._once_more(x) for _ in range(3))])
                differ = np.ptp(more, axis=0).max(axis=0)
                harmless = np.maximum(harmless, _RANDOM * differ)
        except Refused as error:
            if error.__cause__ is not None:
                return  # it is out of order: all that was paid for can be replayed
            raise UnfitLedger(f"{what}: asked again, it {error}; name a new file") from None
        if (off > harmless).any():
            row = np.unravel_index((off - harmless).argmax(), off.shape)
            instead = f"{answers[row]:.9g} instead of {recorded[row]:.9g}"
            raise UnfitLedger(
                f"{what}: asked again, it answers {instead}. Resume with the same model, or name "
                "a new file"
            )

    def _once_more(self, x: np.ndarray) -> np.ndarray:
        """The answers to recorded queries; no budget counts them."""
        self.verified += len(x)
        step = self.batch_size or len(x)
        starts = range(0, len(x), step)
        return np.concatenate([ask(self._black_box, x[i : i + step].copy()) for i in starts])

    def _count(self, answers: np.ndarray) -> None:
        if self.n_outputs is None:
            self._nothing = answers[:0].copy()
            self.is_scalar = answers.ndim == 1
            self.n_outputs = 1 if self.is_scalar else answers.shape[1]
        elif answers.shape[1:] != self._nothing.shape[1:]:
            was = "(n,)" if self.is_scalar else f"(n, {self.n_outputs})"
            what = f"changed the shape of its answers from {was} to {answers.shape}"
            raise Refused(what, slice(len(answers)))
        self.queries += len(answers)
