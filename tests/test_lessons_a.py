"""Lessons 01 to 03, 08 and 09: what their explorers show is what the learner found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from relu_learn import ReluNetwork, zoo
from relu_learn.asking.errors import InvalidArgument
from relu_learn.figures import clustering, creased_paper, hyperplanes
from relu_learn.figures import plane as plane_view
from relu_learn.figures.theme import THEMES
from relu_learn.telling.events import GradientMeasured, LineDrawn, NeuronFound
from relu_learn.widgets import copies, lemmas, theorem
from relu_learn.widgets.bench import KinkBench, measure
from relu_learn.widgets.clustering import PRESETS, PairLab, TurnLab, pair
from relu_learn.widgets.creased_paper import CreasedPaper
from relu_learn.widgets.explorer import Explorer
from relu_learn.widgets.hyperplanes import HyperplaneLab

LEMMAS = [
    lemmas.Tail,
    lemmas.Separation,
    lemmas.Merging,
    lemmas.Far,
    theorem.Boosting,
    theorem.HiddenPlane,
    theorem.LossCertificate,
]
COPIES = [copies.Attacked, copies.Verified, copies.Pruned, copies.LowRank, copies.Jumps]
EXPLORERS = [CreasedPaper, KinkBench, HyperplaneLab, PairLab, TurnLab, *LEMMAS, *COPIES]


@pytest.fixture
def make() -> Iterator[Any]:
    made: list[Explorer] = []

    def build(kind: Any, *args: Any, **kwargs: Any) -> Any:
        made.append(kind(*args, **kwargs))
        return made[-1]

    yield build
    for explorer in made:
        explorer.dispose()


def data(explorer: Explorer, panel: int, trace: int) -> dict[str, Any]:
    return explorer.panels[panel].figure["data"][trace]


def title(explorer: Explorer, panel: int) -> str:
    return str(explorer.panels[panel].figure["layout"]["title"]["text"])


@pytest.mark.parametrize("kind", EXPLORERS)
class TestEveryExplorer:
    def test_every_theme_and_every_control(self, kind: Any, make: Any) -> None:
        explorer = make(kind)
        for theme in THEMES:
            explorer.inputs["theme"].value = theme
            assert f"rl-{theme}" in explorer._dom_classes
        for widget in explorer.inputs.values():
            before = widget.value
            if hasattr(widget, "options"):
                values = list(widget.options)
            elif isinstance(before, bool):
                values = [True, False]
            else:
                low, high = widget.min, widget.max
                log = hasattr(widget, "base")
                values = [10**low, 10**high] if log else [low, high]
            for value in [*values, before]:
                widget.value = value
                assert "Something went wrong" not in explorer.messages.value
                assert explorer.narration.sentence

    def test_share_string_reopens_the_view(self, kind: Any, make: Any) -> None:
        one, two = make(kind), make(kind)
        for widget in one.inputs.values():
            if isinstance(widget.value, float) and not hasattr(widget, "base"):
                widget.value = round(widget.value + 3 * widget.step, 6)
        if kind is HyperplaneLab:
            one.transport.seek(9)
        two.share_text.value = one.share
        assert two.share == one.share and two.share_messages.value == ""
        assert [p.figure["data"] for p in two.panels] == [p.figure["data"] for p in one.panels]

    def test_malformed_share_string_changes_nothing(self, kind: Any, make: Any) -> None:
        explorer = make(kind)
        before = explorer.share
        cut = before.rsplit("&", 1)[0]
        for wrong in ("rubbish", "other?x=1", f"{before}&x=1", f"{before}x", cut):
            explorer.share_text.value = wrong
            assert explorer.share_messages.value, wrong
            assert explorer.share == explorer.share_text.value == before
        explorer.inputs["theme"].value = "dark"
        assert not explorer.share_messages.value, "it is told until something else is done"

    def test_a_hair_is_not_a_move(
        self, kind: Any, make: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The page rounds 0.1 + 0.2 to the slider's steps and reports it as a change."""
        explorer = make(kind)
        drawn: list[None] = []
        monkeypatch.setattr(explorer, "draw", lambda: drawn.append(None) or [None] * 9)
        for widget in explorer.inputs.values():
            if isinstance(widget.value, float):
                widget.value = widget.value * (1 + 1e-15)
        assert not drawn


