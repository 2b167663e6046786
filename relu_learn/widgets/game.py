"""Be the algorithm: choose the queries, place the creases, be scored against the real one."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import ipywidgets
import numpy as np

from relu_learn.core.errors import InvalidArgument, QueryBudgetExceeded, ReluLearnError
from relu_learn.core.network import ReluNetwork
from relu_learn.core.oracle import Oracle
from relu_learn.figures.dimensions import spending
from relu_learn.figures.game import GamePlane, GameSlice
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import PlaneView
from relu_learn.figures.theme import Theme, number
from relu_learn.judging.loss import best_loss
from relu_learn.learn import learn_from_queries
from relu_learn.widgets import look
from relu_learn.widgets.board import Board, button
from relu_learn.widgets.hands import GameHands, colours_of, finite, numbers_of
from relu_learn.widgets.lifecycle import close_tree

REACH = 3.0
BUDGET = 60
MOST_CREASES = 8
WON = 0.01  # share of the variance
_ON_LINE = 0.08  # a click so near to a line is meant to be on it: some five pixels


def puzzle(folds: int, seed: int = 0) -> ReluNetwork:
    """A secret in the plane with a few well separated creases that all cross the window."""
    random = np.random.default_rng([7, folds, seed])
    turns = np.pi / folds * (np.arange(folds) + random.uniform(-0.3, 0.3, folds))
    normals = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    signs = random.choice([-1.0, 1.0], (2, folds))
    heights = random.uniform(0.6, 1.6, folds)
    return ReluNetwork(
        signs[0][:, None] * normals, random.uniform(-1.2, 1.2, folds), signs[1] * heights
    )


def fitted(angles: Sequence[float], places: Sequence[float], x: Any, y: Any) -> ReluNetwork:
    """The network with these creases that fits the answers best.

    Strengths and affine part by least squares, as LearnFromQueries fits its affine residual (the
    smallest solution while there are fewer answers than unknowns).

    Parameters
    ----------
    angles, places : sequence of float
        Direction of each normal, in degrees, and distance from the origin.
    x, y : ndarray of shape (n, 2) and (n,)
    """
    turns = np.deg2rad(np.asarray(angles, dtype=float))
    normals = np.stack([np.cos(turns), np.sin(turns)], axis=1).reshape(-1, 2)
    b = np.asarray(places, dtype=float)
    if not len(x):
        return ReluNetwork(normals, b, np.zeros(len(b)))
    columns = np.column_stack([np.maximum(x @ normals.T - b, 0), x, np.ones(len(x))])
    # Directions that the answers hardly determine stay at zero: otherwise strengths explode.
    solution = np.linalg.lstsq(columns, y, rcond=1e-2)[0]
    k = len(b)
    return ReluNetwork(normals, b, solution[:k], solution[k : k + 2], float(solution[-1]))


@functools.lru_cache(512)
def algorithm_with(folds: int, seed: int, queries: int) -> tuple[float, ReluNetwork]:
    """Share of the variance that the algorithm misses after so many queries, and its network."""
    secret = puzzle(folds, seed)
    try:
        result = learn_from_queries(secret, 2, rng=0, max_queries=max(queries, 1))
        network = result.network
    except ReluLearnError as error:
        nothing = ReluNetwork(np.zeros((0, 2)), [], [])
        network = error.partial.network if error.partial else nothing
    return missed(secret, network), network


@functools.lru_cache(64)
def algorithm_needs(folds: int, seed: int) -> int:
    """Queries until the algorithm has everything (its final test not counted)."""
    run = learn_from_queries(puzzle(folds, seed), 2, rng=0)
    return spending(list(run.trace)).learning


def missed(secret: ReluNetwork, network: ReluNetwork) -> float:
    """E|F - F'|² in units of the variance of F: 0 is perfect, 1 is what a constant has."""
    x = np.random.default_rng(0).standard_normal((20_000, 2))
    return best_loss(secret, network, rng=0)[0] / float(np.var(secret(x)))


