"""Work beside the page: one button starts and stops it, and what goes wrong in it is seen."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import ipywidgets

from relu_learn.widgets.board import Board


class Background:
    """What a board does in the background, and the button that starts it and stops it.

    Parameters
    ----------
    board : Board
        Shows exceptions, and is redrawn at the end.
    button : ipywidgets.Button
        Says "Stop" meanwhile.

    Attributes
    ----------
    doing : str
        What is being done, in words; "" when nothing is.
    """

    def __init__(self, board: Board, button: ipywidgets.Button) -> None:
        self._board, self._button = board, button
        self._idle = button.description, button.icon
        self.task: asyncio.Task[None] | None = None
        self.doing = ""

    @property
    def running(self) -> bool:
        """True while something is done."""
        return self.task is not None

    def start(self, work: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Begin, as a task of the kernel's own loop."""
        self.task = asyncio.get_running_loop().create_task(self._run(work, *args))
        self._button.description, self._button.icon = "Stop", "stop"

    def stop(self) -> None:
        """Let it be."""
        if self.task is not None:
            self.task.cancel()
            self._stopped()

    def _stopped(self) -> None:
        self.task, self.doing = None, ""
        self._button.description, self._button.icon = self._idle

    async def _run(self, work: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        me = self.task
        try:
            await work(*args)
        except Exception as error:  # nobody awaits this task: show it here
            self._board.messages.report(error)
        if self.task is me:
            self._stopped()
            self._board.refresh()


async def beside(call: Callable[..., Any], *args: Any) -> Any:
    """Call in a thread, so that the page lives on; where there are none, between its own events."""
    if sys.platform == "emscripten":
        await asyncio.sleep(0)
        return call(*args)
    return await asyncio.to_thread(call, *args)
