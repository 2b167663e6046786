"""The report of an extraction: one page that needs nothing else, and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import scipy

from relu_learn import __version__
from relu_learn.auditing.extraction import OnPoints, Outcome
from relu_learn.auditing.pictures import mosaic
from relu_learn.auditing.target import PURPOSE
from relu_learn.blackboxes.links import link_of
from relu_learn.judging.planning import queries_by_purpose

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0;
  border-bottom: 1px solid #8884; overflow-wrap: anywhere }
th { white-space: nowrap }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
meter { width: 10rem } pre { overflow: auto; padding: .75rem; background: #8882 }
img { image-rendering: pixelated; width: 100% } .verdict { font-weight: 600 }
"""
# Of the user's own rows, and outputs of each, so many are shown.
_WORST, _OUTPUTS = 10, 3


def report(outcome: Outcome, command: str, files: Mapping[str, str] | None = None) -> str:
    """The page, as HTML. Every text in it is escaped, and its policy forbids it to load anything.

    Parameters
    ----------
    outcome : Outcome
    command : str
        What was typed: how to do it again.
    files : mapping of str to str, optional
        Other files, by what they are: ledger, copy.

    Returns
    -------
    str
    """
    title = f"Extraction of {outcome.target.name}"
    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{style}'"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="verdict">{escape(verdict(outcome))}</p>',
        _section("What was found", _facts(found(outcome))),
        _pictures(outcome),
        _points(outcome),
        _section("Where the queries went", _purposes(outcome)),
        _first_look(outcome),
        _section("Who may do this", f"<p>{escape(PURPOSE)}</p>", _authorised(outcome)),
        _section("How to do it again", _again(outcome, command, files or {})),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body>{''.join(body)}</body></html>\n"
    )


def verdict(outcome: Outcome) -> str:
    """One sentence: what it means."""
    network, stopped = outcome.network, outcome.stopped
    if outcome.complete:
        assert network is not None
        return (
            f"The answers gave the model away: a network of {network.simplify().n_neurons} neurons "
            f"does the same, after {outcome.queries:,} queries."
        )
    why = " ".join(str(stopped).split()) or "stopped by hand"
    kind = type(stopped).__name__ if str(stopped) else ""
    left = f"{network.n_neurons} neurons were found" if network else "nothing was found"
    left = "it is no one-hidden-layer ReLU network, as was clear" if outcome.outside else left
    return f"Not learned: {left} after {outcome.queries:,} queries. {kind}{': ' * bool(kind)}{why}"


def found(outcome: Outcome) -> dict[str, str]:
    """The facts, by what they are about: for the page, and for the terminal."""
    network, rows = outcome.network, dict[str, str]()
    if network is not None and outcome.worth_keeping:
        rows["the copy"] = (
            f"{network.dim} inputs, {network.simplify().n_neurons} neurons, "
            f"{network.n_outputs} outputs"
        )
    link = link_of(outcome.target.model.link).name
    if link != "identity":
        rows["of"] = f"the scores behind the probabilities (link {link}); {outcome.target.box}"
    spent = f"{outcome.queries:,}"
    again = f", {outcome.replayed:,} of them from the ledger" if outcome.replayed else ""
    rows["queries"] = spent + again
    rows["certificate"] = str(outcome.certificate or "none: the run did not end")
    if outcome.certificate is not None:
        share = outcome.certificate.eta / outcome.scale
        rows["worst error"] = f"{share:.1e} of the outputs' scale on these fresh points"
    if outcome.on_points is not None:
        points = outcome.on_points
        rows["your points"] = (
            f"worst error {points.errors.max() / points.scale:.1e} of their scale on "
            f"{len(points.numbers):,} rows; the same label on {100 * points.agree:.4g} %"
        ) + f"; {points.left_out:,} rows are outside the box" * bool(points.left_out)
    if outcome.on_points is not None and outcome.on_points.compared is not None:
        left = outcome.on_points.compared
        rows["left out"] = (
            f"{left.rows:,} of your rows, whose probabilities have too few digits to learn from: "
            f"the same label on {100 * left.agree:.4g} %, probabilities off by up to "
            f"{left.worst:.1e}"
        )
    if outcome.refined is not None:
        rows["between your rows"] = str(outcome.refined)
    rows["time"] = f"{outcome.seconds:.1f} s, {outcome.answering:.1f} s of it for the answers"
    return rows