@pytest.mark.parametrize(
    ("kind", "old", "new", "complaint"),
    [
        (KinkBench, "a=2.4", "a=3.6", "must be less than b"),
        (HyperplaneLab, "step=0", "step=4000", "events, got 4000"),
        (HyperplaneLab, "network=paper_plane&method=grid&seed=0&r=0.4&tau=4&theme=auto&step=0",
         "network=tent&method=adaptive&seed=3&r=0.5&tau=2&theme=dark&step=999", "events, got 999"),
        (PairLab, "angle=25", "angle=24", "the pair 'apart' has 25; any other is 'your own'"),
        (CreasedPaper, "neuron=1", "neuron=6", "this network has 5"),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_together_change_nothing(
    make: Any, kind: Any, old: str, new: str, complaint: str
) -> None:
    explorer = make(kind)
    before = explorer.share
    assert old in before
    pictures = [panel.figure for panel in explorer.panels]
    explorer.share_text.value = before.replace(old, new)
    assert complaint.replace("'", "&#x27;") in explorer.share_messages.value
    assert explorer.share == before
    assert [panel.figure for panel in explorer.panels] == pictures


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (CreasedPaper, {"network": "nobody"}),
        (CreasedPaper, {"angle": 200.0}),
        (CreasedPaper, {"networks": {"flat": zoo.get("constant")}}),
        (KinkBench, {"network": "nobody"}),
        (KinkBench, {"alpha": -1.0}),
        (KinkBench, {"a": 1.0, "b": 0.5}),
        (HyperplaneLab, {"network": "nobody"}),
        (HyperplaneLab, {"method": "guess"}),
        (HyperplaneLab, {"r": 0.0}),
        (PairLab, {"theme": "pink"}),
    ],
)
def test_wrong_arguments_are_named(kind: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(wrong))):
        kind(**wrong)


def test_unknown_pair_is_named() -> None:
    with pytest.raises(InvalidArgument, match="must be one of your own, apart"):
        PairLab("nothing")


