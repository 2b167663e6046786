"""Lesson 2, second half: GetNeurons on a whole line, event by event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from relu_learn.figures.hyperplanes import (
    GradientView,
    IntervalsView,
    NormalsView,
    gradients_of,
)
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import values_span
from relu_learn.figures.run_view import RunView
from relu_learn.figures.theme import Theme, number
from relu_learn.judging.loss import best_loss
from relu_learn.judging.matching import match_neurons
from relu_learn.learn import learn_steps
from relu_learn.network import ReluNetwork
from relu_learn.widgets import share
from relu_learn.widgets.bench import KinkBench, pictures
from relu_learn.widgets.explorer import (
    Explorer,
    fill,
    menu,
    slider,
    whole_slider,
)
from relu_learn.widgets.transport import Transport

MAX_QUERIES = 50_000
METHODS = ("grid", "adaptive")

__all__ = ["HyperplaneLab", "KinkBench"]


class HyperplaneLab(Explorer):
    """A run on a whole line, event by event, with the grid's r and τ in your hands.

    Parameters
    ----------
    network : str
    method : {"grid", "adaptive"}
    r, tau : float
        Length of the grid's intervals, and half the length of the line that it covers.
    seed : int
        Of the run, 0 to 20.
    networks : mapping of str to ReluNetwork, optional

    Attributes
    ----------
    run : RunView
    state : State
    transport : Transport
    """

    kind = "hyperplanes"
    _winding = False

    def __init__(
        self,
        network: str = "paper_plane",
        method: str = "grid",
        r: float = 0.4,
        tau: float = 4.0,
        seed: int = 0,
        *,
        networks: Mapping[str, ReluNetwork] | None = None,
        theme: str | None = None,
    ) -> None:
        self._networks = pictures(networks)
        self.network_menu = menu("Secret", list(self._networks))
        self.method_menu = menu("Method", METHODS)
        self.seed = whole_slider("Seed (which line)", 0, 20)
        self.r = slider("interval length r", 0.05, 1.5, 0.05)
        self.tau = slider("half length τ", 1, 8, 0.5, ".1f")
        inputs = {"network": self.network_menu, "method": self.method_menu, "seed": self.seed}
        start = {"network": network, "method": method, "r": r, "tau": tau, "seed": seed}
        sliders = {"r": self.r, "tau": self.tau}
        fill({**inputs, **sliders}, start)
        self.run = self._new_run()
        self.state = self.run[0]
        self.transport = Transport(self.run, self._at)
        super().__init__(
            {**inputs, **sliders},
            [[self.network_menu, self.method_menu, self.seed], [self.r, self.tau]],
            start | {"theme": theme},
            between=[self.transport],
        )

    @property
    def secret(self) -> ReluNetwork:
        """The chosen secret."""
        return self._networks[self.network_menu.value]

    def _new_run(self) -> RunView:
        secret, grid = self.secret, self.method_menu.value == "grid"
        more = {"r": self.r.value, "tau": self.tau.value, "validation": 200} if grid else {}
        events = learn_steps(
            secret,
            2,
            method=self.method_menu.value,
            rng=self.seed.value,
            max_queries=MAX_QUERIES,
            **more,
        )
        return RunView(events, 2)

    def changed(self, name: str) -> None:
        """Another run; who was at the end of the last one sees the end of this one."""
        position = self.transport.position
        self.run.reach(position + 1)
        self._begin(self._new_run(), at_end=0 < position == len(self.run) - 1)

    def _begin(self, run: RunView, at_end: bool = False, step: int = 0) -> None:
        self.run.close()
        self.run = run
        for widget in (self.r, self.tau):
            widget.disabled = self.method_menu.value != "grid"
        if at_end:
            self.run.finish()
            step = len(self.run) - 1
        with self._no_drawing():
            self.transport.wind(self.run, step)
        self.state = self.run[self.transport.position]
        self.views = self.make_views(self.theme)

    @contextmanager
    def _no_drawing(self) -> Iterator[None]:
        """The transport moves in here without anything being drawn."""
        self._winding = True
        try:
            yield
        finally:
            self._winding = False

    def _at(self, index: int, revealed: bool) -> None:
        del revealed  # read from the transport when drawing
        self.state = self.run[index]
        if not self._winding:
            self.show()

    # ---------------------------------------------------------------- the views

    def make_views(self, theme: Theme) -> list[Any]:
        """The plane, the slice, and the gradients."""
        r = self.r.value if self.method_menu.value == "grid" else 0.0
        tau = self.tau.value if r else 4.0
        plane = NormalsView(theme, span=values_span(self.secret))
        return [plane, IntervalsView(theme, reach=tau, r=r, tau=tau), GradientView(theme, 0.48)]

    def draw(self) -> list[Patch]:
        """The state under the slider."""
        state = self.state
        truth = self.secret if self.transport.revealed else None
        plane, along, gradients = self.views
        self._tell()
        return [
            plane.patch(state, truth),
            along.patch(state, truth),
            gradients.draw(*gradients_of(self.run.events[: state.index])),
        ]

    def _tell(self) -> None:
        state = self.state
        total = f" of {len(self.run) - 1}" if self.run.exhausted else ""
        facts = [f"Event {state.index}{total}", f"{state.queries:,} queries"]
        if state.event is not None:
            facts.append(state.event.procedure)
        text = state.narration
        known = state.hypothesis
        if not known.is_empty and known.neurons:
            facts.append(f"neurons found: {len(known.neurons)}")
        if state.is_final:
            loss, kind = best_loss(self.secret, known.network, rng=0)
            matched = len(match_neurons(known.network, self.secret).pairs)
            text += f" Of the secret's {self.secret.n_neurons} neurons {matched} are among them; "
            text += f"loss {number(loss)} ({kind})."
        self.narration.tell(text, " · ".join(facts))
        if self.run.error is not None and state.index == len(self.run) - 1:
            self.messages.report(self.run.error)

    # ------------------------------------------------------------------- sharing

    def extra_rules(self) -> dict[str, share.Rule]:
        """Where the transport stands."""
        return {"step": share.whole_number(), "reveal": share.switch}

    def extra_values(self) -> dict[str, Any]:
        """Event, and whether the secret is revealed."""
        return {"step": self.transport.position, "reveal": int(self.transport.revealed)}

    def restore(self, values: dict[str, Any]) -> None:
        """Settings, event and curtain."""
        step, reveal = values.pop("step"), values.pop("reveal")
        self.put(**values)
        run = self._new_run()
        share.check_step(run, step)
        with self._no_drawing():
            self.transport.revealed = reveal
        self._begin(run, step=step)

    def dispose(self) -> None:
        """Stop the timer and close every widget."""
        self.run.close()
        self.transport.dispose()
        super().dispose()
