"""Boards: a few controls, a sentence, and panels that are redrawn from one method.

The common part of every explorer that has no transport: themes, messages beside the controls,
errors in sight, one refresh for all panels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import ipywidgets
import plotly.graph_objects as go

from relu_learn.asking.errors import InvalidArgument
from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import Theme
from relu_learn.widgets import look
from relu_learn.widgets.lifecycle import Messages, close_tree, live_and_die_with_cell
from relu_learn.widgets.narration import Narration
from relu_learn.widgets.panel import Panel
from relu_learn.widgets.style import Styled, side_by_side

C = TypeVar("C")


class Chart(Protocol):
    """A figure in one theme; what a board draws on it comes as patches."""

    @property
    def label(self) -> str:
        """For those who cannot see the figure."""

    def figure(self) -> go.Figure:
        """The empty figure, with every trace that will be needed."""


class Board(Styled, ipywidgets.Box):
    """A box of controls above panels.

    A subclass makes its controls, calls ``super().__init__`` and implements `patches`. Its
    callbacks go through `on`, which shows their exceptions and redraws afterwards.

    Parameters
    ----------
    charts : sequence of callable
        Each makes a chart for a theme.
    controls : sequence of sequence of Widget
        Rows of controls; the theme menu is added to number `theme_row`.
    theme : str
        "auto", "light", "dark" or "projector"; the notebook's choice when omitted.
    grow : sequence of int, optional
        Relative widths of the panels.
    least : int
        Width in pixels below which panels stack.
    extra : sequence of Widget
        Put below the panels.
    """

    plane = False  # whether the first panel is one: as high as there is room, the others beside it

    def __init__(
        self,
        charts: Sequence[Callable[[Theme], Chart]],
        controls: Sequence[Sequence[ipywidgets.Widget]],
        theme: str | None = None,
        *,
        grow: Sequence[int] | None = None,
        least: int = 420,
        theme_row: int = -1,
        extra: Sequence[ipywidgets.Widget] = (),
    ) -> None:
        self.look = look.chosen(theme)
        self.theme = look.theme_of(self.look)
        self._make_charts = list(charts)
        self.charts = [make(self.theme) for make in charts]
        self._style_widget = ipywidgets.HTML(layout=ipywidgets.Layout(display="none"))
        self.messages = Messages()
        self.narration = Narration()
        self.theme_menu = ipywidgets.Dropdown(
            options=look.CHOICES, value=self.look, description="Theme"
        )
        self.theme_menu.observe(self.messages.guard(self._on_theme), "value")
        rows = [list(row) for row in controls]
        rows[theme_row].append(self.theme_menu)
        boxes = []
        for row in rows:
            box = ipywidgets.Box(row)
            box.add_class("rl-controls")
            boxes.append(box)
        self.panels = [Panel(c.figure(), label=c.label, compact=True) for c in self.charts]
        views = side_by_side(self.panels) if self.plane else self._row(grow, least)
        super().__init__(
            [self._style_widget, *boxes, self.messages, self.narration, views, *extra],
            layout=ipywidgets.Layout(width="100%", flex_flow="column", overflow="visible"),
        )
        self.wear(self.theme)
        self.refresh()
        look.join(self)
        live_and_die_with_cell(self)

    def _row(self, grow: Sequence[int] | None, least: int) -> ipywidgets.Box:
        for panel, share in zip(self.panels, grow or [1] * len(self.panels), strict=True):
            panel.layout.flex, panel.layout.width = f"{share} 1 {least}px", "auto"
        row = ipywidgets.Box(self.panels)
        row.add_class("rl-row")
        return row

    def patches(self) -> Sequence[Patch]:
        """What the panels show now, one patch each; also the place to call `tell`."""
        raise NotImplementedError

    def chart(self, kind: type[C], index: int = 0) -> C:
        """Chart number `index`, which is of that kind."""
        found = self.charts[index]
        assert isinstance(found, kind)
        return found

    def tell(self, sentence: str, facts: str = "") -> None:
        """The sentence above the panels."""
        self.narration.tell(sentence, facts)

    def refresh(self) -> None:
        """Draw what changed."""
        for panel, patch in zip(self.panels, self.patches(), strict=True):
            panel.patch(patch)

    def on(self, widget: ipywidgets.Widget, act: Callable[[Any], object] | None = None) -> None:
        """When `widget` is pressed or gets a value: act on it, then redraw."""

        def react(value: Any) -> None:
            self.messages.clear()
            if act is not None:
                act(value)
            self.refresh()

        if isinstance(widget, ipywidgets.Button):
            widget.on_click(self._guard(react))
        else:
            widget.observe(self._guard(lambda change: react(change["new"])), "value")

    def _guard(self, callback: Callable[[Any], None]) -> Callable[[Any], None]:
        # Controls exist before the box, and so before its messages: look them up when needed.
        def guarded(value: Any) -> None:
            self.messages.guard(callback)(value)

        return guarded

    def _on_theme(self, change: dict[str, Any]) -> None:
        if change["new"] != self.look:
            look.choose(change["new"])

    def dress(self, name: str) -> None:
        """Put on another look."""
        self.look = name
        self.theme_menu.value = name
        self.theme = look.theme_of(name)
        self.charts = [make(self.theme) for make in self._make_charts]
        self.wear(self.theme)
        for panel, chart, patch in zip(self.panels, self.charts, self.patches(), strict=True):
            panel.replace(chart.figure(), patch)

    def dispose(self) -> None:
        """Close every widget."""
        look.leave(self)
        for panel in self.panels:
            panel.dispose()
        close_tree(self)


def slider(description: str, values: Sequence[Any], value: Any, width: str = "330px") -> Any:
    """A slider over a few values, each a number or a pair (text, value)."""
    known = [v[1] if isinstance(v, tuple) else v for v in values]
    if value not in known:
        raise InvalidArgument(f"{description} must be one of {known}, got {value!r}")
    return ipywidgets.SelectionSlider(
        options=list(values),
        value=value,
        description=description,
        layout=ipywidgets.Layout(width=width),
    )


def button(text: str, icon: str, tip: str) -> ipywidgets.Button:
    """A button."""
    return ipywidgets.Button(description=text, icon=icon, tooltip=tip)
