"""The player: a secret network is found out in front of you, one event at a time."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ipywidgets

from relu_learn import zoo
from relu_learn.asking.errors import InvalidArgument
from relu_learn.figures.line import SliceView
from relu_learn.figures.loss import LossView
from relu_learn.figures.neurons import NeuronsView
from relu_learn.figures.plane import PlaneView
from relu_learn.figures.run_view import RunView, State, squeezed
from relu_learn.learn import learn_steps
from relu_learn.network import ReluNetwork
from relu_learn.telling.events import Event
from relu_learn.telling.trace import Trace
from relu_learn.widgets import look, share
from relu_learn.widgets.lifecycle import Messages, close_tree, live_and_die_with_cell
from relu_learn.widgets.narration import Narration
from relu_learn.widgets.panel import Panel
from relu_learn.widgets.recording import TraceUpload, replay
from relu_learn.widgets.style import Styled, side_by_side
from relu_learn.widgets.transport import Transport

METHODS = ("adaptive", "grid")
RECORDED = "loaded run"  # its place in the menu of secrets
_OF_A_RUN = ("secret", "method", "seed")  # settings that make another run
_AS_TEXT = ("seed", "output")
MAX_QUERIES = 300_000  # a lesson ends with a sentence before it fills the kernel's memory
Learner = Callable[..., Iterable[Event]]


class Player(Styled, ipywidgets.Box):
    """A live run with linked views, transport, narration and a share string.

    Parameters
    ----------
    secret : str, ReluNetwork or Trace
        A name from the zoo, a network of your own, or a recorded run (whose secret nobody knows:
        there is nothing to reveal, and the only losses are the learner's own tests).
    seed : int
        Of the learner's random choices: same seed, same queries.
    method : str
        "adaptive" or "grid".
    theme : str
        "auto", "light", "dark" or "projector"; the notebook's choice when omitted.
    secrets : sequence of str, optional
        Names in the menu; the zoo's pictures when omitted.
    learner : callable, optional
        ``learner(black_box, dim, method=..., rng=..., max_queries=...)`` yields events;
        `learn_steps` when omitted. A function around it can fix further parameters, such as the
        grid's r.

    Attributes
    ----------
    secret : ReluNetwork or None
        None for a recorded run.
    run : RunView
    state : State
        What is on the screen.
    share : str
        Reopens this view, here or in another player.
    guess : tuple of (str, float or None)
        What somebody expects of the counter, in words and, if it is one, as a number; drawn with
        the next `dress`.

    Examples
    --------
    >>> player = Player("tent", seed=3)  # doctest: +SKIP
    """

    guess: tuple[str, float | None] = ("", None)

    def __init__(
        self,
        secret: str | ReluNetwork | Trace = "paper_plane",
        seed: int = 0,
        method: str = "adaptive",
        theme: str | None = None,
        *,
        secrets: Sequence[str] | None = None,
        learner: Learner | None = None,
    ) -> None:
        self._learner = learn_steps if learner is None else learner
        self._networks: dict[str, ReluNetwork] = {}
        self._trace: Trace | None = None
        names = list(secrets) if secrets is not None else zoo.names("picture")
        if isinstance(secret, ReluNetwork):
            name = _fingerprint(secret)
            self._networks[name] = secret
        elif isinstance(secret, Trace):
            name, self._trace = RECORDED, secret
        else:
            name = secret
        if name not in names and name != RECORDED:
            names.insert(0, name)
        self._names = names
        self._rules: dict[str, share.Rule] = {
            "secret": share.one_of(*self._in_menu),
            "method": share.one_of(*METHODS),
            "seed": share.whole_number(),
            "step": share.whole_number(),
            "theme": share.one_of(*look.CHOICES),
            "reveal": share.switch,
            "output": share.whole_number(1),
        }
        start = {"secret": name, "method": method, "seed": seed, "output": 1}
        start["theme"] = look.chosen(theme)
        self._settings = self._checked(**start)
        self.run, self.secret = self._started(
            self._settings
        )  # what this rejects, it rejects before a widget exists
        self._make_controls()
        self._build()
        super().__init__(
            [
                self._style_widget,
                self._settings_row,
                self.messages,
                self.transport,
                self.narration,
                self._views_box,
                self.share_messages,
                self._share_row,
            ],
            layout=ipywidgets.Layout(width="100%", flex_flow="column", overflow="visible"),
        )
        self.wear(look.theme_of(self.look))
        self._place_inputs(self._settings)
        self.transport.seek(0)
        look.join(self)
        live_and_die_with_cell(self)

    @property
    def _in_menu(self) -> list[str]:
        return self._names if self._trace is None else [*self._names, RECORDED]

    def _checked(self, **settings: Any) -> dict[str, Any]:
        for name, value in settings.items():
            try:
                settings[name] = self._rules[name](str(value))
            except ValueError as error:
                raise InvalidArgument(f"{name} {error}") from None
        return settings

    # ------------------------------------------------------------------ widgets

    def _make_controls(self) -> None:
        now = self._settings
        self._style_widget = ipywidgets.HTML(layout=ipywidgets.Layout(display="none"))
        self.messages, self.share_messages = Messages(), Messages()
        self.secret_menu = ipywidgets.Dropdown(
            options=self._in_menu, value=now["secret"], description="Secret"
        )
        self.method_menu = ipywidgets.Dropdown(
            options=METHODS, value=now["method"], description="Method"
        )
        self.seed_text = ipywidgets.Text(
            str(now["seed"]),
            description="Seed",
            continuous_update=False,
            layout=ipywidgets.Layout(width="9em"),
        )
        self.theme_menu = ipywidgets.Dropdown(
            options=look.CHOICES, value=now["theme"], description="Theme"
        )
        self.output_menu = ipywidgets.Dropdown(options=["1"], value="1", description="Output")
        self._inputs = {
            "secret": self.secret_menu,
            "method": self.method_menu,
            "seed": self.seed_text,
            "theme": self.theme_menu,
            "output": self.output_menu,
        }
        self._setting = False  # True while we set an input ourselves
        for name, widget in self._inputs.items():
            widget.observe(self.messages.guard(self._on_input(name)), "value")
        above = [widget for widget in self._inputs.values() if widget is not self.theme_menu]
        self._settings_row = ipywidgets.Box(above)
        self._settings_row.add_class("rl-controls")
        self.share_text = ipywidgets.Text(
            description="Share",
            continuous_update=False,
            layout=ipywidgets.Layout(flex="1 1 auto", width="auto"),
        )
        self.share_text.observe(self.share_messages.guard(self._on_share), "value")
        self.upload = TraceUpload(self.load, self.share_messages.guard)
        self._share_row = ipywidgets.Box([self.share_text, self.theme_menu, self.upload])
        self._share_row.add_class("rl-controls")
        self.narration = Narration()

    def _on_input(self, name: str) -> Callable[[dict[str, Any]], None]:
        def changed(change: dict[str, Any]) -> None:
            if self._setting:
                return
            self.messages.clear()
            self.share_messages.clear()
            if name == "theme":
                look.choose(change["new"])
            else:
                self._change(**self._checked(**{name: change["new"]}))

        return changed

    def _on_share(self, change: dict[str, Any]) -> None:
        if not self._setting:
            self.share_messages.clear()
            try:
                self.reopen(change["new"])
            finally:  # what was refused is told, and does not stay in the field
                self._set(self.share_text, self.share)

    # ---------------------------------------------------------------- the views

    def _build(self) -> None:
        self._make_views()
        self._panels = [Panel(v.figure(), label=v.label, compact=True) for v in self._views]
        self._views_are_new = False
        self._views_box = side_by_side(self._panels)
        self.transport = Transport(self.run, self._show)

    def _started(self, settings: dict[str, Any]) -> tuple[RunView, ReluNetwork | None]:
        """A run, and its secret if anybody knows it."""
        name = settings["secret"]
        if name == RECORDED and self._trace is not None:
            return replay(self._trace), None
        secret = squeezed(self._networks[name] if name in self._networks else zoo.get(name))
        events = self._learner(
            secret,
            secret.dim,
            method=settings["method"],
            rng=settings["seed"],
            max_queries=MAX_QUERIES,
        )
        return RunView(events, secret.dim, secret.n_outputs), secret

    def _make_views(self) -> None:
        theme, secret = look.theme_of(self.look), self.secret
        output = self._settings["output"] - 1
        plane, span = PlaneView(theme, output=output), None
        if secret is not None and secret.dim == 2:
            # Only the ends of the colour scale come from the secret, so that colours keep their
            # meaning from the first guess to the reveal.
            z = plane.values(secret)
            span = float(z.min()), float(z.max()) + 1e-9
        in_plane = self.run[0].dim == 2
        first = dataclasses.replace(plane, span=span) if in_plane else NeuronsView(theme)
        self._views = (
            first,
            SliceView(theme, output=output),
            LossView(theme, secret, self.guess[1]),
        )
        self._views_are_new = True

    def _show(self, index: int, revealed: bool) -> None:
        self.state = self.run[index]
        truth = self.secret if revealed else None
        for panel, view in zip(self._panels, self._views, strict=True):
            patch = view.patch(self.state, truth)
            if self._views_are_new:
                panel.describe(view.label)
                panel.replace(view.figure(), patch)
            else:
                panel.patch(patch)
        self._views_are_new = False
        self._tell()

    def _tell(self) -> None:
        state = self.state
        said = f" · you said: {self.guess[0]}" if self.guess[0] else ""
        self.narration.tell(state.narration, facts(state, self.run) + said)
        last = self.run.exhausted and state.index == len(self.run) - 1
        if self.run.error is not None and last:
            self.messages.report(self.run.error)
        self._set(self.share_text, self.share)

    def _set(self, widget: Any, value: Any) -> None:
        self._setting = True
        try:
            widget.value = value
        finally:
            self._setting = False

    # ----------------------------------------------------------------- settings

    @property
    def look(self) -> str:
        """The name of the look, "auto" included."""
        return str(self._settings["theme"])

    def dress(self, name: str) -> None:
        """Put on another look."""
        self._settings = self._settings | {"theme": name}
        self._place_inputs(self._settings)
        self._make_views()
        self.wear(look.theme_of(name))
        self._show(self.state.index, self.transport.revealed)

    @property
    def share(self) -> str:
        """Text that reopens exactly this view."""
        here = {"step": self.state.index, "reveal": self.transport.revealed}
        kept = [key for key in self._rules if key != "output" or self.run.n_outputs > 1]
        return share.write("player", {key: (self._settings | here)[key] for key in kept})

    def reopen(self, text: str) -> None:
        """Reopen the view that a share string describes; nothing changes if it is malformed."""
        values = share.read("player", text, self._rules, {"output": 1})
        step, reveal = values.pop("step"), values.pop("reveal")
        self._change(step, reveal, **values)

    def load(self, trace: Trace) -> None:
        """Show a recorded run; nothing changes if there is nothing to show in it."""
        replay(trace)
        self._trace = trace
        self._rules["secret"] = share.one_of(*self._in_menu)
        self._change(0, False, again=True, secret=RECORDED)

    def _change(
        self,
        step: int | None = None,
        reveal: bool | None = None,
        *,
        again: bool = False,
        **new: Any,
    ) -> None:
        before = self._settings
        same_run = not again and all(new.get(key, before[key]) == before[key] for key in _OF_A_RUN)
        now = before | ({} if same_run else {"output": 1}) | new
        try:
            run, secret = (self.run, self.secret) if same_run else self._started(now)
            if now["output"] > run.n_outputs:
                raise InvalidArgument(
                    f"output must be at most {run.n_outputs}, got {now['output']}"
                )
            if step is not None:
                share.check_step(run, step)
        except Exception:  # refused: everything as it was, the menus too
            self._place_inputs(before)
            raise
        if not same_run:
            self.run.close()
        self.messages.clear()
        self.share_messages.clear()
        self.run, self.secret, self._settings = run, secret, now
        self._place_inputs(now)
        if not same_run or any(before[key] != now[key] for key in ("theme", "output")):
            self._make_views()
            self.wear(look.theme_of(self.look))
        if step is None:
            step = self.state.index if same_run else 0
        self.transport.wind(self.run, step, reveal)

    def _place_inputs(self, settings: dict[str, Any]) -> None:
        self._setting = True
        self.secret_menu.options = self._in_menu
        self.output_menu.options = [str(i + 1) for i in range(self.run.n_outputs)]
        self._setting = False
        for name, widget in self._inputs.items():
            self._set(widget, str(settings[name]) if name in _AS_TEXT else settings[name])
        self.output_menu.layout.display = None if self.run.n_outputs > 1 else "none"
        recorded = self.secret is None
        for control in (self.method_menu, self.seed_text, self.transport.reveal_button):
            control.disabled = recorded

    def dispose(self) -> None:
        """Stop the timer, let go of the run and close every widget."""
        look.leave(self)
        self.run.close()
        self.transport.dispose()
        for panel in self._panels:
            panel.dispose()
        close_tree(self)


def facts(state: State, run: RunView) -> str:
    """Counters above the narration."""
    total = f" of {len(run) - 1}" if run.exhausted else ""
    parts = [f"Event {state.index}{total}", f"{state.queries:,} queries"]
    if state.event is not None:
        parts.append(state.event.procedure)
    return " · ".join(parts)


def _fingerprint(network: ReluNetwork) -> str:
    parts = (network.weights, network.biases, network.output_weights, network.skip, network.offset)
    digest = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    return f"own-{digest[:8]}"
