"""The drawings: pure functions of events and networks."""

from __future__ import annotations

import json

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relu_learn import zoo
from relu_learn.asking.errors import InvalidArgument, QueryBudgetExceeded
from relu_learn.figures import line, loss, plane
from relu_learn.figures.line import SliceView, kink_heights
from relu_learn.figures.loss import LossView
from relu_learn.figures.neurons import NeuronsView
from relu_learn.figures.patch import Patch, assign, patched, path_keys
from relu_learn.figures.plane import PlaneView, crease_segments
from relu_learn.figures.run_view import RunView
from relu_learn.figures.theme import THEMES, get_theme, nice_step, number, power_ticks
from relu_learn.figures.view import View, still
from relu_learn.learn import learn_steps
from relu_learn.network import ReluNetwork
from relu_learn.telling import events as ev
from relu_learn.telling.trace import Trace

SECRETS = {
    "plane": zoo.get("paper_plane"),
    "d = 1": zoo.get("one_dimensional"),
    "m = 3": zoo.random_network(6, 5, 3, rng=1),
    "k = 0": zoo.get("affine"),
}


def run_of(secret: ReluNetwork, seed: int = 0) -> RunView:
    return RunView(learn_steps(secret, secret.dim, rng=seed), secret.dim, secret.n_outputs)


@pytest.fixture(scope="module", params=SECRETS)
def finished(request: pytest.FixtureRequest) -> tuple[ReluNetwork, RunView]:
    secret = SECRETS[request.param]
    run = run_of(secret)
    run.finish()
    return secret, run


@pytest.fixture(scope="module")
def plane_run() -> RunView:
    run = run_of(SECRETS["plane"])
    run.finish()
    return run


def test_what_is_claimed_is_true_on_the_line_and_the_rest_of_the_plane_is_grey(
    plane_run: RunView,
) -> None:
    secret = SECRETS["plane"]
    partial = [state for state in plane_run if np.isfinite(state.claimed)]
    assert len(partial) == 10  # from the first piece to the last kink without its neuron
    for state in partial:
        assert state.line is not None
        t = np.linspace(-20, state.claimed, 50)
        x = state.line.origin + t[:, None] * state.line.direction
        np.testing.assert_allclose(state.hypothesis.network(x), secret(x), atol=1e-12)
        grey = np.isnan(PlaneView().patch(state).traces[plane.MAP]["z"])
        assert grey.any() and not grey.all()
        edge = PlaneView().patch(state).traces[plane.UNCLAIMED]
        t = (np.stack([edge["x"], edge["y"]], axis=1) - state.line.origin) @ state.line.direction
        t /= state.line.direction @ state.line.direction
        assert t.min() == pytest.approx(state.claimed) and len(t) in (3, 4, 5)
        drawn = np.array(SliceView().patch(state).traces[line.HYPOTHESIS]["x"], dtype=float)
        assert not (drawn > state.claimed).any()
        assert "grey" in LossView(secret=secret).patch(state).layout["title.text"]
    revealed = PlaneView().patch(partial[0], secret).traces
    assert not np.isnan(revealed[plane.MAP]["z"]).any()
    assert revealed[plane.UNCLAIMED]["x"] == [None]


def views_of(secret: ReluNetwork) -> list[View]:
    first: View = PlaneView() if secret.dim == 2 else NeuronsView()
    return [first, SliceView(), LossView(secret=secret), LossView()]


class TestPatch:
    def test_paths(self) -> None:
        assert path_keys("shapes[0].line.color") == ["shapes", 0, "line", "color"]
        tree: dict = {"title": {"text": "old"}}
        assert assign(tree, "title.text", "new")
        assert not assign(tree, "title.text", "new")
        assert assign(tree, "shapes[1].x0", 3)
        assert tree == {"title": {"text": "new"}, "shapes": [None, {"x0": 3}]}
        assert assign(tree, "range[1]", 5)
        assert tree["range"] == [None, 5]

    def test_later_patch_wins(self) -> None:
        both = Patch({0: {"x": 1, "y": 2}}, {"a": 1}) | Patch({0: {"y": 3}, 1: {"x": 4}}, {"a": 2})
        assert both == Patch({0: {"x": 1, "y": 3}, 1: {"x": 4}}, {"a": 2})
        assert both and not Patch() and not Patch({0: {}})

    def test_still_picture_leaves_the_figure_alone(self) -> None:
        figure = go.Figure([go.Scatter(x=[1, 2], y=[3, 4])], {"title": {"text": "old"}})
        figure.add_shape(type="line", x0=0, x1=1, y0=0, y1=1)
        still = patched(
            figure,
            Patch(
                {0: {"x": np.array([5.0, 6.0]), "marker.color": "red"}},
                {"title.text": "new", "shapes[0].x0": -1},
            ),
        )
        assert (*still.data[0].x, still.data[0].marker.color) == (5, 6, "red")
        assert (still.layout.title.text, still.layout.shapes[0].x0) == ("new", -1)
        assert (*figure.data[0].x, figure.layout.title.text) == (1, 2, "old")
        assert figure.layout.shapes[0].x0 == 0