class TestCreasedPaper:
    @pytest.mark.parametrize("name", zoo.names("picture"))
    def test_search_finds_every_kink(self, name: str) -> None:
        network, line = zoo.get(name), creased_paper.straight_line(37.0, 0.21)
        state = creased_paper.searched(network, line)
        t = np.sort([kink.t for kink in state.kinks])
        true = (network.biases - network.weights @ line.origin) / (network.weights @ line.direction)
        np.testing.assert_allclose(t, np.sort(true), rtol=1e-6, atol=1e-9)

    def test_hand_and_click_move_the_line(self, make: Any) -> None:
        paper = make(CreasedPaper)
        place = {"angle": 45.2, "offset": -9.0, "turn": 20.0}
        paper.hands._receive(None, {"kind": "moved", "content": place}, None)
        assert (paper.angle.value, paper.offset.value, paper.turn.value) == (45.0, -3.4, 20.0)
        assert (paper.hands.state["angle"], paper.hands.state["offset"]) == (45.0, -3.4)
        click = {"x": 0.0, "y": 1.0, "trace": 0, "point": 0, "z": 0}
        paper.panels[0]._receive(None, {"kind": "click", "content": click}, None)
        assert paper.angle.value == 45.0 and paper.offset.value == pytest.approx(0.71)
        assert paper.panels[0].error == "" and paper.messages.value == ""

    def test_hand_moves_a_crease(self, make: Any) -> None:
        paper = make(CreasedPaper, "paper_plane")
        before = paper.current
        w, b = np.array([0.0, 2.0]), -1.0
        moved = {"angle": 20.0, "offset": 0.5, "turn": 35.0, "neuron": 1, "w": [0.0, 2.0], "b": b}
        paper.hands._receive(None, {"kind": "moved", "content": moved}, None)
        after = paper.current
        assert paper.neuron_menu.value == "2" and "moved=2%3A90%3A-0.5" in paper.share
        jump = before.output_weights[1] * np.linalg.norm(before.weights[1])
        crease = after.weights[1] * after.output_weights[1]
        np.testing.assert_allclose(crease, jump * w / 2, atol=1e-12)
        np.testing.assert_allclose(after.biases[1] / np.linalg.norm(after.weights[1]), b / 2)
        assert after.weights[0].tolist() == before.weights[0].tolist()
        np.testing.assert_allclose(paper.hands.state["net"]["w"], after.weights)

    def test_what_a_page_cannot_have_meant_is_refused(self, make: Any) -> None:
        paper = make(CreasedPaper)
        before = paper.share
        for wrong in ({"angle": None}, {"offset": float("nan")}, {"neuron": 77, "w": [1, 0]}):
            moved = {"angle": 20.0, "offset": 0.5, "turn": 35.0} | wrong
            paper.hands._receive(None, {"kind": "moved", "content": moved}, None)
            assert "Something went wrong" in paper.messages.value
            assert paper.share == before

    def test_moving_a_neuron_moves_one_crease(self, make: Any) -> None:
        paper = make(CreasedPaper, "paper_plane")
        before = paper.current
        paper.neuron_menu.value = "2"
        assert paper.current == before
        paper.neuron_position.value = -1.0
        after = paper.current
        changed = np.flatnonzero(after.biases != before.biases)
        assert changed.tolist() == [1] and after.biases[1] == -1.0
        np.testing.assert_allclose(after.weights, before.weights, atol=1e-12)
        paper.network_menu.value = "tent"
        assert paper.current == zoo.get("tent")

    def test_a_neuron_that_is_moved_back_is_where_it_was(self, make: Any) -> None:
        paper = make(CreasedPaper, "paper_plane")
        before, drawn = paper.current, data(paper, 0, 0)["z"]
        for control in (paper.neuron_angle, paper.neuron_position, paper.neuron_strength):
            place = control.value
            control.value = place + 4 * control.step
            assert data(paper, 0, 0)["z"] != drawn
            control.value = place
            np.testing.assert_allclose(paper.current.weights, before.weights, atol=1e-12)
            np.testing.assert_allclose(paper.current.biases, before.biases, atol=1e-12)
            assert data(paper, 0, 0)["z"] == drawn

    def test_cover_hides_the_answer(self, make: Any) -> None:
        paper = make(CreasedPaper, "tent", covered=True)
        assert np.isnan(plane_z(paper)).all()
        shown = " ".join(title(paper, i) for i in range(2)) + paper.narration.sentence
        assert not any(digit in shown for digit in "0123456789")
        assert paper.hands.state["covered"]
        paper.cover.value = False
        assert np.isfinite(plane_z(paper)).all() and "3 neurons" in title(paper, 0)

    def test_parallel_line_is_explained(self, make: Any) -> None:
        paper = make(CreasedPaper, "crease", 120.0, 0.0)
        assert "parallel" in paper.narration.sentence


def plane_z(explorer: Explorer) -> np.ndarray:
    return np.frombuffer(data(explorer, 0, plane_view.MAP)["z"]["data"], "<f4")


