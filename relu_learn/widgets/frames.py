"""What a front end needs that gives every output a frame of its own: Colab."""

from __future__ import annotations

import sys
from typing import Any

_VIEW = "application/vnd.jupyter.widget-view+json"


def manager_metadata() -> dict[str, Any]:
    """Where an output's frame finds a manager for widgets that are not ipywidgets' own.

    Colab adds it to what `display` shows, and not to the value of a cell's last line.
    """
    output = sys.modules.get("google.colab.output")
    url = getattr(getattr(output, "_widgets", None), "_installed_url", None)
    return {_VIEW: {"colab": {"custom_widget_manager": {"url": url}}}} if url else {}


class Framed:
    """Mixin for a widget that is displayed by itself, before the ipywidgets class."""

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data = super()._repr_mimebundle_(**options)  # type: ignore[misc]
        return data, manager_metadata()
