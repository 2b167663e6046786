"""Tasks of lesson 04_loss_convergence, with their answers."""

from __future__ import annotations

import math

from relu_learn.widgets.race import CertificateBoard
from relu_learn.widgets.tasks import BuildTask, ChoiceTask, Feedback, kept

LESSON = "04_loss_convergence"


@kept(LESSON)
def task_1() -> ChoiceTask:
    """Why the loss falls off a cliff."""
    return ChoiceTask(
        "<b>1.</b> Why does the loss of the adaptive learner hardly fall while it finds the "
        "first nine of ten neurons?",
        {
            "It forgets earlier neurons": "Nothing is forgotten: step through a run in lesson "
            "00. What does a sum look like when one of its terms is missing?",
            "One missing neuron leaves an error as large as that neuron": "Yes. F − F′ is then the "
            "missing neuron (and what its absence spoils in the affine part): large, until the "
            "moment it is zero.",
            "The loss is measured on too few points": "The loss of a network is computed exactly "
            "here, without points. Think of F − F′ with one neuron missing.",
        },
        answer="One missing neuron leaves an error as large as that neuron",
    )


@kept(LESSON)
def task_2(board: CertificateBoard) -> BuildTask:
    """Points for a certificate."""

    def judge() -> Feedback:
        n, delta = board.points_slider.value, board.delta_slider.value
        if delta != 0.05:
            return Feedback(False, "95 % confidence is a risk δ of 0.05.")
        mass = math.log(1 / delta) / n
        if mass > 0.01:
            return Feedback(
                False,
                f"{n:,} points: at most {mass:.2g} of the inputs. A flaw of 1 % is still unseen "
                f"with probability {0.99**n:.2g}.",
            )
        if n > 300:
            return Feedback(False, f"{n:,} points are more than it takes.")
        return Feedback(
            True, "ln(20) / 0.01 = 300. The rule of three: n flawless points, at most 3 / n wrong."
        )

    return BuildTask(
        "<b>2.</b> Set the sliders of the certificate so that, with confidence 95 %, F\u2032 is "
        "wrong on at most 1 % of the inputs, with as few fresh points as the slider allows.",
        judge,
        lambda: f"n={board.points_slider.value}, delta={board.delta_slider.value:g}",
    )


@kept(LESSON)
def task_3() -> ChoiceTask:
    """A bound and a run."""
    return ChoiceTask(
        "<b>3.</b> The proven bound is far above what the run took. Which sentence is right?",
        {
            "The proof is wrong": "A bound from above is not contradicted by something smaller.",
            "The run was lucky; on average it would take as many as the bound": "Change the seed "
            "as often as you like in lesson 00: the cost hardly moves.",
            "The bound covers every network and adds up worst cases; this is not one of them": (
                "Yes. “Polynomial” is a statement about growth, and about all networks. Neither "
                "the constants nor the typical network are in it."
            ),
        },
        answer="The bound covers every network and adds up worst cases; this is not one of them",
    )