class TestBench:
    line = creased_paper.straight_line(20.0, 0.5)

    def test_one_kink_gives_the_neuron(self) -> None:
        secret = zoo.get("paper_plane")
        bench = measure(secret, self.line, -1.5, -0.2, 1e-4)
        assert bench.jumps and bench.agrees
        # 2 values, 2 gradients of 3 queries, and 3 for the check: without asking twice
        assert bench.queries == 11
        normal = bench.weights / np.linalg.norm(bench.weights)
        assert np.abs(np.abs(secret.weights @ normal) - 1).min() < 1e-9

    def test_two_kinks_fail_the_check_and_none_is_said(self) -> None:
        secret = zoo.get("paper_plane")
        assert not measure(secret, self.line, -1.5, 0.4, 1e-4).agrees
        assert not measure(secret, self.line, -3.0, -2.0, 1e-4).jumps

    def test_a_ball_across_a_crease_fails_the_check_although_f_passes_at_the_meeting(self) -> None:
        bench = measure(zoo.get("paper_plane"), self.line, 1.4, 3.4, 1.0)
        assert bench.inside and abs(bench.meets - bench.check) < 1e-9  # by chance
        assert not bench.agrees

    def test_empty_interval_has_a_message(self, make: Any) -> None:
        bench = make(KinkBench, a=-1.5, b=-0.2)
        bench.a.value = 3.0
        assert "the interval from −1.5 to −0.2 is still shown" in bench.messages.value
        assert (bench.bench.a, bench.bench.b) == (-1.5, -0.2) and "a=-1.5&b=-0.2" in bench.share
        bench.network_menu.value = "tent"  # of another secret the same interval, not the old answer
        tent = measure(zoo.get("tent"), bench.bench.line, -1.5, -0.2, bench.alpha.value)
        np.testing.assert_array_equal(bench.bench.gradients, tent.gradients)
        bench.b.value = 3.5
        assert bench.messages.value == "" and (bench.bench.a, bench.bench.b) == (3.0, 3.5)

    def test_two_kinks_of_the_lesson_belong_to_no_crease(self, make: Any) -> None:
        bench = make(KinkBench, a=-1.5, b=-0.2)
        bench.a.value = -4.0
        bench.reveal.value = True
        assert "F does not follow" in bench.narration.sentence
        assert "the secret has no such crease" in bench.narration.sentence

    def test_too_small_a_radius_is_seen(self, make: Any) -> None:
        bench = make(KinkBench, a=-1.5, b=-0.2)
        bench.reveal.value = True
        assert "to rounding" in bench.narration.sentence
        bench.alpha.value = 1e-11
        assert "to rounding" not in bench.narration.sentence

    def test_begins_without_a_kink_and_a_hand_moves_the_ends(self, make: Any) -> None:
        bench = make(KinkBench)
        assert "no neuron switches in between" in bench.narration.sentence
        assert not bench.hands.state["measured"]["jumps"]
        moved = {"a": -2.0, "b": -0.2}
        bench.hands._receive(None, {"kind": "moved", "content": moved}, None)
        state = bench.hands.state
        assert (bench.b.value, state["b"]) == (-0.2, -0.2) and "F follows both" in (
            bench.narration.sentence
        )
        w, t = np.array(state["measured"]["jump"]), state["measured"]["t"]
        assert state["measured"]["bias"] == pytest.approx(w @ self.line.at(np.array([t]))[0])
        bench.hands._receive(None, {"kind": "moved", "content": {"a": 3.0, "b": -0.2}}, None)
        assert (bench.hands.state["a"], bench.hands.state["b"]) == (-2.0, -0.2)


class TestHyperplaneLab:
    def test_gradient_plane_shows_what_was_measured(self, make: Any) -> None:
        lab = make(HyperplaneLab, "paper_plane", "adaptive", seed=1)
        lab.run.finish()
        g, pairs, _ = hyperplanes.gradients_of(lab.run.events)
        measured = [e for e in lab.run.events if isinstance(e, GradientMeasured)]
        assert len(g) == len(measured) == 6 and pairs == [(i, i + 1) for i in range(5)]
        neurons = sorted((e.t, e) for e in lab.run.events if isinstance(e, NeuronFound))
        for (i, j), (_, neuron) in zip(pairs, neurons, strict=True):
            jump = neuron.output_weights[0] * neuron.weights
            np.testing.assert_allclose(g[j] - g[i], jump, atol=1e-9)

    def test_who_was_at_the_end_stays_there(self, make: Any) -> None:
        lab = make(HyperplaneLab, "paper_plane", r=0.4, tau=5, seed=1)
        lab.r.value = 0.2
        assert lab.transport.position == 0
        lab.transport.seek(10**6)
        assert "3 are among them" not in lab.narration.facts
        lab.r.value = 0.1
        assert lab.state.is_final and "5 are among them" in lab.narration.sentence
        lab.method_menu.value = "adaptive"
        assert lab.state.is_final and lab.r.disabled


