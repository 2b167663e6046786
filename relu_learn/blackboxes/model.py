"""`Model`: anything that answers, as one kind of black box."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.arguments import positive_int
from relu_learn.asking.errors import BlackBoxError, InvalidArgument, ReluLearnError
from relu_learn.blackboxes.links import IDENTITY, Link, link_of

Array = NDArray[np.float64]
Bounds = tuple[Array, Array]


class MissingExtra(ReluLearnError, ImportError):
    """A library is not installed; the message says how to install it."""


def need(module: str, install: str) -> Any:
    """Import a library that only an adapter needs, or say what to `pip install` for it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"{module} is needed for this and cannot be imported ({error}): pip install '{install}'"
        ) from error


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """A model as a black box: ask for scores, and nothing else.

    Parameters
    ----------
    ask : callable
        (n, d) -> (n,) or (n, m): the model's own answers.
    dim : int
        Input dimension d.
    title : str
        What it is, for people.
    dtype : dtype
        Inputs are rounded to this before the model sees them.
    link : Link or str
        What lies between the scores, which are learned, and the answers: "identity", "logit",
        "softmax" or "logits" (one logit per column).
    bounds : (low, high), optional
        Numbers or vectors (d,): where the model may be asked (default: anywhere).
    names : sequence of str, optional
        Names of the d inputs.
    labels : sequence of str, optional
        Names of the m answers.

    Raises
    ------
    InvalidArgument
    """

    ask: Callable[[Array], Any]
    dim: int
    title: str = "a function"
    dtype: Any = np.float64
    link: Link | str = IDENTITY
    bounds: Any = None
    names: Sequence[str] | None = None
    labels: Sequence[str] | None = None

    def __post_init__(self) -> None:
        d = positive_int("dim", self.dim)
        names = None if self.names is None else tuple(map(str, self.names))
        if names is not None and len(names) != d:
            raise InvalidArgument(f"names must be {d} names, one per input, got {len(names)}")
        labels = None if self.labels is None else tuple(map(str, self.labels))
        vars(self).update(dim=d, names=names, labels=labels, dtype=np.dtype(self.dtype))
        vars(self).update(link=link_of(self.link), bounds=_bounds(self.bounds, d))

    def answers(self, x: Any) -> Any:
        """The model's own answers at the rows of x (n, d), before the link."""
        rows = np.asarray(x)
        if rows.ndim != 2 or rows.shape[1] != self.dim:
            raise InvalidArgument(f"x must have shape (n, {self.dim}), got {rows.shape}")
        return self.ask(rows.astype(self.dtype, copy=False))

    def __call__(self, x: Any) -> Any:
        """The scores at the rows of x (n, d): (n,) or (n, m).

        Raises
        ------
        BlackBoxError
            Where a probability is 0 or 1 to all digits, or is none.
        """
        return self.read(x, self.answers(x))

    def read(self, x: Any, answers: Any) -> Any:
        """The scores behind answers at the rows of x (n, d).

        Raises
        ------
        BlackBoxError
            As above.
        """
        assert isinstance(self.link, Link)
        if self.link is IDENTITY:
            return answers
        told = np.asarray(answers, dtype=float)
        try:
            scores = self.link.scores(told)
        except InvalidArgument as error:
            raise BlackBoxError(
                f"does not answer as its link says: {error}", np.asarray(x)
            ) from None
        fine, heard = (np.isfinite(y).reshape(len(y), -1).all(axis=1) for y in (scores, told))
        lost = np.flatnonzero(heard & ~fine)  # what is no number is told as it is
        if len(lost):
            raise BlackBoxError(
                f"answers with a probability of exactly 0 or 1 at {len(lost)} of {len(scores)} "
                "points, where its score cannot be read: find_box(model) finds a box where it can",
                np.asarray(x)[lost],
            )
        return scores

    def linked(self, link: Link | str) -> Model:
        """The same model with another link."""
        return dataclasses.replace(self, link=link)

    def within(self, bounds: Any) -> Model:
        """The same model, asked only in the box low <= x <= high (None: anywhere)."""
        return dataclasses.replace(self, bounds=bounds)

    def named(self, names: Sequence[str] | None, labels: Sequence[str] | None = None) -> Model:
        """The same model with names of its inputs, and of its answers."""
        return dataclasses.replace(self, names=names, labels=labels)

    def entitled(self, title: str) -> Model:
        """The same model with another title."""
        return dataclasses.replace(self, title=title)

    def __repr__(self) -> str:
        assert isinstance(self.link, Link)
        where = "anywhere" if self.bounds is None else "in a box"
        return (
            f"Model({self.title}, dim={self.dim}, dtype={self.dtype}, link={self.link.name}, "
            f"asked {where})"
        )


def _bounds(bounds: Any, dim: int) -> Bounds | None:
    """Two vectors (d,), if they can be: what else is wrong with them, the learner says."""
    if bounds is None:
        return None
    try:
        low, high = (np.broadcast_to(np.asarray(side, float), dim).copy() for side in bounds)
    except (TypeError, ValueError):
        raise InvalidArgument(
            f"bounds must be a pair (low, high) of numbers or vectors of shape ({dim},), "
            f"got {bounds!r}"
        ) from None
    return low, high
