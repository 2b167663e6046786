"""A timeline for SVG: what comes when, in CSS, so that it also plays where no script may run.

Every element is drawn as it looks in the end; keyframes only say how it comes to that. So whoever
wants no motion (`prefers-reduced-motion`), and whatever knows no CSS, shows the last frame.
"""

from __future__ import annotations

from collections.abc import Sequence


def number(value: float) -> str:
    """A coordinate: a tenth of a unit is less than anybody sees."""
    return f"{round(float(value), 1) + 0.0:.6g}"  # + 0.0: no minus before a zero


def points(places: Sequence[Sequence[float]]) -> str:
    """Places as `points` of a polygon, or after the M of a path."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in places)


class Film:
    """Keyframes of one loop of `seconds`; every method returns the class of what shall move so."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._names: dict[str, str] = {}  # of keyframes: equal ones are written once

    def _class(self, *stops: tuple[float, str], timing: str = "linear") -> str:
        frames = "".join(f"{100 * at / self.seconds:.2f}%{{{css}}}" for at, css in stops)
        return self._names.setdefault(f"{timing}|{frames}", f"k{len(self._names)}")

    def come(self, at: float, over: float = 0.25) -> str:
        """Not there before `at`, then there to the end."""
        return self._class((0, "opacity:0"), (at, "opacity:0"), (at + over, "opacity:1"))

    def go(self, at: float, until: float, over: float = 0.25) -> str:
        """There from `at` to `until`, and not in the end: the element's own opacity is 0."""
        there = ((at, "opacity:0"), (at + over, "opacity:1"), (until - over, "opacity:1"))
        return self._class((0, "opacity:0"), *there, (until, "opacity:0"))

    def grow(self, at: float, over: float) -> str:
        """A path of pathLength 1 that is drawn from its start to its end."""
        hidden = "stroke-dasharray:1 2;stroke-dashoffset:1.01"  # a round end would show at 1
        whole = "stroke-dasharray:1 2;stroke-dashoffset:0"
        ease = "animation-timing-function:ease-out"
        return self._class((0, hidden), (at, f"{hidden};{ease}"), (at + over, whole))

    def flash(self, at: float, over: float = 0.8) -> str:
        """A ring that opens and is gone; the element's own opacity is 0."""
        small, large = "opacity:0;transform:scale(.3)", "opacity:0;transform:scale(2.6)"
        shown = (at + 0.1 * over, "opacity:1;transform:scale(.6)")
        return self._class((0, small), (at, small), shown, (at + over, large))

    def whole(self, over: float = 0.4) -> str:
        """All of it: in at the loop's start, out at its end, so that it starts again in peace."""
        ends = (over, "opacity:1"), (self.seconds - over, "opacity:1")
        return self._class((0, "opacity:0"), *ends, (self.seconds, "opacity:0"))

    def count(self, shown: Sequence[tuple[float, str]], height: float) -> str:
        """A counter: texts below each other, pulled up behind a window that shows one.

        The first of `shown` (time, text) is there from the start.
        """
        stops = [
            (0 if i == 0 else at, f"transform:translateY({number(-height * i)}px)")
            for i, (at, _) in enumerate(shown)
        ]
        moving = self._class(*stops, timing="step-end")
        rows = "".join(
            f'<text y="{number(height * (i + 0.8))}">{text}</text>'
            for i, (_, text) in enumerate(shown)
        )
        last = number(-height * (len(shown) - 1))
        return f'<g class="{moving}" style="transform:translateY({last}px)">{rows}</g>'

    def style(self) -> str:
        """The keyframes, and the rules that start them."""
        frames, rules = [], []
        for key, name in self._names.items():
            timing, stops = key.split("|")
            frames.append(f"@keyframes {name}{{{stops}}}")
            rules.append(f".{name}{{animation:{name} {self.seconds:g}s {timing} infinite}}")
        starting = "\n".join(rules)
        motion = f"@media (prefers-reduced-motion:no-preference){{\n{starting}\n}}"
        return "\n".join([*frames, motion])
