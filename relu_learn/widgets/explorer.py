"""The frame of every explorer: controls, a sentence, linked views and a share string."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import ipywidgets
import plotly.graph_objects as go

from relu_learn.asking.errors import InvalidArgument
from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import Theme
from relu_learn.widgets import look, share
from relu_learn.widgets.lifecycle import Messages, close_tree, live_and_die_with_cell
from relu_learn.widgets.narration import Narration
from relu_learn.widgets.panel import Panel
from relu_learn.widgets.style import Styled, side_by_side


class Drawing(Protocol):
    """The least that a panel needs to start: a figure with all its traces, and what it shows."""

    label: str

    def figure(self) -> go.Figure: ...


class Explorer(Styled, ipywidgets.Box):
    """Inputs above, one sentence, linked views, and a share string below.

    A lesson's explorer derives from it and says what its inputs are, which views it has and what
    they show: `make_views`, `draw` and, where an input does more than redraw, `changed`.

    Parameters
    ----------
    inputs : mapping of str to widget
        Everything that a person sets, by its name in the share string. A menu "theme" is added.
    rows : sequence of sequences of widgets
        How the controls are laid out.
    start : mapping of str to object
        Initial values, checked as strictly as a share string; "theme" None is the notebook's.
    between : sequence of widgets
        Put between controls and views (a transport, say).

    Attributes
    ----------
    messages : Messages
        Beside the controls: what was wrong with an input, or with us.
    """

    kind = "explorer"
    _setting = False  # True while we set an input ourselves

    def __init__(
        self,
        inputs: Mapping[str, Any],
        rows: Sequence[Sequence[ipywidgets.Widget]],
        start: Mapping[str, Any],
        *,
        between: Sequence[ipywidgets.Widget] = (),
    ) -> None:
        self.inputs = dict(inputs)
        self.inputs["theme"] = ipywidgets.Dropdown(options=look.CHOICES, description="Theme")
        self._style_widget = ipywidgets.HTML(layout=ipywidgets.Layout(display="none"))
        self.messages, self.share_messages = Messages(), Messages()
        self.narration = Narration()
        fill(self.inputs, {**start, "theme": look.chosen(start["theme"])})
        self.views: list[Any] = self.make_views(self.theme)
        self.panels = [Panel(view.figure(), label=view.label, compact=True) for view in self.views]
        self.share_text = ipywidgets.Text(
            description="Share",
            continuous_update=False,
            layout=ipywidgets.Layout(flex="1 1 auto", width="auto"),
        )

        def shared(change: dict[str, Any]) -> None:
            if not self._setting:
                try:
                    self.reopen(change["new"])
                finally:
                    self._print_share()  # what was refused is told, and does not stay in the field

        self.share_text.observe(self.share_messages.guard(shared), "value")
        for name, widget in self.inputs.items():
            widget.observe(self.messages.guard(self._on_input(name)), "value")
        boxes = [controls(row) for row in rows]
        super().__init__(
            [
                self._style_widget,
                *boxes,
                self.messages,
                *between,
                self.narration,
                self.arrange(self.panels),
                self.share_messages,
                controls([self.share_text, self.inputs["theme"]]),
            ],
            layout=ipywidgets.Layout(width="100%", flex_flow="column", overflow="visible"),
        )
        self.wear(self.theme)
        self.show()
        look.join(self)
        live_and_die_with_cell(self)

    # --------------------------------------------------- what an explorer fills in

    def make_views(self, theme: Theme) -> list[Any]:
        """One drawing for each panel."""
        raise NotImplementedError

    def draw(self) -> list[Patch]:
        """A patch for each panel, after `narration.tell`."""
        raise NotImplementedError

    def changed(self, name: str) -> None:
        """An input was changed by hand (the default does nothing more than draw)."""

    def arrange(self, panels: list[Panel]) -> ipywidgets.Widget:
        """The first view at the left, the others stacked beside it."""
        return side_by_side(panels)

    def extra_rules(self) -> dict[str, share.Rule]:
        """Further entries of the share string, beside the inputs."""
        return {}

    def extra_values(self) -> dict[str, Any]:
        """Their present values."""
        return {}

    def restore(self, values: dict[str, Any]) -> None:
        """Put in the values of a share string, all of them valid one by one.

        If they do not fit together, raise before anything but the inputs is changed.
        """
        self.put(**{name: values[name] for name in self.inputs})

    # ----------------------------------------------------------------- machinery

    @property
    def theme(self) -> Theme:
        """The chosen theme."""
        return look.theme_of(self.look)

    @property
    def look(self) -> str:
        """The name of the look, "auto" included."""
        return str(self.inputs["theme"].value)

    def dress(self, name: str) -> None:
        """Put on another look."""
        self.put(theme=name)
        self.redress()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Inputs set in here are ours: nothing reacts to them."""
        before, self._setting = self._setting, True
        try:
            yield
        finally:
            self._setting = before

    def put(self, **values: Any) -> None:
        """Set inputs without anything reacting to it."""
        with self.quiet():
            for name, value in values.items():
                self.inputs[name].value = value

    def _on_input(self, name: str) -> Any:
        def on_change(change: dict[str, Any]) -> None:
            if self._setting or _as_before(change):
                return
            self.messages.clear()
            self.share_messages.clear()
            if name == "theme":
                look.choose(change["new"])
            else:
                self.changed(name)
                self.show()

        return on_change

    def show(self) -> None:
        """Draw the present settings."""
        for panel, patch in zip(self.panels, self.draw(), strict=True):
            panel.patch(patch)
        self._print_share()

    def redress(self) -> None:
        """Draw everything again in the present theme (or with other views)."""
        self.wear(self.theme)
        self.views = self.make_views(self.theme)
        for panel, view, patch in zip(self.panels, self.views, self.draw(), strict=True):
            panel.replace(view.figure(), patch)
        self._print_share()

    # -------------------------------------------------------------------- sharing

    @property
    def share(self) -> str:
        """Text that reopens exactly this view."""
        values = {name: _text(widget.value) for name, widget in self.inputs.items()}
        return share.write(self.kind, values | self.extra_values())

    def reopen(self, text: str) -> None:
        """Reopen the view that a share string describes; nothing changes if it is malformed."""
        self.share_messages.clear()
        rules = {name: rule_of(widget) for name, widget in self.inputs.items()}
        values = share.read(self.kind, text, rules | self.extra_rules())
        before = {name: widget.value for name, widget in self.inputs.items()}
        try:
            self.restore(values)
        except InvalidArgument:
            self.put(**before)
            raise
        self.messages.clear()
        self.redress()

    def _print_share(self) -> None:
        with self.quiet():
            self.share_text.value = self.share

    def dispose(self) -> None:
        """Close every widget."""
        look.leave(self)
        for panel in self.panels:
            panel.dispose()
        close_tree(self)


