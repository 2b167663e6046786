"""plotly.js for the page: sent once per kernel, and before anything else.

The page needs a second or more to read and run it. It does that while the kernel imports the rest
of relu_learn and runs the first cells, so this module needs no other one of the package.
"""

from __future__ import annotations

import functools
import gzip
import pathlib
from collections.abc import Callable
from typing import ClassVar

import anywidget
import plotly
import traitlets
from IPython.core.getipython import get_ipython

# The bundle is one function, handed to another one. In brackets of its own the browser compiles it
# at once, instead of reading it through first and a second time when it is called.
_EAGER = ((b"this, () => {", b"this, (() => {"), (b"\n}));", b"\n})));"))


def plotly_source() -> bytes:
    """plotly.js of the installed plotly package, so that nothing comes from a network."""
    path = pathlib.Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    source = path.read_bytes()
    if all(source.count(plain) == 1 for plain, _ in _EAGER):
        for plain, eager in _EAGER:
            source = source.replace(plain, eager)
    return source


@functools.lru_cache(1)
def _compressed() -> bytes:
    return gzip.compress(plotly_source(), 1)  # a third of the time of the smallest


class PlotlyLibrary(anywidget.AnyWidget):
    """plotly.js for the page. One instance per kernel, never displayed.

    In a notebook it is sent as soon as this module is imported.
    """

    _esm = "".join(
        (pathlib.Path(__file__).parent / name).read_text(encoding="utf-8")
        for name in ("begin.js", "library.js")
    )
    version = traitlets.Unicode(plotly.__version__).tag(sync=True)
    compressed = traitlets.Bytes().tag(sync=True)
    dark = traitlets.Bool(False).tag(sync=True)  # whether the page is; set by it
    watchers: ClassVar[list[Callable[[], None]]] = []  # told when that changes
    _instance: ClassVar[PlotlyLibrary | None] = None

    @classmethod
    def ensure(cls) -> PlotlyLibrary:
        """The one instance; a new one only after somebody closed it (`Widget.close_all()`)."""
        if cls._instance is None or cls._instance.comm is None:
            cls._instance = cls(compressed=_compressed())
        return cls._instance

    @classmethod
    def page_is_dark(cls) -> bool:
        """What the page said last; light as long as it has said nothing."""
        return cls._instance is not None and cls._instance.dark

    @traitlets.observe("dark")
    def _on_dark(self, _: object) -> None:
        for watcher in self.watchers:
            watcher()


if getattr(get_ipython(), "kernel", None) is not None:
    PlotlyLibrary.ensure()
