"""A run followed event by event: two lines that change on a terminal, a log anywhere else."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.status import Status
from rich.text import Text

from relu_learn.asking.errors import InvalidArgument, ReluLearnError
from relu_learn.cli.terminal import Terminal, count, say, stop, tell

if TYPE_CHECKING:
    from relu_learn.network import ReluNetwork
    from relu_learn.telling.events import Event
    from relu_learn.telling.trace import Hypothesis


@dataclasses.dataclass
class Following:
    """One run of the learner on any black box, and what is known of it so far.

    Attributes
    ----------
    title : str
        What the black box is called.
    events : list of Event
    known : Hypothesis
        After the last event.
    network : ReluNetwork or None
        What was found; of a run that failed, what it had found by then.
    claim : str
        The certificate in words; empty before the run has ended.
    seconds, answering : float
        What the run took, and the black box's share of it.
    """

    title: str
    events: list[Event] = dataclasses.field(default_factory=list)
    known: Hypothesis = dataclasses.field(init=False)
    network: ReluNetwork | None = None
    claim: str = ""
    seconds: float = 0.0
    answering: float = 0.0

    @property
    def queries(self) -> int:
        """What the run has cost."""
        return self.events[-1].queries if self.events else 0

    @property
    def sure(self) -> int:
        """How many of the queries were fresh points of the final test."""
        from relu_learn.telling.events import Validated

        tests = [len(event.points) for event in self.events if isinstance(event, Validated)]
        return tests[-1] if tests else 0

    def follow(
        self, black_box: Callable[..., Any], dim: int, seed: int, **options: Any
    ) -> BaseException | None:
        """Drain the learner (`options` are those of `learn_steps`); what stopped it early is
        returned, with what it had found kept.

        Raises
        ------
        InvalidArgument
        """
        from relu_learn.learn import learn_steps
        from relu_learn.telling.trace import Hypothesis

        self.known = Hypothesis(dim, 1)

        def answer(x: Any) -> Any:
            start = time.perf_counter()
            try:
                return black_box(x)
            finally:
                self.answering += time.perf_counter() - start

        start = time.perf_counter()
        console, logged = Terminal(stderr=True), set[str]()
        try:
            steps = learn_steps(answer, dim, rng=seed, **options)
            with Status(self.title, console=console, spinner_style="cyan") as status:
                for event in steps:
                    self._note(event)
                    if console.is_terminal:
                        status.update(self._now())
                    else:
                        _log(event, logged)
        except InvalidArgument:
            raise
        except ReluLearnError as error:
            if error.partial is not None:
                self.network = error.partial.network
            return error
        except KeyboardInterrupt as interruption:
            return interruption
        finally:
            self.seconds = time.perf_counter() - start
        return None

    def _note(self, event: Event) -> None:
        from relu_learn.telling.events import RunStarted

        self.events.append(event)
        if isinstance(event, RunStarted):
            self.known = dataclasses.replace(self.known, n_outputs=event.n_outputs)
        self.known = self.known.after(event)
        self.network = None if self.known.is_empty else self.known.network
        self.claim = str(getattr(event, "certificate", ""))

    def _now(self) -> Text:
        """Two lines on a terminal that change as the run goes on."""
        event = self.events[-1]
        spent, found = count(event.queries, "query"), count(self.known.n_neurons, "neuron")
        cells = (self.title, "bold"), event.phase, (spent, "cyan"), (found, "green")
        head = Text("  ").join(Text.assemble(cell) for cell in (*cells, (event.procedure, "dim")))
        return Text.assemble(head, "\n    ", event.narration)

    def save(self, path: Path) -> None:
        """Keep every event in a file, for `relu-learn play`."""
        from relu_learn.telling.trace import Trace

        try:
            Trace(self.events).save(path)
        except OSError as error:
            stop(f"--save-trace: cannot write {str(path)!r}: {error.strerror}", 1)
        say(f"{len(self.events):,} events saved to {path}")


def _log(event: Event, phases: set[str]) -> None:
    """The same for pipes and files: the first event of each phase, anew for each line drawn."""
    if type(event).__name__ == "LineDrawn":
        phases.clear()
    if event.phase not in phases:
        phases.add(event.phase)
        tell(f"{event.queries:>10,} queries  {event.phase:<9}  {event.narration}")