class Game(Board):
    """A secret in the plane, a budget of queries, and creases to place.

    Parameters
    ----------
    folds : int
        1, 2, 3 or 5.
    seed : int
    theme : str

    Attributes
    ----------
    oracle : Oracle
        The only door to the secret; it keeps the books.
    angles, places : list of float
        The player's creases.
    lines : list of pairs of points
        All lines that were asked on.
    hypothesis : ReluNetwork
    """

    def __init__(self, folds: int = 2, seed: int = 0, theme: str | None = None) -> None:
        if folds not in (1, 2, 3, 5):
            raise InvalidArgument(f"folds must be 1, 2, 3 or 5, got {folds!r}")
        self._setting = False
        self._make_controls(folds, seed)
        self.begin()
        self.hands = GameHands(self._in_hand(look.theme_of(theme)), self._guard(self._on_hand))
        rows = [
            [self.folds_menu, self.seed_text, self.new_button, self.score_button]
            + [self.reveal_button],
            [self.x_text, self.y_text, self.ask_button, self.fill_button, self.line_menu],
            [self.crease_menu, self.angle_slider, self.place_slider]
            + [self.add_button, self.remove_button],
        ]
        super().__init__([GamePlane, GameSlice], rows, theme, plane=True, theme_row=0)
        self.hands.over(*self.panels)
        self.panels[0].on_click(self._guard(self._clicked))

    def _make_controls(self, folds: int, seed: int) -> None:
        def field(text: str, value: str) -> Any:
            layout = ipywidgets.Layout(width="8em")
            return ipywidgets.Text(value, description=text, continuous_update=False, layout=layout)

        self.folds_menu = ipywidgets.Dropdown(
            options=[1, 2, 3, 5], value=folds, description="Folds"
        )
        self.seed_text = field("Seed", str(seed))
        self.new_button = button("New game", "refresh", "Forget all answers and start again")
        self.x_text, self.y_text = field("x₁", "0"), field("x₂", "0")
        self.ask_button = button("Ask", "question", "Ask for F at (x₁, x₂): one query")
        self.fill_button = button(
            "Ask between", "arrows-h", "Ask in the middle of every gap on the line"
        )
        self.line_menu = ipywidgets.Dropdown(options=["none"], value="none", description="Line")
        self.crease_menu = ipywidgets.Dropdown(options=[1], value=1, description="Crease")
        wide = ipywidgets.Layout(width="230px")
        self.angle_slider = ipywidgets.FloatSlider(
            0,
            min=0,
            max=180,
            step=0.1,
            description="Direction °",
            readout_format=".0f",
            layout=wide,
        )
        self.place_slider = ipywidgets.FloatSlider(
            0, min=-REACH, max=REACH, step=0.01, description="Position", layout=wide
        )
        self.add_button = button("Add crease", "plus", "One more crease")
        self.remove_button = button("Remove", "minus", "Take this crease away")
        self.score_button = button("Score", "trophy", "Compare with the algorithm")
        self.reveal_button = ipywidgets.ToggleButton(
            description="Reveal", icon="eye", tooltip="Show the secret itself"
        )
        self.on(self.folds_menu, lambda _: self.begin(self.seed))
        self.on(self.seed_text, lambda _: self.begin())
        self.on(self.new_button, lambda _: self.begin())
        for field_ in (self.x_text, self.y_text):
            self.on(field_, lambda _: self._fields())  # a wrong one is answered at once
        self.on(self.ask_button, lambda _: self.ask(*self._fields()))
        self.on(self.fill_button, lambda _: self.ask_between())
        self.on(self.line_menu, lambda _: self._choose_line())
        self.on(self.crease_menu, lambda _: self._choose())
        self.on(self.angle_slider, lambda _: self._move())
        self.on(self.place_slider, lambda _: self._move())
        self.on(self.add_button, lambda _: self.add())
        self.on(self.remove_button, lambda _: self.remove())
        self.on(self.score_button, lambda _: self.score())
        self.on(self.reveal_button)

    # ----------------------------------------------------------------- the game

    def begin(self, seed: int | None = None) -> None:
        """A new secret, and nothing known about it; the seed is the field's unless given."""
        if seed is not None:
            self.seed_text.value = str(seed)
        text = self.seed_text.value.strip()
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise InvalidArgument(f"Seed must be a whole number such as 7, got {text[:30]!r}")
        self.folds, self.seed = int(self.folds_menu.value), int(text)
        self.secret = puzzle(self.folds, self.seed)
        self.oracle = Oracle(self.secret, 2, max_queries=BUDGET)
        self.lines: list[tuple[np.ndarray, np.ndarray]] = []  # pairs of queries
        self._first: np.ndarray | None = None  # a query that waits for a second one
        self._list_lines(-1)
        self.verdict, self.won = "", False
        self.ghost: dict[str, Any] | None = None  # what the algorithm had, once it was asked
        self.top = float(np.abs(PlaneView(reach=REACH).values(self.secret)).max())
        self.angles, self.places = [0.0], [0.0]
        self._list_creases(1)
        self.reveal_button.value = False

    def _fields(self) -> tuple[float, float]:
        values = []
        for name, widget in (("x₁", self.x_text), ("x₂", self.y_text)):
            try:
                values.append(float(widget.value.replace(",", ".").replace("−", "-")))
            except ValueError:
                raise InvalidArgument(
                    f"{name} must be a number such as 0.5, got {widget.value[:30]!r}"
                ) from None
            if not abs(values[-1]) <= REACH:
                raise InvalidArgument(f"{name} must lie between −{REACH:g} and {REACH:g}")
        return values[0], values[1]

    def _clicked(self, click: dict[str, Any]) -> None:
        self.messages.clear()
        point = np.array([float(click["x"]), float(click["y"])])
        # A click on a line asks on that line: it stays, and gets one more answer.
        near = [(self._off(line, point), i) for i, line in enumerate(self.lines)]
        away, i = min(near, default=(np.inf, -1))
        if away < _ON_LINE:
            start, end = self.lines[i]
            v = end - start
            point = start + (point - start) @ v / (v @ v) * v
        x, y = (float(np.clip(round(float(value), 2), -REACH, REACH)) for value in point)
        self.x_text.value, self.y_text.value = f"{x:g}", f"{y:g}"
        if away < _ON_LINE:
            self._answers(point[None])
            self._list_lines(i)
        else:
            self.ask(x, y)
        self.refresh()

    @staticmethod
    def _off(line: tuple[np.ndarray, np.ndarray], points: np.ndarray) -> Any:
        start, end = line
        v = end - start
        return np.abs((points - start) @ np.array([-v[1], v[0]])) / np.linalg.norm(v)

    def ask(self, x: float, y: float) -> float:
        """One query; two that lie on no line yet make one."""
        point = np.array([x, y])
        answer = float(self._answers(point[None])[0])
        known = [i for i, line in enumerate(self.lines) if self._off(line, point) < 1e-9]
        if known:
            self._list_lines(known[0])
        elif self._first is None:
            self._first = point
        elif not np.array_equal(self._first, point):
            self.lines.append((self._first, point))
            self._first = None
            self._list_lines(len(self.lines) - 1)
        return answer

    @property
    def line(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Two queries on the line that the slice shows."""
        return self.lines[self.current] if self.lines else None

    def _list_lines(self, current: int) -> None:
        self.current = current
        before, self._setting = self._setting, True
        try:
            self.line_menu.options = [str(i + 1) for i in range(len(self.lines))] or ["none"]
            self.line_menu.value = str(current + 1) if self.lines else "none"
        finally:
            self._setting = before

    def _choose_line(self) -> None:
        if not self._setting and self.lines and self.line_menu.value:
            self.current = int(self.line_menu.value) - 1

    def ask_between(self) -> None:
        """One query in the middle of every gap between the answers on the current line."""
        t, _ = self.on_line()
        inside = t[(t >= 0) & (t <= 1)]
        if len(inside) < 2:
            raise InvalidArgument("Ask at two different points first: they make a line.")
        start, end = self.lines[self.current]
        middles = (inside[1:] + inside[:-1]) / 2
        self._answers(start + middles[:, None] * (end - start))

    def _answers(self, points: np.ndarray) -> np.ndarray:
        self.verdict = ""
        try:
            return self.oracle(points)
        except QueryBudgetExceeded:
            raise InvalidArgument(
                f"That takes {len(points)} queries and {self.oracle.remaining} of {BUDGET} are "
                "left. Place your creases and press Score, or start a new game."
            ) from None

    def on_line(self) -> tuple[np.ndarray, np.ndarray]:
        """t and answers of the queries that lie on the current line, in increasing t."""
        if self.line is None:
            return np.empty(0), np.empty(0)
        start, end = self.line
        v = end - start
        x, y = self.oracle.history()
        some = self._off(self.line, x) < 1e-9
        t, index = np.unique(((x[some] - start) @ v) / (v @ v), return_index=True)
        return t, y[some][index]

    # --------------------------------------------------------------- the creases

    @property
    def chosen(self) -> int:
        """Index of the crease that the sliders move."""
        return int(self.crease_menu.value) - 1

    def _list_creases(self, choose: int) -> None:
        self._setting = True
        try:
            self.crease_menu.options = list(range(1, len(self.angles) + 1))
            self.crease_menu.value = choose
            self.angle_slider.value = self.angles[choose - 1]
            self.place_slider.value = self.places[choose - 1]
        finally:
            self._setting = False
        self.remove_button.disabled = len(self.angles) == 1
        self.add_button.disabled = len(self.angles) == MOST_CREASES

    def _choose(self) -> None:
        if not self._setting and self.crease_menu.value is not None:
            self._list_creases(self.chosen + 1)

    def _move(self) -> None:
        if not self._setting:
            self.angles[self.chosen] = self.angle_slider.value
            self.places[self.chosen] = self.place_slider.value
            self.verdict = ""

    def _on_hand(self, moved: dict[str, Any]) -> None:
        count = len(self.angles)
        angles, places = (finite(moved[name], (count,)) for name in ("angles", "places"))
        self.angles = np.clip(angles, 0, 180).tolist()
        self.places = np.clip(places, -REACH, REACH).tolist()
        self.verdict, self.won = "", False
        self.reveal_button.value = False
        self._list_creases(min(max(int(moved["chosen"]), 0), count - 1) + 1)
        self.refresh()

    def _in_hand(self, theme: Theme) -> dict[str, Any]:
        """What the page needs to draw all that a hand can move."""
        x, y = self.oracle.history()
        lines = [[start.tolist(), (end - start).tolist()] for start, end in self.lines]
        return {
            "x": x.reshape(-1, 2).tolist(),
            "y": y.reshape(len(x)).tolist(),
            "angles": self.angles,
            "places": self.places,
            "chosen": self.chosen,
            "lines": lines,
            "current": self.current,
            "range": self._limits(),
            "ghost": self.ghost,
            "truth": numbers_of(self.secret) if self.reveal_button.value else None,
            "won": self.won,
            "reach": REACH,
            "most": MOST_CREASES,
            "colours": colours_of(theme),
        }

    def _limits(self) -> tuple[float, float]:
        """The part of the current line that is shown."""
        t, _ = self.on_line()
        low, high = (min(t[0], 0.0), max(t[-1], 1.0)) if len(t) else (0.0, 1.0)
        return float(low) - 0.1, float(high) + 0.1

    def place(self, *creases: tuple[float, float]) -> None:
        """Set all creases at once: pairs of direction in degrees and position."""
        self.angles = [float(angle) for angle, _ in creases]
        self.places = [float(place) for _, place in creases]
        self._list_creases(1)
        self.refresh()

    def add(self) -> None:
        """One more crease, in a direction that is still free."""
        if len(self.angles) == MOST_CREASES:
            return
        taken = np.sort(np.mod(self.angles, 180))
        gaps = np.diff(np.append(taken, taken[0] + 180))
        i = int(gaps.argmax())
        self.angles.append(float(np.round((taken[i] + gaps[i] / 2) % 180)))
        self.places.append(0.0)
        self._list_creases(len(self.angles))

    def remove(self) -> None:
        """Take the chosen crease away."""
        if len(self.angles) > 1:
            del self.angles[self.chosen], self.places[self.chosen]
            self._list_creases(min(self.chosen + 1, len(self.angles)))

    # --------------------------------------------------------------- the verdict

    def score(self) -> float:
        """What the hypothesis misses, in units of the variance; told beside the algorithm's."""
        n = self.oracle.queries
        if not n:
            raise InvalidArgument("Ask something first: click on the plane.")
        mine = missed(self.secret, self.hypothesis)
        its, theirs = algorithm_with(self.folds, self.seed, n)
        neurons = theirs.n_neurons
        self.ghost = numbers_of(theirs)
        needs = algorithm_needs(self.folds, self.seed)
        self.won = mine < WON
        points = round(100 * max(0.0, 1 - mine)) + (BUDGET - n if self.won else 0)
        head = f"{'Won! ' if self.won else ''}{points} points. "
        found = "1 neuron" if neurons == 1 else f"{neurons} neurons"
        it = "is exact" if its < 1e-15 else f"has {found} and misses {_per_cent(its)}"
        if not neurons:
            it = "has no neuron yet"
        self.verdict = (
            f"{head}Your F′ misses {_per_cent(mine)} of the variance. The algorithm with the same "
            f"{n} queries {it}; it needs {needs} to be exact."
        )
        return mine

    def patches(self) -> Sequence[Patch]:
        """Both pictures."""
        x, y = self.oracle.history()
        y = y.reshape(len(x))
        self.hypothesis = fitted(self.angles, self.places, x, y)
        t, answers = self.on_line()
        line = None if self.line is None else np.array(self.line)
        self._tell(x, y)
        self.hands.show(**self._in_hand(self.theme))
        revealed = bool(self.reveal_button.value)
        return (
            self.chart(GamePlane).patch(line, self.top, revealed),
            self.chart(GameSlice, 1).patch(t, answers, self._limits()),
        )

    def dispose(self) -> None:
        """Close every widget, and what the page draws with."""
        close_tree(self.hands)
        super().dispose()

    def _tell(self, x: np.ndarray, y: np.ndarray) -> None:
        error = float(np.abs(self.hypothesis(x) - y).max()) if len(x) else 0.0
        count = len(self.angles)
        creases = "1 crease" if count == 1 else f"{count} creases"
        facts = f"{len(x)} of {BUDGET} queries · {creases} placed, the secret has {self.folds}"
        sentence = "Click on the plane to ask. Drag and turn the dashed crease until F′ fits."
        if len(x):
            at = f"({x[-1, 0]:.3g}, {x[-1, 1]:.3g})".replace("-", "−")
            fit = "explains all answers" if error < 1e-6 else f"is off by up to {_short(error)}"
            sentence = f"F{at} = {_short(float(y[-1]))}. Your hypothesis {fit}."
        self.tell(self.verdict or sentence, facts)


def _short(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".").replace("-", "−")


def _per_cent(share: float) -> str:
    if share < 1e-15:
        return "nothing"
    return f"{number(100 * share)} %" if share < 10 else "more than ten times all"
