"""Tasks of lesson 09_after_the_theft, with their answers."""

from __future__ import annotations

import numpy as np

from relu_learn.copies.digits import attacked, margins_of, theft
from relu_learn.widgets.copies import Pruned, Verified
from relu_learn.widgets.tasks import BuildTask, ChoiceTask, Feedback, NumberTask, kept

LESSON = "09_after_the_theft"


@kept(LESSON)
def task_1() -> NumberTask:
    """When the copy has paid."""
    bill = np.cumsum(attacked(0.1)[1].queries)
    paid = int(np.searchsorted(bill, theft().queries, side="right")) + 1
    return NumberTask(
        "<b>1.</b> Set ε to 0.1. How many digits must be attacked before asking has cost more than "
        "the whole copy?",
        answer=paid,
        tolerance=0.07,
        mistakes={
            60: "That is all of them. Where do the two lines of the bill cross?",
            theft().queries: "That is what the copy cost. How many digits does asking get for it?",
        },
        hint="Where do the two lines of the bill cross? The slider of digits moves the ring.",
        why=f"Some sixty queries a digit: from number {paid} on the copy is the cheaper weapon. "
        "And it can do what asking cannot: prove.",
    )


@kept(LESSON)
def task_2(verified: Verified) -> BuildTask:
    """Where intervals give up too early, and nearly rightly."""

    def judge() -> Feedback:
        size, digit = round(verified.size.value, 2), verified.digit.value - 1
        least, exact, _ = margins_of(digit, size)
        if exact.min() <= 0:
            return Feedback(False, "This one can be fooled: a margin is negative. A smaller ε.")
        if least.min() > 0:
            return Feedback(False, "Intervals are enough here. A larger ε, or another digit.")
        if exact.min() > 1:
            return Feedback(
                False, f"Certain, but by a margin of {exact.min():.2g}: not yet on the edge."
            )
        return Feedback(
            True,
            f"Intervals fear a margin of {least.min():.2g}; the least there is is "
            f"{exact.min():.2g}. Each neuron may be at its worst, but not all in one picture.",
        )

    return BuildTask(
        "<b>2.</b> Find a digit and an ε for which intervals leave a doubt, the exact answer is "
        "<i>certain</i>, and its least margin is below 1.",
        judge,
        lambda: verified.share,
    )


@kept(LESSON)
def task_3() -> ChoiceTask:
    """From the copy to the original."""
    right = "The two differ by less than m / 2 in every score, everywhere in the box"
    return ChoiceTask(
        "<b>3.</b> The copy reads a digit as a 7 with a margin of at least m > 0 everywhere in a "
        "box. Which of these makes that true of the original?",
        {
            "The Gaussian loss of the copy is below m²": "A mean over all of N(0, I): one small "
            "box has next to no share in it. The loss says nothing about it.",
            right: "Yes: a margin is a difference of two scores, and each may be off by less than "
            "m / 2. It must hold in the whole box, not on points of it.",
            "The original reads the digit itself as a 7, too": "That is one point of the box.",
        },
        answer=right,
    )


@kept(LESSON)
def task_4(pruned: Pruned) -> BuildTask:
    """The smallest network for a loss."""

    def judge() -> Feedback:
        loss, kept_now = pruned.reduced().loss, pruned.kept.value
        if not pruned.affine.value:
            return Feedback(False, "With fewer neurons it can be done: let something else help.")
        if loss > 4:
            return Feedback(False, f"{kept_now} neurons: a loss of {loss:.2g} %.")
        smaller = Pruned.found(True)[max(kept_now - 1, 0)]
        if smaller.loss <= 4:
            return Feedback(False, f"{loss:.2g} %: there is room. One neuron less would do.")
        return Feedback(
            True,
            f"{kept_now} neurons and a linear part: {loss:.2g} %. Most of this network is linear, "
            "so that the linear part does most of the work.",
        )

    return BuildTask(
        "<b>4.</b> Build the network with the fewest neurons whose exact loss is at most 4 %.",
        judge,
        lambda: pruned.share,
    )


@kept(LESSON)
def task_5() -> NumberTask:
    """When a product of two matrices is smaller."""
    hidden = theft().copy.weights
    numbers = hidden.size // sum(hidden.shape)
    return NumberTask(
        "<b>5.</b> W has 32 × 64 entries. As a product of a 32 × r and an r × 64 matrix it needs "
        "fewer numbers only if r is small. What is the largest such r?",
        answer=numbers,
        mistakes={
            numbers + 1: "Count again: 96 for every unit of the rank, and fewer than 2,048.",
            32: "With r = 32 the product has 3,072 numbers, more than W itself.",
            16: "That saves a quarter. There is room for a few more.",
        },
        hint="How many numbers are in the two factors? When are they fewer than 2,048?",
        why="96 r < 2,048. At this rank the exact loss is 0.4 %.",
    )


@kept(LESSON)
def task_6() -> NumberTask:
    """What a network of thresholds costs."""
    dim, neurons, bits = 100, 20, 50
    return NumberTask(
        f"<b>6.</b> A network of thresholds has {dim} inputs and {neurons} neurons. Roughly how "
        "many queries do its hidden weights and biases cost, to 50 bits each?",
        answer=neurons * (dim + 1) * bits,
        tolerance=0.15,
        mistakes={
            neurons * (dim + 1): "That is how many numbers there are. What does each cost?",
            bits: "That is one number. How many are there?",
        },
        hint="Numbers times bits.",
        why=f"{neurons} · {dim + 1} numbers, 50 bits each: about 100,000. A network of ReLUs of "
        "that size gives itself away for about 2,300.",
    )