def _section(title: str, *parts: str) -> str:
    return f"<h2>{escape(title)}</h2>{''.join(parts)}"


def _facts(rows: Mapping[str, str]) -> str:
    lines = (f"<tr><th>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in rows.items())
    return f"<table>{''.join(lines)}</table>"


def _numbers(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(f'<{tag} class="number">{escape(cell)}</{tag}>' for cell in cells)

    lines = [line(head, "th"), *(line(row, "td") for row in rows)]
    return f"<table>{''.join(f'<tr>{one}</tr>' for one in lines)}</table>"


def _pictures(outcome: Outcome) -> str:
    network = outcome.network if outcome.worth_keeping else None
    picture = None if network is None else mosaic(network.simplify())
    if picture is None:
        return ""
    data = base64.b64encode(picture).decode()
    return _section(
        "The hidden weights",
        f'<img alt="The weights that were found" src="data:image/png;base64,{data}">',
        "<p>Each square is a neuron's weights as an image, the most telling first; orange is "
        "positive and blue negative, up to one sign for all of a square.</p>",
    )


def _points(outcome: Outcome) -> str:
    points = outcome.on_points
    if points is None:
        return ""
    worst = np.argsort(-points.errors, kind="stable")[:_WORST]
    head = ("row", "target", "copy", "error")
    rows = [
        (f"{points.numbers[i] + 1}", *_answers(points, i), f"{points.errors[i]:.2e}") for i in worst
    ]
    return _section("Your own points, worst first", _numbers(head, rows))


def _answers(points: OnPoints, i: int) -> tuple[str, str]:
    def written(values: np.ndarray) -> str:
        more = ", ..." * (len(values) > _OUTPUTS)
        return ", ".join(f"{value:.6g}" for value in values[:_OUTPUTS]) + more

    return written(points.answers[i]), written(points.copies[i])


def _purposes(outcome: Outcome) -> str:
    spent: dict[str, int] = {}
    if outcome.check is not None:
        spent["first look"] = before = outcome.check.queries + outcome.target.opening
        events = [e for e in outcome.trace if e.queries > before]
        purposes = queries_by_purpose(events, outcome.target.model.dim)
        first = next((name for name, n in purposes.items() if n), None)
        own = 0 if outcome.on_points is None else len(outcome.on_points.numbers)
        if first is not None:  # events count what was asked before them, and the points come first
            purposes[first] -= before + own
            spent["your points"] = own
        spent |= {name: n for name, n in purposes.items() if n}
    if outcome.on_points is not None and outcome.on_points.compared is not None:
        spent["your points, left out"] = outcome.on_points.compared.rows
    spent["not used any more"] = outcome.queries - sum(spent.values())
    most = max(spent.values(), default=0) or 1
    lines = (
        f'<tr><th>{escape(name)}</th><td class="number">{n:,}</td>'
        f'<td><meter max="{most}" value="{n}"></meter></td></tr>'
        for name, n in spent.items()
        if n
    )
    return f"<table>{''.join(lines)}</table>"


def _first_look(outcome: Outcome) -> str:
    if outcome.check is None:
        return ""
    return _section("At first sight", _facts(outcome.check.rows()))


def _authorised(outcome: Outcome) -> str:
    if not outcome.authorised:
        return "<p>The target runs on the machine that asked it.</p>"
    lines = (f"{note['time']}: {note['said']} for {note['target']}" for note in outcome.authorised)
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _again(outcome: Outcome, command: str, files: Mapping[str, str]) -> str:
    versions = f"relu_learn {__version__}, NumPy {np.__version__}, SciPy {scipy.__version__}"
    facts = {"made with": versions, **files}
    note = "The same command asks the same queries; what is in the ledger is not paid for again."
    return f"<pre>{escape(command)}</pre><p>{escape(note)}</p>{_facts(facts)}"
