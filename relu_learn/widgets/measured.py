"""Boards of what the benchmarks measured: nothing to compute, only to look at."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from relu_learn.figures.comparison import loss_curves, measured, price
from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import THEMES, Theme, number
from relu_learn.widgets.board import Board

Data = Mapping[str, Any]

KINDS = {
    "loss": ("comparison", loss_curves, "Loss against queries or examples, for each network"),
    "price": ("comparison", price, "Queries for each number inside, by network"),
}


@dataclasses.dataclass(frozen=True)
class MeasuredView:
    """A figure that does not change: one of `KINDS`."""

    kind: str
    theme: Theme = THEMES["light"]

    @property
    def label(self) -> str:
        """For those who cannot see the figure."""
        return KINDS[self.kind][2]

    def figure(self) -> go.Figure:
        """The whole picture."""
        data, draw, _ = KINDS[self.kind]
        return draw(measured(data), self.theme)


class Measured(Board):
    """A picture of what the benchmarks measured, with its main point in a sentence.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    theme : str
    """

    def __init__(self, kind: str, theme: str | None = None) -> None:
        self.kind = kind
        super().__init__([lambda th: MeasuredView(kind, th)], [[]], theme)

    @property
    def still_name(self) -> str:
        """One for each kind."""
        return f"Measured_{self.kind}"

    def patches(self) -> Sequence[Patch]:
        """Nothing changes: only the sentence."""
        data = measured(KINDS[self.kind][0])
        tell = {"loss": _loss, "price": _price}[self.kind]
        part = {"loss": "curves", "price": "others"}[self.kind]
        self.tell(tell(data), f"measured beforehand · {data['seeds'][part]} random networks each")
        return (Patch({}, {}),)


def cliff(data: Data, network: str, below: float = 1e-20) -> int:
    """The first number of queries with which the query learner's loss was that small."""
    curve = next(c for c in data["curves"] if (c["network"], c["method"]) == (network, "queries"))
    pairs = zip(curve["budgets"], curve["losses"], strict=True)
    return next(n for n, loss in pairs if loss < below)


def best_passive(data: Data, network: str) -> tuple[int, float]:
    """Most examples that passive learners were given, and the smallest loss of any with them."""
    ends = [
        (curve["budgets"][-1], curve["losses"][-1])
        for curve in data["curves"]
        if curve["network"] == network and curve["method"] != "queries"
    ]
    return min(ends, key=lambda end: end[1])


def _loss(data: Data) -> str:
    queries, (examples, loss) = cliff(data, "10-15-1"), best_passive(data, "10-15-1")
    return (
        f"Random network, 10 inputs, 15 neurons: exact with {queries:,} queries; the best passive "
        f"learner has loss {number(loss)} with {examples:,} examples."
    )


def _price(data: Data) -> str:
    rows = [row for row in data["rows"] if row["cells"][1] == "784-32-1" and row["exact"]]
    ours = next(row for row in rows if row["cells"][0] == "relu_learn")
    others = [row["ratio"][0] for row in rows if row["source"]]
    return (
        f"784 inputs, 32 neurons: {number(ours['ratio'][-1])} queries for each number inside; the "
        f"other program that finished took {number(min(others))}."
    )