class TestVectors:
    @pytest.mark.parametrize("chart", [hyperplanes.GradientView(), clustering.VectorsView()])
    def test_the_page_never_changes_the_ranges(self, chart: Any) -> None:
        """Else a patch of one axis would be combined with the page's own range of the other."""
        layout = chart.figure().layout
        assert layout.yaxis.scaleanchor == "x"
        assert layout.xaxis.constrain == layout.yaxis.constrain == "domain"

    def test_a_vector_too_short_to_be_seen_has_no_head(self) -> None:
        ends = np.array([[1.0, 0.0], [1e-9, 0.0]])
        sizes = hyperplanes.arrows(np.zeros((2, 2)), ends, THEMES["light"])["marker.size"]
        assert sizes[1] > 0 and not sizes[[0, 2, 3, 4, 5]].any()


class TestPairs:
    def test_a_hand_moves_either_crease(self, make: Any) -> None:
        lab = make(PairLab, "apart", "grid")
        moved = {"base": 50.0, "shift": 0.3, "angle": 60.0, "gap": 3.0}
        lab.hands._receive(None, {"kind": "moved", "content": moved}, None)
        assert (lab.angle.value, lab.gap.value, lab.preset_menu.value) == (60, 2, "your own")
        assert (lab.base.value, lab.shift.value) == (50, 0.3)
        np.testing.assert_array_equal(lab.hands.state["net"]["w"], lab.secret.weights)
        np.testing.assert_allclose(lab.secret.biases[:2], [0.3, 2.3])
        assert lab.hands.state["line"][0] == next(iter(lab.run.events)).origin.tolist()
        again = PairLab(theme=lab.look)
        again.reopen(lab.share)
        assert again.hands.state == lab.hands.state
        again.dispose()
        broken = {**moved, "angle": None}
        lab.hands._receive(None, {"kind": "moved", "content": broken}, None)
        assert "Something went wrong" in lab.messages.value and lab.angle.value == 60

    def test_near_kinks_are_not_near_neurons(self, make: Any) -> None:
        """The same intervals: a narrow wedge costs nothing, a wide one a lot."""
        lab = make(PairLab, "close", "grid")
        r, cheap = lab.r.value, lab.loss[0]
        lab.preset_menu.value = "near kinks only"
        assert lab.r.value == r and "1 and 2 came out as one" in lab.narration.sentence
        assert lab.loss[0] > 100 * cheap

    def test_a_kink_beyond_the_grid_is_named(self, make: Any) -> None:
        lab = make(PairLab, "apart", "grid")
        lab.put(angle=-60.0, gap=0.3)
        lab.show()
        assert "ends before the line meets crease 2" in lab.narration.sentence

    @pytest.mark.parametrize("preset", PRESETS)
    def test_adaptive_learns_every_pair(self, make: Any, preset: str) -> None:
        lab = make(PairLab, preset, "adaptive")
        assert lab.loss[0] < 1e-20 and "no error but rounding" in title(lab, 0)

    def test_clump_is_the_sum(self, make: Any) -> None:
        lab = make(PairLab, "close", "grid")
        (clump,) = [c for c in lab.found if len(c.members) > 1]
        assert clump.members == (0, 1) and "1 and 2 came out as one" in lab.narration.sentence
        line = next(e for e in lab.run.events if isinstance(e, LineDrawn))
        jumps = clustering.true_jumps(lab.secret, line)
        np.testing.assert_allclose(clump.weights, jumps[0] + jumps[1], atol=1e-9)
        lab.r.value = 0.05
        assert all(len(c.members) == 1 for c in lab.found)

    def test_error_of_a_clump_lies_in_the_wedge(self) -> None:
        """relu(z) + relu(z') - relu(z + z') = min(|z|, |z'|) between the creases, 0 elsewhere."""
        one, two = np.random.default_rng(0).standard_normal((2, 1000))
        left = np.maximum(one, 0) + np.maximum(two, 0) - np.maximum(one + two, 0)
        wedge = np.where(one * two < 0, np.minimum(np.abs(one), np.abs(two)), 0)
        np.testing.assert_allclose(left, wedge, atol=1e-12)

    def test_opposite_twins_have_no_kink(self, make: Any) -> None:
        lab = make(PairLab, "opposite twins", "grid")
        assert "1 and 2 cancel" in lab.narration.sentence and lab.loss[0] < 1e-20

    def test_hand_leaves_the_preset(self, make: Any) -> None:
        lab = make(PairLab, "apart")
        lab.gap.value = 0.3
        assert lab.preset_menu.value == "your own"
        lab.preset_menu.value = "apart"
        assert lab.gap.value == PRESETS["apart"][1]
        lab.shift.value = 0.4
        assert lab.preset_menu.value == "your own"
        lab.preset_menu.value = "apart"
        assert lab.shift.value == 0.2

    def test_pair_is_at_the_angle_and_distance(self) -> None:
        net = pair(30.0, 0.25, -1.0, True)
        cosine = net.weights[0] @ net.weights[1]
        assert cosine == pytest.approx(-np.cos(np.deg2rad(30)))
        assert -net.biases[1] - net.biases[0] == pytest.approx(0.25)


