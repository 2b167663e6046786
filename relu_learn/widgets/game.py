"""Be the algorithm: choose the queries, place the creases, be scored against the real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
import numpy as np

from relu_learn.asking.errors import InvalidArgument
from relu_learn.figures.game import GamePlane, GameSlice
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import values_span
from relu_learn.figures.theme import Theme, number
from relu_learn.widgets import look
from relu_learn.widgets.board import Board, button
from relu_learn.widgets.hands import GameHands, colours_of, finite, numbers_of
from relu_learn.widgets.puzzle import (
    BUDGET,
    Questions,
    algorithm_needs,
    algorithm_with,
    fitted,
    missed,
    puzzle,
)

REACH = 3.0
MOST_CREASES = 8
WON = 0.01  # share of the variance


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
    questions : Questions
        What was asked, and on which lines.
    angles, places : list of float
        The player's creases.
    hypothesis : ReluNetwork
    """

    plane = True

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
        super().__init__([GamePlane, GameSlice], rows, theme, theme_row=0, extra=[self.hands])
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
        self.on(self.fill_button, lambda _: self.questions.ask_between())
        self.on(self.line_menu, lambda _: self._choose())
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
        self.questions = Questions(self.secret)
        self._list_lines()
        self.verdict, self.won, self.judged = "", False, ()  # and the position that was judged
        self.ghost: dict[str, Any] | None = None  # what the algorithm had, once it was asked
        self.top = max(map(abs, values_span(self.secret, REACH)))
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
        place = [float(np.clip(round(float(click[a]), 2), -REACH, REACH)) for a in ("x", "y")]
        x, y = self.questions.ask_near(np.array(place))
        self.x_text.value, self.y_text.value = f"{round(x, 2):g}", f"{round(y, 2):g}"
        self._list_lines()
        self.refresh()

    def ask(self, x: float, y: float) -> float:
        """One query."""
        answer = self.questions.ask(np.array([x, y]))
        self._list_lines()
        return answer

    @property
    def _position(self) -> tuple[Any, ...]:
        """What a verdict is about: with another one it is forgotten."""
        return self.secret, self.questions.oracle.queries, *self.angles, *self.places

    def _list_lines(self) -> None:
        before, self._setting = self._setting, True
        try:
            names = [str(i + 1) for i in range(len(self.questions.lines))] or ["none"]
            self.line_menu.options = names
            self.line_menu.value = names[self.questions.current]
        finally:
            self._setting = before

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
        """A line or a crease was chosen from its menu."""
        if self._setting:
            return
        if self.questions.lines and self.line_menu.value:
            self.questions.current = int(self.line_menu.value) - 1
        if self.crease_menu.value is not None:
            self._list_creases(self.chosen + 1)

    def _move(self) -> None:
        if not self._setting:
            self.angles[self.chosen] = self.angle_slider.value
            self.places[self.chosen] = self.place_slider.value

    def _on_hand(self, moved: dict[str, Any]) -> None:
        count = len(self.angles)
        angles, places = (finite(moved[name], (count,)) for name in ("angles", "places"))
        self.angles = np.clip(angles, 0, 180).tolist()
        self.places = np.clip(places, -REACH, REACH).tolist()
        self.reveal_button.value = False
        self._list_creases(min(max(int(moved["chosen"]), 0), count - 1) + 1)
        self.refresh()

    def _in_hand(self, theme: Theme) -> dict[str, Any]:
        """What the page needs to draw all that a hand can move."""
        x, y = self.questions.oracle.history()
        lines = [[start.tolist(), (end - start).tolist()] for start, end in self.questions.lines]
        return {
            "x": x.reshape(-1, 2).tolist(),
            "y": y.reshape(len(x)).tolist(),
            "angles": list(self.angles),  # copies: what is equal to the state before is not sent
            "places": list(self.places),
            "chosen": self.chosen,
            "lines": lines,
            "current": self.questions.current,
            "range": self.questions.limits(),
            "ghost": self.ghost,
            "truth": numbers_of(self.secret) if self.reveal_button.value else None,
            "won": self._position == self.judged and self.won,
            "reach": REACH,
            "most": MOST_CREASES,
            "colours": colours_of(theme),
        }

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
        n = self.questions.oracle.queries
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
        self.judged = self._position
        self.verdict = (
            f"{head}Your F′ misses {_per_cent(mine)} of the variance. The algorithm with the same "
            f"{n} queries {it}; it needs {needs} to be exact."
        )
        return mine

    def patches(self) -> Sequence[Patch]:
        """Both pictures."""
        x, y = self.questions.oracle.history()
        y = y.reshape(len(x))
        self.hypothesis = fitted(self.angles, self.places, x, y)
        t, answers = self.questions.on_line()
        line = None if self.questions.line is None else np.array(self.questions.line)
        self._tell(x, y)
        self.hands.show(**self._in_hand(self.theme))
        revealed = bool(self.reveal_button.value)
        return (
            self.chart(GamePlane).patch(line, self.top, revealed),
            self.chart(GameSlice, 1).patch(t, answers, self.questions.limits()),
        )

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
        self.tell(self.verdict if self._position == self.judged else sentence, facts)


def _short(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".").replace("-", "−")


def _per_cent(share: float) -> str:
    if share < 1e-15:
        return "nothing"
    return f"{number(100 * share)} %" if share < 10 else "more than ten times all"
