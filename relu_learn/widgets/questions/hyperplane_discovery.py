"""Tasks of lesson 02_hyperplane_discovery, with their answers."""

from __future__ import annotations

from relu_learn import zoo
from relu_learn.judging.matching import match_neurons
from relu_learn.learn import learn_from_queries
from relu_learn.widgets.hyperplanes import HyperplaneLab
from relu_learn.widgets.tasks import BuildTask, ChoiceTask, Feedback, NumberTask, kept

LESSON = "02_hyperplane_discovery"


@kept(LESSON)
def task_1() -> NumberTask:
    """GetBias by hand."""
    return NumberTask(
        "<b>1.</b> On the line x(t) = (1, 0) + t (0, 1) the gradient is (1, 0) before the kink and "
        "(3, −2) behind it. The kink is at t = 3. Take w = (gradient behind) − (gradient before). "
        "What is b?",
        answer=-4,
        mistakes={
            -3: "You used the gradient behind the kink. The weights are the difference of the two.",
            1: "You used the gradient before the kink. The weights are the difference of the two.",
            4: "Check the signs: w is behind minus before.",
        },
        hint="First w, then the point x(3), then their scalar product.",
        why="w = (2, −2), x(3) = (1, 3), and ⟨w, x(3)⟩ = 2 − 6 = −4. That is all there is to "
        "GetBias.",
    )


@kept(LESSON)
def task_2() -> ChoiceTask:
    """Why the radius is not tiny."""
    return ChoiceTask(
        "<b>2.</b> Why not make the radius α as small as the computer allows?",
        {
            "The rounding of F is divided by α": "Yes. Each answer is right to about 16 digits, "
            "and the difference of two of them is divided by α: an error of 1e-16 becomes 1e-4 at "
            "α = 1e-12. α should be as large as the creases around x permit.",
            "A smaller ball needs more queries": "Count the steps in GetGradient: their number "
            "does not depend on α. Try α = 1e-12 on the bench, with the secret revealed.",
            "A smaller ball crosses more creases": "The smaller the ball, the less there is in it. "
            "Try α = 1e-12 on the bench, with the secret revealed.",
        },
        answer="The rounding of F is divided by α",
    )


@kept(LESSON)
def task_3() -> NumberTask:
    """Clumps of a coarse grid."""

    def neurons_found(r: float) -> int:
        run = learn_from_queries(zoo.get("paper_plane"), dim=2, method="grid", rng=1, r=r, tau=5)
        return sum(type(event).__name__ == "NeuronFound" for event in run.trace)

    return NumberTask(
        "<b>3.</b> Secret <code>paper_plane</code>, method <code>grid</code>, seed 1, τ = 5, r = "
        "0.4. Of the secret's five neurons, how many are found <i>as they are</i>, not in a clump?",
        answer=3,
        mistakes={
            neurons_found(
                0.4
            ): "That is how many jumps the grid saw. One of them is a clump: press "
            "Reveal, and see which dashed line lies on no crease.",
            5: "That is how many the secret has. Go to the last event and read its sentence.",
        },
        hint="Go to the last event, press Reveal, and count the dashed lines that lie on a crease.",
        why="Two of the five kinks are closer than r and fell between the same two midpoints. "
        "Their jumps were added: three right neurons, and a fourth that the secret does not have.",
    )


@kept(LESSON)
def task_4() -> NumberTask:
    """What the grid costs."""
    return NumberTask(
        "<b>4.</b> A network has d = 784 inputs. How many queries does the grid spend on its "
        "gradients, with τ = 5 and r = 0.01? (A gradient costs d + 1 queries.)",
        answer=1000 * 785,
        tolerance=0.02,
        mistakes={
            500 * 785: "The line runs from −τ to τ.",
            1000: "That is the number of intervals. What does each of them cost?",
            785: "That is one gradient. How many intervals are there?",
        },
        hint="Number of intervals of length r on [−τ, τ], times d + 1.",
        why="785,000, whatever the network is. The adaptive search measures one gradient per "
        "piece: for 128 neurons 129 gradients, about 100,000 queries.",
    )


@kept(LESSON)
def task_5(lab: HyperplaneLab) -> BuildTask:
    """A grid that is fine enough, and no finer."""
    most = 450

    def judge() -> Feedback:
        if lab.method_menu.value != "grid" or lab.secret != zoo.get("paper_plane"):
            return Feedback(False, "Secret paper_plane and method grid, please.")
        if not lab.state.is_final:
            return Feedback(False, "Go to the end of the run: the slider Event.")
        right = len(match_neurons(lab.state.hypothesis.network, lab.secret).pairs)
        if right < 5:
            return Feedback(False, f"{right} of 5 neurons came out as they are. What is too large?")
        spent = lab.state.queries
        if spent > most:
            return Feedback(
                False, f"All five, with {spent:,} queries. The intervals may be longer."
            )
        return Feedback(
            True,
            f"All five, with {spent:,} queries: two hundred are the test. Whoever does not know "
            "where the kinks are cannot choose r so well: that is what adapting is for.",
        )

    return BuildTask(
        f"<b>5.</b> Set r and τ so that the <i>grid</i> finds all five neurons of "
        f"<code>paper_plane</code> (seed 1) with fewer than {most:,} queries, its test included.",
        judge,
        lambda: lab.share,
    )
