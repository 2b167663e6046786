"""The exported page in Chromium: from the disk, without a network, played to its end."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from relu_learn import Trace, learn_from_queries, zoo
from relu_learn.figures import export_html
from relu_learn.figures.export import policy
from relu_learn.figures.frames import HURRY
from relu_learn.widgets.pages import write_pages

from .axe import complaints
from .lab import ROOT

pytestmark = pytest.mark.browser

# What a text occupies, with a tag each: to see whether two of them lie on one another.
BOXES = """() => [...document.querySelectorAll(
  '.annotation-text, .xtick text, .ytick text, .xtitle, .ytitle, .slider-label, .legendtext,'
  + '.updatemenu-item-text, .cbaxis text, h1, footer')]
  .filter(e => e.textContent.trim() && e.getBoundingClientRect().width)
  .map(e => { const b = e.getBoundingClientRect();
              return [e.textContent.slice(0, 40), b.left, b.top, b.right, b.bottom]; })"""


class Screen:
    """A page opened from the disk in a browser without a network, and its complaints."""

    def __init__(self, page: Any, path: pathlib.Path) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._on_console)
        page.goto(path.as_uri())
        page.wait_for_selector(".js-plotly-plot .slider-group")

    def _on_console(self, message: Any) -> None:
        # plotly.js says so whenever somebody interrupts an animation.
        if message.text != "WARN: API call to Plotly.animate rejected. undefined":
            self.complaints.append(message.text)

    def told(self) -> str:
        """The sentence on the screen; screen readers must hear the same one."""
        seen = str(self.page.locator(".annotation-text").last.text_content())
        heard = str(self.page.locator("[role=status]").text_content())
        assert heard.replace(" ", "") == seen.replace(" ", "").replace("\\u200b", "")
        return heard

    def picture(self) -> bytes:
        """What is seen of the figure."""
        self.page.mouse.move(1, 1)  # nothing that the pointer would highlight
        return bytes(self.page.locator("main").screenshot())

    def wait_for(self, text: str, seconds: float = 20) -> None:
        """Wait until the sentence holds that text."""
        self.page.wait_for_function(
            "text => document.querySelector('[role=status]').textContent.includes(text)",
            arg=text,
            timeout=1000 * seconds,
        )

    def press(self, label: str) -> None:
        self.page.locator(".updatemenu-button", has_text=label).click()

    def drag_slider(self, share: float) -> None:
        """Take the grip to that share of the rail."""
        grip = self.page.locator(".slider-grip-rect").bounding_box()
        rail = self.page.locator(".slider-rail-touch-rect").bounding_box()
        assert grip is not None and rail is not None
        y = grip["y"] + grip["height"] / 2
        self.page.mouse.move(grip["x"] + grip["width"] / 2, y)
        self.page.mouse.down()
        self.page.mouse.move(rail["x"] + share * rail["width"], y, steps=5)
        self.page.mouse.up()

    def collisions(self) -> list[tuple[str, str]]:
        """Texts that overlap by more than the hair that line heights do, or leave the window."""
        size, boxes = self.page.viewport_size, self.page.evaluate(BOXES)
        found = [
            (text, "the edge of the window")
            for text, left, top, right, bottom in boxes
            if left < 0 or top < 0 or right > size["width"] or bottom > size["height"]
        ]
        for i, (a, left, top, right, bottom) in enumerate(boxes):
            for b, left_b, top_b, right_b, bottom_b in boxes[i + 1 :]:
                wide = min(right, right_b) - max(left, left_b)
                high = min(bottom, bottom_b) - max(top, top_b)
                if wide > 2 and high > 6:
                    found.append((a, b))
        return found


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    with contextlib.ExitStack() as stack:

        def open_at(path: pathlib.Path, width: int = 1400, height: int = 900) -> Screen:
            viewport = {"width": width, "height": height}
            context = stack.enter_context(browser.new_context(viewport=viewport, offline=True))
            return Screen(context.new_page(), path)

        yield open_at


@pytest.fixture(scope="module")
def paper_plane(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, Trace]:
    secret = zoo.get("paper_plane")
    trace = learn_from_queries(secret, 2, rng=0).trace
    path = tmp_path_factory.mktemp("page") / "paper plane.html"  # a space, as teachers' files have
    return export_html(trace, path, secret=secret, title="Paper plane"), trace


def test_a_script_that_is_not_the_page_s_own_does_not_run(browser, tmp_path) -> None:
    own = "<script>document.title = 'own'</script>"
    rules = f'<meta http-equiv="Content-Security-Policy" content="{policy(own)}">'
    theirs = "<script>document.title = 'theirs'</script><img src=x onerror=\"document.title = 1\">"
    file = tmp_path / "page.html"
    file.write_text(rules + own + theirs, encoding="utf-8")
    screen = browser.new_page()
    screen.goto(file.as_uri())
    assert screen.title() == "own"
    screen.close()


def test_plays_to_its_end_without_a_network(open_page, paper_plane) -> None:
    path, trace = paper_plane
    screen = open_page(path)
    assert screen.page.title() == "Paper plane"
    assert "Nothing is known yet" in screen.told()
    seen = {screen.picture()}

    screen.press("Play")
    screen.wait_for("Event 2 of")
    seen.add(screen.picture())
    screen.press("Pause")
    stopped = screen.told()
    screen.page.wait_for_timeout(2500)  # longer than a sentence at the normal speed
    assert screen.told() == stopped

    screen.press("Fast")
    screen.wait_for("this is the secret itself", seconds=2 * len(trace) * HURRY / 1000 + 20)
    seen.add(screen.picture())
    assert "true crease" in screen.page.locator(".legend").text_content()
    assert len(seen) == 3

    screen.drag_slider(0.5)
    screen.page.wait_for_function(
        "() => !/secret/.test(document.querySelector('[role=status]').textContent)"
    )
    halfway = screen.told()
    number = int(halfway.split()[1])
    assert 0.35 * len(trace) < number < 0.65 * len(trace)
    assert trace[number - 1].narration in halfway
    assert f"{trace[number - 1].queries:,} queries" in halfway
    assert screen.picture() not in seen

    assert screen.complaints == [] and complaints(screen.page, "body") == []
    assert [url for url in screen.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert len([url for url in screen.requests if url.startswith("file:")]) == 1


def test_keys_step_jump_and_play(open_page, paper_plane) -> None:
    path, trace = paper_plane
    screen = open_page(path)
    start = screen.picture()
    for key, expected in (
        ("ArrowRight", "Event 1 of"),
        ("ArrowRight", "Event 2 of"),
        ("ArrowLeft", "Event 1 of"),
        ("End", "this is the secret itself"),
        ("ArrowRight", "this is the secret itself"),
        ("ArrowLeft", f"Event {len(trace)} of {len(trace)}"),
        ("Home", "Nothing is known yet"),
        ("ArrowLeft", "Nothing is known yet"),
    ):
        screen.page.keyboard.press(key)
        screen.wait_for(expected)
    assert screen.picture() == start, "back at the start it looks as it did at the start"
    screen.page.keyboard.press("Space")
    screen.wait_for("Event 2 of")
    screen.page.keyboard.press("Space")
    stopped = screen.told()
    screen.page.wait_for_timeout(2500)
    assert screen.told() == stopped
    assert screen.complaints == []


def test_any_order_of_frames_shows_the_same(open_page, paper_plane) -> None:
    path, _ = paper_plane
    screen = open_page(path)

    def at(name: str) -> bytes:
        screen.page.evaluate("name => Plotly.animate('player', [name], {mode: 'immediate'})", name)
        screen.wait_for(f"Event {name} of")
        return screen.picture()

    forwards = {name: at(name) for name in ("5", "12", "20", "25")}
    backwards = {name: at(name) for name in ("25", "12", "20", "5")}
    assert forwards == backwards
    assert len(set(forwards.values())) == 4


@pytest.mark.parametrize(
    ("theme", "width", "height"),
    [("light", 1400, 900), ("projector", 1024, 768), ("projector", 1280, 720)],
)
def test_nothing_lies_on_anything_else(
    open_page, paper_plane, screenshots, tmp_path, theme, width, height
) -> None:
    _, trace = paper_plane
    path = export_html(trace, tmp_path / "p.html", secret=zoo.get("paper_plane"), theme=theme)
    screen = open_page(path, width, height)
    for key, text in (("Home", "Nothing"), ("ArrowRight", "Event 1 of"), ("End", "itself")):
        screen.page.keyboard.press(key)
        screen.wait_for(text)
        assert screen.collisions() == []
    screen.page.screenshot(path=str(screenshots / f"page_{theme}_{width}.png"))


@pytest.mark.parametrize("sizes", [(10, 15, 3), (784, 20, 1), (2, 0, 1)])
def test_other_sizes_fit_the_screen(open_page, tmp_path, sizes) -> None:
    secret = zoo.random_network(*sizes, rng=0)
    trace = learn_from_queries(secret, secret.dim, rng=0).trace
    path = export_html(trace, tmp_path / "p.html", secret=secret)
    screen = open_page(path, 1024, 768)
    for key, text in (("End", "itself"), ("ArrowLeft", f"Event {len(trace)} of")):
        screen.page.keyboard.press(key)
        screen.wait_for(text)
        assert screen.collisions() == []
    assert screen.complaints == []


@pytest.fixture(scope="module")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> list[pathlib.Path]:
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    return write_pages(notebooks, tmp_path_factory.mktemp("lessons"))


# What sticks out of a telephone, but for what can be scrolled by itself.
OUT = """() => [...document.querySelectorAll('body *')].filter(part =>
  !part.closest('.wide, pre, svg, math') && part.getBoundingClientRect().right > innerWidth + 1
).map(part => part.outerHTML.slice(0, 80))"""


@pytest.mark.slow
def test_lessons_are_read_and_played_on_a_telephone_without_a_kernel(
    browser, lessons: list[pathlib.Path], screenshots: pathlib.Path
) -> None:
    width = 390
    with browser.new_context(viewport={"width": width, "height": 844}, offline=True) as context:
        page, complained = context.new_page(), []
        page.on("pageerror", lambda error: complained.append(str(error)))
        for path in lessons:
            page.goto(path.as_uri())
            wide = page.evaluate("() => document.documentElement.scrollWidth")
            assert wide <= width and page.evaluate(OUT) == [], path.stem
            assert complaints(page, "body") == [], path.stem
        page.goto(lessons[0].as_uri())
        told, slider = page.locator(".told"), page.locator(".run input")
        told.filter(has_text="Nothing is known yet").wait_for()
        page.locator(".run button").click()
        told.filter(has_text="Event 1 of").wait_for()
        page.locator(".run button", has_text="Pause").click()
        slider.press("End")
        told.filter(has_text="this is the secret itself").wait_for()
        slider.press("ArrowLeft")
        told.filter(has_text="queries").wait_for()
        page.locator(".run").screenshot(path=str(screenshots / "extra" / f"lesson_{width}.png"))
        assert complained == []