class TestTurning:
    def test_residual_is_affine_and_orient_finds_the_turned(self, make: Any) -> None:
        lab = make(TurnLab, (2, 4))
        assert lab.residual.n_neurons == 0
        a, w = lab.secret.output_weights, lab.secret.weights
        np.testing.assert_allclose(lab.residual.skip, a[[1, 3]] @ w[[1, 3]], atol=1e-12)
        lab.orient_button.click()
        assert "residual first" in lab.messages.value
        lab.residual_switch.value = True
        assert "no error but rounding" in title(lab, 0)
        lab.orient_button.click()
        assert not any(flip.value for flip in lab.flips)
        assert "2 and 4" in lab.narration.sentence

    def test_words(self) -> None:
        assert [clustering.joined(range(n)) for n in (1, 2, 3)] == ["0", "0 and 1", "0, 1 and 2"]


def curve(explorer: Explorer, trace: int) -> np.ndarray:
    y = data(explorer, 1, trace)["y"]
    return np.frombuffer(y["data"], "<f8") if isinstance(y, dict) else np.array(y, dtype=float)


class TestLemmas:
    """Measured and predicted curves agree, and the sentence says what the picture shows."""

    def test_tail(self, make: Any) -> None:
        tail = make(lemmas.Tail, 1, 10.0)
        measured, bound, one = (curve(tail, i) for i in range(3))
        np.testing.assert_allclose(bound, one)
        assert np.abs(measured - one).max() < 0.02
        tail.neurons.value = 8
        bound = curve(tail, 1)  # left out where it is above 1
        assert (curve(tail, 0)[-len(bound) :] <= bound).all()
        tail.tau.value = 1000
        assert title(tail, 0).split(" ", 1)[1] == "of these 40 lines miss a crease"
        assert int(title(tail, 0).split()[0]) <= 1, "half a per cent of all"

    def test_separation(self, make: Any) -> None:
        lab = make(lemmas.Separation)
        measured, bound, exact = (curve(lab, i) for i in range(3))
        n = len(measured)  # gaps that never occurred are left out at the left end
        np.testing.assert_allclose(measured[-10:], exact[-10:], rtol=0.1)
        assert (measured <= bound[-n:] * 1.3).all()
        lab.bias.value = 2.0
        assert curve(lab, 0)[-1] < measured[-1]

    def test_merging_is_likely_or_costly(self, make: Any) -> None:
        lab = make(lemmas.Merging, r=0.01)
        loss, share, product, top = (curve(lab, i) for i in range(4))
        assert (np.diff(loss) > 0).all() and share[0] > 10 * share[-1]
        assert (loss <= top).all() and product.max() < 0.002
        np.testing.assert_allclose(product, loss * share)
        assert "0.127" in lab.narration.sentence

    def test_far(self, make: Any) -> None:
        lab = make(lemmas.Far, 3.0, 10.0)
        measured, bound, exact = (curve(lab, i) for i in range(3))
        np.testing.assert_allclose(measured[:10], exact[:10], rtol=0.05)
        assert (exact <= bound * (1 + 1e-12)).all()

    def test_boosting(self, make: Any) -> None:
        lab = make(theorem.Boosting)
        measured, predicted = curve(lab, 0), curve(lab, 1)
        np.testing.assert_allclose(measured[:2], predicted[:2], rtol=0.15)
        lab.tries.value = 4
        assert "0 of 500 runs fail" in title(lab, 0) or "1 of 500" in title(lab, 0)

    def test_the_hidden_plane_has_no_low_degree(self, make: Any) -> None:
        plane = make(theorem.HiddenPlane)
        hidden, control = (np.array(data(plane, 1, i)["y"], dtype=float) for i in range(2))
        assert hidden[:5].max() < 1e-10 < 15 < hidden[5] and control[0] > 50

    def test_loss_certificate(self, make: Any) -> None:
        lab = make(theorem.LossCertificate, 2000.0)
        assert lab.bound(2000) == pytest.approx(2.28e-4, rel=0.01)
        lab.slope.value = 10.0
        assert "0.0229" in lab.narration.sentence


