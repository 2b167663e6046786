"""Lesson 5: the trick of many outputs, stepped through the learner's own events."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from relu_learn import zoo
from relu_learn.figures.blocks import BlockEquation, BlockLine, Blocks, blocks_of
from relu_learn.figures.patch import Patch
from relu_learn.figures.run_view import RunView
from relu_learn.learn import learn_steps
from relu_learn.network import ReluNetwork
from relu_learn.telling import events as ev
from relu_learn.widgets import share
from relu_learn.widgets.explorer import Explorer, fill, menu
from relu_learn.widgets.transport import Transport

OUTPUTS = ("1", "2", "3", "6")


def first_outputs(network: ReluNetwork, count: int) -> ReluNetwork:
    """The same hidden layer, of which only the first outputs are seen."""
    parts = (network.output_weights, network.skip, network.offset)
    seen = slice(count) if count > 1 else 0  # one number, not a column of one
    return ReluNetwork(network.weights, network.biases, *(part[seen] for part in parts))


def gradients(events: Sequence[ev.Event]) -> int:
    """How many gradients a run measured."""
    return sum(isinstance(event, ev.GradientMeasured) for event in events)


class BlockSteps(Explorer):
    """A secret with several outputs: kinks, blocks, Jacobians, neurons, one event at a time.

    Parameters
    ----------
    outputs : str
        How many of its six outputs the secret shows: "1", "2", "3" or "6".

    Attributes
    ----------
    secret : ReluNetwork
    run : RunView
        The learner's events up to its final test.
    blocks : Blocks
        What they tell at the transport's position.
    """

    kind = "blocks"

    def __init__(self, outputs: str = "3", *, theme: str | None = None) -> None:
        self.outputs_menu = menu("Outputs m", OUTPUTS)
        fill({"outputs": self.outputs_menu}, {"outputs": outputs})
        self.run = self._new_run()
        self.state = self.run[0]
        self.transport = Transport(self.run, self._at, reveal="")
        super().__init__(
            {"outputs": self.outputs_menu},
            [[self.outputs_menu]],
            {"outputs": outputs, "theme": theme},
            between=[self.transport],
        )
        self.transport.seek(0)

    @property
    def secret(self) -> ReluNetwork:
        """The network, as many of its outputs as are shown."""
        whole = zoo.random_network(16, 6, 6, rng=6)  # all kinks fit into the picture
        return first_outputs(whole, int(self.outputs_menu.value))

    def _new_run(self) -> RunView:
        events = learn_steps(self.secret, self.secret.dim, rng=0)
        learning = itertools.takewhile(lambda e: not isinstance(e, ev.Validated), events)
        run = RunView(learning, self.secret.dim, self.secret.n_outputs)
        run.finish()  # a hundred queries: nobody waits
        return run

    def changed(self, name: str) -> None:
        """Another number of outputs is another run; who was at its end stays there."""
        del name
        at_end = self.transport.position == len(self.run) - 1
        run = self._new_run()
        self._begin(run, len(run) - 1 if at_end else 0)

    def _begin(self, run: RunView, step: int) -> None:
        self.run = run
        self.state = self.run[0]
        with self.quiet():
            self.transport.wind(self.run, step)

    def _at(self, index: int, revealed: bool) -> None:
        del revealed
        self.state = self.run[index]
        if not self._setting:
            self.show()

    def make_views(self, theme: Any) -> list[Any]:
        """The line, and the equation."""
        return [BlockLine(theme), BlockEquation(theme)]

    def draw(self) -> list[Patch]:
        """The state under the slider."""
        d, m = self.secret.dim, self.secret.n_outputs
        events = self.run.events[: self.state.index]
        self.blocks = blocks_of(events, d, m)
        done, k = gradients(events), self.secret.n_neurons
        self.narration.tell(
            self._sentence(self.blocks),
            f"Event {self.state.index} of {len(self.run) - 1} · {self.state.queries:,} queries · "
            f"d = {d} · m = {m} · {done} of {gradients(self.run.events)} gradients "
            f"(one for each piece would be {k + 1})",
        )
        line, equation = self.views
        return [line.patch(self.state, self.blocks), equation.patch(self.blocks, d, m)]

    def _sentence(self, blocks: Blocks) -> str:
        event, many = self.state.event, len(blocks.current)
        if event is None:
            return "Nothing is known yet. Press Play, or Step to go one event at a time."
        if isinstance(event, ev.CriticalPointFound):
            return (
                f"{event.narration} All outputs bend there, in the proportions of the neuron's "
                "output weights: one more column of A, without a single gradient."
            )
        if isinstance(event, ev.GradientMeasured) and blocks.difference is not None:
            m = blocks.difference.shape[0]
            who = f"{many} neurons switch" if many != 1 else "1 neuron switches"
            known = "1 known number" if m == 1 else f"{m} known numbers"
            text = f"Between it and the nearest one at its left {who}: for each input {known}"
            more = "." if many <= m else ": too many, another gradient is needed in between."
            return f"{event.narration} {text}, {many} unknown{more}"
        if isinstance(event, ev.NeuronFound):
            share_ = "a row" if many != 1 else "the only row"
            return f"{event.narration} Its weights are {share_} of A⁺ (J′ − J)."
        return event.narration

    def extra_rules(self) -> dict[str, share.Rule]:
        """Where the transport stands."""
        return {"step": share.whole_number()}

    def extra_values(self) -> dict[str, Any]:
        """The event."""
        return {"step": self.transport.position}

    def restore(self, values: dict[str, Any]) -> None:
        """Outputs and event."""
        step = values.pop("step")
        self.put(**values)
        run = self._new_run()
        share.check_step(run, step)
        self._begin(run, step)

    def dispose(self) -> None:
        """Stop the timer and close every widget."""
        self.transport.dispose()
        super().dispose()
