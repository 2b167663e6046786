"""Tasks of lesson 01_creased_paper, with their answers."""

from __future__ import annotations

from relu_learn.widgets.creased_paper import CreasedPaper
from relu_learn.widgets.tasks import BuildTask, ChoiceTask, Feedback, NumberTask, kept

LESSON = "01_creased_paper"


@kept(LESSON)
def task_1(covered: CreasedPaper) -> NumberTask:
    """Count without seeing."""
    return NumberTask(
        "<b>1.</b> The sheet above is covered. Turn and shift the line as you like. "
        "How many neurons does the network have? (No two of them share a crease.)",
        answer=len(covered.state.kinks),
        mistakes={
            len(covered.state.kinks)
            - 1: "One is missing. Look for an arrow in the title of the cut: "
            "some creases are met outside the picture.",
            len(covered.state.kinks)
            - 2: "Some are missing. The arrows in the title of the cut point "
            "at kinks outside the picture: turn the line until there are none.",
        },
        hint="Count the diamonds on the cut; turn the line until they stand well apart.",
        why="Six kinks, six neurons. You have just done the first step of the attack: counting the "
        "neurons of a network that you cannot see.",
    )


@kept(LESSON)
def task_2() -> ChoiceTask:
    """A line that turns parallel."""
    return ChoiceTask(
        "<b>2.</b> Go back to the open sheet, choose the network <code>crease</code>, and turn the "
        "line slowly until it is parallel to the crease. What does the kink do on the way?",
        {
            "It becomes flatter and runs away along the line, to infinity": "Yes. The time of "
            "the kink is a fraction with ⟨w, v⟩ below the line, and ⟨w, v⟩ goes to zero; the jump "
            "of the slope is a |⟨w, v⟩| and goes to zero with it.",
            "It stays where it is and becomes flatter": "The jump does shrink. But look at the "
            "place of the kink as well, and at the arrows in the title.",
            "It stays in the picture, and is suddenly gone": "Use small steps (arrow keys) near "
            "the end, and watch the diamond and the title of the cut.",
        },
        answer="It becomes flatter and runs away along the line, to infinity",
    )


@kept(LESSON)
def task_3() -> NumberTask:
    """The slope across the ridge."""
    return NumberTask(
        "<b>3.</b> The network <code>tent</code> has three parallel creases. All its <i>w</i> are "
        "(cos 30°, sin 30°); its middle neuron has <i>a</i> = −2. The line points at 0°, along the "
        "first axis. By how much does the slope change at the middle kink? (Two decimals.)",
        answer=-(3**0.5),
        tolerance=0.005,
        mistakes={
            -2: "That would be so if the line hit the crease squarely, at 30°. How squarely does "
            "it?",
            3**0.5: "Mind the sign: is the ridge a mountain or a valley?",
            -1: "You took the angle between the line and the crease. The formula wants the one "
            "between the line and w.",
        },
        hint="The change is a |⟨w, v⟩|, and ⟨w, v⟩ is the cosine of the angle between w and v.",
        why="−2 · cos 30° = −1.73. A fold that is hit at a slant looks gentler than it is.",
    )


@kept(LESSON)
def task_4() -> ChoiceTask:
    """Twins that face opposite ways."""
    return ChoiceTask(
        "<b>4.</b> In <code>opposite twins</code>, two neurons have the same crease and face "
        "opposite ways: 0.8 relu(z) and −0.8 relu(−z). Where is their crease?",
        {
            "There is none: their sum is 0.8 z, which is flat": "Yes. relu(z) − relu(−z) = z for "
            "every z. What one of them gains on its side the other one loses on its own: the fold "
            "is undone and the sheet is only tilted.",
            "It is there, but every line so far has missed it": "A line misses a crease only "
            "when it is parallel to it, and you can turn the line. Add up the two neurons, for z "
            "> 0 and for z < 0.",
            "It lies on top of another neuron's crease": "That is so in “duplicates”. Here, "
            "add up the two neurons, for z > 0 and for z < 0.",
        },
        answer="There is none: their sum is 0.8 z, which is flat",
    )


@kept(LESSON)
def task_5(paper: CreasedPaper) -> BuildTask:
    """A line that a crease hides from."""

    def judge() -> Feedback:
        if paper.network_menu.value != "tent":
            return Feedback(False, "Choose the network tent in the first explorer.")
        kinks = len(paper.state.kinks)
        if kinks:
            return Feedback(
                False,
                f"This line meets {kinks} creases of the tent. Which direction meets none of "
                "three parallel lines?",
            )
        return Feedback(
            True,
            "No kink: the line runs along the ridge, and no query on it can tell that there are "
            "creases. For any line fixed beforehand someone can fold a sheet that fools it; a "
            "line drawn at random afterwards is safe.",
        )

    return BuildTask(
        "<b>5.</b> In the first explorer, lay a line over the <code>tent</code> that misses all "
        "three neurons.",
        judge,
        lambda: paper.share,
    )