def test_networks_may_have_no_neuron(make: Any) -> None:
    flat = ReluNetwork(np.zeros((0, 2)), [], [], [1.0, 0.0])
    paper = make(CreasedPaper, "flat", networks={"flat": flat})
    assert "no kink" in paper.narration.sentence and paper.neuron_position.disabled
    paper.reopen(paper.share)


class TestCopies:
    def test_the_bill_is_what_was_asked(self, make: Any) -> None:
        explorer = make(copies.Attacked)
        ring = data(explorer, 1, 2)
        bill = copies.attacked(0.1)[1].queries
        assert ring["x"] == [6] and ring["y"] == [bill[:6].sum()]
        assert f"{bill.sum():,} queries" in explorer.narration.sentence
        assert title(explorer, 0) == "Digit 6"
        words = data(explorer, 0, 1)["text"]
        assert words[:3] == ["as it is: a 1", "by the copy: an 8", "by asking: an 8"]

    def test_what_is_left_out_is_not_drawn(self, make: Any) -> None:
        explorer = make(copies.Pruned)
        for kept in (0, 5, 32):
            explorer.kept.value = kept
            z = np.frombuffer(data(explorer, 0, 0)["z"]["data"], "f4")
            assert np.isfinite(z).sum() == 64 * kept
            assert f"{kept} of 32 neurons" in explorer.narration.sentence
        assert explorer.reduced().loss < 1e-9
        explorer.kept.value, explorer.affine.value = 0, True
        assert 10 < explorer.reduced().loss < 11

    def test_an_answer_is_a_bit(self, make: Any) -> None:
        explorer = make(copies.Jumps)
        _, _, place = copies.same_place()
        ends, answers = copies.bisected()
        assert len(answers) == copies.ANSWERS == len(ends) + 1
        assert (ends[:, 0] < place).all() and (place <= ends[:, 1]).all()
        np.testing.assert_allclose(np.diff(ends, axis=1)[:, 0], 1.5 * 0.5 ** np.arange(49))
        assert copies.kink_error() < 1e-14
        for n in (2, 20, copies.ANSWERS):
            explorer.answers.value = n
            jump = data(explorer, 0, 1)["x"][1]
            assert -0.5 <= jump <= 0.5
            assert data(explorer, 1, 2)["y"] == [pytest.approx(1.5 * 0.5 ** (n - 2))]