# ---------------------------------------------------------------------- controls


def controls(widgets: Iterable[ipywidgets.Widget]) -> ipywidgets.Box:
    """A row of controls that wraps where the page is narrow."""
    row = ipywidgets.Box(list(widgets), layout=ipywidgets.Layout(width="100%"))
    row.add_class("rl-controls")
    return row


def _slider_looks() -> dict[str, Any]:
    """Style and layout of every slider."""
    layout = {"flex": "1 1 12em", "max_width": "32em", "min_width": "12em", "width": "auto"}
    return {"style": {"description_width": "initial"}, "layout": layout}


def slider(
    description: str, low: float, high: float, step: float, form: str = ".2f"
) -> ipywidgets.FloatSlider:
    """A linear slider; zero (or the end nearest to it) is where it starts."""
    return ipywidgets.FloatSlider(
        value=min(max(0.0, low), high),
        min=low,
        max=high,
        step=step,
        description=description,
        readout_format=form,
        **_slider_looks(),
    )


def whole_slider(description: str, low: int, high: int) -> ipywidgets.IntSlider:
    """A slider over whole numbers."""
    return ipywidgets.IntSlider(
        low,
        low,
        high,
        description=description,
        **_slider_looks(),
    )


def log_slider(
    description: str, low: float, high: float, step: float, form: str = ".2g"
) -> ipywidgets.FloatLogSlider:
    """A slider over powers of ten, from 10^low to 10^high."""
    return ipywidgets.FloatLogSlider(
        value=10.0**low,
        min=low,
        max=high,
        step=step,
        description=description,
        readout_format=form,
        **_slider_looks(),
    )


def menu(description: str, options: Sequence[str]) -> ipywidgets.Dropdown:
    """A menu of words; the first one is chosen."""
    return ipywidgets.Dropdown(options=list(options), value=options[0], description=description)


def toggle(description: str, icon: str, tip: str) -> ipywidgets.ToggleButton:
    """A switch."""
    return ipywidgets.ToggleButton(description=description, icon=icon, tooltip=tip)


def number(low: float, high: float) -> share.Rule:
    """Rule of a share string: a number from low to high."""

    def rule(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low * (1 - 1e-6 * (low > 0)) <= value <= high * (1 + 1e-6 * (high > 0)):
            raise ValueError(f"must be a number from {low:g} to {high:g}, got {text[:40]!r}")
        return min(max(value, low), high)

    return rule


def rule_of(widget: Any) -> share.Rule:
    """The rule that a control's own limits make."""
    if isinstance(widget, ipywidgets.FloatLogSlider):
        return number(widget.base**widget.min, widget.base**widget.max)
    if isinstance(widget, ipywidgets.FloatSlider):
        return number(widget.min, widget.max)
    if isinstance(widget, ipywidgets.IntSlider):
        return share.whole_number(widget.min, widget.max)
    if isinstance(widget, ipywidgets.ToggleButton):
        return share.switch
    return share.one_of(*widget.options)


def fill(inputs: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Set inputs, each value checked against the limits of its control.

    Raises
    ------
    InvalidArgument
        Naming the input and its rule.
    """
    for name, value in values.items():
        try:
            inputs[name].value = rule_of(inputs[name])(_text(value))
        except ValueError as error:
            raise InvalidArgument(f"{name} {error}") from None


def _as_before(change: dict[str, Any]) -> bool:
    """Whether the page only rounded a slider's value to its steps (0.1 + 0.2 and 0.3)."""
    old, new = change["old"], change["new"]
    floats = isinstance(old, float) and isinstance(new, float)
    return floats and math.isclose(old, new, rel_tol=1e-9, abs_tol=1e-14)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)
