"""The board of a service that is attacked: every defence, what it costs, and what it leaves."""

from __future__ import annotations

import dataclasses
import html
import time
from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any

import ipywidgets

from relu_learn.auditing.trial import (
    Case,
    Cost,
    Spoils,
    attack,
    cost,
    digits_case,
    why_not_http,
)
from relu_learn.figures.defences import DefencesView
from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import number
from relu_learn.serving.defences import Defences
from relu_learn.telling.events import Event
from relu_learn.widgets.background import Background, beside
from relu_learn.widgets.board import Board, button, slider

# Neurons of the network: the menu's words, and `zoo.small_digits`'s.
NEURONS = {"as usual": "none", "in pairs": "pairs", "all alike": "all"}
BOX = (0.0, 1.0)  # pixels
# Seconds between two words on how far an attack is.
_WORD = 0.25
_HEAD = (
    "<tr><th rowspan=2>defence<th colspan=2>honest user<th colspan=3>attacker</tr>"
    "<tr><th>right<th>scores off<th>queries<th>neurons<th>digits</tr>"
)
_STYLE = """<style>
.rl-trials { overflow: auto; max-height: 350px; line-height: 1.3; }
.rl-trials table { border-collapse: collapse; width: 100%; color: inherit; }
.rl-trials th, .rl-trials td { padding: 1px 5px; text-align: right; font-weight: inherit; }
.rl-trials td { white-space: nowrap; }
.rl-trials th:first-child[scope], .rl-trials tr:first-child th { text-align: left; }
.rl-trials thead th { font-weight: bold; }
.rl-trials tbody tr { border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
</style>"""


@dataclasses.dataclass(frozen=True)
class Setting:
    """How the network was trained, and what the service does."""

    neurons: str = "as usual"
    defences: Defences = Defences()

    def __str__(self) -> str:
        d = self.defences
        said = {
            self.neurons: self.neurons != "as usual",
            f"{d.decimals} decimals": d.decimals is not None,
            f"noise {d.noise:g}": d.noise,
            "8 bits": d.int8,
            "labels only": d.labels_only,
            "box": d.bounds is not None,
            f"budget {d.budget or 0:,}": d.budget,
        }
        return " + ".join(words for words, there in said.items() if there) or "no defence"


@dataclasses.dataclass(frozen=True)
class Trial:
    """An attack, and what its defences cost."""

    cost: Cost
    spoils: Spoils


ALL = (
    Setting(),
    Setting("in pairs"),
    Setting(defences=Defences(bounds=BOX)),
    Setting(defences=Defences(budget=500)),
    Setting(defences=Defences(decimals=6)),
    Setting(defences=Defences(decimals=2)),
    Setting(defences=Defences(noise=0.1)),
    Setting(defences=Defences(labels_only=True)),
)


