"""Widgets that go away: with their cell, with everything they own, and never with an exception.

A widget lives on both sides of a wire, and neither side forgets it by itself. Three habits keep a
notebook that is run again and again as light as on its first run, and its errors in sight.
"""

from __future__ import annotations

import functools
import html
import traceback
import weakref
from collections.abc import Callable
from typing import Any, Protocol

import ipywidgets
from IPython.core.getipython import get_ipython

from relu_learn.asking.errors import ReluLearnError
from relu_learn.widgets.frames import Framed


class Disposable(Protocol):
    """Anything that can give back all it holds."""

    def dispose(self) -> None: ...


_of_cell: dict[str, tuple[int, weakref.WeakSet[Any]]] = {}


def _current_cell() -> tuple[str, int] | None:
    shell = get_ipython()
    kernel = getattr(shell, "kernel", None)
    if shell is None or kernel is None:
        return None
    metadata = (kernel.get_parent() or {}).get("metadata") or {}
    cell = metadata.get("cellId")
    return (str(cell), int(shell.execution_count)) if cell else None


def live_and_die_with_cell(thing: Disposable) -> None:
    """Dispose of `thing` when the cell that made it runs again (outside a notebook: never)."""
    current = _current_cell()
    if current is None:
        return
    cell, run = current
    last_run, things = _of_cell.get(cell, (run, weakref.WeakSet()))
    if last_run != run:
        for old in list(things):
            old.dispose()
        things = weakref.WeakSet()
    things.add(thing)
    _of_cell[cell] = (run, things)


def close_tree(widget: ipywidgets.Widget) -> None:
    """Close a widget with its children, layouts and styles: `close()` alone leaves them open."""
    for child in getattr(widget, "children", ()):
        close_tree(child)
    parts = [getattr(widget, name, None) for name in ("layout", "style")]
    widget.unobserve_all()
    widget.close()
    for part in parts:
        if isinstance(part, ipywidgets.Widget):
            part.close()


class Messages(Framed, ipywidgets.HTML):
    """The place beside a control where a sentence says what was wrong with the input.

    An exception in a callback reaches neither a cell nor a test: `guard` brings it here.
    """

    def __init__(self) -> None:
        super().__init__("", layout=ipywidgets.Layout(display="none", margin="2px 0"))
        self.add_class("rl-messages")

    def say(self, sentence: str, details: str = "") -> None:
        """Show a sentence, announced to screen readers; "" clears the place."""
        if not sentence:
            self.value, self.layout.display = "", "none"
            return
        more = (
            f"<details><summary>details</summary><pre>{html.escape(details)}</pre></details>"
            if details
            else ""
        )
        self.value = f'<div role="alert">{html.escape(sentence)}{more}</div>'
        self.layout.display = None

    def clear(self) -> None:
        """Take the message away."""
        self.say("")

    def report(self, error: BaseException) -> None:
        """Show an exception: ours as its sentence, any other with the traceback folded."""
        if isinstance(error, ReluLearnError):
            self.say(str(error))
            return
        details = "".join(traceback.format_exception(error))
        self.say(f"Something went wrong in this widget: {type(error).__name__}: {error}", details)

    def guard(self, callback: Callable[..., None]) -> Callable[..., None]:
        """Wrap a callback so that its exceptions are shown here instead of getting lost."""

        @functools.wraps(callback)
        def guarded(*args: Any, **kwargs: Any) -> None:
            try:
                callback(*args, **kwargs)
            except Exception as error:  # whatever it is, the person at the screen must see it
                self.report(error)

        return guarded