class TestTheme:
    def test_names(self) -> None:
        assert get_theme("dark").name == "dark"
        with pytest.raises(InvalidArgument, match="one of light, dark, projector, got 'pink'"):
            get_theme("pink")

    @pytest.mark.parametrize("name", THEMES)
    def test_every_role_can_be_told_from_the_paper(self, name: str) -> None:
        def luminance(color: str) -> float:
            rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
            linear = np.where(rgb <= 0.03928, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
            return float(linear @ [0.2126, 0.7152, 0.0722])

        def contrast(a: str, b: str) -> float:
            low, high = sorted((luminance(a), luminance(b)))
            return (high + 0.05) / (low + 0.05)

        theme = get_theme(name)
        assert contrast(theme.ink, theme.paper) > 12
        for role in (theme.line, theme.crease, theme.probe, theme.truth, theme.query):
            # WCAG asks for 3 for graphics; the role's own dash or marker helps as well.
            assert contrast(role, theme.paper) > 3
        roles = {theme.line, theme.crease, theme.probe, theme.open, theme.truth, theme.query}
        assert len(roles) == 6

    def test_projector_letters_are_large(self) -> None:
        template = get_theme("projector").template.layout
        sizes = [template.font.size, template.title.font.size, template.legend.font.size]
        assert min(*sizes, template.xaxis.title.font.size) >= 18

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0, "0"),
            (0.36911, "0.369"),
            (99.96, "100"),
            (1350, "1,350"),
            (-1234.5, "−1,234"),
            (9999.7, "1.0\u00a0×\u00a010⁴"),
            (4.13e-24, "4.1\u00a0×\u00a010⁻²⁴"),
            (-5e7, "−5.0\u00a0×\u00a010⁷"),
            (float("inf"), "∞"),
            (float("nan"), "–"),
        ],
    )
    def test_numbers_are_short(self, value: float, text: str) -> None:
        assert number(value) == text

    @given(st.floats(1e-6, 1e6), st.integers(1, 20))
    def test_nice_step(self, span: float, most: int) -> None:
        step = nice_step(span, most)
        assert span / step <= most * (1 + 1e-6)
        assert f"{step:.0e}"[0] in "125"
        # not needlessly coarse: the next finer one would be too many
        assert span / step > most / 2.6

    @given(st.integers(-40, 5), st.integers(1, 50))
    def test_power_ticks(self, low: int, width: int) -> None:
        ticks, texts = power_ticks(low, low + width)
        assert 1 <= len(ticks) == len(texts) <= 6
        assert all(10.0**low * 0.99 <= tick <= 10.0 ** (low + width) * 1.01 for tick in ticks)