class UnderAttack(Board):
    """A prediction service on this machine, its defences, and an attack over HTTP.

    Every position of the controls is measured at once from the user's side; the attack waits for
    its button, and runs beside the kernel's other work.

    Parameters
    ----------
    max_seconds : float
        After which an attack gives up.
    theme : str

    Attributes
    ----------
    trials : dict of Setting to Trial
        Every attack so far.
    """

    def __init__(self, max_seconds: float = 15.0, theme: str | None = None) -> None:
        self.max_seconds = max_seconds
        self.trials: dict[Setting, Trial] = {}
        self.cases: dict[str, Case] = {}
        self.costs: dict[Setting, Cost] = {}
        self.where = why_not_http()
        self._last = Setting()
        self.neurons_menu = ipywidgets.Dropdown(options=list(NEURONS), description="Neurons")
        decimals = [("all", -1), *((str(p), p) for p in (8, 6, 4, 3, 2, 1, 0))]
        noises = [("none", 0.0), *((f"{s:g}", s) for s in (0.0001, 0.001, 0.01, 0.1, 1.0))]
        budgets = [("none", 0), *((f"{n:,}", n) for n in (2000, 1000, 500, 200, 100))]
        self.decimals_slider = slider("Decimals", decimals, -1, "230px")
        self.noise_slider = slider("Noise", noises, 0.0, "230px")
        self.budget_slider = slider("Budget", budgets, 0, "230px")
        tips = {
            "Labels only": "Only the most probable digit is told",
            "8 bits": "256 levels between the extremes",
            "Box": "Pixels outside 0 to 1 are refused",
        }
        self.labels_button, self.bits_button, self.box_button = (
            ipywidgets.ToggleButton(description=name, tooltip=tip) for name, tip in tips.items()
        )
        self.attack_button = button("Attack", "bolt", "Attack the service, or stop")
        self.attacking = Background(self, self.attack_button)
        self.all_button = button("Attack each", "list", "Attack behind eight defences in turn")
        first = [self.neurons_menu, self.decimals_slider, self.noise_slider, self.budget_slider]
        toggles = [self.labels_button, self.bits_button, self.box_button]
        for control in (*first, *toggles):
            self.on(control, lambda _: self._seen())
        self.on(self.attack_button, lambda _: self.press(self.setting))
        self.on(self.all_button, lambda _: self.press(*ALL))
        self.table = ipywidgets.HTML(layout=ipywidgets.Layout(flex="1 1 400px", width="auto"))
        _finish(self._attacks([Setting()], _at_once))
        rows = [first, [*toggles, self.attack_button, self.all_button]]
        super().__init__([DefencesView], rows, theme, least=380)

    def _row(self, grow: Sequence[int] | None, least: int) -> ipywidgets.Box:
        row = super()._row(grow, least)
        row.children = (*row.children, self.table)
        return row

    # ----------------------------------------------------------------- the settings

    @property
    def setting(self) -> Setting:
        """What the controls say."""
        decimals = self.decimals_slider.value
        return Setting(
            self.neurons_menu.value,
            Defences(
                None if decimals < 0 else decimals,
                self.noise_slider.value,
                self.labels_button.value,
                self.bits_button.value,
                self.budget_slider.value or None,
                BOX if self.box_button.value else None,
            ),
        )

    def case(self, setting: Setting) -> Case:
        """The network, its user and its attacker."""
        if setting.neurons not in self.cases:
            self.cases[setting.neurons] = digits_case(NEURONS[setting.neurons])
        return self.cases[setting.neurons]

    def cost(self, setting: Setting) -> Cost:
        """What a setting costs the user; measured once."""
        if setting not in self.costs:
            self.costs[setting] = cost(self.case(setting), setting.defences)
        return self.costs[setting]

    def _seen(self) -> None:
        self._last = self.setting

    # ------------------------------------------------------------------ the attacks

    def attack(self, *settings: Setting) -> None:
        """Attack behind these settings (default: that of the controls), and wait for it."""
        _finish(self._attacks(settings or [self.setting], _at_once))
        self.refresh()

    def press(self, *settings: Setting) -> None:
        """Begin to attack in the background, or stop."""
        if self.attacking.running:
            self.attacking.stop()
        else:
            self.attacking.start(self._attacks, settings, beside, self._word)

    async def _attacks(
        self,
        settings: Sequence[Setting],
        run: Callable[..., Coroutine[Any, Any, Any]],
        word: Callable[[Setting, Event | None], object] = lambda *_: None,
    ) -> None:
        """Attack behind one setting after the other; `run` says how each step is waited for."""
        for setting in settings:
            steps, spoils, due = self._steps(setting), None, time.monotonic()
            while spoils is None:
                event, spoils = await run(_advance, steps)
                if event is not None and time.monotonic() >= due:
                    word(setting, event)
                    due = time.monotonic() + _WORD
            self.trials.pop(setting, None)  # the latest is the last row
            self.trials[setting] = Trial(self.cost(setting), spoils)
            self._last = setting
            word(setting, None)

    def _steps(self, setting: Setting) -> Generator[Event, None, Spoils]:
        return attack(self.case(setting), setting.defences, self.max_seconds)

    def _word(self, setting: Setting, event: Event | None) -> None:
        self.attacking.doing = ""
        if event is not None:
            done = f"{event.queries:,} queries · {event.phase}"
            self.attacking.doing = f"attacking: {setting} · {done}"
        self.refresh()

    # ------------------------------------------------------------------ the picture

    def patches(self) -> Sequence[Patch]:
        """All attacks so far, and the cost of what the controls say."""
        self.all_button.disabled = self.attacking.running
        now = self.setting
        price = self.cost(now)
        self.tell(*self._words(self._last))
        self.table.value = _STYLE + table(self.trials)
        points = [
            (str(setting), trial.cost.lost, trial.spoils.digits, not trial.spoils.ending)
            for setting, trial in self.trials.items()
        ]
        title = f"Now: {now}, costs {per_cent(price.lost)}"
        return (self.chart(DefencesView).patch(points, price.lost, title),)

    def _words(self, setting: Setting) -> tuple[str, str]:
        """The sentence about a setting, and the facts beside it."""
        price = self.cost(setting)
        said = f"{setting}: the user gets {100 * price.right:.1f} % right, scores are off by "
        said = f"{said[0].upper()}{said[1:]}{per_cent(price.off)}. "
        if setting in self.trials:
            spoils = self.trials[setting].spoils
            end = f" ({spoils.ending})" if spoils.ending else ""
            said += (
                f"The attacker has {spoils.neurons} of 16 neurons and {spoils.digits:.1f} digits "
                f"from {spoils.queries:,} queries{end}."
            )
        else:
            said += (
                "The attack is under way."
                if self.attacking.doing
                else "And the attacker? Press Attack."
            )
        where = "over HTTP, from a service on this machine (127.0.0.1)"
        if self.where:
            where = f"asked in this process, without HTTP: {self.where}"
        return said, self.attacking.doing or f"64-16-10, read 400 held-out digits · {where}"

    def dispose(self) -> None:
        """Stop attacking, and close every widget."""
        self.attacking.stop()
        super().dispose()


def per_cent(share: float) -> str:
    """A share, short; rounding errors are nothing."""
    return f"{number(float(f'{100 * share:.2g}'))} %" if share > 1e-10 else "0 %"


def table(trials: dict[Setting, Trial]) -> str:
    """The attacks as a table, the latest last."""
    rows = ""
    for setting, trial in trials.items():
        price, spoils = trial.cost, trial.spoils
        name = html.escape(str(setting))
        if spoils.ending:
            name += f"<br><small>{spoils.ending}</small>"
        cells = (
            f"{100 * price.right:.1f} %",
            per_cent(price.off),
            f"{spoils.queries:,}",
            f"{spoils.neurons} of 16",
            f"<b>{spoils.digits:.1f}</b>",
        )
        rows += f"<tr><th scope=row>{name}" + "".join(f"<td>{cell}" for cell in cells) + "</tr>"
    return (
        '<div class="rl-trials" role="region" aria-label="All attacks" tabindex="0">'
        f"<table><thead>{_HEAD}</thead><tbody>{rows}</tbody></table></div>"
    )


# ------------------------------------------------------------- how steps are waited for


def _advance(steps: Generator[Event, None, Spoils]) -> tuple[Event | None, Spoils | None]:
    """One more event, or what is left at the end. (No StopIteration crosses a thread.)"""
    try:
        return next(steps), None
    except StopIteration as end:
        return None, end.value


async def _at_once(call: Callable[..., Any], *args: Any) -> Any:
    return call(*args)


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Run to its end what never waits."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise RuntimeError("it waits for something")
