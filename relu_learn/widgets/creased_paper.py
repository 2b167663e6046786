"""Lesson 1: drag a line over a folded sheet, move a neuron, and watch the kinks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from relu_learn import zoo
from relu_learn.asking.errors import InvalidArgument
from relu_learn.figures.creased_paper import (
    HALF_LINE,
    REACH,
    CutView,
    PaperView,
    searched,
    straight_line,
)
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import values_span
from relu_learn.figures.theme import Theme
from relu_learn.network import ReluNetwork
from relu_learn.widgets import look, share
from relu_learn.widgets.explorer import Explorer, fill, menu, number, slider, toggle
from relu_learn.widgets.hands import PaperHands, colours_of, finite, numbers_of
from relu_learn.widgets.lifecycle import close_tree
from relu_learn.widgets.panel import Panel
from relu_learn.widgets.style import side_by_side

_MOST_NEURONS = 99


class CreasedPaper(Explorer):
    """A network with two inputs as a sheet of paper, a line across it, and the cut along the line.

    Parameters
    ----------
    network : str
        One of the names in the menu.
    angle, offset : float
        Of the line: direction in degrees, distance from the origin.
    networks : mapping of str to ReluNetwork, optional
        The menu; the pictures of the zoo when omitted. All with two inputs and one output.
    covered : bool
        Start with the map hidden: count the neurons from the cut alone.
    theme : str

    Attributes
    ----------
    current : ReluNetwork
        The network with all its moved neurons.
    state : State
        What the line search found.
    """

    kind = "paper"

    def __init__(
        self,
        network: str = "paper_plane",
        angle: float = 20.0,
        offset: float = 0.5,
        *,
        networks: Mapping[str, ReluNetwork] | None = None,
        covered: bool = False,
        theme: str | None = None,
    ) -> None:
        self._networks = dict(networks or {name: zoo.get(name) for name in zoo.names("picture")})
        for name, one in self._networks.items():
            if one.dim != 2 or not one.is_scalar:
                raise InvalidArgument(f"networks must have 2 inputs and 1 output, {name!r}: {one}")
        if network not in self._networks:
            raise InvalidArgument(f"network must be one of {', '.join(self._networks)}")
        self._moves: dict[int, tuple[float, float, float]] = {}
        self.network_menu = menu("Network", list(self._networks))
        self.network_menu.value = network
        self.angle = slider("Line: angle °", -180, 180, 0.5, ".0f")
        self.offset = slider("Line: offset", -3.4, 3.4, 0.01)
        self.turn = slider("Turn the sheet °", -180, 180, 5, ".0f")
        self.cover = toggle("Cover", "eye-slash", "Hide the map: only the cut is left to see")
        self.neuron_menu = menu("Move neuron", ["1"])
        self.neuron_angle = slider("direction °", -180, 180, 1, ".0f")
        self.neuron_position = slider("position", -3.5, 3.5, 0.05)
        self.neuron_strength = slider("strength", -4, 4, 0.1, ".1f")
        self._neuron = (self.neuron_angle, self.neuron_position, self.neuron_strength)
        self._fill_neuron_menu()
        fill({"angle": self.angle, "offset": self.offset}, {"angle": angle, "offset": offset})
        self.hands = PaperHands(self._in_hand(look.theme_of(theme)), self._on_hand)
        super().__init__(
            {
                "network": self.network_menu,
                "angle": self.angle,
                "offset": self.offset,
                "turn": self.turn,
                "cover": self.cover,
                "neuron": self.neuron_menu,
            },
            [
                [self.network_menu, self.angle, self.offset, self.cover],
                [self.neuron_menu, *self._neuron],
            ],
            {"angle": angle, "offset": offset, "turn": 35.0, "cover": covered, "theme": theme},
        )
        for widget in self._neuron:
            widget.observe(self.messages.guard(self._on_neuron), "value")
        self.hands.over(*self.panels)
        self.panels[0].on_click(self._on_click)

    # -------------------------------------------------------------- the network

    @property
    def current(self) -> ReluNetwork:
        """The chosen network with its moved neurons."""
        net = self._networks[self.network_menu.value]
        w, b, a = net.weights.copy(), net.biases.copy(), net.output_weights.copy()
        for i, (degrees, position, strength) in self._moves.items():
            w[i], b[i], a[i] = straight_line(degrees, 0).direction, position, strength
        return ReluNetwork(w, b, a, net.skip, net.offset)

    def _fill_neuron_menu(self, chosen: int = 0) -> None:
        net = self.current
        names = [str(i + 1) for i in range(net.n_neurons)] or ["none"]
        with self.quiet():
            if tuple(self.neuron_menu.options) != tuple(names):
                self.neuron_menu.options = names
            self.neuron_menu.value = names[chosen]
            for widget in self._neuron:
                widget.disabled = not net.n_neurons
            if net.n_neurons:
                w, b, a = net.weights[chosen], net.biases[chosen], net.output_weights[chosen]
                size = float(np.linalg.norm(w)) or 1.0
                degrees = float(np.rad2deg(np.arctan2(w[1], w[0])))
                self._exact = (degrees, float(b / size), float(a * size))
                for widget, value in zip(self._neuron, self._exact, strict=True):
                    # The page rounds to steps and would report that as a move.
                    widget.value = widget.step * round(value / widget.step)
                self._rounded = tuple(widget.value for widget in self._neuron)

    def _on_neuron(self, _: Any) -> None:
        if self._setting or not self.current.n_neurons:
            return
        self.messages.clear()
        values = tuple(widget.value for widget in self._neuron)
        chosen = int(self.neuron_menu.value) - 1
        moved = zip(values, self._rounded, self._exact, strict=True)
        a, b, c = (now if abs(now - shown) > 1e-9 else exact for now, shown, exact in moved)
        if np.allclose((a, b, c), self._moves.get(chosen, self._exact)):
            return
        self._moves[chosen] = (a, b, c)
        self.show()

    def changed(self, name: str) -> None:
        """Another network starts unmoved; another neuron brings its own numbers."""
        if name == "network":
            self._moves = {}
            self._fill_neuron_menu()
        elif name == "neuron":
            self._fill_neuron_menu(int(self.neuron_menu.value) - 1)

    # ----------------------------------------------------------------- the line

    def _in_hand(self, theme: Theme) -> dict[str, Any]:
        """What the page needs to draw all that a hand can move."""
        network = self.current
        self._span = values_span(network)
        return {
            "net": numbers_of(network),
            "angle": self.angle.value,
            "offset": self.offset.value,
            "turn": self.turn.value,
            "covered": bool(self.cover.value),
            "chosen": int(self.neuron_menu.value) - 1 if network.n_neurons else -1,
            "most": max(net.n_neurons for net in self._networks.values()),
            "span": self._span,
            "reach": REACH,
            "half": HALF_LINE,
            "colours": colours_of(theme),
            "scale": theme.colorscale,
        }

    def _on_hand(self, moved: dict[str, Any]) -> None:
        self.messages.guard(self._take)(moved)

    def _take(self, moved: dict[str, Any]) -> None:
        """A hand let go of line, crease or sheet."""
        names = ("angle", "offset", "turn")
        angle, offset, turn = map(float, finite([moved[name] for name in names], (3,)))
        self.put(turn=turn)
        if "neuron" in moved:
            i, net = int(moved["neuron"]), self.current
            w, b = finite(moved["w"], (2,)), float(finite(moved["b"], ()))
            size = float(np.linalg.norm(w))
            degrees = float(np.rad2deg(np.arctan2(w[1], w[0])))
            strength = float(net.output_weights[i] * np.linalg.norm(net.weights[i]))
            self._moves[i] = (degrees, b / size, strength)
            self._fill_neuron_menu(i)
        self._place(angle, offset)

    def _on_click(self, click: dict[str, Any]) -> None:
        direction = straight_line(self.angle.value, 0).direction
        self._place(self.angle.value, click["y"] * direction[0] - click["x"] * direction[1])

    def _place(self, degrees: float, offset: float) -> None:
        self.put(angle=round(2 * degrees) / 2, offset=round(min(max(offset, -3.4), 3.4), 2))
        self.show()

    # ----------------------------------------------------------------- the views

    def make_views(self, theme: Theme) -> list[Any]:
        """From above, and along the line."""
        return [PaperView(theme), CutView(theme)]

    def arrange(self, panels: list[Panel]) -> Any:
        """The sheet in space stands between them."""
        return side_by_side([panels[0], self.hands, panels[1]])

    def draw(self) -> list[Patch]:
        """The sheet and the cut as they are now."""
        self.state = searched(self.current, straight_line(self.angle.value, self.offset.value))
        self.hands.show(**self._in_hand(self.theme))
        covered = bool(self.cover.value)
        self.views = [
            dataclasses.replace(view, span=self._span, covered=covered) for view in self.views
        ]
        for widget in (self.neuron_menu, *self._neuron, self.turn):
            # They would tell what the cover hides; their row stays, so that no picture moves.
            widget.layout.visibility = "hidden" if covered else None
        self.narration.tell(self._sentence(), f"{self.state.queries} queries on this line")
        return [view.patch(self.state) for view in self.views]

    def dispose(self) -> None:
        """Close every widget, the slider of what is turned by hand as well."""
        close_tree(self.turn)
        super().dispose()

    def _sentence(self) -> str:
        kinks = self.state.kinks
        found = "no kink" if not kinks else "1 kink" if len(kinks) == 1 else f"{len(kinks)} kinks"
        start = f"The search found {found} on this line"
        if self.cover.value:
            return "The map is covered. How many neurons has the network at least?"
        total = self.current.n_neurons
        neurons = "1 neuron" if total == 1 else f"{total} neurons"
        if len(kinks) == total:
            return f"{start}: one for each of the {neurons}."
        return f"{start}, and the network has {neurons}: {self._reason(total - len(kinks))}."

    def _reason(self, missing: int) -> str:
        """Why there are fewer kinks than neurons: read off the network, which is open here."""
        network, line = self.current, straight_line(self.angle.value, self.offset.value)
        simple = network.simplify()
        reasons = []
        if simple.n_neurons < network.n_neurons:
            reasons.append("some neurons share a crease or do nothing")
        across = np.abs(simple.weights @ line.direction)
        if (across < 1e-9 * np.linalg.norm(simple.weights, axis=1)).any():
            reasons.append("the line runs parallel to a crease and never meets it")
        if not reasons:
            reasons.append("some creases meet the line in one and the same point")
        return " and ".join(reasons)

    # ------------------------------------------------------------------- sharing

    def extra_rules(self) -> dict[str, share.Rule]:
        """Which neuron was moved where, "2:30:0.5:1;...": number, direction, position, strength."""
        return {"neuron": share.whole_number(0, _MOST_NEURONS), "moved": _moves_rule}

    def extra_values(self) -> dict[str, Any]:
        """The neurons moved so far."""
        moves = [(i + 1, *move) for i, move in self._moves.items()]
        moved = ";".join(":".join(f"{value:.6g}" for value in move) for move in moves)
        chosen = self.neuron_menu.value
        return {"neuron": 0 if chosen == "none" else chosen, "moved": moved}

    def restore(self, values: dict[str, Any]) -> None:
        """Network, line and moved neurons."""
        moves, chosen = values.pop("moved"), values.pop("neuron")
        count = self._networks[values["network"]].n_neurons
        if max([chosen, *(i + 1 for i in moves)]) > count or (count > 0) != (chosen > 0):
            raise InvalidArgument(f"neuron in the share string: this network has {count}")
        self.put(**values)
        self._moves = moves
        self._fill_neuron_menu(max(chosen - 1, 0))


def _moves_rule(text: str) -> dict[int, tuple[float, float, float]]:
    moves = {}
    limits = (number(-180, 180), number(-1e6, 1e6), number(-1e6, 1e6))
    for part in filter(None, text.split(";")):
        index, *rest = part.split(":")
        if len(rest) != 3:
            raise ValueError(f"must be number:direction:position:strength, got {part[:40]!r}")
        place = share.whole_number(1, _MOST_NEURONS)(index) - 1
        a, b, c = (rule(value) for rule, value in zip(limits, rest, strict=True))
        moves[place] = (a, b, c)
    return moves