class TestRunView:
    def test_events_are_pulled_only_as_far_as_someone_looks(self) -> None:
        pulled = []

        def source() -> object:
            for event in learn_steps(SECRETS["plane"], 2, rng=0):
                pulled.append(event)
                yield event

        run = RunView(source(), 2)
        assert (len(run), pulled) == (1, [])
        assert run.reach(3).index == 3
        assert (len(run), len(pulled), run.exhausted) == (4, 3, False)
        assert run.reach(1) is run[1] and len(pulled) == 3
        assert run[3].event is pulled[2] and run.events == pulled
        last = run.finish()
        assert run.exhausted and last.is_final and last.index == len(pulled)
        assert run.reach(10**6) is last

    def test_a_state_does_not_depend_on_what_follows(self, plane_run: RunView) -> None:
        middle = len(plane_run) // 2
        short = RunView(plane_run.events[:middle], 2).finish()
        view = PlaneView()
        full = view.patch(plane_run[middle])
        for i, changes in view.patch(short).traces.items():
            for path, value in changes.items():
                np.testing.assert_array_equal(value, full.traces[i][path])

    def test_hypothesis_is_the_network_of_the_trace(
        self, finished: tuple[ReluNetwork, RunView]
    ) -> None:
        secret, run = finished
        trace = Trace(run.events)
        x = np.random.default_rng(0).standard_normal((100, secret.dim))
        for state in list(run)[1:]:
            network = trace.network_at(state.index - 1)
            assert (network is None) == state.hypothesis.is_empty
            if network is not None:
                expected = np.reshape(network(x), (len(x), -1))
                values = np.reshape(state.hypothesis.network(x), (len(x), -1))
                np.testing.assert_array_equal(values, expected)
        np.testing.assert_allclose(run[-1].hypothesis.network(x), secret(x), rtol=0, atol=1e-8)

    def test_samples_lie_on_the_secret_and_in_order(
        self, finished: tuple[ReluNetwork, RunView]
    ) -> None:
        secret, run = finished
        for state in run:
            assert np.all(np.diff(state.t) >= 0)
            if state.line is not None:
                x = state.line.origin + state.t[:, None] * state.line.direction
                target = secret if state.subtracted is None else secret - state.subtracted
                answers = np.reshape(target(x), (len(x), secret.n_outputs))
                np.testing.assert_allclose(state.values, answers, rtol=1e-9, atol=1e-9)

    def test_queries_never_fall(self, finished: tuple[ReluNetwork, RunView]) -> None:
        counts = [state.queries for state in finished[1]]
        assert counts == sorted(counts) and counts[0] == 0

    def test_an_error_of_ours_ends_the_run_and_keeps_what_it_had(self) -> None:
        secret = SECRETS["plane"]
        run = RunView(learn_steps(secret, 2, rng=0, max_queries=40), 2)
        last = run.finish()
        assert isinstance(run.error, QueryBudgetExceeded)
        assert 0 < last.queries <= 40 and len(run) > 2

    def test_other_errors_are_not_swallowed(self) -> None:
        def broken() -> object:
            yield from ()
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            RunView(broken(), 2).reach(1)

    def test_close(self) -> None:
        run = run_of(SECRETS["plane"])
        run.reach(2)
        run.close()
        assert run.exhausted and run.finish().index == 2


class TestEveryView:
    def test_patches_fit_the_figure_and_the_wire(
        self, finished: tuple[ReluNetwork, RunView]
    ) -> None:
        secret, run = finished
        for view in views_of(secret):
            figure = view.figure()
            assert figure.layout.title.text and view.label
            for state in run:
                for truth in (None, secret):
                    patch = view.patch(state, truth)
                    assert set(patch.traces) <= set(range(len(figure.data)))
                    json.dumps(patch.layout)
                    text = patch.layout["title.text"]
                    assert "$" not in text and "nan" not in text, "LaTeX stays blank in JupyterLab"
            assert isinstance(still(view, run[-1], secret), go.Figure)  # plotly validates it

    def test_without_the_truth_nothing_depends_on_the_secret(self, plane_run: RunView) -> None:
        view = PlaneView(span=(-1, 1))
        for state in plane_run:
            patch = view.patch(state)
            assert patch.traces[plane.TRUE_CREASES]["x"] == [None]
            known = state.hypothesis
            z = patch.traces[plane.MAP]["z"]
            if known.is_empty:
                assert np.isnan(z).all()
            else:
                claimed = ~np.isnan(z)  # the rest is grey
                values = view.values(known.network).astype("f4")
                np.testing.assert_array_equal(z[claimed], values[claimed])

    @pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
    def test_themes(self, theme: object, plane_run: RunView) -> None:
        for kind in (PlaneView, SliceView, LossView, NeuronsView):
            figure = still(kind(theme), plane_run[-1])
            assert figure.layout.template.layout.paper_bgcolor == theme.paper


