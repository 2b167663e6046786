"""Animations: the states of a run as the frames of one plotly figure, which needs no kernel.

A frame holds only what differs from the frame before it, and names that one as its base: plotly.js
adds them up, so that the slider can jump to any of them. The first frame holds the value of
everything that ever changes.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from relu_learn.asking.errors import InvalidArgument
from relu_learn.figures.line import SliceView
from relu_learn.figures.loss import LossView
from relu_learn.figures.mosaic import Cell, Mosaic, letters, wrapped
from relu_learn.figures.neurons import NeuronsView
from relu_learn.figures.patch import Patch, assign, patched, path_keys
from relu_learn.figures.plane import PlaneView
from relu_learn.figures.run_view import RunView, State, squeezed
from relu_learn.figures.theme import THEMES, Theme
from relu_learn.figures.view import View
from relu_learn.network import ReluNetwork
from relu_learn.telling import events as ev
from relu_learn.telling.trace import Trace

MOST_FRAMES = 250
READING = 1500  # milliseconds for one frame: a short sentence; Pause is for the others
HURRY = 300
MOST_DOTS = 400  # of one kind: more cannot be told apart, and every frame carries them
_DIGITS = 4  # of coordinates and map values: finer than a pixel
_MOST_WEIGHTS = 20_000  # cells in the table of weights, which many frames carry

Changes = dict[tuple[int, str], Any]  # (trace, or LAYOUT) and path -> value
LAYOUT = -1


_RIGHT = (0.54, 1.0)
SIDE_BY_SIDE = (Cell((0.0, 0.37), (0.0, 1.0)), Cell(_RIGHT, (0.64, 1.0)), Cell(_RIGHT, (0.0, 0.34)))
# One below the other, on a telephone.
STACKED = tuple(Cell((0.0, 1.0), rows) for rows in ((0.62, 1.0), (0.31, 0.52), (0.0, 0.21)))


def views_of(
    run: RunView,
    secret: ReluNetwork | None,
    theme: Theme,
    cells: Sequence[Cell] = SIDE_BY_SIDE,
) -> Mosaic:
    """The player's linked views of a run, as one view.

    Parameters
    ----------
    run : RunView
        Recorded to its end.
    secret : ReluNetwork, optional
        With it the loss is known exactly.
    theme : Theme
    """
    last = run[len(run) - 1].hypothesis
    first: View = NeuronsView(theme, most=min(64, max(8, _MOST_WEIGHTS // (last.dim + 2))))
    if last.dim == 2:
        first = PlaneView(theme)
        known = secret if secret is not None else None if last.is_empty else last.network
        if known is not None:  # the same colours for the same values from beginning to end
            z = first.values(known)
            low, high = float(z.min()), float(z.max())
            first = PlaneView(theme, span=(low, high) if low < high else (low - 0.5, high + 0.5))
    return Mosaic([first, SliceView(theme), LossView(theme, secret)], cells, theme)


def animation(
    trace: Iterable[ev.Event],
    *,
    secret: ReluNetwork | None = None,
    theme: Theme = THEMES["light"],
    frames: int = MOST_FRAMES,
) -> go.Figure:
    """A recorded run as a figure with frames, a slider, and buttons to play and pause.

    Parameters
    ----------
    trace : Trace or iterable of Event
        A run from its beginning, finished or not.
    secret : ReluNetwork, optional
        The loss is then known, and the last frame reveals the secret.
    theme : Theme
    frames : int
        At most this many events are drawn, evenly chosen, the first and the last among them.

    Returns
    -------
    go.Figure
        Runs in any page that has plotly.js.

    Raises
    ------
    InvalidArgument
        If the trace is empty or lacks its beginning, or if the secret has another size.
    """
    if frames < 2:
        raise InvalidArgument(f"frames must be at least 2, got {frames}")
    run = recorded(trace, secret)
    secret = None if secret is None else squeezed(secret)
    view = views_of(run, secret, theme)
    last = len(run) - 1
    chosen = np.unique(np.linspace(0, last, min(frames, last + 1)).round().astype(int))
    steps = [(str(i), _step(view, run, i)) for i in chosen.tolist()]
    if secret is not None:
        steps.append(("secret", _step(view, run, last, secret)))
    figure = _with_narration(view.figure(), theme)
    start, *later = deltas(figure, [patch for _, patch in steps])
    names = [name for name, _ in steps]
    figure = _assigned(figure, start)
    figure.update_layout(_transport(names, theme))
    figure.frames = [_frame(figure, names[0], start)] + [
        _frame(figure, name, changes, base)
        for base, name, changes in zip(names, names[1:], later, strict=False)
    ]
    return figure


def recorded(trace: Iterable[ev.Event], secret: ReluNetwork | None = None) -> RunView:
    """The states of a recorded run; a secret, if there is one, must have its size."""
    events = Trace(trace)
    if events.dim is None or not isinstance(events[0], (ev.LineDrawn, ev.RunStarted)):
        raise InvalidArgument(f"trace must be a run from its first line on, got {events!r}")
    # A run that stopped at once had not seen yet how many numbers an answer has.
    size = (events.dim, events.n_outputs or (1 if secret is None else secret.n_outputs))
    if secret is not None and (secret.dim, secret.n_outputs) != size:
        raise InvalidArgument(
            f"secret must have the run's {size[0]} inputs and {size[1]} outputs, got {secret!r}"
        )
    run = RunView(events, *size)
    try:
        run.finish()
    except Exception as error:  # a file that was changed by hand can break anything
        raise InvalidArgument(f"trace must fit together: {error}") from error
    return run


# -------------------------------------------------------------------- narration


def _step(view: Mosaic, run: RunView, index: int, secret: ReluNetwork | None = None) -> Patch:
    """All of one frame: the views and the sentence."""
    state = run[index]
    text = _narration(state, len(run) - 1, secret is not None, view.theme.font_size)
    return view.patch(state, secret) | Patch(layout={f"annotations[{len(view.views)}].text": text})


def _narration(state: State, last: int, revealed: bool, size: int) -> str:
    """Counters, and one sentence about what happened, as plotly's HTML."""
    counters = [f"Event {state.index} of {last}", f"{state.queries:,} queries"]
    if state.event is not None:
        counters.append(state.event.procedure)
    sentence = state.narration
    if state.event is None:
        sentence = "Nothing is known yet. Press Play, or move the slider."
    elif revealed:
        sentence = "The curtain is raised: this is the secret itself, beside what was found."
    elif state.index == last and not state.is_final:
        sentence += " Here the run stopped, before its end."
    bold = f"<b>{html.escape(sentence, quote=False)}</b>"
    return f"{' · '.join(counters)}<br>{wrapped(bold, letters(0.95, size + 3))}"


