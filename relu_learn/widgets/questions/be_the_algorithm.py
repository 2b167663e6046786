"""Tasks of lesson 07_be_the_algorithm, with their answers."""

from __future__ import annotations

from relu_learn.widgets.game import WON, Game, algorithm_needs
from relu_learn.widgets.tasks import BuildTask, ChoiceTask, Feedback, NumberTask, kept

LESSON = "07_be_the_algorithm"


@kept(LESSON)
def task_1() -> NumberTask:
    """A kink from four answers."""
    return NumberTask(
        "<b>1.</b> On a line there are four answers: F = 1 at t = 0, F = 1 at t = 1, F = 3 at t "
        "= 3 and F = 5 at t = 4. There is one kink between t = 1 and t = 3. Where?",
        answer=2,
        mistakes={
            1: "The dot at 1 lies on the left piece; the piece goes on for a while.",
            3: "The dot at 3 lies on the right piece; the piece began earlier.",
            1.5: "Write down both straight lines, and where they are equal.",
            2.5: "Write down both straight lines, and where they are equal.",
        },
        hint="The left piece is F = 1. What is the right one, and where does it reach the value 1?",
        why="The left piece is 1, the right piece 3 + 2 (t − 3); both are 1 at t = 2. Exactly, "
        "from four answers: no search with ever smaller steps is needed.",
    )


@kept(LESSON)
def task_2() -> NumberTask:
    """What fixes a flat piece."""
    return NumberTask(
        "<b>2.</b> Where F has no crease it is an affine function, F(x) = u₁x₁ + u₂x₂ + c. How "
        "many answers, at well chosen places of one such flat piece, tell you what it is?",
        answer=3,
        mistakes={
            1: "One answer gives one equation for three unknowns.",
            2: "Two answers fix the function on the line through them. What about the other "
            "direction?",
            4: "A fourth one would be a check. How many are needed?",
        },
        hint="Count the unknowns: u₁, u₂ and c.",
        why="Three, if they do not lie on one line. With d inputs it takes d + 1: a value "
        "and a gradient.",
    )


@kept(LESSON)
def task_3() -> NumberTask:
    """What the algorithm needs."""
    return NumberTask(
        "<b>3.</b> Press <b>Score</b> in the game with two folds and seed 0 (ask at least once). "
        "How many queries does the algorithm need to be exact?",
        answer=algorithm_needs(2, 0),
        hint="It is the last number of the sentence that Score gives.",
        why="Nearly half of them go into finding out how exact the answers are, most others into "
        "the search on one line. A gradient costs only two: one small step in each direction.",
    )


@kept(LESSON)
def task_4() -> ChoiceTask:
    """Why gradients."""
    return ChoiceTask(
        "<b>4.</b> Finding a second point of the same crease works well in the plane. Why does the "
        "algorithm measure gradients instead?",
        {
            "Because gradients are more precise": "Both are exact for straight pieces. Count "
            "what each way costs when there are 784 inputs.",
            "Because in d dimensions a crease is a hyperplane, and takes d points to fix": "Yes. "
            "And on every further line one would have to find out again which kink belongs to "
            "which crease. Two gradients give the whole normal vector at once.",
            "Because two parallel lines may miss the crease": "Every line that is not parallel "
            "to the crease meets it. Think of the number of points, in many dimensions.",
        },
        answer="Because in d dimensions a crease is a hyperplane, and takes d points to fix",
    )


@kept(LESSON)
def task_5(game: Game) -> BuildTask:
    """Win."""

    def judge() -> Feedback:
        if game.questions.oracle.queries < 3:
            return Feedback(False, "Ask a little first.")
        share = game.score()
        if share < WON:
            return Feedback(True, f"Won, with {game.questions.oracle.queries} queries.")
        return Feedback(
            False, f"Your network misses {100 * share:.2g} % of what there is to explain."
        )

    return BuildTask(
        "<b>5.</b> Win the game: a network of your own that misses less than 1 %.",
        judge,
        lambda: f"folds={game.folds}, seed={game.seed}, queries={game.questions.oracle.queries}",
    )
