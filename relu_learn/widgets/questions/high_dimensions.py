"""Tasks of lesson 05_high_dimensions, with their answers."""

from __future__ import annotations

import math

from relu_learn.widgets.dimensions import DigitsWeights, Growth, SameSlice
from relu_learn.widgets.tasks import BuildTask, ChoiceTask, Feedback, NumberTask, kept

LESSON = "05_high_dimensions"


@kept(LESSON)
def task_1(same: SameSlice) -> NumberTask:
    """What the gradients cost."""
    return NumberTask(
        "<b>1.</b> Set d to 784. How many queries did the gradients need?",
        answer=same.bills[-1].gradients,
        tolerance=0.01,
        mistakes={
            same.bills[-1].line: "That is the search on the line.",
            784: "That is one gradient. How many pieces do six kinks cut the line into?",
            6 * 784: "Nearly: six kinks, but not six pieces.",
        },
        hint="Read the sentence above the pictures, or count: pieces times directions.",
        why="(6 + 1) · 784 = 5,488: linear in d, and linear in the number of neurons.",
    )


@kept(LESSON)
def task_2() -> ChoiceTask:
    """Twice as large in both."""
    return ChoiceTask(
        "<b>2.</b> A large secret took 100,000 queries. Another one has twice as many inputs "
        "<i>and</i> twice as many neurons. About how many queries will it take?",
        {
            "200,000": "That would be one of the two doublings. The number of hidden weights is "
            "k · d.",
            "400,000": "Yes: k · d becomes 2k · 2d = 4 k d. Four times the weights, four times the "
            "queries.",
            "10,000,000,000": "That is the square of 100,000. Look at the measured curves: "
            "what does doubling d alone do?",
        },
        answer="400,000",
    )


@kept(LESSON)
def task_3(growth: Growth) -> BuildTask:
    """Sizes for a price."""

    def judge() -> Feedback:
        d, k = growth.dim_slider.value, growth.neurons_slider.value
        cost = growth.costs[d, k]
        if k <= d:
            return Feedback(
                False, f"d = {d} and k = {k}: there should be more neurons than inputs."
            )
        if not 1000 <= cost <= 2000:
            return Feedback(False, f"That one took {cost:,} queries. What does k · d have to be?")
        return Feedback(
            True, f"{k} neurons in {d} inputs: {k * (d + 1):,} numbers, {cost:,} queries."
        )

    return BuildTask(
        "<b>3.</b> Set the sliders under <i>How the cost grows</i> to a secret with more neurons "
        "than inputs that takes 1,000 to 2,000 queries.",
        judge,
        lambda: f"d={growth.dim_slider.value}, k={growth.neurons_slider.value}",
    )


@kept(LESSON)
def task_4(digits: DigitsWeights) -> NumberTask:
    """Numbers wanted over numbers received."""
    return NumberTask(
        "<b>4.</b> The network has 3,050 numbers (weights, biases, output weights, and the affine "
        "part that the learner must allow for), of which 32 cannot be found: the length of each "
        "neuron's w. One answer consists of 10 numbers. If every number that is received could "
        "pin down one of the others, how many queries would be enough?",
        answer=302,
        mistakes={
            305: "That counts the 32 lengths, too, which nobody can find.",
            3018: "Each answer brings ten numbers, not one.",
            digits.result.queries: "That is what the learner used. The question is about the least "
            "that counting allows.",
            30180: "Divide, do not multiply: ten numbers come with each answer.",
        },
        hint="Numbers wanted over numbers received with one query, rounded up.",
        why=f"3,018 / 10, rounded up: 302. The learner took {digits.result.queries_to_find} to "
        "find the network, the search on the line included, and "
        f"{digits.result.queries_to_be_sure} to be sure.",
    )


@kept(LESSON)
def task_5() -> NumberTask:
    """Blocks of kinks."""
    return NumberTask(
        "<b>5.</b> A secret has 100 inputs, 40 neurons and 10 outputs. How many <i>gradients</i> "
        "does the learner measure on its line, if every block is full?",
        answer=math.ceil(40 / 10) + 1,
        mistakes={
            41: "That is one for each piece, as with a single output.",
            4: "Four blocks of ten kinks, yes. But a block lies between two gradients.",
            500: "Count gradients, not queries.",
        },
        hint="How many kinks fit into a block? How many gradients bound that many blocks in a row?",
        why="⌈40/10⌉ + 1 = 5 gradients of 100 queries each, instead of 41.",
    )


@kept(LESSON)
def task_6() -> ChoiceTask:
    """More neurons than inputs."""
    return ChoiceTask(
        "<b>6.</b> With 5 inputs and 200 neurons, at most 5 weight vectors are linearly "
        "independent. Attacks that rely on that fail there. Why is this one not disturbed?",
        {
            "It solves a linear system with 200 unknown vectors": "There is no such system here: "
            "with 200 dependent vectors it would have no unique solution. How are neurons found?",
            "It finds the neurons one at a time, each from its own kink": "Yes. Between two "
            "neighbouring pieces one neuron switches; the others cancel in the difference, "
            "dependent or not.",
            "It needs 200 different lines": "One line crosses all 200 creases. Count the kinks.",
        },
        answer="It finds the neurons one at a time, each from its own kink",
    )
