"""Tasks: a question, an answer that is checked at once, and a hint instead of the solution."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets

from relu_learn.core.errors import InvalidArgument
from relu_learn.widgets.lifecycle import Messages, close_tree, live_and_die_with_cell

_STYLE = """<style>
.rl-task {
  border-left: 4px solid #0072B2; padding: 4px 12px; margin: 6px 0; line-height: 1.45;
  --jp-widgets-font-size: var(--jp-content-font-size1);
}
.rl-task .rl-question { white-space: normal; line-height: 1.45; }
.rl-task .jupyter-button { width: auto; }
.rl-task .widget-radio-box label { white-space: normal; }
.rl-task .widget-radio-box, .rl-task .widget-radio { width: auto; max-width: none; }
.rl-task .rl-messages { line-height: 1.45; }
.rl-task .rl-messages [role=alert] { white-space: normal; }
.rl-task.rl-right { border-left-color: #009E73; }
.rl-task.rl-wrong { border-left-color: #D55E00; }
.rl-task :focus-visible { outline: 3px solid #D55E00; outline-offset: 1px; }
</style>"""


@dataclasses.dataclass(frozen=True)
class Feedback:
    """The verdict on an answer.

    Attributes
    ----------
    correct : bool
    sentence : str
        Praise with the reason, or a hint.
    """

    correct: bool
    sentence: str


class _Task(ipywidgets.VBox):
    """Question, input row, feedback."""

    _button = "Check"
    _judged = True

    def __init__(self, question: str, control: ipywidgets.Widget) -> None:
        self.question = question
        self.control = control
        self.messages = Messages()
        self.check_button = ipywidgets.Button(description=self._button, icon="check")
        text = ipywidgets.HTML(f'{_STYLE}<div class="rl-question">{question}</div>')
        inline = not isinstance(control, ipywidgets.RadioButtons)
        row = (ipywidgets.HBox if inline else ipywidgets.VBox)([control, self.check_button])
        row.layout.align_items = "center" if inline else "flex-start"
        super().__init__([text, row, self.messages])
        self.add_class("rl-task")
        self.check_button.on_click(self.messages.guard(lambda _: self._checked()))
        live_and_die_with_cell(self)

    def check(self, answer: Any) -> Feedback:
        """The verdict on an answer; the same one that the button shows."""
        raise NotImplementedError

    def _checked(self) -> None:
        for verdict in ("rl-right", "rl-wrong"):
            self.remove_class(verdict)
        feedback = self.check(self.control.value)
        if self._judged:
            self.add_class("rl-right" if feedback.correct else "rl-wrong")
        mark = ("✗", "✓")[feedback.correct] if self._judged else ""
        self.messages.say(f"{mark} {feedback.sentence}".strip())

    def dispose(self) -> None:
        """Close the task's widgets."""
        close_tree(self)


class NumberTask(_Task):
    """A question whose answer is a number.

    Parameters
    ----------
    question : str
        HTML, a sentence or two.
    answer : float
        Computed by the lesson where it can be, not typed in.
    hint : str
        Shown for a wrong answer; it must not give the answer away.
    why : str
        Shown for the right answer.
    tolerance : float
        Relative; 0 for counts.
    mistakes : mapping of float to str, optional
        Hints for particular wrong answers, such as the one that forgets the last kink.
    """

    def __init__(
        self,
        question: str,
        answer: float,
        *,
        hint: str,
        why: str = "Right.",
        tolerance: float = 0.0,
        mistakes: Mapping[float, str] | None = None,
    ) -> None:
        _all_plain(hint, why, *(mistakes or {}).values())
        self._answer, self._hint, self._why = float(answer), hint, why
        self._tolerance, self._mistakes = tolerance, dict(mistakes or {})
        field = ipywidgets.Text(
            placeholder="a number",
            continuous_update=False,
            layout=ipywidgets.Layout(width="10em"),
        )
        super().__init__(question, field)
        field.observe(self.messages.guard(lambda _: self._checked()), "value")  # Enter

    def check(self, answer: Any) -> Feedback:
        """The verdict on a number, or on the text of one."""
        value = _number(answer)
        if self._matches(value, self._answer):
            return Feedback(True, self._why)
        for mistake, hint in self._mistakes.items():
            if self._matches(value, mistake):
                return Feedback(False, hint)
        return Feedback(False, self._hint)

    def _matches(self, value: float, target: float) -> bool:
        return math.isclose(value, target, rel_tol=self._tolerance, abs_tol=1e-12)


# As the lessons print numbers, 101,136; a comma anywhere else is a decimal comma.
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")


def _number(answer: Any) -> float:
    text = str(answer).strip().replace("−", "-")
    text = text.replace(",", "" if _THOUSANDS.fullmatch(text) else ".")
    if not text:
        raise InvalidArgument("Type a number first.")
    try:
        value = float(text)
    except ValueError:
        raise InvalidArgument(
            f"“{text[:30]}” is not a number; type one such as 3, 0.25 or 1e6."
        ) from None
    if not math.isfinite(value):
        raise InvalidArgument("The answer is a finite number.")
    return value


class ChoiceTask(_Task):
    """A question with a few answers to choose from.

    Parameters
    ----------
    question : str
        HTML, a sentence or two.
    options : mapping of str to str
        Answer to feedback: why it is right, or a hint why it is not.
    answer : str
        The right one among them.
    """

    def __init__(self, question: str, options: Mapping[str, str], answer: str) -> None:
        if answer not in options:
            raise InvalidArgument(f"answer must be one of the options, got {answer!r}")
        _all_plain(*options.values())
        self._options, self._answer = dict(options), answer
        super().__init__(question, _radio(list(options)))

    def check(self, answer: Any) -> Feedback:
        """The verdict on one of the options."""
        if answer is None:
            raise InvalidArgument("Choose an answer first.")
        if answer not in self._options:
            raise InvalidArgument(f"{answer!r} is not one of the answers to choose from")
        return Feedback(answer == self._answer, self._options[answer])


class Prediction(_Task):
    """A question to be answered before looking; the answer is kept, not judged.

    Parameters
    ----------
    question : str
    options : sequence of str
    then : str
        What to do next to find out.
    """

    _button = "This is my guess"
    _judged = False

    def __init__(self, question: str, options: Sequence[str], then: str) -> None:
        self._then = then
        self.guess: str | None = None
        super().__init__(question, _radio(list(options)))

    def check(self, answer: Any) -> Feedback:
        """Keep the guess."""
        if answer is None:
            raise InvalidArgument("Choose an answer first: a wrong guess teaches more than none.")
        self.guess = str(answer)
        return Feedback(True, f"Your guess: {answer}. {self._then}")


def _all_plain(*texts: str) -> None:
    """Only a question may contain HTML: the page shows the tags of anything else."""
    for text in texts:
        if re.search(r"</?[a-z]+>", text):
            raise InvalidArgument(f"answers and hints must be plain text, got {text!r}")


def _radio(options: list[str]) -> ipywidgets.RadioButtons:
    _all_plain(*options)
    return ipywidgets.RadioButtons(
        options=options,
        value=None,
        layout=ipywidgets.Layout(width="auto"),
    )
