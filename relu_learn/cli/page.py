"""`relu-learn play` and `export`: pages, and whether they can be written, said beforehand."""

from __future__ import annotations

import enum
import importlib.util
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from relu_learn import environment
from relu_learn.asking.errors import InvalidArgument
from relu_learn.cli.lessons import lesson_folders
from relu_learn.cli.terminal import say, stop

if TYPE_CHECKING:
    from relu_learn.network import ReluNetwork
    from relu_learn.telling.events import Event

# The theme of the page that plays a run.
Look = enum.Enum("Look", {"light": "light", "dark": "dark", "projector": "projector"}, type=str)
NEEDED = {name: name for name in ("plotly", "ipywidgets", "latex2mathml")}
NEEDED["markdown_it"] = "markdown-it-py"
HTML_HELP = "Write the run as a page that plays by itself: one file, no network needed."


def play(
    trace: Annotated[
        Path,
        Argument(
            exists=True, dir_okay=False, help="A run kept by demo --save-trace or Trace.save."
        ),
    ],
    html: Annotated[Path, Option(help=HTML_HELP)],
    theme: Annotated[Look, Option(help="Look of the page.")] = Look.projector,
) -> None:
    """Make a page that plays a saved run; it needs neither the black box nor the secret.

    The loss is then the learner's own test: the trace does not know the secret.
    """
    from relu_learn.telling.trace import Trace

    check_page(html)
    try:
        events = list(Trace.load(trace))
    except InvalidArgument as error:
        stop(f"cannot play {str(trace)!r}: {error}", 1)
    write_page(html, events, f"{trace.stem}: learned from its answers", theme)


def export(
    folder: Annotated[
        Path, Argument(file_okay=False, help="Where the pages go: a folder, made if need be.")
    ] = Path("relu_learn_pages"),
    theme: Annotated[Look, Option(help="Look of the runs that play.")] = Look.light,
) -> None:
    """Write the lessons as pages to be read without Python: a page each, with runs that play."""
    for module, package in NEEDED.items():
        if importlib.util.find_spec(module) is None:
            stop(f"export needs {package}: {environment.remedy('widgets', package)}", 1)
    from relu_learn.widgets.pages import write_pages

    checkout, installed = lesson_folders()
    source = installed if installed.is_dir() else checkout
    try:
        lessons = sorted(source.glob("*.ipynb"))
        pages = write_pages(lessons, folder, theme=theme.value, told=say)
    except OSError as error:
        stop(f"cannot write into {str(folder)!r}: {error.strerror}", 1)
    if not pages:
        stop(f"the lessons are missing: {environment.again()}", 1)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    say(f"{len(pages)} pages, {size:.1f} MB together: open {folder / pages[0].name}")


def check_folder(option: str, path: Path | None) -> None:
    """A path that cannot be a new file is said before the work, not after it."""
    if path is None:
        return
    if not path.absolute().parent.is_dir():
        stop(f"{option}: there is no folder {str(path.parent)!r}", 2)
    try:
        if stat.S_ISDIR(path.stat().st_mode):  # as "" is, too
            stop(f"{option}: {str(path)!r} is a directory", 2)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:  # too long, or with a NUL
        stop(f"{option}: {getattr(error, 'strerror', error)}", 2)


def check_page(path: Path | None) -> None:
    """The same for a page, which needs plotly."""
    check_folder("--html", path)
    if path is not None and importlib.util.find_spec("plotly") is None:
        mend = environment.remedy("widgets", "plotly")
        stop(f"--html needs plotly, which is not installed: {mend}", 1)


def write_page(
    path: Path, events: list[Event], title: str, theme: Look, secret: ReluNetwork | None = None
) -> None:
    """Write the page that plays these events, and say how large it is."""
    from relu_learn.figures import export_html

    try:
        export_html(events, path, secret=secret, title=title, theme=theme.value)
    except InvalidArgument as error:
        stop(f"--html: {error}", 1)
    except OSError as error:
        stop(f"--html: cannot write {str(path)!r}: {error.strerror}", 1)
    say(f"{path} plays the run in any browser ({path.stat().st_size / 1e6:.1f} MB)")
