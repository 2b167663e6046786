"""The boards of lessons 04 to 07 and of the teachers' page, on the kernel's side of the wire."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from ipywidgets.widgets.widget import _instances

from relu_learn import certificate, learn_from_queries, match_neurons, paper_parameters, zoo
from relu_learn.asking.errors import InvalidArgument
from relu_learn.figures import defences, loss
from relu_learn.figures.dimensions import spending
from relu_learn.figures.race import BILL, LEARNERS, itemised
from relu_learn.figures.theme import THEMES, number
from relu_learn.figures.wild import ANSWER, COPY, WITNESS
from relu_learn.widgets import curved, dimensions, game, preflight, race, under_attack
from relu_learn.widgets.board import Board, slider
from relu_learn.widgets.library import PlotlyLibrary
from relu_learn.widgets.panel import encode
from relu_learn.widgets.player import Player
from relu_learn.widgets.questions import black_boxes_in_the_wild, start_here
from relu_learn.widgets.tasks import Prediction

BOARDS: dict[str, Callable[[], Board]] = {
    cls.__name__: cls
    for cls in (
        dimensions.SameSlice,
        dimensions.Growth,
        dimensions.DigitsWeights,
        dimensions.ManyOutputs,
        race.Race,
        race.CertificateBoard,
        race.Bills,
        race.Theory,
        game.Game,
        preflight.Preflight,
        under_attack.UnderAttack,
        curved.Softmax,
        curved.Activations,
    )
}


@pytest.fixture(autouse=True)
def no_widget_left_alive() -> Iterator[None]:
    PlotlyLibrary.ensure()  # the one widget that stays
    before = set(_instances)
    yield
    left = set(_instances) - before
    assert not left, [type(_instances[key]).__name__ for key in left]


@pytest.fixture
def board(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = BOARDS[request.param]()
    yield made
    made.dispose()


def of(name: str) -> Any:
    return pytest.mark.parametrize("board", [name], indirect=True)


class TestEveryBoard:
    @pytest.mark.parametrize("board", BOARDS, indirect=True)
    def test_themes_keep_the_state(self, board: Any) -> None:
        sentence = board.narration.sentence
        assert sentence and board.narration.facts
        data = [panel.figure["data"] for panel in board.panels]
        for theme in [*THEMES][::-1]:
            board.theme_menu.value = theme
            assert f"rl-{theme}" in board._dom_classes and board.messages.value == ""
            assert board.narration.sentence == sentence
        again = [panel.figure["data"] for panel in board.panels]
        for mine, before in zip(again, data, strict=True):
            assert [t.get("y") for t in mine] == [t.get("y") for t in before]

    @pytest.mark.parametrize("board", BOARDS, indirect=True)
    def test_nothing_is_drawn_off_its_axes_as_infinite(self, board: Any) -> None:
        for panel in board.panels:
            for name, axis in panel.figure["layout"].items():
                if name.startswith(("xaxis", "yaxis")) and "range" in axis:
                    ends = [float(end) for end in axis["range"]]
                    assert all(map(math.isfinite, ends)) and ends[0] != ends[1]

    @of("Bills")
    def test_errors_are_seen(self, board: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(race, "bill_of", lambda *_: 1 / 0)
        board.neurons_slider.value = 2
        assert "ZeroDivisionError" in board.messages.value

    def test_bad_arguments(self) -> None:
        for make, complaint in [
            (lambda: slider("Inputs d", (2, 4), 3), r"Inputs d must be one of \[2, 4\], got 3"),
            (lambda: race.Race("nobody"), "secret must be one of"),
            (lambda: game.Game(folds=4), "folds must be 1, 2, 3 or 5"),
            (lambda: race.Bills(theme="pink"), "theme must be one of"),
        ]:
            with pytest.raises(InvalidArgument, match=complaint):
                make()
        for widget in set(_instances.values()) - {PlotlyLibrary.ensure()}:
            if widget is not PlotlyLibrary.ensure().layout:
                widget.close()

    def test_numbers_in_sentences(self) -> None:
        assert (number(2000), number(0.25)) == ("2,000", "0.25")
        assert " " not in number(1e-12)


class TestDimensions:
    @of("SameSlice")
    def test_the_slice_does_not_depend_on_d(self, board: Any) -> None:
        for state in board.states:
            found = sorted(kink.t for kink in state.kinks)
            np.testing.assert_allclose(found, dimensions.KINKS, atol=1e-8)
        gradients = [bill.gradients for bill in board.bills]
        assert gradients == sorted(gradients)
        assert gradients[-1] >= (len(dimensions.KINKS) + 1) * 783
        board.dim_slider.value = 784
        assert "784 numbers" in board.narration.sentence

    def test_spending_adds_up(self) -> None:
        run = learn_from_queries(zoo.random_network(6, 5, rng=0), 6, rng=0)
        bill = spending(list(run.trace))
        assert bill.learning + bill.test == run.queries
        parts = itemised(list(run.trace), 6)
        assert sum(parts.values()) == run.queries and set(parts) == set(BILL)
        assert parts["final test"] == bill.test

    @pytest.mark.slow
    @of("Growth")
    def test_measured_again(self, board: Any) -> None:
        before = dict(board.costs)
        assert all(cost < 60 + 6 * k * (d + 1) for (d, k), cost in before.items())
        board.again_button.click()
        assert board.seed == 1 and board.costs != before

    @of("DigitsWeights")
    def test_images_show_what_was_found(self, board: Any) -> None:
        assert sorted(board.order) == list(range(32))
        board.shown_slider.value = 0
        assert "not found yet" in board.narration.sentence
        board.shown_slider.value = 32
        match = board.match
        patch = board.charts[0].patch(match, board.order, 32, 5, "")
        z = patch.traces[0]["z"]
        for j in (0, 5, 31):
            x, y = board.charts[0].corner(j)
            true, found = z[y : y + 8, x : x + 8], z[y + 9 : y + 17, x : x + 8]
            np.testing.assert_allclose(found, true, atol=1e-5)
            w = match.true.weights[j].reshape(8, 8)
            np.testing.assert_allclose(true, w / np.abs(w).max(), atol=1e-6)

    @of("ManyOutputs")
    def test_more_outputs_cost_less(self, board: Any) -> None:
        for m in board.sizes:
            board.outputs_slider.value = m
        costs = [dimensions.cost_of_outputs(64, 32, m) for m in board.sizes]
        assert [found for _, found in costs] == [32] * len(costs)
        assert [c for c, _ in costs] == sorted((c for c, _ in costs), reverse=True)


class TestRace:
    @of("Race")
    def test_query_learners(self, board: Any) -> None:
        assert board.reading("adaptive", 3200) < 1e-20
        assert board.reading("adaptive", 30) > 1e-2
        assert board.reading("student", 3200) is None
        board.secret_menu.value = "crystal (2 inputs, 12 neurons)"
        assert board.secret == zoo.get("crystal")

    @of("Race")
    def test_training_in_the_background(self, board: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(board, "train", lambda method, n: 1 / n)

        async def class_hour() -> None:
            board.start_button.click()
            assert board.training.running and board.start_button.description == "Stop"
            await board.training.task

        asyncio.run(class_hour())
        assert not board.training.running and board.messages.value == ""
        assert board.curves["student"] == [(n, 1 / n) for n in race.BUDGETS]
        assert board.reading("random features", 250) == 1 / 200

    @of("Race")
    def test_stopped_or_failing(self, board: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        async def stopped() -> None:
            board.start_button.click()
            await asyncio.sleep(0)
            board.start_button.click()
            await asyncio.sleep(0)

        monkeypatch.setattr(board, "train", lambda method, n: 0.5)
        asyncio.run(stopped())
        assert not board.training.running and board.curves["student"] == []

        async def failing() -> None:
            board.start_button.click()
            await board.training.task

        monkeypatch.setattr(board, "train", lambda method, n: 1 / 0)
        asyncio.run(failing())
        assert "ZeroDivisionError" in board.messages.value and not board.training.running

    @of("Race")
    def test_a_real_passive_learner(self, board: Any) -> None:
        loss = board.train("random features", 200)
        assert 1e-4 < loss < 0.4 and set(board.curves) == set(LEARNERS)

    @of("CertificateBoard")
    def test_certificate(self, board: Any) -> None:
        board.points_slider.value, board.delta_slider.value = 300, 0.01
        mass = certificate(np.zeros(300), 0.01).mass
        assert f"at most {100 * mass:.2g} %" in board.narration.sentence

    @of("Theory")
    def test_calculator(self, board: Any) -> None:
        board.epsilon_slider.value, board.bound_slider.value = 1e-4, 100
        board.delta_slider.value = 1e-2
        expected = paper_parameters(1e-4, 1e-2, 8, 4, 100, 100)
        assert board.parameters == expected
        bar = board.panels[0].figure["data"][0]["x"][-1]
        assert bar == pytest.approx(math.log10(expected.query_bound))

    @of("Bills")
    def test_per_cent(self, board: Any) -> None:
        board.unit_menu.value = "per cent"
        heights = [trace["y"] for trace in board.panels[0].figure["data"]]
        np.testing.assert_allclose(np.sum(heights, axis=0), 100)


class TestGame:
    @of("Game")
    def test_click_and_fields_ask(self, board: Any) -> None:
        board.panels[0]._receive(None, {"kind": "click", "content": {"x": -2.004, "y": 9}}, [])
        assert (board.x_text.value, board.y_text.value) == ("-2", "3")
        board.x_text.value, board.y_text.value = "2", "−0,5"
        board.ask_button.click()
        asked, answers = board.questions.oracle.history()
        np.testing.assert_allclose(asked, [[-2, 3], [2, -0.5]])
        np.testing.assert_allclose(answers, board.secret(asked))
        board.fill_button.click()
        board.fill_button.click()
        t, along = board.questions.on_line()
        np.testing.assert_allclose(t, [0, 0.25, 0.5, 0.75, 1], atol=1e-12)
        assert len(along) == 5 and "5 of 60 queries" in board.narration.facts

    def test_both_ends_are_on_the_line(self, rng: np.random.Generator) -> None:
        for start, end in rng.uniform(-3, 3, (200, 2, 2)):
            questions = game.Questions(game.puzzle(2))
            questions.ask(start)
            questions.ask(end)
            questions.ask_between()
            assert questions.oracle.queries == 3

    @of("Game")
    def test_wrong_input_is_a_sentence(self, board: Any) -> None:
        for field, text, complaint in [
            (board.x_text, "one", "x₁ must be a number"),
            (board.y_text, "7", "x₂ must lie between"),
            (board.y_text, "nan", "x₂ must lie between"),
        ]:
            field.value = text
            assert complaint in board.messages.value, "Enter is enough"
            board.ask_button.click()
            assert complaint in board.messages.value and board.questions.oracle.queries == 0
            field.value = "0"
        board.fill_button.click()
        assert "two different points" in board.messages.value
        board.score_button.click()
        assert "Ask something first" in board.messages.value
        secret = board.secret
        for text in ("-1", "", "x", "1" * 12):
            board.seed_text.value = text
            assert "Seed must be a whole number" in board.messages.value
            assert board.secret is secret
        board.folds_menu.value = 5  # another game, with the last seed that was one
        assert (board.folds, board.seed, board.seed_text.value) == (5, 0, "0")
        assert board.messages.value == "" and "the secret has 5" in board.narration.facts

    @of("Game")
    def test_new_game_is_a_secret_again(self, board: Any) -> None:
        board.reveal_button.value = True
        board.seed_text.value = "4"
        assert not board.reveal_button.value
        assert "revealed" not in str(board.panels[0].figure["layout"]["title"]["text"])

    @of("Game")
    def test_budget(self, board: Any) -> None:
        board.ask(-2, 0)
        board.ask(2, 0)
        for _ in range(8):
            board.fill_button.click()
        assert "are left" in board.messages.value and board.questions.oracle.queries <= game.BUDGET

    @of("Game")
    def test_the_right_creases_win(self, board: Any) -> None:
        for x in np.random.default_rng(0).uniform(-3, 3, (25, 2)):
            board.ask(*x)
        board.refresh()
        assert board.score() > game.WON
        w, b = board.secret.weights, board.secret.biases
        degrees = np.rad2deg(np.arctan2(w[:, 1], w[:, 0]))
        turned = (degrees < 0) | (degrees > 180)
        board.place(*zip(degrees % 180, np.where(turned, -b, b), strict=True))
        board.score_button.click()
        assert board.narration.sentence.startswith("Won! ")
        assert f"{100 + game.BUDGET - 25} points" in board.narration.sentence
        assert board.hands.state["won"] and board.hands.state["ghost"]["b"] == []
        assert str(game.algorithm_needs(2, 0)) in board.narration.sentence
        board.reveal_button.value = True
        assert "revealed" in board.panels[0].figure["layout"]["title"]["text"]
        for x in np.random.default_rng(1).uniform(-3, 3, (30, 2)):
            board.ask(*x)
        board.score_button.click()
        assert len(board.hands.state["ghost"]["b"]) == 2
        board.new_button.click()
        assert board.questions.oracle.queries == 0 and board.angles == [0.0]
        assert board.hands.state["ghost"] is None

    @of("Game")
    def test_creases(self, board: Any) -> None:
        board.angle_slider.value, board.place_slider.value = 30, 1.5
        board.add_button.click()
        assert board.angles == [30.0, 120.0] and board.chosen == 1
        board.crease_menu.value = 1
        assert (board.angle_slider.value, board.place_slider.value) == (30, 1.5)
        board.remove_button.click()
        assert board.angles == [120.0] and board.remove_button.disabled
        for _ in range(9):
            board.add_button.click()
        assert len(board.angles) == 8 and board.add_button.disabled

    @of("Game")
    def test_a_hand_moves_creases_and_lines_stay(self, board: Any) -> None:
        for x, y in ((-2, 0), (2, 0), (2, 2), (2, -2)):
            board.ask(x, y)
        assert len(board.questions.lines) == 2 and board.questions.current == 1
        board.panels[0]._receive(None, {"kind": "click", "content": {"x": 1, "y": 0.05}}, [])
        assert (
            len(board.questions.lines) == 2 and board.questions.current == 0
        )  # on the first line, and it stays
        np.testing.assert_allclose(board.questions.oracle.history()[0][-1], [1, 0])
        np.testing.assert_allclose(board.questions.on_line()[0], [0, 0.75, 1])  # of (2, 0): on both
        board.line_menu.value = "2"
        assert board.questions.current == 1 and len(board.questions.on_line()[0]) == 3
        moved = {"angles": [33.3], "places": [7.0], "chosen": 0}
        board.hands._receive(None, {"kind": "moved", "content": moved}, None)
        assert (board.angles, board.places) == ([33.3], [game.REACH])
        assert board.angle_slider.value == 33.3 and board.hands.state["places"] == [game.REACH]
        moved["angles"] = [float("nan")]
        board.hands._receive(None, {"kind": "moved", "content": moved}, None)
        assert "Something went wrong" in board.messages.value and board.angles == [33.3]

    @pytest.mark.parametrize("folds", [1, 2, 3, 5])
    def test_puzzles_can_be_learned(self, folds: int) -> None:
        secret = game.puzzle(folds, 3)
        assert secret.n_neurons == folds
        assert game.algorithm_needs(folds, 3) < 120
        assert game.algorithm_with(folds, 3, 3000)[0] < 1e-15
        assert game.algorithm_with(folds, 3, 1)[1].n_neurons == 0


class TestPreflight:
    @of("Preflight")
    def test_reports_from_the_page(self, board: Any) -> None:
        assert "Waiting" in board.narration.sentence
        board.probe._receive(None, {"kind": "alive"}, [])
        board.probe._receive(None, {"kind": "drawn"}, [])
        for _ in range(5):
            board.probe._receive(None, {"kind": "pong"}, [])
        assert "All checks passed" in board.narration.sentence and "✗" not in board.list.value
        board.again_button.click()
        assert board.seed == 1 and "answer" not in board.seconds

    @of("Preflight")
    def test_what_does_not_fit_is_named(self, board: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight.environment, "version", lambda name: "5.24.0")
        board.refresh()
        assert "plotly&gt;=6.0" in board.list.value and "✗" in board.list.value
        assert "1 of 4 checks failed" in board.narration.sentence


class TestWild:
    @of("Softmax")
    def test_ratios_give_the_hidden_layer_away(self, board: Any) -> None:
        board.kind_menu.value = board.kinds[2]
        board.learn_button.click()
        assert "Learned: 32 neurons" in board.narration.sentence
        network = board.outcomes[board.kinds[2]].result.network
        z = board.secret.output_weights
        true = type(network)(board.secret.weights, board.secret.biases, z[1:] - z[:1])
        match = match_neurons(network, true)
        assert len(match.pairs) == 32 and match.angle_error.max() < 1e-7
        for kind in board.kinds[:2]:
            board.kind_menu.value = kind
            board.learn_button.click()
            assert board.outcomes[kind].error == "NotPiecewiseLinear", "curved, with kinks or not"

    def test_log_probabilities(self) -> None:
        logits = np.array([[0.0, 1.0, -2.0], [1e4, 0.0, -1e4]])
        log_p = curved.log_probabilities(logits)
        np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1)
        np.testing.assert_allclose(log_p[:, 1] - log_p[:, 0], logits[:, 1] - logits[:, 0])

    @of("Activations")
    @pytest.mark.parametrize(
        ("name", "error"),
        [("leaky relu", ""), ("hard tanh", ""), ("absolute value", "")]
        + [("tanh", "NotPiecewiseLinear"), ("softplus", "NotPiecewiseLinear")]
        + [("step", "NotPiecewiseLinear")],
    )
    def test_what_is_in_the_class(self, board: Any, name: str, error: str) -> None:
        board.name_menu.value = name
        board.learn_button.click()
        assert board.outcomes[name].error == error, board.outcomes[name].words

    @of("Activations")
    def test_the_witness_is_drawn_until_something_else_is_asked_for(self, board: Any) -> None:
        (panel,) = board.panels
        board.learn_button.click()  # tanh
        answers = panel.figure["data"][WITNESS]
        assert answers["x"] == encode([-1.0, 0.0, 1.0]) and "witness" in panel.label
        board.zoom_slider.value = 2
        assert panel.figure["data"][WITNESS]["x"] == [None]
        board.name_menu.value = "leaky relu"
        board.learn_button.click()
        drawn, copy = (panel.figure["data"][i]["y"]["data"] for i in (ANSWER, COPY))
        np.testing.assert_allclose(np.frombuffer(copy), np.frombuffer(drawn), atol=1e-9)

    @of("Activations")
    def test_two_layers_are_never_returned_as_one(self, board: Any) -> None:
        board.name_menu.value = "two hidden layers"
        assert board.learn().error


class TestUnderAttack:
    @of("UnderAttack")
    def test_a_defence_is_seen_from_both_sides(self, board: Any) -> None:
        task = black_boxes_in_the_wild.task_1(board)
        assert not task.check().correct and "“no defence”" in task.check().sentence
        board.decimals_slider.value, board.budget_slider.value = 2, 500
        assert "Press Attack" in board.narration.sentence and len(board.trials) == 1
        assert board.panels[0].figure["data"][defences.NOW]["x"] == pytest.approx(
            [-3.235] * 2, 0.01
        )
        board.attack()
        assert "0 of 16 neurons" in board.narration.sentence
        assert "2 decimals + budget 500<br><small>QueryBudgetExceeded" in board.table.value
        x, y = (board.panels[0].figure["data"][defences.STOPPED][axis] for axis in "xy")
        assert encode(x) and y == encode(np.array([0.0]))
        assert task.check().correct and "ten addresses" in task.check().sentence
        task.dispose()

    @of("UnderAttack")
    def test_the_button_attacks_beside_the_page_and_stops(self, board: Any) -> None:
        async def hour() -> None:
            board.decimals_slider.value = 2
            board.attack_button.click()
            assert board.attacking.running and board.all_button.disabled
            board.attack_button.click()
            assert not board.attacking.running and board.attack_button.description == "Attack"
            board.decimals_slider.value = -1
            board.labels_button.value = True
            board.attack_button.click()
            while board.attacking.running:
                await asyncio.sleep(0.01)

        asyncio.run(hour())
        assert [str(setting) for setting in board.trials] == ["no defence", "labels only"]
        assert "NotPiecewiseLinear" in board.narration.sentence and board.messages.value == ""

    @of("UnderAttack")
    def test_what_goes_wrong_in_the_background_is_seen(
        self, board: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def hour() -> None:
            board.all_button.click()
            while board.attacking.running:
                await asyncio.sleep(0.01)

        monkeypatch.setattr(under_attack, "attack", lambda *_: iter([1 / 0]))
        asyncio.run(hour())
        assert "ZeroDivisionError" in board.messages.value


class TestGuess:
    def test_it_is_settled_at_the_end_of_the_run(self) -> None:
        guess = Prediction("How many?", ["about 60", "about 6,000"], then="Play.")
        player = Player("paper_plane", seed=0)
        verdict = start_here.settled(guess, player)
        assert "when the run has ended" in verdict.value
        guess.control.value = "about 6,000"
        guess.check_button.click()
        assert player.narration.facts.endswith("you said: about 6,000")
        assert set(player._panels[2].figure["data"][loss.GUESS]["x"]) == {6000.0}
        assert player._panels[2].figure["layout"]["xaxis"]["range"][1] == 4
        player.transport.seek(10**6)
        assert "You said: about 6,000. It took 69 queries to find it, and" in verdict.value
        player.transport.seek(3)
        assert "when the run has ended" in verdict.value
        for widget in (guess, player, verdict):
            widget.dispose()