class TestPlane:
    @given(
        st.lists(st.floats(-3, 3), min_size=3, max_size=3).filter(lambda v: abs(v[0] * v[1]) > 1e-6)
    )
    def test_creases_are_cut_to_the_window(self, values: list[float]) -> None:
        w, bias = np.array([values[:2]]), np.array(values[2:])
        x, y = crease_segments(w, bias, 2.0)
        corners = np.array([[-2, -2], [-2, 2], [2, -2], [2, 2]]) @ w[0] - bias[0]
        if np.all(corners > 1e-9) or np.all(corners < -1e-9):
            assert len(x) == 0
        elif len(x):
            assert np.isnan(x[2]) and np.isnan(y[2]) and len(x) == 3
            np.testing.assert_allclose(w[0, 0] * x[:2] + w[0, 1] * y[:2], bias[0], atol=1e-8)
            np.testing.assert_allclose(np.maximum(abs(x[:2]), abs(y[:2])), 2.0, atol=1e-8)

    def test_creases_along_the_axes_and_dead_neurons(self) -> None:
        w = np.array([[1.0, 0.0], [0.0, -2.0], [0.0, 0.0], [1.0, 0.0]])
        x, y = crease_segments(w, np.array([1.0, 2.0, 1.0, 9.0]), 2.0)
        np.testing.assert_array_equal(np.isnan(x), [False, False, True] * 2)
        assert set(x[:2]) == {1.0} and set(y[:2]) == {-2.0, 2.0}
        assert set(y[3:5]) == {-1.0} and set(x[3:5]) == {-2.0, 2.0}

    def test_reveal_shows_the_secret_and_its_creases(self, plane_run: RunView) -> None:
        secret, view = SECRETS["plane"], PlaneView()
        patch = view.patch(plane_run[0], secret)
        np.testing.assert_allclose(
            patch.traces[plane.MAP]["z"], view.values(secret), rtol=1e-6, atol=1e-6
        )
        assert np.isnan(patch.traces[plane.TRUE_CREASES]["x"]).sum() == secret.n_neurons
        assert "revealed" in patch.layout["title.text"]
        hidden = view.patch(plane_run[0])
        assert hidden.layout["title.text"].endswith("nothing known so far")
        assert not hidden.traces[plane.TRUE_CREASES]["visible"]

    def test_at_the_end_the_map_is_the_secret(self, plane_run: RunView) -> None:
        secret, view = SECRETS["plane"], PlaneView()
        z = view.patch(plane_run[-1]).traces[plane.MAP]["z"]
        np.testing.assert_allclose(z, view.values(secret), atol=1e-5)

    def test_a_constant_has_a_color_scale_too(self) -> None:
        flat = ReluNetwork(np.zeros((0, 2)), [], [], offset=1.5)
        run = run_of(flat)
        changes = PlaneView().patch(run.finish()).traces[plane.MAP]
        assert changes["zmin"] < 1.5 < changes["zmax"] and changes["contours.size"] > 0


