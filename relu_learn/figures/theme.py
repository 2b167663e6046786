"""Looks: one table of roles, so that a colour means the same thing in every picture.

The colours are the Okabe-Ito palette, which people with any of the common colour vision
deficiencies can tell apart; each role also has a dash or a marker of its own, for the projector
with a dying lamp and the black-and-white print.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import plotly.graph_objects as go

from relu_learn.asking.errors import InvalidArgument

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PINK = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"


@dataclasses.dataclass(frozen=True)
class Theme:
    """Colours of the roles and sizes of letters, lines and dots.

    Attributes
    ----------
    name : str
    paper, ink, faint, unknown : str
        Background, text, lines that should not catch the eye, and what nobody knows yet.
    line, crease, probe, open, truth, query : str
        Roles: the current line and its slice; critical points and hyperplanes found; gradients
        measured; intervals still open; the revealed secret; a query.
    scale : tuple of str
        Colours of the heat map: of the least value, of zero, of the largest. Pale, so that what
        lies on it stands out.
    height : int
        Of a full figure, in pixels; two half figures are stacked beside it.
    font_size : int
        Pixels, also for the widgets around the figures.
    line_width, marker_size : float
    """

    name: str
    paper: str
    ink: str
    faint: str
    unknown: str
    line: str
    crease: str
    probe: str
    open: str
    truth: str
    query: str
    scale: tuple[str, ...]
    height: int = 470
    font_size: int = 14
    line_width: float = 2.5
    marker_size: float = 6

    @property
    def is_large(self) -> bool:
        """Whether letters leave little room beside a figure."""
        return self.font_size >= 17

    @property
    def colorscale(self) -> list[list[float | str]]:
        """The heat map's colours as plotly wants them."""
        return [[i / (len(self.scale) - 1), color] for i, color in enumerate(self.scale)]

    def marker(self, role: str, size: float = 1.0, **more: Any) -> dict[str, Any]:
        """The marker of a role: "query", "probe", "crease" (a kink), "test" or "now"."""
        size *= self.marker_size
        edge = {"width": 1, "color": self.paper}
        markers = {
            "query": {"size": size, "color": self.query, "line": edge},
            "probe": {"size": 2 * size, "symbol": "triangle-up", "color": self.probe, "line": edge},
            "crease": {"size": 1.9 * size, "symbol": "diamond", "color": self.crease}
            | {"line": {"width": 1.5, "color": self.paper}},
            "test": {"size": size, "symbol": "x-thin", "opacity": 0.6}
            | {"line": {"width": 1.2, "color": self.query}},
            "now": {"size": 2.6 * size, "symbol": "circle-open", "color": self.line}
            | {"line": {"width": self.line_width}},
        }
        return {**markers[role], **more}

    def crowded(self, role: str, count: int, many: int) -> dict[str, Any]:
        """Size and edge of the markers of a role for a patch: smaller and bare in a crowd."""
        marker = self.marker(role, 0.6 if count > many else 1.0)
        width = 0 if count > many else marker["line"]["width"]
        return {"marker.size": marker["size"], "marker.line.width": width}

    @property
    def template(self) -> go.layout.Template:
        """The plotly template: fonts, background, axes, margins, no accidental zooming."""
        size = self.font_size
        axis = {
            "gridcolor": self.faint,
            "linecolor": self.faint,
            "zerolinecolor": self.faint,
            "zeroline": False,
            "automargin": True,
            "title": {"standoff": 6, "font": {"size": size}},
        }
        return go.layout.Template(
            layout={
                "font": {"family": "sans-serif", "size": size, "color": self.ink},
                "title": {"font": {"size": size + 1}, "x": 0, "xref": "paper", "xanchor": "left"},
                "paper_bgcolor": self.paper,
                "plot_bgcolor": self.paper,
                "margin": {"l": 10, "r": round(1.3 * size), "t": round(2.1 * size), "b": 10},
                "xaxis": axis,
                "yaxis": axis,
                "legend": {"bgcolor": "rgba(0,0,0,0)", "font": {"size": size}},
                "hoverlabel": {"font": {"size": size}},
                "dragmode": False,
            }
        )


_LIGHT = Theme(
    name="light",
    paper="#ffffff",
    ink="#1a1a1a",
    faint="#d9d9d9",
    unknown="#f0f0f0",
    line=VERMILLION,
    crease=BLUE,
    probe=GREEN,
    open=ORANGE,
    truth=BLACK,
    query="#333333",
    scale=("#8fb9de", "#ffffff", "#ecbd5a"),
)
THEMES = {
    "light": _LIGHT,
    "dark": dataclasses.replace(
        _LIGHT,
        name="dark",
        paper="#16191d",
        ink="#ececec",
        faint="#3c434b",
        unknown="#23282e",
        line="#ff8a3d",
        crease=SKY,
        probe="#2fd3a5",
        open=ORANGE,
        truth="#ffffff",
        query="#d8d8d8",
        scale=("#2c6091", "#16191d", "#8d6a1e"),
    ),
    "projector": dataclasses.replace(
        _LIGHT,
        name="projector",
        ink="#000000",
        height=390,  # with the controls around it, what a 720 pixel high screen holds
        faint="#bfbfbf",
        unknown="#ececec",
        query="#1a1a1a",
        font_size=18,
        line_width=4,
        marker_size=9,
    ),
}


def get_theme(name: str) -> Theme:
    """The theme called "light", "dark" or "projector"."""
    if name not in THEMES:
        raise InvalidArgument(f"theme must be one of {', '.join(THEMES)}, got {name!r}")
    return THEMES[name]


_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def number(value: float) -> str:
    """A number short enough to read from the last row: 0.37, 12.5, 1,350, 4.1 × 10⁻²⁴.

    Unicode, because LaTeX in a plotly title stays blank in JupyterLab; and never broken over lines.
    """
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "–"
    if 99.95 <= abs(value) < 9999.5:
        return f"{value:,.0f}".replace("-", "−")
    if value == 0 or 1e-2 <= abs(value) < 100:
        return f"{value:.3g}".replace("-", "−")
    mantissa, exponent = f"{value:.1e}".split("e")
    power = str(int(exponent)).translate(_SUPERSCRIPT)
    return f"{mantissa}\u00a0×\u00a010{power}".replace("-", "−")


def nice_step(span: float, most: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that cuts `span` into at most that many."""
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(f * power for f in (1.0, 2.0, 5.0, 10.0) if span / (f * power) <= most * (1 + 1e-9))


def power_ticks(low: int, high: int, most: int = 5) -> tuple[list[float], list[str]]:
    """Ticks for a logarithmic axis between 10^low and 10^high: few, and labelled 10ⁿ."""
    step = round(nice_step(high - low, most)) if high - low > most else 1
    powers = range(-(-low // step) * step, high + 1, step)
    return [10.0**p for p in powers], [f"10{str(p).translate(_SUPERSCRIPT)}" for p in powers]