def _with_narration(figure: go.Figure, theme: Theme) -> go.Figure:
    """Room above the figure for the narration, and below it for slider and legend."""
    size = theme.font_size
    room = 7 * size  # for three lines of narration, and a title
    figure.add_annotation(
        text="",
        xref="paper",
        yref="paper",
        x=0,
        y=1,
        xanchor="left",
        yanchor="top",
        yshift=room,
        align="left",
        showarrow=False,
        font={"size": size + 3},
    )
    figure.update_layout(
        margin={"l": 4 * size, "r": size, "t": room, "b": round(9.5 * size)},
        legend={"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
    )
    return figure


# -------------------------------------------------------------------- transport


def _transport(names: Sequence[str], theme: Theme) -> dict[str, Any]:
    """Buttons and slider; what they do is plotly's own, no script of ours."""
    size = theme.font_size

    def options(milliseconds: int, **more: Any) -> dict[str, Any]:
        # Maps are redrawn, not moved: without `redraw` plotly.js would leave them as they are.
        frame = {"duration": milliseconds, "redraw": True}
        return {"frame": frame, "transition": {"duration": 0}, "mode": "immediate", **more}

    def button(label: str, *arguments: Any) -> dict[str, Any]:
        return {"label": label, "method": "animate", "args": list(arguments)}

    buttons = [
        button("Play", None, options(READING, fromcurrent=True)),
        button("Fast", None, options(HURRY, fromcurrent=True)),
        button("Pause", [None], options(0)),
    ]
    steps = [button(name, [name], options(0)) for name in names]
    below = {"x": 0, "y": 0, "xanchor": "left", "yanchor": "top"}
    return {
        "updatemenus": [
            {**below, "type": "buttons", "direction": "left", "showactive": False}
            | {"buttons": buttons, "pad": {"t": round(3.4 * size)}, "font": {"size": size}}
            | {"bgcolor": theme.paper, "bordercolor": theme.ink}
        ],
        "sliders": [
            {**below, "steps": steps, "active": 0, "x": 0.3, "len": 0.7}
            | {"pad": {"t": round(3.4 * size)}, "currentvalue": {"visible": False}}
            | {"bgcolor": theme.unknown, "bordercolor": theme.ink, "tickcolor": theme.ink}
            | {"activebgcolor": theme.line, "font": {"size": size - 2}}
        ],
    }


# ----------------------------------------------------------------------- frames


def deltas(figure: go.Figure, patches: Iterable[Patch]) -> list[Changes]:
    """What each patch changes, after those before it; the first: all that ever changes.

    Numbers come out as lists, rounded to what can be seen.
    """
    all_changes = [_flat(patch) for patch in patches]
    tree = [trace.to_plotly_json() for trace in figure.data]
    layout = figure.layout.to_plotly_json()
    now: Changes = {}
    for changes in all_changes:
        for trace, path in changes:
            if (trace, path) not in now:
                now[trace, path] = _lookup(layout if trace == LAYOUT else tree[trace], path)
    now |= all_changes[0]
    found = [dict(now)]
    for changes in all_changes[1:]:
        found.append({key: value for key, value in changes.items() if now[key] != value})
        now |= changes
    return found


def _flat(patch: Patch) -> Changes:
    """A patch as one dictionary of plain, compact values."""
    flat: Changes = {(LAYOUT, path): _plain(value) for path, value in patch.layout.items()}
    for trace, changes in patch.traces.items():
        sparse = _sparse(changes)
        flat |= {(trace, path): _plain(value) for path, value in sparse.items()}
    return flat


def _sparse(changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """A cloud of dots, evenly thinned; other traces as they are."""
    count = len(changes.get("x", ()))
    if "marker.size" not in changes or count <= MOST_DOTS:
        return changes
    kept = np.linspace(0, count - 1, MOST_DOTS).round().astype(int)
    return {**changes, **{axis: np.asarray(changes[axis])[kept] for axis in "xy"}}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return value


def _lookup(tree: Any, path: str) -> Any:
    for key in path_keys(path):
        try:
            tree = tree[key]
        except (KeyError, IndexError):
            return None
    return _plain(tree)


def _assigned(figure: go.Figure, changes: Changes) -> go.Figure:
    """The figure with the changes made."""
    traces: dict[int, dict[str, Any]] = {}
    for (trace, path), value in changes.items():
        traces.setdefault(trace, {})[path] = value
    return patched(figure, Patch({i: c for i, c in traces.items() if i != LAYOUT}, traces[LAYOUT]))


def _frame(figure: go.Figure, name: str, changes: Changes, base: str | None = None) -> go.Frame:
    trees: dict[int, dict[str, Any]] = {}
    for (trace, path), value in changes.items():
        assign(trees.setdefault(trace, {}), path, value)
    layout = trees.pop(LAYOUT, {})
    if "annotations" in layout:  # those that stay as they are
        layout["annotations"] = [item or {} for item in layout["annotations"]]
    data = [{"type": figure.data[i].type, **tree} for i, tree in trees.items()]
    return go.Frame(name=name, baseframe=base, data=data, traces=list(trees), layout=layout)
