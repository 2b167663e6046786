"""Lesson 9: what a copy is good for; every number is computed here and now."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from relu_learn.copies import attack
from relu_learn.copies.digits import (
    COUNT,
    SIZES,
    Reduced,
    attacked,
    certified,
    margins_of,
    prunings,
    ranks,
    theft,
    wrong,
)
from relu_learn.copies.thresholds import ThresholdNetwork
from relu_learn.figures.copies import LinearView, TilesView
from relu_learn.figures.lemmas import CurvesView
from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import Theme, number
from relu_learn.network import ReluNetwork
from relu_learn.widgets.explorer import Explorer, slider, toggle, whole_slider

ANSWERS = 50
WAYS = ("as it is", "by the copy", "by asking")


def a_digit(digit: int) -> str:
    """ "a 7", "an 8"."""
    return f"{'an' if digit == 8 else 'a'} {digit}"


class Attacked(Explorer):
    """Sixty digits attacked, with a copy and without.

    Parameters
    ----------
    size : float
        Largest change of a pixel.
    digit : int
        Which of the sixty is shown, from 1.
    """

    kind = "attacked"

    def __init__(self, size: float = 0.1, digit: int = 6, *, theme: str | None = None) -> None:
        self.size = slider("change ε", 0.01, 0.2, 0.01)
        self.digit = whole_slider("digit", 1, COUNT)
        inputs = {"size": self.size, "digit": self.digit}
        super().__init__(
            inputs, [[*inputs.values()]], {"size": size, "digit": digit, "theme": theme}
        )

    def make_views(self, theme: Theme) -> list[Any]:
        """Four images, and the bill."""
        names = ("by asking, for every digit", "the copy, once")
        return [
            TilesView(theme, "A digit, and what two attacks made of it", 4, 2, signed=False),
            LinearView(theme, names, "digits attacked", "queries in all", (0, COUNT), ("lines",)),
        ]

    def draw(self) -> list[Patch]:
        """One digit, and the bill for all."""
        it, size, i = theft(), round(self.size.value, 2), self.digit.value - 1
        by_copy, by_asking = attacked(size)
        shown = np.stack([it.images[i], by_copy.inputs[i], by_asking.inputs[i]])
        read = it.secret(shown).argmax(axis=1)
        # What the copy's gradients made is tried on the secret.
        fooled = attack.margins(it.secret(by_copy.inputs), it.labels) < 0
        asked, others = int(by_asking.queries.sum()), int((by_asking.margins < 0).sum())
        self.narration.tell(
            f"Changed by the copy's gradients, {int(fooled.sum())} of {COUNT} digits are read as "
            f"something else, without a query more; by asking {others}, for {asked:,} queries.",
            f"no pixel is changed by more than ε = {size:g} · the copy cost {it.queries:,} queries,"
            f" {it.to_be_sure} of them to be sure",
        )
        bill = np.concatenate([[0], np.cumsum(by_asking.queries)])
        curves = [(np.arange(COUNT + 1), bill), ([0, COUNT], [it.queries] * 2)]
        words = [f"{name}: {a_digit(r)}" for name, r in zip(WAYS, read, strict=True)]
        change = 0.5 + (by_copy.inputs[i] - it.images[i]) / (2 * size)
        tiles, chart = self.views
        return [
            tiles.draw([*shown, change], f"Digit {i + 1}", [*words, "the change"]),
            chart.draw(curves, "The bill", (i + 1, float(bill[i + 1]))),
        ]


class Verified(Explorer):
    """What the copy cannot do near a digit: three ways to find out.

    Parameters
    ----------
    size : float
        Largest change of a pixel.
    digit : int
        Which of the sixty is shown, from 1.
    """

    kind = "verified"

    def __init__(self, size: float = 0.03, digit: int = 6, *, theme: str | None = None) -> None:
        self.size = slider("change ε", SIZES[0], SIZES[-1], 0.01)
        self.digit = whole_slider("digit", 1, COUNT)
        inputs = {"size": self.size, "digit": self.digit}
        super().__init__(
            inputs, [[*inputs.values()]], {"size": size, "digit": digit, "theme": theme}
        )

    def make_views(self, theme: Theme) -> list[Any]:
        """Margins of one digit, and all sixty."""
        one = ("intervals: at least", "least margin, exactly", "an attack: at most")
        all_ = ("certain by intervals", "certain, exactly", "not fooled by the attack")
        ends = 0.0, SIZES[-1]
        return [
            LinearView(theme, one, "read as", "margin", (0, 9), ("markers",), zero=True),
            LinearView(theme, all_, "change ε", f"of {COUNT} digits", ends),
        ]

    def draw(self) -> list[Patch]:
        """The margins of a digit, and how many are certain."""
        size, i = round(self.size.value, 2), self.digit.value - 1
        label = int(theft().labels[i])
        found = margins_of(i, size)
        others = np.delete(np.arange(10), label)
        j = int(found[1].argmin())
        least, bound = number(found[1][j]), number(found[0][j])
        can = "can be made" if found[1][j] <= 0 else "cannot be made"
        counts = [certified(s) for s in SIZES]
        quick, exact, left = certified(size)
        self.narration.tell(
            f"With changes up to ε = {size:g} this {label} {can} {a_digit(others[j])}: the least "
            f"margin over it is {least}; intervals say {bound} or more.",
            f"all {COUNT} digits: {quick} certain by intervals, {exact} certain, {left} not fooled",
        )
        curves = [((0.0, *SIZES), (COUNT, *column)) for column in zip(*counts, strict=True)]
        one, every = self.views
        ticks = {"xaxis.tickvals": others.tolist(), "xaxis.ticktext": [str(o) for o in others]}
        return [
            one.draw([(others, part) for part in found], f"Margins of digit {i + 1}", **ticks),
            every.draw(curves, "Too low, exact, too high", (size, exact), up_to=(0, COUNT)),
        ]


class _Smaller(Explorer):
    """Images of the hidden weights, and what a reduction costs."""

    names = ("wrong digits, %", "loss, %")
    across = ""

    def make_views(self, theme: Theme) -> list[Any]:
        """Weights, and the price."""
        return [
            TilesView(theme, "Hidden weights of the smaller network"),
            LinearView(theme, self.names, self.across, "per cent", (0, 32)),
        ]

    def price(self, found: list[Reduced], at: int, title: str, *more: list[Reduced]) -> list[Patch]:
        """Both pictures; `more` are further curves of losses."""
        now = found[at]
        images = np.full((32, 64), np.nan)
        images[list(now.kept)] = now.network.weights
        sizes = np.arange(len(found))
        columns = [[one.wrong for one in found], *([o.loss for o in f] for f in (found, *more))]
        tiles, chart = self.views
        return [
            tiles.draw(images, title),
            chart.draw(
                [(sizes, column) for column in columns],
                "Exact loss (no data needed), and digits read wrongly",
                (at, now.loss),
                up_to=(0, 60),
            ),
        ]


class Pruned(_Smaller):
    """Neurons left out, the others making up for them.

    Parameters
    ----------
    kept : int
        Neurons that stay.
    affine : bool
        Whether a linear part makes up for them, too.
    """

    kind = "pruned"
    across = "neurons kept"

    def __init__(self, kept: int = 16, affine: bool = False, *, theme: str | None = None) -> None:
        self.kept = whole_slider("neurons kept", 0, 32)
        self.affine = toggle("with a linear part", "plus", "10 × 64 more numbers, fitted, too")
        inputs = {"kept": self.kept, "affine": self.affine}
        super().__init__(
            inputs, [[*inputs.values()]], {"kept": kept, "affine": affine, "theme": theme}
        )

    @staticmethod
    def found(affine: bool) -> list[Reduced]:
        """The networks with 0, 1, ..., 32 neurons."""
        return prunings(affine)

    def reduced(self) -> Reduced:
        """The network that is shown."""
        return self.found(self.affine.value)[self.kept.value]

    def draw(self) -> list[Patch]:
        """What is left."""
        now, kept = self.reduced(), self.kept.value
        linear = " and a linear part" if self.affine.value else ""
        self.narration.tell(
            f"With {kept} of 32 neurons{linear} the exact loss is {number(now.loss)} % of what the "
            f"best constant has.",
            f"{number(now.wrong)} % of 450 held-out digits are read wrongly, "
            f"{number(wrong(theft().copy))} % by the whole copy · none of them was used",
        )
        return self.price(prunings(self.affine.value), kept, "What is left of the hidden weights")


class LowRank(_Smaller):
    """Hidden weights of a lower rank.

    Parameters
    ----------
    rank : int
    """

    kind = "low_rank"
    across = "rank"

    def __init__(self, rank: int = 16, *, theme: str | None = None) -> None:
        self.rank = whole_slider("rank", 0, 32)
        super().__init__({"rank": self.rank}, [[self.rank]], {"rank": rank, "theme": theme})

    def draw(self) -> list[Patch]:
        """The weights, reduced."""
        rank = self.rank.value
        now = ranks()[rank]
        self.narration.tell(
            f"Rank {rank}: {rank * 96:,} numbers in place of 2,048 hidden weights; the exact loss "
            f"is {number(now.loss)} % of what the best constant has.",
            f"{number(now.wrong)} % of 450 held-out digits are read wrongly, "
            f"{number(wrong(theft().copy))} % by the whole copy",
        )
        return self.price(ranks(), rank, f"Hidden weights, made of {rank} images")


@functools.cache
def same_place() -> tuple[ThresholdNetwork, ReluNetwork, float]:
    """Five thresholds and five ReLUs with the same hyperplanes, on a line; and one of their places.

    Both have one input: the line's t.
    """
    rng = np.random.default_rng(5)
    places = np.array([-2.3, -0.9, 1 / np.pi, 1.4, 2.6])
    jumps = rng.uniform(0.5, 1.5, 5) * [1, -1, 1, -1, 1]
    ones = np.ones((5, 1))
    return ThresholdNetwork(ones, places, jumps), ReluNetwork(ones, places, jumps), places[2]


@functools.cache
def bisected() -> tuple[np.ndarray, np.ndarray]:
    """Ends (n, 2) of the interval that holds the jump after each answer, and its answers."""
    steps, _, _ = same_place()
    low, high = -0.5, 1.0
    left, right = steps(np.array([[low], [high]]))
    ends, answers = [(low, high)], [(low, left), (high, right)]
    for _ in range(ANSWERS - 2):
        middle = (low + high) / 2
        value = float(steps(np.array([[middle]]))[0])
        answers.append((middle, value))
        low, high = (low, middle) if abs(value - right) < 1e-9 else (middle, high)
        ends.append((low, high))
    return np.array(ends), np.array(answers)


def kink_error() -> float:
    """How far off the crossing of two pieces is, each through two answers."""
    _, relus, place = same_place()
    t = np.array([-0.5, 0.0, 0.6, 1.0])
    y = relus(t[:, None])
    slopes = (y[1] - y[0]) / (t[1] - t[0]), (y[3] - y[2]) / (t[3] - t[2])
    crossing = t[0] + (y[2] - y[0] - slopes[1] * (t[2] - t[0])) / (slopes[0] - slopes[1])
    return abs(float(crossing) - place)


class Jumps(Explorer):
    """A jump closed in by bisection, beside a kink that four answers give away.

    Parameters
    ----------
    answers : int
        How many there are on the line by now.
    """

    kind = "jumps"
    ticks = (2, 10, 20, 30, 40, 50)

    def __init__(self, answers: int = 6, *, theme: str | None = None) -> None:
        self.answers = whole_slider("answers", 2, ANSWERS)
        inputs = {"answers": self.answers}
        super().__init__(inputs, [[self.answers]], {"answers": answers, "theme": theme})

    def make_views(self, theme: Theme) -> list[Any]:
        """The line, and both errors."""
        names = ("still open", "F", "answers")
        curves = ("jump: may be off by",), ("kink: is off by",)
        chart = CurvesView(
            theme,
            "answers",
            *curves,
            span=(-17, 1),
            values="error of t",
            mode="lines",
            linear=True,
        )
        modes = ("lines", "lines", "markers")
        return [LinearView(theme, names, "t", "F", (-1, 1), modes), chart]

    def draw(self) -> list[Patch]:
        """The open interval, and how long it is."""
        n = self.answers.value
        ends, answers = bisected()
        steps, _, place = same_place()
        low, high = ends[n - 2]
        width = high - low
        kink = kink_error()
        self.narration.tell(
            f"After {n} answers the jump is known to {number(width)}: each answer says left or "
            f"right, one bit. A kink is known to {number(max(kink, 1e-16))} after four.",
            "20 inputs and 10 neurons have 210 such numbers · zoom in as you like: a jump looks "
            "the same",
        )
        # Counted from the middle in half widths: floats near 0.3 cannot show the last bits.
        middle = (low + high) / 2
        seen = np.abs(answers[:n, 0] - middle) <= 2.01 * width
        at, values = (answers[:n][seen, 0] - middle) / width, answers[:n][seen, 1]
        jump = (place - middle) / width
        left, right = steps(np.array([[ends[0, 0]], [ends[0, 1]]]))
        step = [-2, jump, jump, 2], [left, left, right, right]
        band = [-0.5, -0.5, 0.5, 0.5, -0.5], [left, right, right, left, left]
        axis = {"xaxis.range": [-2, 2], "xaxis.tickvals": [-0.5, 0.5]}
        axis |= {"xaxis.ticktext": ["left end", "right end"]}
        line, chart = self.views
        numbers = np.arange(2, ANSWERS + 1)
        widths = ends[:, 1] - ends[:, 0]
        kinks = np.where(numbers < 4, np.nan, max(kink, 1e-16))
        return [
            line.draw(
                [band, step, (at, values)], f"Open: {number(width)} around {middle:.3f}", **axis
            ),
            chart.draw(numbers, [widths], [kinks], (n, width), "One bit each", self.ticks),
        ]