class TestSlice:
    def test_kinks_lie_on_the_secret(self, finished: tuple[ReluNetwork, RunView]) -> None:
        secret, run = finished
        for state in run:
            if state.line is None or not state.kinks:
                continue
            t = np.sort([kink.t for kink in state.kinks])
            x = state.line.origin + t[:, None] * state.line.direction
            answers = np.reshape(secret(x), (len(t), -1))
            for output in range(secret.n_outputs):
                scale = 1 + np.abs(answers[:, output])
                error = np.abs(kink_heights(state, output) - answers[:, output]) / scale
                assert error.max() < 1e-6

    def test_open_intervals_are_bands_and_gaps(self) -> None:
        """A hand-made state: samples at -1, 0, 1, 2, and something hidden between 0 and 1."""
        head = {"phase": "search"}
        events = [
            ev.LineDrawn(queries=0, origin=[0, 0], direction=[1, 0], t_range=[-9, 3], **head),
            ev.IntervalProbed(
                queries=4,
                t=[-1, 0, 1, 2],
                values=[[0], [0], [1], [2]],
                open_intervals=[[0, 1], [5, 6]],
                **head,
            ),
        ]
        run = RunView(events, 2)
        patch = SliceView().patch(run.finish())
        assert patch.layout["xaxis.range"] == [-4, 3]
        np.testing.assert_array_equal(patch.traces[line.PIECES]["x"], [-1, 0, np.nan, 1, 2])
        np.testing.assert_array_equal(patch.traces[line.OPEN]["x"], [0, 0, 1, 1, np.nan])
        assert "no kink yet" in patch.layout["title.text"]
        far = [
            ev.CriticalPointFound(queries=4, t=t, jump=[1.0], point=[t, 0], **head)
            for t in (-70.0, 0.5, 8.0, 9.0)
        ]
        patch = SliceView().patch(RunView([*events, *far], 2).finish())
        assert "4 kinks" in patch.layout["title.text"]
        assert "(◂ 1, 2 ▸ farther out)" in patch.layout["title.text"]
        assert patch.traces[line.KINKS]["x"].tolist() == [0.5]

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([0.0, 1.0], [-0.12, 1.12]),
            ([0.0], [-1.0, 1.0]),
            ([1e6, 1e6 + 1e-9], [1e6 - 0.62, 1e6 + 0.62]),
            ([], [-1.24, 1.24]),
        ],
    )
    def test_range_shows_the_function_and_not_its_rounding(
        self, values: list[float], expected: list[float]
    ) -> None:
        np.testing.assert_allclose(line._range(np.array(values)), expected)

    def test_hypothesis_and_secret_agree_at_the_end(
        self, finished: tuple[ReluNetwork, RunView]
    ) -> None:
        secret, run = finished
        patch = SliceView().patch(run[-1], secret)
        found, true = patch.traces[line.HYPOTHESIS], patch.traces[line.TRUTH]
        assert true["visible"]
        grid = np.linspace(*patch.layout["xaxis.range"], 50)
        np.testing.assert_allclose(
            np.interp(grid, found["x"], found["y"]),
            np.interp(grid, true["x"], true["y"]),
            atol=1e-6,
        )


class TestLoss:
    def test_curve_ends_where_the_run_is(self, finished: tuple[ReluNetwork, RunView]) -> None:
        secret, run = finished
        view = LossView(secret=secret)
        for state in run:
            patch = view.patch(state)
            curve = patch.traces[loss.CURVE]
            assert curve["x"][-1] == max(state.queries, 5) and min(curve["y"]) > 0
            low, high = patch.layout["yaxis.range"]
            assert 10.0**low <= min(curve["y"]) and max(curve["y"]) <= 10.0**high
            assert 10 ** patch.layout["xaxis.range"][1] >= state.queries
        assert view.loss(run[-1].hypothesis)[0] < 1e-16
        assert "(exact)" in view.patch(run[0]).layout["title.text"]

    def test_without_the_secret_only_the_learners_own_tests(self, plane_run: RunView) -> None:
        view = LossView()
        first = view.patch(plane_run[0])
        assert first.traces[loss.CURVE]["x"] == [None]
        assert "not tested yet" in first.layout["title.text"]
        last = view.patch(plane_run[-1])
        assert last.traces[loss.CURVE]["x"] == [None]
        assert len(last.traces[loss.TESTS]["x"]) == len(plane_run[-1].tests) > 0
        assert "own test" in last.layout["title.text"]
        with pytest.raises(ValueError, match="needs the secret"):
            view.loss(plane_run[0].hypothesis)


class TestNeurons:
    def test_nothing_moves_at_the_reveal(self) -> None:
        secret = SECRETS["m = 3"]
        run = run_of(secret)
        last = run.finish()
        view = NeuronsView()
        found, true = view.patch(last), view.patch(last, secret)
        np.testing.assert_allclose(found.traces[0]["z"], true.traces[0]["z"], atol=1e-6)
        assert found.layout["title.text"] == "Neurons found: 5"
        assert true.layout["title.text"] == "<b>The secret</b>, revealed: 5 neurons, all found"

    def test_before_the_first_neuron(self) -> None:
        secret = SECRETS["m = 3"]
        run = run_of(secret)
        hidden = NeuronsView().patch(run[0])
        assert np.isnan(hidden.traces[0]["z"]).all()
        shown = NeuronsView().patch(run[0], secret)
        assert shown.layout["title.text"].endswith("5 neurons, 5 not found yet")

    def test_many_rows_are_counted(self) -> None:
        secret = zoo.random_network(3, 9, rng=0)
        last = run_of(secret).finish()
        patch = NeuronsView(most=4).patch(last)
        assert patch.traces[0]["z"].shape == (4, 5)
        assert patch.layout["title.text"] == "Neurons found: 9, the first 4 shown"
