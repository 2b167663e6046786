"""What is seen where no widget can live: one sentence, and a picture of a late state.

GitHub, nbconvert and a notebook that is reopened on a fresh kernel show what was stored in the
file, and the view of a widget without its kernel is an error or a line of Python. So an explorer
leaves three outputs: a sentence, a picture, and its view. A page in which the view lives hides the
first two, another one the view; both by CSS alone, since no code of ours runs there.
"""

from __future__ import annotations

import base64
import functools
import html
import json
import pathlib
import sys
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import display

# The pictures are made by tests/browser/stills.py, in 128 colours.
_FOLDER = pathlib.Path(__file__).parent / "stills"
_WIDTH = 720  # pixels on the page: as wide as a column of text

_PRESS = "A picture. In JupyterLab ▶▶ (restart the kernel and run all cells) puts it in your hand."

# The view is in the third place, or in the second where there is no picture. An output is a
# child of the first name in JupyterLab, Notebook 7 and nbconvert, of the second in nbclassic.
_STYLE = """<style>
{child}:has(.rl-still):has(+ {child} + {child} .rl-root),
{child}:has(.rl-still) + {child}:has(+ {child} .rl-root),
{child}:has(.rl-still) + {child} + {child}:not(:has(.rl-root)),
{child}:has(.rl-words):has(+ {child} :is(.rl-root, .rl-task, .rl-messages)),
{child}:has(.rl-words) + {child}:not(:has(.rl-root, .rl-task, .rl-messages)) {{ display: none; }}
</style>""".format(child=":is(.jp-OutputArea-child, .output_area)")


@functools.cache
def sentences() -> dict[str, str]:
    """What each picture shows, by its name."""
    return dict(json.loads((_FOLDER / "sentences.json").read_text(encoding="utf-8")))


@functools.cache
def pictures() -> dict[str, str]:
    """All pictures, as PNG in base64, and their names."""
    files = sorted(_FOLDER.glob("*.png"))
    return {base64.b64encode(file.read_bytes()).decode(): file.stem for file in files}


def bundles(name: str) -> list[dict[str, Any]]:
    """Sentence and picture as data of two outputs; of one, if there is nothing to picture."""
    sentence = sentences()[name]
    code = next((code for code, known in pictures().items() if known == name), None)
    if code is None:
        return words(html.escape(sentence))
    told = f'<p class="rl-still">{html.escape(sentence)} <em>{_PRESS}</em></p>'
    return [
        {"text/html": _STYLE + told, "text/plain": f"{sentence} {_PRESS}"},
        {"image/png": code, "text/plain": f"[picture: {sentence}]"},
    ]


def words(text: str) -> list[dict[str, Any]]:
    """The same for what has no picture: its text alone, which may be HTML."""
    return [{"text/html": f'{_STYLE}<p class="rl-words">{text}</p>', "text/plain": text}]


def show(widget: Any, stills: list[dict[str, Any]]) -> None:
    """Display a widget behind its stills.

    VS Code and Colab do not build their pages from the same parts: there both would be seen.
    """
    elsewhere = "__vsc_ipynb_file__" in getattr(get_ipython(), "user_ns", {})
    if not elsewhere and "google.colab" not in sys.modules:
        for data in stills:
            size = {"image/png": {"width": _WIDTH}} if "image/png" in data else {}
            display(data, metadata=size, raw=True)
    view, metadata = widget._repr_mimebundle_()
    display({**view, "text/plain": _PRESS}, metadata=metadata, raw=True)
