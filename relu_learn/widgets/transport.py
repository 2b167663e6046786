"""The transport: play, step, step back, scrub, speed, reset, reveal; the same in every lesson."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any, Protocol

import ipywidgets

from relu_learn.widgets.lifecycle import Messages, close_tree
from relu_learn.widgets.scrubber import Scrubber

SPEEDS = {"0.5×": 0.5, "1×": 1.0, "2×": 2.0, "4×": 4.0, "10×": 10.0}
SECONDS = 0.8  # one event at speed 1×: time to read its sentence


class Reel(Protocol):
    """What a transport winds: states 0, 1, 2, ... that may still be growing.

    A `figures.run_view.RunView` is one.
    """

    exhausted: bool

    def __len__(self) -> int:
        """Number of states that exist so far, at least 1."""

    def reach(self, index: int) -> Any:
        """Make states up to `index` exist, as far as there are any."""


class Transport(ipywidgets.Box):
    """Buttons and slider over a reel.

    Parameters
    ----------
    reel : Reel
    show : callable
        ``show(index, revealed)`` draws a state. Its exceptions appear under the controls.
    reveal : str, optional
        Label of the switch that reveals the truth; "" for a lesson that has nothing to hide.

    Attributes
    ----------
    position : int
        The state that is shown.
    messages : Messages
        The place under the controls for what went wrong.
    """

    def __init__(
        self, reel: Reel, show: Callable[[int, bool], None], *, reveal: str = "Reveal"
    ) -> None:
        self._reel, self._show = reel, show
        self.position = 0
        self._task: asyncio.Task[None] | None = None
        self.messages = Messages()

        def button(text: str, icon: str, tip: str) -> ipywidgets.Button:
            return ipywidgets.Button(description=text, icon=icon, tooltip=tip)

        self.play_button = button("Play", "play", "Play or pause")
        self.step_button = button("Step", "step-forward", "One event forward")
        self.end_button = button("To the end", "fast-forward", "Everything that is left, at once")
        self.back_button = button("Back", "step-backward", "One event back")
        self.scrubber = Scrubber(self.messages.guard(self._by_hand))
        self.speed = ipywidgets.Dropdown(options=SPEEDS, value=1.0, description="Speed")
        self.reset_button = button("Reset", "fast-backward", "Back to the start")
        self.reveal_button = ipywidgets.ToggleButton(
            description=reveal or "Reveal", icon="eye", tooltip="Show the secret itself"
        )
        controls = [self.play_button, self.step_button, self.back_button, self.end_button]
        controls += [self.scrubber, self.speed, self.reset_button]
        if reveal:
            controls.append(self.reveal_button)
        self._unused = [] if reveal else [self.reveal_button]
        row = ipywidgets.Box(controls, layout=ipywidgets.Layout(width="100%"))
        row.add_class("rl-controls")
        super().__init__(
            [row, self.messages],
            layout=ipywidgets.Layout(width="100%", flex_flow="column", overflow="visible"),
        )
        guard = self.messages.guard
        self.play_button.on_click(guard(lambda _: self.pause() if self.playing else self.play()))
        self.step_button.on_click(guard(lambda _: self._by_hand(self.position + 1)))
        self.back_button.on_click(guard(lambda _: self._by_hand(self.position - 1)))
        self.end_button.on_click(guard(lambda _: self._by_hand(sys.maxsize)))
        self.reset_button.on_click(guard(lambda _: self._by_hand(0)))
        self._winding = False
        self.reveal_button.observe(guard(self._switched), "value")

    # ------------------------------------------------------------- where we are

    @property
    def revealed(self) -> bool:
        """State of the reveal switch."""
        return bool(self.reveal_button.value)

    @revealed.setter
    def revealed(self, value: bool) -> None:
        self.reveal_button.value = value

    @property
    def playing(self) -> bool:
        """True while the timer runs."""
        return self._task is not None

    def wind(self, reel: Reel, position: int = 0, revealed: bool | None = None) -> None:
        """Put in another reel and show its state `position`; None leaves the switch as it is."""
        self.pause()
        self._reel = reel
        if revealed is not None:
            self._winding = True  # the switch alone must not draw: nothing fits together yet
            self.revealed = revealed
            self._winding = False
        self.seek(position)

    def seek(self, index: int) -> bool:
        """Show state `index` (the nearest there is); tell whether the position changed."""
        self._reel.reach(max(index, 0))
        before = self.position
        self.position = min(max(index, 0), len(self._reel) - 1)
        last = len(self._reel) - 1
        total = f" of {last}" if self._reel.exhausted else ""
        self.scrubber.place(self.position, last, f"{self.position}{total}")
        self.refresh()
        return self.position != before

    def refresh(self) -> None:
        """Draw the present state again."""
        self._show(self.position, self.revealed)
        at_end = self._reel.exhausted and self.position == len(self._reel) - 1
        self.back_button.disabled = self.reset_button.disabled = self.position == 0
        self.step_button.disabled = self.end_button.disabled = at_end

    def _switched(self, _: Any) -> None:
        if not self._winding:
            self.refresh()

    def _by_hand(self, index: int) -> None:
        self.messages.clear()
        self.pause()
        self.seek(index)

    # -------------------------------------------------------------------- timer

    def play(self) -> None:
        """Start the timer; from the beginning if everything has been shown."""
        if self.playing:
            return
        self.messages.clear()
        if self._reel.exhausted and self.position == len(self._reel) - 1:
            self.seek(0)
        # A task of the kernel's own loop: between two events every other callback has its turn.
        self._task = asyncio.get_running_loop().create_task(self._run())
        self.play_button.description, self.play_button.icon = "Pause", "pause"

    def pause(self) -> None:
        """Stop the timer."""
        if self._task is not None:
            self._task.cancel()
            self._stopped()

    def _stopped(self) -> None:
        self._task = None
        self.play_button.description, self.play_button.icon = "Play", "play"

    async def _run(self) -> None:
        me = self._task
        try:
            while self.seek(self.position + 1):
                await asyncio.sleep(SECONDS / self.speed.value)
        except Exception as error:  # nobody awaits this task: show it here
            self.messages.report(error)
        if self._task is me:
            self._stopped()

    def dispose(self) -> None:
        """Stop the timer and close every control."""
        self.pause()
        for widget in self._unused:
            close_tree(widget)
        close_tree(self)
