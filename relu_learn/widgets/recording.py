"""Saved runs: a file from the disk of whoever sits at the page, checked before it is shown."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable
from typing import Any

import ipywidgets

from relu_learn.asking.errors import InvalidArgument
from relu_learn.figures.line import SliceView
from relu_learn.figures.loss import LossView
from relu_learn.figures.neurons import NeuronsView
from relu_learn.figures.plane import PlaneView
from relu_learn.figures.run_view import RunView
from relu_learn.telling.trace import Trace


def read_trace(name: str, content: bytes) -> Trace:
    """The trace in an uploaded file.

    Raises
    ------
    InvalidArgument
        In one sentence that names the file: damaged, no trace at all, or of another version.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "trace")
        path.write_bytes(content)
        try:
            return Trace.load(path)
        except InvalidArgument as error:
            raise InvalidArgument(f"{name} {str(error).removeprefix('path ')}") from None


def replay(trace: Trace) -> RunView:
    """All states of a trace, each of which can be drawn.

    Raises
    ------
    InvalidArgument
        If it ends before its first line, or its parts do not fit together.
    """
    if trace.dim is None or trace.n_outputs is None:
        raise InvalidArgument("trace must reach its first line: there is nothing to show")
    run = RunView(trace, trace.dim, trace.n_outputs)
    try:
        run.finish()
        views = (PlaneView() if trace.dim == 2 else NeuronsView(), SliceView(), LossView())
        for state in map(run.reach, range(len(run))):
            for view in views:
                view.patch(state)
    except Exception as error:  # a file that was changed by hand can break anything
        raise InvalidArgument(f"trace must fit together: {error}") from error
    return run


class TraceUpload(ipywidgets.FileUpload):
    """A button that asks for a file and hands over the trace in it.

    Parameters
    ----------
    loaded : callable
        ``loaded(trace)``; what it or the reading raises goes to `guard`'s place.
    guard : callable
        Wraps a callback so that its exceptions are shown (`Messages.guard`).
    """

    def __init__(self, loaded: Callable[[Trace], None], guard: Callable[..., Any]) -> None:
        super().__init__(
            accept=".npz,.trace",
            description="Load a run",
            tooltip="A file written by Trace.save or relu-learn demo --save-trace",
        )
        self.add_class("rl-upload")  # the button counts files, which our style leaves out
        self._loaded = loaded
        self.observe(guard(self._arrived), "value")

    def _arrived(self, change: dict[str, Any]) -> None:
        if not change["new"]:
            return
        file = change["new"][0]
        self.value = ()  # so that the same file can be chosen again
        self._loaded(read_trace(file["name"], bytes(file["content"])))
