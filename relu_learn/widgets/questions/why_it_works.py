"""Tasks of lesson 08_why_it_works, with their answers."""

from __future__ import annotations

import math

from relu_learn.judging.lemmas import gap_probability
from relu_learn.widgets.lemmas import Tail
from relu_learn.widgets.tasks import BuildTask, ChoiceTask, Feedback, NumberTask, kept
from relu_learn.widgets.theorem import Boosting, LossCertificate

LESSON = "08_why_it_works"


@kept(LESSON)
def task_1(tail: Tail) -> BuildTask:
    """A piece that is long enough."""

    def judge() -> Feedback:
        if tail.neurons.value != 5:
            return Feedback(False, "With five neurons, please.")
        bound = tail.bound()
        if bound > 0.05:
            return Feedback(False, f"The lemma allows {100 * bound:.2g} % to miss. Longer.")
        if bound < 0.03:
            return Feedback(
                False, f"Only {100 * bound:.2g} % may miss: that is longer than needed."
            )
        return Feedback(
            True,
            "About 2 k / (π δ): 64 for five neurons and 5 %. Twice the neurons, or half the risk, "
            "and the line must be twice as long.",
        )

    return BuildTask(
        "<b>1.</b> Five neurons: set τ so that the <i>lemma</i> lets between 3 % and 5 % of the "
        "lines miss a crease.",
        judge,
        lambda: tail.share,
    )


@kept(LESSON)
def task_2() -> NumberTask:
    """What a finer grid buys."""
    before = 100 * float(gap_probability(0.25, math.pi / 2))
    return NumberTask(
        "<b>2.</b> The kinks of two neurons at 90° are closer than r = 0.25 on about 8 % of the "
        "lines. "
        "On how many per cent with r = 0.025?",
        answer=before / 10,
        tolerance=0.15,
        mistakes={
            before: "That is for r = 0.25. Move the slider, or look at the slope of the line.",
            before / 100: "Ten times finer is one power of ten, not two: the slope is 1.",
        },
        hint="The curve is a straight line of slope 1 in the logarithmic picture.",
        why="A tenth: near 0 the gap has a bounded density, so its probability is proportional to "
        "r. That is all that the proof needs of it.",
    )


@kept(LESSON)
def task_3() -> ChoiceTask:
    """Why merging is harmless."""
    right = "Such pairs merge with small probability, and the pairs that often merge are close"
    return ChoiceTask(
        "<b>3.</b> Two neurons at 60° would cost a large loss if they were merged. Why does the "
        "theorem hold although nothing is assumed about them?",
        {
            right: "Yes: both halves are needed. What the learner cannot tell apart on its line "
            "makes little difference only because, with high probability over the line, what it "
            "cannot tell apart is close.",
            "What cannot be told apart on a line makes no difference": "At 60° it does: read the "
            "loss in the sentence. What makes this case rare?",
            "Their kinks never share an interval": "Never is too strong: some lines merge them. "
            "Read the share in the sentence.",
        },
        answer=right,
    )


@kept(LESSON)
def task_4(boost: Boosting) -> BuildTask:
    """Tries for a risk."""

    def judge() -> Feedback:
        p, tries = boost.risk(), boost.tries.value
        if p < 0.1:
            return Feedback(False, "A line should fail with 10 % at least: make r or τ worse.")
        if p**tries > 0.001:
            return Feedback(False, f"All {tries} fail with probability {p**tries:.2g}.")
        if p ** (tries - 1) <= 0.001:
            return Feedback(False, "One try less would be enough.")
        return Feedback(
            True,
            f"p = {p:.2g}, {tries} tries: {p**tries:.1g}. The number of tries grows like the "
            "logarithm of 1/δ; a line that never fails would have to be 1/δ times as long.",
        )

    return BuildTask(
        "<b>4.</b> Let a single line fail with a probability of at least 10 %, and choose the "
        "smallest number of tries that brings the risk below 0.1 %.",
        judge,
        lambda: boost.share,
    )


@kept(LESSON)
def task_5(certificate: LossCertificate) -> BuildTask:
    """Points for a loss."""

    def judge() -> Feedback:
        if abs(certificate.slope.value - 10) > 0.1 or certificate.risk != 0.01:
            return Feedback(False, "Set L = 10 and δ = 0.01 first.")
        loss = certificate.bound(certificate.points.value)
        if loss > 0.01:
            return Feedback(False, f"That certifies {loss:.2g}. More points.")
        if loss < 0.005:
            return Feedback(False, f"That certifies {loss:.2g}: more points than needed.")
        return Feedback(True, f"{certificate.points.value:,.0f} points, in 2 inputs as in 784.")

    return BuildTask(
        "<b>5.</b> F − F\u2032 has slope at most L = 10. Choose n so that, with confidence 99 %, "
        "the certified loss is between 0.005 and 0.01.",
        judge,
        lambda: certificate.share,
    )
