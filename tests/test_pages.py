"""The lessons without a kernel: what notebooks keep, and the pages that are made of them."""

from __future__ import annotations

import html.parser
import json
import pathlib
from typing import Any

import pytest

from relu_learn.widgets import pages, still
from relu_learn.widgets.style import Styled

NOTEBOOKS = sorted((pathlib.Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def outputs(path: pathlib.Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", ())]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_what_can_be_seen_without_a_kernel(path: pathlib.Path) -> None:
    """Made anew by `python -m tests.browser.stills --bake`."""
    assert path.stat().st_size < 400_000
    data = [output.get("data", {}) for output in outputs(path)]
    assert not any("widget" in kind for one in data for kind in one), "dead without its kernel"
    shown = [one["image/png"] for one in data if "image/png" in one]
    known = set(still.pictures())
    assert shown and {"".join(code).strip() for code in shown} <= known
    source = path.read_text(encoding="utf-8")
    tasks = source.count("task_1()") + source.count("task_1(")
    assert not tasks or any("rl-words" in "".join(one.get("text/html", "")) for one in data)


def test_every_explorer_of_the_lessons_has_a_picture_and_a_sentence() -> None:
    data = [output.get("data", {}) for path in NOTEBOOKS for output in outputs(path)]
    seen = {"".join(one["image/png"]).strip() for one in data if "image/png" in one}
    assert seen == set(still.pictures())
    assert set(still.sentences()) - set(still.pictures().values()) == {"Preflight"}
    assert sum(map(len, still.pictures())) < 1_300_000, "in base64"


def test_a_widget_is_shown_behind_its_still(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(still, "display", lambda data, **how: shown.append(data))

    class Tail(Styled):
        def _repr_mimebundle_(self) -> Any:
            return {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Tail(...)"}, {}

    Tail()._ipython_display_()
    first, second, third = shown
    assert "rl-still" in first["text/html"] and "image/png" in second
    assert "widget-view" in list(third)[0] and "Tail(" not in third["text/plain"]
    shown.clear()
    space = type("Shell", (), {"user_ns": {"__vsc_ipynb_file__": "here"}})()
    monkeypatch.setattr(still, "get_ipython", lambda: space)
    Tail()._ipython_display_()
    assert len(shown) == 1, "VS Code would show both"


class Reader(html.parser.HTMLParser):
    """The tags of a page with their attributes, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] not in ("script", "style", "pre", "code"):
            self.words += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_lessons_as_pages(tmp_path: pathlib.Path) -> None:
    made = pages.write_pages(NOTEBOOKS, tmp_path / "out")
    assert [page.stem for page in made] == [path.stem for path in NOTEBOOKS]
    assert sum(file.stat().st_size for file in (tmp_path / "out").iterdir()) < 8_000_000
    for page in made:
        text = page.read_text(encoding="utf-8")
        read = Reader(text)
        assert "$" not in read.words.replace("$PATH", ""), page.stem
        assert all(image["alt"] for image in read.named("img"))
        assert len(read.named("math")) == text.count("</math>")
        assert read.named("img") or 'class="run"' in text
        links = {a["href"] for a in read.named("a") if a["href"].endswith(".html")}
        assert links == {other.name for other in made}
    first = made[0].read_text(encoding="utf-8")
    assert first.count('<figure class="run">') == 1 and "about 6,000" in first
    assert "To run this page" not in first
    run = json.loads(first.split('<script type="application/json">')[1].split("</script>")[0])
    assert len(run["figure"]["frames"]) > 20 and run["narrow"]["xaxis.domain"] == [0, 1]


def test_formulas_are_kept_out_of_code_and_text() -> None:
    page = pages.markdown("A price of `$5` and $a_i < b$.\n\n```\n$x$\n```\n\n$$\\sum_i w_i$$")
    assert "<code>$5</code>" in page and page.count("<math") == 2 and "$x$" in page
    assert 'display="block"' in page and "&#x0003C;" in page
