"""Export: a run as one HTML file that plays without a kernel and without a network."""

from __future__ import annotations

import base64
import hashlib
import html
import os
import pathlib
import re
import string
from collections.abc import Iterable

import plotly.io

from relu_learn.figures.frames import MOST_DOTS, MOST_FRAMES, animation, recorded
from relu_learn.figures.run_view import RunView
from relu_learn.figures.theme import get_theme
from relu_learn.network import ReluNetwork
from relu_learn.telling import events as ev

_HERE = pathlib.Path(__file__).parent


def export_html(
    trace: Iterable[ev.Event],
    path: str | os.PathLike[str],
    *,
    secret: ReluNetwork | None = None,
    title: str = "A network learned from its answers",
    theme: str = "projector",
    frames: int = MOST_FRAMES,
) -> pathlib.Path:
    """Write a recorded run as one self-contained HTML file: for a lecture when Binder is down.

    Parameters
    ----------
    trace : Trace or iterable of Event
        A run from its beginning, finished or not.
    path : path-like
        The file; one that exists is replaced.
    secret : ReluNetwork, optional
        With it the loss is known at every step, and the last step reveals the secret. Without it
        the page shows what the learner itself could know.
    title : str
    theme : str
        "light", "dark" or "projector".
    frames : int
        At most this many events are drawn, evenly chosen; the page says so when it leaves any out.

    Returns
    -------
    pathlib.Path
        The file, about 5 MB: plotly.js is inside.

    Raises
    ------
    InvalidArgument
        If the trace is not a run from its beginning, or the secret has another size.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> from relu_learn import learn_from_queries, zoo
    >>> tent = zoo.get("tent")
    >>> result = learn_from_queries(tent, dim=2, rng=0)
    >>> export_html(result.trace, "tent.html", secret=tent)  # doctest: +SKIP
    """
    text = page(trace, secret=secret, title=title, theme=theme, frames=frames)
    path = pathlib.Path(path)
    path.write_text(text, encoding="utf-8")
    return path


def page(
    trace: Iterable[ev.Event],
    *,
    secret: ReluNetwork | None = None,
    title: str = "A network learned from its answers",
    theme: str = "projector",
    frames: int = MOST_FRAMES,
) -> str:
    """The text of the file that `export_html` writes."""
    look = get_theme(theme)
    run = recorded(trace, secret)
    figure = animation(run.events, secret=secret, theme=look, frames=frames)
    picture = plotly.io.to_html(
        figure,
        config={"displaylogo": False, "displayModeBar": False, "responsive": True},
        auto_play=False,
        include_plotlyjs=True,
        full_html=False,
        post_script=(_HERE / "page.js").read_text(encoding="utf-8"),
        default_height="100%",
        div_id="player",  # a random one would make the same run another file
    )
    last = run[len(run) - 1]
    queries, neurons = last.queries, last.hypothesis.n_neurons
    facts = [
        "1 query" if queries == 1 else f"{queries:,} queries",
        "1 neuron found" if neurons == 1 else f"{neurons} neurons found",
    ]
    template = string.Template((_HERE / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        policy=policy(picture),
        title=html.escape(title),
        facts=" · ".join(facts),
        figure=picture,
        notes=" ".join(_notes(run, secret is not None, len(figure.frames))),
        paper=look.paper,
        ink=look.ink,
        faint=look.faint,
        size=look.font_size,
    )


def policy(scripts: str) -> str:
    """The content security policy of a page: these scripts (HTML) run, word for word, and nothing
    else runs or is fetched. Styles and pictures may be made by the scripts, as plotly.js does."""
    hashes = []
    for script in re.findall(r"<script[^>]*>(.*?)</script>", scripts, re.DOTALL | re.IGNORECASE):
        read = script.replace("\r\n", "\n").replace("\r", "\n")  # as a browser reads line ends
        digest = hashlib.sha256(read.encode()).digest()
        hashes.append(f"'sha256-{base64.b64encode(digest).decode()}'")
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(hashes) or "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{kind} {sources}" for kind, sources in rules.items())


def _notes(run: RunView, revealed: bool, frames: int) -> list[str]:
    """What the page must say about itself."""
    last = run[len(run) - 1]
    notes = []
    if revealed:
        notes.append("The last step reveals the secret.")
    if not last.is_final:
        notes.append("This run was stopped before its end.")
    if frames - revealed < len(run):
        notes.append(
            f"Of {len(run) - 1:,} events {frames - revealed - 1} are shown, evenly chosen; "
            "each picture holds all that happened before."
        )
    if last.queries > MOST_DOTS:
        notes.append(f"At most {MOST_DOTS} dots of a kind are drawn.")
    return notes
