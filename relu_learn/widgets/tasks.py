"""Tasks: a question, an answer that is checked at once, and a hint instead of the solution."""

from __future__ import annotations

import dataclasses
import functools
import html
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import ipywidgets

from relu_learn.asking.errors import InvalidArgument
from relu_learn.widgets import still
from relu_learn.widgets.answers_file import Record, answers, note
from relu_learn.widgets.frames import Framed
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


class _Task(Framed, ipywidgets.VBox):
    """Question, input row, feedback."""

    _button = "Check"
    _judged = True
    _place: tuple[str, str] | None = None  # lesson and task under which answers are kept
    _restoring = False

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

    def _ipython_display_(self) -> None:
        options = getattr(self.control, "options", ())
        choices = "".join(f"<br>○ {html.escape(option)}" for option in options)
        still.show(self, still.words(self.question + choices))

    def check(self, answer: Any) -> Feedback:
        """The verdict on an answer; the same one that the button shows."""
        raise NotImplementedError

    def keep(self, lesson: str, task: str) -> None:
        """Keep what is answered here under this name, and show what was answered before."""
        self._place = lesson, task
        before = answers().get(lesson, {}).get(task)
        if before is not None:
            self._restoring = True
            self._restore(before)
            self._restoring = False

    def _restore(self, record: Record) -> None:
        """Put an answer back, with its verdict."""
        self.control.value = record["answer"]
        self._checked()

    def _answer_given(self) -> Any:
        """What is judged, and kept as text."""
        return self.control.value

    def _checked(self) -> None:
        for verdict in ("rl-right", "rl-wrong"):
            self.remove_class(verdict)
        answer = self._answer_given()
        feedback = self.check(answer)
        self._show(feedback)
        if self._place is None or self._restoring:
            return
        try:
            note(*self._place, str(answer), feedback.correct)
        except (OSError, InvalidArgument) as error:
            self._show(Feedback(feedback.correct, f"{feedback.sentence} (Not kept: {error}.)"))

    def _show(self, feedback: Feedback) -> None:
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
        field.observe(self.messages.guard(lambda _: self._entered()), "value")

    def _entered(self) -> None:
        if not self._restoring:
            self._checked()

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


class BuildTask(_Task):
    """Something to be built in a widget of the lesson; its state is the answer.

    Parameters
    ----------
    question : str
        HTML, a sentence or two.
    judge : callable
        No argument -> Feedback, from what the widget shows now.
    state : callable
        No argument -> str, the state that is kept as the answer (a share string, say).
    """

    def __init__(
        self, question: str, judge: Callable[[], Feedback], state: Callable[[], str]
    ) -> None:
        self._judge, self._state = judge, state
        super().__init__(question, ipywidgets.HTML("Built it? "))

    def check(self, answer: Any = None) -> Feedback:
        """The verdict on the widget's present state, whatever the argument."""
        feedback = self._judge()
        _all_plain(feedback.sentence)
        return feedback

    def _answer_given(self) -> str:
        return self._state()

    def _restore(self, record: Record) -> None:
        # The state is not put back: the widget above belongs to the student.
        if record["correct"]:
            self._show(Feedback(True, "You have built this before."))


T = TypeVar("T", bound=_Task)


def kept(lesson: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Decorator of the functions task_1, task_2, ... of a lesson: their answers are kept."""

    def decorate(build: Callable[..., T]) -> Callable[..., T]:
        @functools.wraps(build)
        def built(*args: Any) -> T:
            task = build(*args)
            task.messages.guard(task.keep)(lesson, build.__name__.removeprefix("task_"))
            return task

        return built

    return decorate


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
