"""Tasks of lesson 00_start_here, with their answers."""

from __future__ import annotations

import functools
import re

from relu_learn import zoo
from relu_learn.learn import learn_from_queries
from relu_learn.telling.events import NeuronFound
from relu_learn.telling.trace import Trace
from relu_learn.widgets import still
from relu_learn.widgets.lifecycle import Messages, close_tree, live_and_die_with_cell
from relu_learn.widgets.player import Player
from relu_learn.widgets.tasks import BuildTask, ChoiceTask, Feedback, NumberTask, Prediction, kept

LESSON = "00_start_here"


@functools.cache
def _trace() -> Trace:
    """The run of the lesson's player."""
    return learn_from_queries(zoo.get("paper_plane"), dim=2, rng=0).trace


class Verdict(Messages):
    """A sentence that goes with its cell."""

    def __init__(self) -> None:
        super().__init__()
        live_and_die_with_cell(self)

    def _ipython_display_(self) -> None:
        still.show(self, still.words(""))  # without a kernel there is no run to end

    def dispose(self) -> None:
        """Close it."""
        close_tree(self)


def settled(guess: Prediction, player: Player) -> Verdict:
    """The guess: on the counter at once, and beside what the run took when it has ended."""
    verdict = Verdict()

    def draw(_: object) -> None:
        words = guess.guess or ""
        digits = re.search(r"\d[\d,]*", words)
        player.guess = words, float(digits[0].replace(",", "")) if digits else None
        player.dress(player.look)

    guess.check_button.on_click(verdict.guard(draw))

    def look(_: object = None) -> None:
        if not player.state.is_final:
            verdict.say("The guess is settled here, when the run has ended.")
            return
        events = player.run.events
        found = max((e.queries for e in events if isinstance(e, NeuronFound)), default=0)
        more = events[-1].queries - found
        said = "You made no guess." if guess.guess is None else f"You said: {guess.guess}."
        verdict.say(f"{said} It took {found:,} queries to find it, and {more:,} more to be sure.")

    player.narration.observe(verdict.guard(look), "sentence")
    look()
    return verdict


@kept(LESSON)
def task_1() -> NumberTask:
    """How many kinks the search found."""
    kinds = [type(event).__name__ for event in _trace()]
    return NumberTask(
        "<b>1.</b> Step until the search on the line is over. How many kinks did it find?",
        answer=kinds.count("CriticalPointFound"),
        mistakes={
            kinds.count("CriticalPointFound") - 1: "Nearly. The line goes on beyond the picture: "
            "look for an arrow in its title.",
        },
        hint="Count the diamonds, and read the title of the picture at the top right.",
        why="One kink for every neuron: a line that is not parallel to a crease crosses it once.",
    )


@kept(LESSON)
def task_2() -> NumberTask:
    """What it cost to find the network."""
    trace = _trace()
    last = max(i for i, event in enumerate(trace) if type(event).__name__ == "NeuronFound")
    return NumberTask(
        "<b>2.</b> How many queries had been spent when the last neuron was found?",
        answer=trace[last].queries,
        mistakes={
            trace[-1].queries: "That includes the test on fresh points at the end. "
            "Go back to the event that found the last neuron.",
        },
        hint="Step back from the end to the last event that names a neuron; "
        "the counter of queries is above the sentence.",
        why="Most of them went into finding the kinks. All that follows is the learner's own test.",
    )


@kept(LESSON)
def task_3() -> ChoiceTask:
    """Why two gradients."""
    return ChoiceTask(
        "<b>3.</b> Why does the learner measure the gradient on <i>both</i> sides of a kink?",
        {
            "To be sure that the kink is really there": "It is sure already: the two straight "
            "pieces have different slopes. What does it still not know about the crease?",
            "Because the gradient jumps there by the weights of one neuron": "Yes. On one side the "
            "neuron is silent, on the other it adds a·w to the gradient. All other neurons "
            "contribute the same on both sides and cancel in the difference.",
            "To average out the error of measurement": "The answers are exact up to rounding: "
            "there is nothing to average. Compare what each neuron adds to the gradient left and "
            "right.",
        },
        answer="Because the gradient jumps there by the weights of one neuron",
    )


@kept(LESSON)
def task_4() -> NumberTask:
    """What 784 inputs would cost."""
    return NumberTask(
        "<b>4.</b> With <i>d</i> inputs a gradient costs <i>d</i> queries (one small step in each "
        "direction), and <i>k</i> kinks cut a line into <i>k</i> + 1 pieces. Roughly how many "
        "queries do all gradients of a network with 784 inputs and 128 neurons cost?",
        answer=(128 + 1) * 784,
        tolerance=0.02,
        mistakes={
            129: "That is the number of gradients. What does each of them cost?",
            784: "That is the cost of one gradient. How many pieces are there?",
            2**128: "No: nothing here tries out combinations. Pieces times directions.",
        },
        hint="Pieces times directions.",
        why="About 100,000, and the network has 100,480 weights: one query for each number that is "
        "to be found. More neurons or more inputs make the attack longer, not harder.",
    )


@kept(LESSON)
def task_5(player: Player) -> BuildTask:
    """A moment of the run, found with the slider."""

    def judge() -> Feedback:
        found = player.state.hypothesis.n_neurons
        if player.share.startswith("player?secret=paper_plane&method=adaptive") and found == 3:
            return Feedback(True, "Three of five: here F\u2032 is still wrong nearly everywhere.")
        return Feedback(
            False,
            f"In this view {found} neurons are known. Secret paper_plane, method adaptive: move "
            "the event slider until the sentence names the third neuron.",
        )

    return BuildTask(
        "<b>5.</b> Set the player to a moment at which exactly three of the five neurons are "
        "known.",
        judge,
        lambda: player.share,
    )
