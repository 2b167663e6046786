"""Tasks of lesson 06_black_boxes_in_the_wild, with their answers."""

from __future__ import annotations

from relu_learn.widgets.tasks import BuildTask, ChoiceTask, Feedback, NumberTask, kept
from relu_learn.widgets.wild import Budget

LESSON = "06_black_boxes_in_the_wild"


@kept(LESSON)
def task_1() -> ChoiceTask:
    """Why ratios of probabilities."""
    return ChoiceTask(
        "<b>1.</b> Why is log p<sub>j</sub> − log p<sub>0</sub> piecewise linear, when "
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
def task_2(budget: Budget) -> BuildTask:
    """The smallest budget that is enough."""

    def judge() -> Feedback:
        limit = budget.limit_slider.value
        enough = [n for n in budget.limits if budget.loss(budget.outcome(n)) < 1e-20]
        if limit < enough[0]:
            return Feedback(False, f"With {limit} queries something is still missing.")
        if limit > enough[0]:
            return Feedback(
                False,
                f"{limit:,} queries are enough, and a smaller position of the slider is, too: an "
                "error does not mean that nothing was found.",
            )
        return Feedback(
            True,
            "The run ends in QueryBudgetExceeded, and its partial result is exact: the rest of a "
            "larger budget goes into the final test, and without it nobody knows.",
        )

    return BuildTask(
        "<b>2.</b> Set the slider to the smallest budget with which the <i>partial</i> result is "
        "already exact (loss below 10<sup>−20</sup>).",
        judge,
        lambda: str(budget.limit_slider.value),
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


@kept(LESSON)
def task_4() -> ChoiceTask:
    """What helps."""
    return ChoiceTask(
        "<b>4.</b> Which measure takes away what this attack lives on?",
        {
            "Keeping the number of neurons secret": "The learner is never told. It counts kinks.",
            "Charging for every query": "That sets a price, about one query for each weight. For a "
            "large customer it may be a bargain.",
            "Returning only the name of the most probable class": "Yes. Such answers are constant "
            "almost everywhere: this attack finds no slope in them. Others do learn from labels "
            "alone (arXiv 2409.11646, 2410.05750): from points where the label changes they get "
            "F up "
            "to a positive factor, with many more queries.",
            "Making the network wider": "Twice as wide, twice the queries: see lesson 05.",
        },
        answer="Returning only the name of the most probable class",
    )
