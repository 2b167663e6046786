"""Tasks of lesson 06_black_boxes_in_the_wild, with their answers."""

from __future__ import annotations

from relu_learn.figures.defences import CHEAP, FEW
from relu_learn.widgets.tasks import BuildTask, ChoiceTask, Feedback, NumberTask, kept
from relu_learn.widgets.under_attack import UnderAttack, per_cent

LESSON = "06_black_boxes_in_the_wild"


@kept(LESSON)
def task_1(board: UnderAttack) -> BuildTask:
    """A defence that is cheap and defends."""

    def judge() -> Feedback:
        trials = {name: trial for name, trial in board.trials.items() if trial.cost.lost < CHEAP}
        name = min(trials, key=lambda one: trials[one].spoils.digits)
        found = trials[name]
        if found.spoils.digits >= FEW:
            return Feedback(
                False,
                f"The best cheap one so far is “{name}”, and leaves {found.spoils.digits:.1f} "
                "digits. What does an attacker need whose answers are imprecise, and who could "
                "forbid it?",
            )
        said = f"“{name}” costs {per_cent(found.cost.lost)} and leaves {found.spoils.digits:.1f} "
        if found.spoils.ending == "TimeLimitExceeded":
            more = "digits to an attacker who gives up after 15 seconds. Find one without a clock?"
        elif name.defences.budget is not None:
            more = (
                "digits: imprecise answers have to be averaged, and the budget does not let it. It "
                "is one client's budget, though: who has ten addresses has ten budgets."
            )
        else:
            ending = found.spoils.ending or "a run to its end"
            more = f"digits, after {ending}. Other attackers may do better."
        return Feedback(True, said + more)

    return BuildTask(
        "<b>1.</b> Defend the service: find settings that cost the honest user under 1 % and leave "
        "the attacker under two digits, and attack them. (Two that are weak alone may be strong "
        "together.)",
        judge,
        lambda: "; ".join(map(str, board.trials)),
    )


@kept(LESSON)
def task_2() -> ChoiceTask:
    """Why ratios of probabilities."""
    return ChoiceTask(
        "<b>2.</b> Why is log p<sub>j</sub> − log p<sub>0</sub> piecewise linear, when "
        "log p<sub>j</sub> is not?",
        {
            "The logarithm of an exponential function is linear": "That is half of it. But log p "
            "has a logarithm too, and is still curved. What is subtracted?",
            "The sum in the denominator is the same for both and cancels": "Yes: log p_j = z_j − "
            "log(sum), and so log p_j − log p_0 = z_j − z_0, a difference of two scores.",
            "Differences of curved functions are straight": "Not in general. What do these two "
            "curves have in common?",
        },
        answer="The sum in the denominator is the same for both and cancels",
    )


@kept(LESSON)
def task_3() -> NumberTask:
    """Corners of hard tanh."""
    return NumberTask(
        "<b>3.</b> The network with the activation <i>hard tanh</i> (−1, then a slope, then 1) "
        "has 5 hidden units. How many kinks does it have on a line?",
        answer=10,
        mistakes={
            5: "How many corners does the graph of hard tanh have?",
            15: "The graph has three pieces. How many corners?",
        },
        hint="Corners of the activation, times the number of units. Or let the learner count.",
        why="Two corners each: hard tanh(z) = relu(z + 1) − relu(z − 1) − 1. The learner finds ten "
        "ReLU neurons.",
    )
