"""Tasks of lesson 03_neuron_clustering, with their answers."""

from __future__ import annotations

from relu_learn.widgets.clustering import PairLab
from relu_learn.widgets.tasks import BuildTask, ChoiceTask, Feedback, NumberTask, kept

LESSON = "03_neuron_clustering"


@kept(LESSON)
def task_1() -> ChoiceTask:
    """Duplicates."""
    return ChoiceTask(
        "<b>1.</b> For <code>duplicates</code> the adaptive learner returns three neurons, and the "
        "secret has four. Is its answer wrong?",
        {
            "No: as a function it is the same": "Yes. 1 relu(z) + 1 relu(z) is 2 relu(z), for "
            "every x. No question about F can tell them apart, and no user of F can either. To "
            "learn F is to learn the function.",
            "Yes: it should have found four": "What would the fourth change? Look at the loss.",
            "It is right on this line only": "Look at the error map: it shows the whole plane.",
        },
        answer="No: as a function it is the same",
    )


@kept(LESSON)
def task_2() -> ChoiceTask:
    """A pair that cancels."""
    return ChoiceTask(
        "<b>2.</b> Two neurons z and z′ are at distance h: z′ = z − h, with weights 1 and −1. The "
        "learner drops both and fits an affine function. How does what is left behave as h → 0?",
        {
            "It vanishes: relu(z) − relu(z − h) is never larger than h": "Yes. The difference "
            "rises from 0 to h between the two creases and stays there: two neurons of size 1 "
            "make a step of height h. Neurons that really are close can be dropped at a small "
            "price.",
            "It stays of size 1: each neuron has weight 1": "Draw relu(z) and relu(z − h) on a "
            "line, and subtract.",
            "It grows: the creases get harder to separate": "Harder to separate, yes. But what "
            "is the price of not separating them? Draw the difference on a line.",
        },
        answer="It vanishes: relu(z) − relu(z − h) is never larger than h",
    )


@kept(LESSON)
def task_3(pairs: PairLab) -> BuildTask:
    """A network that fools a fine grid."""

    def judge() -> Feedback:
        if pairs.method_menu.value != "grid" or pairs.r.value > 0.2 + 1e-9:
            return Feedback(False, "Method grid, and r at most 0.2.")
        loss = pairs.loss[0]
        if loss < 0.05:
            return Feedback(
                False,
                f"The loss is {loss:.2g}. Make kinks 1 and 2 fall together on this line, at an "
                "angle at which the wedge between the creases is wide.",
            )
        return Feedback(
            True,
            f"Loss {loss:.2g}: the kinks of two quite different neurons met on this line. Near "
            "kinks are not near neurons. On another random line they would be apart.",
        )

    return BuildTask(
        "<b>3.</b> Fold a network that fools the grid with r = 0.2: set angle and bias distance "
        "so that its loss is above 0.05.",
        judge,
        lambda: pairs.share,
    )


@kept(LESSON)
def task_4() -> NumberTask:
    """Twins that face opposite ways."""
    return NumberTask(
        "<b>4.</b> Two neurons share a crease and face opposite ways: "
        "relu(z) + 0.5 relu(−z) = A relu(z) + (an affine function). What is A?",
        answer=1.5,
        mistakes={
            0.5: "Check the sign: relu(−z) = relu(z) − z.",
            1: "The second neuron has a fold as well. Put relu(−z) = relu(z) − z into it.",
        },
        hint="Replace relu(−z) by relu(z) − z.",
        why="relu(z) + 0.5 (relu(z) − z) = 1.5 relu(z) − 0.5 z. Folds add up, whichever way the "
        "neurons face. With weights 1 and −1 nothing is left of the fold: opposite twins.",
    )


@kept(LESSON)
def task_5() -> NumberTask:
    """Who faces the wrong way."""
    return NumberTask(
        "<b>5.</b> A learner of the network above ends with the affine part u = (0.46, −0.28). The "
        "vectors a w of its neurons are (1, 0.2), (0.6, −1.08), (0.21, −0.77) and (−0.54, −0.48). "
        "Which neurons face the wrong way? Type their numbers in a row, such as 23.",
        answer=14,
        mistakes={
            41: "Right, but type them in increasing order.",
            1: "(1, 0.2) alone is too long. Which other vector leads back?",
            34: "Add them up: (−0.33, −1.25). That points the wrong way.",
        },
        hint="Try pairs: which two vectors add up to u? Turning the same two above shows you.",
        why="(1, 0.2) + (−0.54, −0.48) = (0.46, −0.28). With four neurons there are 16 subsets "
        "to try; with many, this is what `orient` is for.",
    )
