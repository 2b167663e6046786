"""The lessons as pages: text, formulas, pictures and recorded runs, without a kernel or a network.

One page a lesson, in one folder, with plotly.js in it once. What is played is a run that is made
while the pages are written; what only a kernel can answer is a picture, see `still`.
"""

from __future__ import annotations

import html
import json
import os
import pathlib
import re
import string
from collections.abc import Callable, Iterable
from typing import Any

from relu_learn import zoo
from relu_learn.figures.frames import STACKED, animation, recorded, views_of
from relu_learn.figures.theme import get_theme
from relu_learn.learn import learn_from_queries
from relu_learn.widgets.library import plotly_source
from relu_learn.widgets.still import pictures, sentences

_HERE = pathlib.Path(__file__).parent
_SCRIPT = "plotly.min.js"
# The runs that are played in place of an explorer's picture: secret, seed, most frames.
_RUNS = {"Player": ("paper_plane", 0, 250), "HyperplaneLab": ("paper_plane", 1, 250)}
# Code, which stays as it is, or a formula: in a paragraph of its own, or in the text.
_RUN_IT = re.compile(r"^\*To run this page .*\*$", re.MULTILINE)
_PARTS = re.compile(r"(```.*?```|`[^`\n]*`)|\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.DOTALL)


def write_pages(
    lessons: Iterable[pathlib.Path],
    folder: str | os.PathLike[str],
    *,
    theme: str = "light",
    told: Callable[[str], None] = lambda name: None,
) -> list[pathlib.Path]:
    """Write lessons as pages into `folder`, and plotly.js beside them.

    Parameters
    ----------
    lessons : iterable of pathlib.Path
        The notebooks, with the outputs that are stored in them.
    folder : path-like
        Made if it is not there; files of the same names are replaced.
    theme : str
        Of the recorded runs: "light", "dark" or "projector".
    told : callable
        Called with the name of each page that is written.

    Returns
    -------
    list of pathlib.Path
        The pages, in the order of the lessons. They can be opened from a disk.

    Raises
    ------
    InvalidArgument
        If the theme is unknown.
    OSError
        If a file cannot be written.
    """
    get_theme(theme)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = list(lessons)
    (folder / _SCRIPT).write_bytes(plotly_source())
    pages = []
    for path in paths:
        page = folder / f"{path.stem}.html"
        page.write_text(lesson_page(path, [p.stem for p in paths], theme), encoding="utf-8")
        pages.append(page)
        told(page.name)
    return pages


def lesson_page(path: pathlib.Path, names: Iterable[str] = (), theme: str = "light") -> str:
    """The text of one page, with links to the pages of those names."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    body = "\n".join(_cell(cell, theme) for cell in cells)
    title = re.search(r"<h1>(.*?)</h1>", body, re.DOTALL)
    links = (
        f'<a href="{name}.html"{" aria-current=page" * (name == path.stem)}>{name}</a>'
        for name in names
    )
    template = string.Template((_HERE / "lesson.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=re.sub("<[^>]*>", "", title[1]) if title else path.stem,
        links=" ".join(links),
        body=body,
        script=(_HERE / "lesson.js").read_text(encoding="utf-8"),
        plotly=_SCRIPT,
    )


def markdown(text: str) -> str:
    """A cell's text as HTML, its formulas as MathML."""
    from latex2mathml.converter import convert
    from markdown_it import MarkdownIt

    formulas: list[str] = []

    def keep(found: re.Match[str]) -> str:
        code, block, inline = found.groups()
        if code is not None:
            return str(code)
        formula = convert(block or inline, display="block" if block else "inline")
        formulas.append(f'<div class="wide" tabindex="0">{formula}</div>' if block else formula)
        return f"\u27e6{len(formulas) - 1}\u27e7"

    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(_PARTS.sub(keep, text))
    page = _scrolled(page.replace("<pre>", '<pre tabindex="0">'))
    return re.sub("\u27e6(\\d+)\u27e7", lambda found: formulas[int(found[1])], page)


def _scrolled(page: str) -> str:
    """Tables, which can be wider than a telephone, are scrolled by themselves, with keys, too."""
    page = page.replace("<table", '<div class="wide" tabindex="0"><table')
    return page.replace("</table>", "</table></div>")


def _cell(cell: dict[str, Any], theme: str) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        for name, data in cell.get("attachments", {}).items():
            source = source.replace(
                f"attachment:{name}", f"data:image/png;base64,{data['image/png']}"
            )
        return markdown(_RUN_IT.sub("", source))
    hidden = cell["metadata"].get("jupyter", {}).get("source_hidden")
    code = f"<details><summary>Code</summary>{_plain(source)}</details>"
    return "" if hidden and not cell["outputs"] else _outputs(cell, theme) + code * (not hidden)


def _plain(text: str) -> str:
    return f'<pre tabindex="0">{html.escape(text)}</pre>'


def _outputs(cell: dict[str, Any], theme: str) -> str:
    parts = []
    for output in cell["outputs"]:
        data = output.get("data", {})
        if output["output_type"] == "stream":
            parts.append(f'<pre tabindex="0">{html.escape("".join(output["text"]))}</pre>')
        elif "text/html" in data:
            text = re.sub(r"<style>.*?</style>", "", "".join(data["text/html"]), flags=re.DOTALL)
            parts.append(_scrolled(re.sub(r" <em>A picture\..*?</em>", "", text)))
        elif "image/png" in data:
            parts.append(_shown("".join(data["image/png"]), theme))
    return "\n".join(parts)


def _shown(code: str, theme: str) -> str:
    """A picture of an explorer, or the run that it is of."""
    name = pictures().get(code.strip(), "")
    if name in _RUNS:
        return run(*_RUNS[name], theme)
    alt = html.escape(sentences().get(name, ""), quote=True)
    return f'<img src="data:image/png;base64,{code}" alt="{alt}">'


def run(name: str, seed: int, frames: int, theme: str) -> str:
    """A run with Play and a slider, as a part of a page."""
    secret, look = zoo.get(name), get_theme(theme)
    trace = learn_from_queries(secret, secret.dim, rng=seed).trace
    figure = animation(trace, secret=secret, theme=look, frames=frames)
    tree = json.loads(figure.to_json())
    for plotly_own in ("sliders", "updatemenus", "template"):
        tree["layout"].pop(plotly_own, None)
    tree["layout"]["template"] = json.loads(look.template.to_json())
    narrow = views_of(recorded(trace, secret), secret, look, STACKED).figure().layout
    places = {
        f"{axis}.domain": narrow[axis].domain
        for axis in tree["layout"]
        if re.fullmatch(r"[xy]axis\d*", axis) and narrow[axis].domain
    }
    data = json.dumps({"figure": tree, "narrow": places}).replace("</", "<\\/")
    last = len(tree["frames"]) - 1
    return f"""<figure class="run">
<p><button type="button">Play</button>
<label>Event <input type="range" min="0" max="{last}" value="0"></label></p>
<p class="told" role="status"></p>
<div class="plot" role="img" aria-label="A recorded run, event by event"></div>
<script type="application/json">{data}</script>
</figure>"""
