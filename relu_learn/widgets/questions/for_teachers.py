"""Tasks of lesson 99_for_teachers, with their answers."""

from __future__ import annotations

from relu_learn.widgets.player import Player
from relu_learn.widgets.tasks import BuildTask, ChoiceTask, Feedback, NumberTask, kept

LESSON = "99_for_teachers"


@kept(LESSON)
def task_1() -> NumberTask:
    """Read a view."""
    return NumberTask(
        "<b>1.</b> Paste the view “all kinks found, no gradient yet” into the player's Share "
        "field. How many kinks has the line?",
        answer=3,
        mistakes={2: "Look at the arrow in the title of the slice: one lies outside the picture."},
        hint="The title of the slice counts them.",
        why="Three, and the tent has three neurons.",
    )


@kept(LESSON)
def task_2() -> ChoiceTask:
    """Choose a slider."""
    return ChoiceTask(
        "<b>2.</b> A student says: “In 784 dimensions nobody can search everywhere, so my "
        "network is safe.” Which slider do you show?",
        {
            "Inputs d, in lesson 05": "Yes. The search happens on a line, and the line looks the "
            "same for d = 2 and d = 784.",
            "Read at n, in lesson 04": "That one shows how the loss falls, for one d. Which lesson "
            "changes d?",
            "Direction, in lesson 07": "There the student has two inputs. Which lesson changes d?",
        },
        answer="Inputs d, in lesson 05",
    )


@kept(LESSON)
def task_3(player: Player) -> BuildTask:
    """Prepare a view."""

    def judge() -> Feedback:
        if "theme=projector" not in player.share:
            return Feedback(False, "Choose the theme projector first.")
        if player.state.kinks and not player.state.hypothesis.n_neurons:
            return Feedback(True, "That is a view to talk about. Its line is in the field Share.")
        return Feedback(False, "There should be kinks, and no neuron yet.")

    return BuildTask(
        "<b>3.</b> Set the player above to a moment at which kinks have been found and no neuron "
        "yet, in the theme <i>projector</i>.",
        judge,
        lambda: player.share,
    )
