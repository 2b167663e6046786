"""The look of the controls around the figures: the figure's theme, handed to the widgets' CSS."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets

from relu_learn.figures.theme import Theme
from relu_learn.widgets import still
from relu_learn.widgets.frames import Framed

_RULES = """
.rl-root.{root} {{
  --jp-widgets-color: {ink}; --jp-widgets-label-color: {ink};
  --jp-widgets-font-size: {size}px; --jp-widgets-inline-height: {line}px;
  --jp-widgets-input-background-color: {paper}; --jp-widgets-input-color: {ink};
  --jp-widgets-input-border-color: {edge}; --jp-widgets-input-focus-border-color: {accent};
  --jp-ui-font-color1: {ink}; --jp-content-font-color1: {ink}; --jp-layout-color2: {soft};
  --jp-ui-font-color0: {ink}; --jp-ui-font-size1: {size}px;
  background: {paper}; color: {ink}; font-size: {size}px;
  color-scheme: {scheme}; padding: 4px 6px; border-radius: 4px; box-sizing: border-box;
}}
.{root} .jupyter-button {{
  width: auto; min-width: 4em; padding: 0 7px; border: 1px solid {edge};
}}
.{root} .jupyter-button.mod-active {{ background: {accent}; color: {paper}; }}
.{root} .widget-label {{ width: auto; padding-right: 6px; }}
.{root} .widget-dropdown, .{root} .widget-text {{ width: auto; }}
.{root} .widget-readout {{ color: {ink}; }}
.{root} .rl-scrubber {{ display: flex; align-items: center; gap: 8px; }}
.{root} .rl-scrubber label {{ display: flex; align-items: center; gap: 8px; flex: 1; }}
.{root} .rl-scrubber input {{
  flex: 1; min-width: 40px; width: 40px; accent-color: {accent}; height: {line}px;
}}
.{root} .rl-scrubber-text {{
  min-width: 3.8em; white-space: nowrap; font-variant-numeric: tabular-nums;
}}
.{root} select option {{ background: {paper}; color: {ink}; }}
.{root} :focus-visible {{ outline: 3px solid {focus}; outline-offset: 1px; }}
.{root} .rl-narration {{ font-size: {big}px; line-height: 1.25; min-height: {room}px; }}
.{root} .rl-facts {{ color: {ink}; opacity: 0.75; font-size: {size}px; }}
.{root} .rl-messages [role=alert] {{
  border-left: 4px solid {focus}; padding: 2px 8px; font-size: {size}px; line-height: 1.35;
  white-space: normal;
}}
.{root} .rl-upload {{ font-size: 0; }}
.{root} .rl-upload i, .{root} .rl-upload::after {{ font-size: {size}px; }}
.{root} .rl-upload::after {{ content: "Load a run"; }}
.{root} .rl-controls {{ flex-flow: row wrap; align-items: center; gap: 2px 6px; }}
"""


def stylesheet(theme: Theme) -> str:
    """CSS for everything inside an element with the classes `rl-root` and `rl-<theme>`."""
    return _RULES.format(
        root=f"rl-{theme.name}",
        ink=theme.ink,
        paper=theme.paper,
        edge=theme.faint,
        soft=theme.unknown,
        accent=theme.crease,
        focus=theme.line,
        size=theme.font_size,
        big=theme.font_size + 2,
        line=theme.font_size + 14,  # JupyterLab's own 28 pixels for letters of 14
        scheme="dark" if theme.name == "dark" else "light",
        room=round(2 * 1.25 * (theme.font_size + 2)),
    )


def side_by_side(panels: Sequence[ipywidgets.Widget]) -> ipywidgets.Box:
    """The first view at the left, the others stacked beside it (see panel.css)."""
    first, *others = panels
    side = ipywidgets.Box(others)
    side.add_class("rl-side")
    box = ipywidgets.Box([first, side] if others else [first])
    box.add_class("rl-views")
    return box


class Styled(Framed):
    """Mixin for a box that wears a theme."""

    _style_widget: ipywidgets.HTML

    @property
    def still_name(self) -> str:
        """Which picture stands for it where there is no kernel."""
        return type(self).__name__

    def _ipython_display_(self) -> None:
        still.show(self, still.bundles(self.still_name))

    def wear(self, theme: Theme) -> None:
        """Put on a theme, and take off the one before."""
        box: ipywidgets.Box = self
        kept = [name for name in box._dom_classes if not name.startswith("rl-")]
        box._dom_classes = (*kept, "rl-root", f"rl-{theme.name}")
        self._style_widget.value = f"<style>{stylesheet(theme)}</style>"
