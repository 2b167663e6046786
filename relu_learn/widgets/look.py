"""The look of a notebook: chosen once for all widgets, or the front end's own, light or dark."""

from __future__ import annotations

import weakref
from typing import Protocol

from relu_learn.asking.errors import InvalidArgument
from relu_learn.figures.theme import THEMES, Theme
from relu_learn.widgets.library import PlotlyLibrary

AUTO = "auto"
CHOICES = (AUTO, *THEMES)


class Wearer(Protocol):
    """A widget that can be dressed in another look."""

    @property
    def look(self) -> str:
        """What was chosen for it."""

    def dress(self, name: str) -> None:
        """Put on the look of that name."""


_wearers: weakref.WeakSet[Wearer] = weakref.WeakSet()
_chosen = AUTO


def chosen(name: str | None = None) -> str:
    """The look of that name, or, without one, what was chosen for the notebook."""
    if name is None:
        return _chosen
    if name not in CHOICES:
        raise InvalidArgument(f"theme must be one of {', '.join(CHOICES)}, got {name!r}")
    return name


def theme_of(name: str | None) -> Theme:
    """The theme of a look (None: of the notebook's); "auto" is dark if the page is."""
    name = chosen(name)
    if name == AUTO:
        return THEMES["dark" if PlotlyLibrary.page_is_dark() else "light"]
    return THEMES[name]


def choose(name: str) -> None:
    """Dress every widget of the notebook, and those to come.

    Parameters
    ----------
    name : str
        "auto" (as the front end, light or dark), "light", "dark" or "projector".
    """
    global _chosen
    _chosen = chosen(name)
    for wearer in list(_wearers):
        wearer.dress(name)


def join(wearer: Wearer) -> None:
    """From now on `wearer` is dressed with the others."""
    _wearers.add(wearer)


def leave(wearer: Wearer) -> None:
    """Not any more."""
    _wearers.discard(wearer)


def _page_changed() -> None:
    for wearer in list(_wearers):
        if wearer.look == AUTO:
            wearer.dress(AUTO)


PlotlyLibrary.watchers.append(_page_changed)
