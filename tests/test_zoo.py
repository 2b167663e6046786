"""The zoo's networks are what their descriptions say."""

import importlib.resources
import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relu_learn import Oracle, ReluNetwork, baselines, learn_from_queries, match_neurons, zoo
from relu_learn.asking.errors import InvalidArgument
from relu_learn.data import train_digits, train_small_digits

EXTRA = 3  # ordinary neurons that keep most hostile ones company


@pytest.mark.parametrize("name", zoo.names())
def test_every_secret_is_built_described_and_reachable_as_a_function(name):
    network = zoo.get(name)
    assert isinstance(network, ReluNetwork)
    assert network == getattr(zoo, name)()  # also: the default seed is fixed
    sentence = zoo.describe(name)
    assert sentence.endswith(".") and "\n" not in sentence and 20 < len(sentence) < 200
    assert np.isfinite(network(np.random.default_rng(0).standard_normal((50, network.dim)))).all()


def test_names_by_kind():
    kinds = [zoo.names(kind) for kind in zoo.KINDS]
    assert sorted(sum(kinds, [])) == sorted(zoo.names())
    assert set(zoo.hostile) == set(zoo.names("hostile"))
    assert "digits" in zoo.names("real")
    with pytest.raises(InvalidArgument, match="kind must be one of"):
        zoo.names("nice")


@pytest.mark.parametrize("name", zoo.names("hostile"))
def test_hostile_secrets_name_the_assumption_they_violate(name):
    assert "violates" in zoo.describe(name)


@pytest.mark.parametrize("name", zoo.names("hostile"))
@given(seed=st.integers(0, 2**32 - 1))
def test_hostile_secrets_are_seeded(name, seed):
    if "rng" not in inspect.signature(zoo.hostile[name]).parameters:
        assert zoo.get(name) == zoo.get(name)  # nothing random in it
        return
    network = zoo.hostile[name](rng=seed)
    assert network == zoo.get(name, rng=seed)
    assert network != zoo.get(name, rng=seed + 1)
    first, again = (zoo.get(name, rng=np.random.default_rng(seed)) for _ in range(2))
    assert first == again


def test_a_seed_shared_with_the_learner_gives_unrelated_numbers():
    weights = zoo.random_network(50, 1, rng=3).weights[0]
    line = np.random.default_rng(3).standard_normal(50)
    assert abs(weights @ line) < 0.5 * np.linalg.norm(weights) * np.linalg.norm(line)


# --------------------------------------------------------------------- pictures


@pytest.mark.parametrize("name", zoo.names("picture"))
def test_pictures_are_worth_looking_at(name):
    network = zoo.get(name)
    assert network.dim == 2 and network.is_scalar and 1 <= network.n_neurons <= 12
    assert network.simplify().n_neurons == network.n_neurons
    distance = np.abs(network.biases) / np.linalg.norm(network.weights, axis=1)
    assert distance.max() < 3  # every fold crosses the part that is drawn
    axis = np.linspace(-3, 3, 61)
    values = network(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2))
    assert 0.3 < values.std() < 5


def test_tent_stands_on_flat_ground():
    network = zoo.tent()
    normal = network.weights[0]
    assert network(normal * np.array([[-3.0], [-1.2], [1.4], [3.0]])) == pytest.approx(np.zeros(4))
    assert network(normal * 0.1) == pytest.approx(1.3)


def test_paper_plane_has_flat_wings_in_one_plane():
    wings = np.array([[-1.5, 0.0], [1.5, 0.0], [-1.0, -1.0], [1.5, -1.5]])
    assert zoo.paper_plane()(wings) == pytest.approx(np.zeros(4), abs=1e-12)
    assert zoo.paper_plane()([0.0, -2.0]) < -0.2  # the keel


def test_pyramid_and_crater_have_their_tip_and_floor():
    ring = np.stack([np.cos(np.arange(20)), np.sin(np.arange(20))], axis=1)
    assert (zoo.pyramid()(ring) < zoo.pyramid()([0.0, 0.0])).all()
    assert not zoo.crater()(ring).any()
    assert (zoo.crater()(2 * ring) > 0).all()


# ---------------------------------------------------------------------- hostile


def distinct(network):
    return network.simplify().n_neurons


def test_nothing_to_find():
    assert zoo.constant().n_neurons == zoo.affine().n_neurons == 0
    assert not zoo.constant().has_skip and zoo.affine().has_skip
    assert zoo.single().n_neurons == zoo.one_dimensional().dim == 1


@given(groups=st.integers(1, 4), copies=st.integers(1, 4), seed=st.integers(0, 99))
def test_duplicates_are_one_hyperplane_per_group(groups, copies, seed):
    network = zoo.duplicates(groups=groups, copies=copies, rng=seed)
    assert network.n_neurons == groups * copies + EXTRA
    assert distinct(network) == groups + EXTRA


@pytest.mark.parametrize("seed", range(10))
def test_opposite_twins(seed):
    assert distinct(zoo.opposite_twins(rng=seed)) == EXTRA
    assert zoo.opposite_twins(rng=seed).simplify().has_skip
    assert distinct(zoo.opposite_twins(cancelling=False, rng=seed)) == EXTRA + 2


@pytest.mark.parametrize("gap", [1e-2, 1e-5, 1e-9])
@pytest.mark.parametrize("cancelling", [False, True])
@pytest.mark.parametrize("opposite", [False, True])
def test_near_parallel_pairs_have_the_gap_asked_for(gap, cancelling, opposite):
    network = zoo.near_parallel(
        dim=4, gap=gap, pairs=3, cancelling=cancelling, opposite=opposite, rng=1
    )
    w, b, a = network.weights[:6], network.biases[:6], network.output_weights[:6]
    side = -1 if opposite else 1
    chord = np.linalg.norm(side * w[3:] - w[:3], axis=1)
    assert 2 * np.arcsin(chord / 2) == pytest.approx(np.full(3, gap), rel=1e-6)
    assert side * b[3:] - b[:3] == pytest.approx(np.full(3, gap), rel=1e-6)
    assert np.array_equal(a[3:], -a[:3]) == cancelling
    assert distinct(network) == 6 + EXTRA


def test_near_parallel_and_clump_exist_on_a_line():
    assert zoo.near_parallel(dim=1, gap=1e-3).n_neurons == 4 + EXTRA
    assert zoo.clump(dim=1).n_neurons == 8 + EXTRA


def test_clump_is_tight_and_has_both_signs():
    network = zoo.clump(neurons=20, gap=1e-6)
    assert np.ptp(network.weights[:20], axis=0).max() < 1e-5
    assert set(np.sign(network.output_weights[:20])) == {-1.0, 1.0}


def test_bundle_is_one_direction():
    network = zoo.parallel_bundle(neurons=7)
    assert np.linalg.matrix_rank(network.weights[:7]) == 1
    assert distinct(network) == 7 + EXTRA


def test_hat_is_a_bump_of_height_one_and_nothing_else():
    network = zoo.hat(dim=3, width=0.01, rng=5)
    bump = ReluNetwork(*(a[:3] for a in (network.weights, network.biases, network.output_weights)))
    normal, tip = bump.weights[0], bump.biases[1]
    t = np.array([-5.0, -0.01, 0.0, 0.005, 0.01, 5.0])
    expected = [0.0, 0.0, 1.0, 0.5, 0.0, 0.0]
    assert bump((tip + t)[:, None] * normal) == pytest.approx(expected, abs=1e-9)


def test_staircase_climbs_one_per_step():
    network = zoo.staircase(steps=4, width=1e-3)
    stairs = ReluNetwork(
        *(a[:8] for a in (network.weights, network.biases, network.output_weights))
    )
    t = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    assert stairs(t[:, None] * stairs.weights[0]) == pytest.approx(np.arange(5.0), abs=1e-9)


def test_lattice_and_origin_are_degenerate():
    lattice = zoo.lattice(neurons=40)
    assert set(np.unique(lattice.weights)) <= {-1.0, 0.0, 1.0}
    assert lattice.weights.any(axis=1).all()
    assert np.array_equal(2 * lattice.biases, np.round(2 * lattice.biases))
    assert not zoo.through_origin().biases.any()


def test_scales():
    norms = np.linalg.norm(zoo.tiny_and_huge(ratio=1e8).weights, axis=1)
    assert norms.max() / norms.min() == pytest.approx(1e8)
    balanced = zoo.tiny_and_huge(balanced=True)
    size = np.abs(balanced.output_weights) * np.linalg.norm(balanced.weights, axis=1)
    assert size.min() >= 0.5 and size.max() <= 1.5
    far = zoo.far_hyperplanes(distance=9.0, neurons=6)
    assert np.abs(far.biases[:6]).min() >= 9.0
    x = np.random.default_rng(0).standard_normal((1000, far.dim))
    assert far.activation_pattern(x)[:, :6].std(axis=0).max() == 0
    for scale in (1e9, 1e-9):
        assert 0.1 * scale < zoo.scaled_outputs(scale=scale)(x[:, :1].repeat(5, 1)).std()


def test_dead_neurons_are_dead():
    assert distinct(zoo.dead_neurons()) == EXTRA


def test_outputs():
    assert zoo.wide(neurons=1000).n_neurons == 1000
    assert np.linalg.matrix_rank(zoo.rank_one_outputs().output_weights) == 1
    sparse = zoo.sparse_outputs(outputs=4, neurons=9).output_weights
    assert (np.count_nonzero(sparse, axis=0) == 1).all() and not sparse[-1].any()


# ------------------------------------------------------------------------- hard


@pytest.mark.parametrize("neurons", [4, 8, 12, 16])
def test_lower_bounds_correlate_with_no_polynomial_of_low_degree(neurons):
    """E F(x) q(x) = 0 for deg q < m: by exact integration over the plane and its complement."""
    dim, m = 3, neurons // 2
    net = zoo.lower_bound(dim, neurons, rng=4)
    assert net.n_neurons == neurons and distinct(net) == m
    np.testing.assert_allclose(np.linalg.norm(net.weights, axis=1), 1.0)
    assert np.linalg.matrix_rank(net.weights) == 2 and not net.biases.any()
    # F is homogeneous: a polynomial along circles and a Gaussian radius would only multiply it.
    basis = np.linalg.svd(net.weights)[2]
    angle = 2 * np.pi * (np.arange(4800) + 0.3) / 4800  # in step with every symmetry
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1) @ basis[:2]
    values = net(circle)
    size = np.sqrt(np.mean(values**2))
    assert 0.3 / m < size < 2 / m
    for frequency in range(m):
        for wave in (np.cos, np.sin):
            assert abs(np.mean(values * wave(frequency * angle))) < 1e-12 * size
    assert np.hypot(*(np.mean(values * w(m * angle)) for w in (np.cos, np.sin))) > 0.6 * size
    np.testing.assert_allclose(net(circle + 7 * basis[2]), values, atol=1e-12)


def test_lower_bounds_want_a_multiple_of_four():
    for neurons in (6, 10):
        with pytest.raises(InvalidArgument, match=f"multiple of 4, got {neurons}"):
            zoo.lower_bound(20, neurons)
    assert zoo.get("lower_bound", dim=5, neurons=8, rng=1) != zoo.lower_bound(5, 8, rng=2)


@pytest.mark.parametrize("teeth", [1, 2, 7, 64])
def test_a_saw_is_zero_in_its_notches_and_outside_and_one_at_its_tips(teeth):
    saw = zoo.sawtooth(teeth)
    assert saw.dim == 1 and saw.n_neurons == distinct(saw) == 2 * teeth + 1
    notches = np.linspace(-2, 2, teeth + 1)
    tips = (notches[1:] + notches[:-1]) / 2
    between = (notches[1:] + tips) / 2
    flat = np.concatenate([[-9.0], notches, [9.0]])
    for points, height in ((flat, 0.0), (tips, 1.0), (between, 0.5)):
        np.testing.assert_allclose(saw(points[:, None]), height, atol=1e-9)


@pytest.mark.slow
def test_a_saw_is_lost_in_training_and_not_for_want_of_examples():
    saw, oracle = zoo.sawtooth(), Oracle(zoo.sawtooth(), dim=1)
    result = learn_from_queries(oracle, dim=1, rng=0)
    x = np.random.default_rng(0).standard_normal((10_000, 1))
    lost = {
        method: np.mean((baselines.fit(method, saw, 1, 33, oracle.queries, rng=0)(x) - saw(x)) ** 2)
        for method in ("student", "random features")
    }
    assert lost["student"] > 0.5 * saw(x).var()
    assert lost["random features"] < 0.01 * saw(x).var()
    assert np.abs(result.network(x) - saw(x)).max() < 1e-9


# ---------------------------------------------------------------- random, errors


@given(
    dim=st.integers(1, 30),
    neurons=st.integers(0, 30),
    outputs=st.integers(1, 5),
    skip=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_random_network_has_the_sizes_asked_for(dim, neurons, outputs, skip, seed):
    network = zoo.random_network(dim, neurons, outputs, rng=seed, skip=skip)
    assert (network.dim, network.n_neurons, network.n_outputs) == (dim, neurons, outputs)
    assert network.is_scalar == (outputs == 1) and network.has_skip == skip
    assert network == zoo.random_network(dim, neurons, outputs, rng=seed, skip=skip)


def test_random_network_leaves_the_global_random_state_alone():
    np.random.seed(1)  # noqa: NPY002 - the legacy state is what must not change
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    zoo.random_network(3, 4)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: zoo.get("digit"), "did you mean digits"),
        (lambda: zoo.get("Near-Parallel"), "near_parallel"),
        (lambda: zoo.get("xyzzy"), r"one of zoo.names\(\), got 'xyzzy'$"),
        (lambda: zoo.get(3), "got 3"),
        (lambda: zoo.describe("tents"), "did you mean tent"),
        (lambda: zoo.get("hat", depth=1), "hat has no parameter 'depth'.*width"),
        (lambda: zoo.get("tent", rng=1), r"it takes: none"),
        (lambda: zoo.random_network(0, 3), "dim must be an integer >= 1, got 0"),
        (lambda: zoo.random_network(2.0, 3), "dim must be an integer >= 1, got 2.0"),
        (lambda: zoo.random_network(2, True), "neurons must be an integer >= 0, got True"),
        (lambda: zoo.random_network(2, 3, outputs=0), "outputs must be"),
        (lambda: zoo.random_network(2, 3, rng=-1), "rng must be"),
        (lambda: zoo.random_network(2, 3, rng="1"), "rng must be"),
        (lambda: zoo.hat(width=0), "width must be a positive number, got 0"),
        (lambda: zoo.near_parallel(gap=float("nan")), "gap must be a positive number"),
        (lambda: zoo.sawtooth(0), "teeth must be an integer >= 1, got 0"),
        (lambda: zoo.sparse_outputs(outputs=1), "outputs must be an integer >= 2"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(InvalidArgument, match=message):
        call()


# ----------------------------------------------------------------------- digits


def test_digits_are_as_accurate_as_the_file_says():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    network = zoo.digits()
    assert (network.dim, network.n_neurons, network.n_outputs) == (64, 32, 10)
    images, labels = load_digits(return_X_y=True)
    _, x, _, y = train_test_split(
        images / 16.0, labels, test_size=0.25, stratify=labels, random_state=0
    )
    accuracy, n = zoo.digits_accuracy()
    assert n == len(y)
    assert np.mean(network(x).argmax(axis=1) == y) == pytest.approx(accuracy, abs=1e-12)
    shipped, names = zoo.held_out_digits()
    np.testing.assert_array_equal(shipped, x)
    np.testing.assert_array_equal(names, y)
    assert f"{accuracy:.1%}" in zoo.describe("digits")


def test_digits_file_is_small():
    file = importlib.resources.files("relu_learn") / "data" / "digits.npz"
    with importlib.resources.as_file(file) as path:
        assert path.stat().st_size < 200_000
        assert path.with_name("digits_held_out.npz").stat().st_size < 20_000


def test_the_training_script_makes_such_a_network(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train_digits, "TARGET", tmp_path / "digits.npz")
    train_digits.main()
    shipped, _ = zoo.digits_accuracy()
    images, labels = zoo.held_out_digits()
    with np.load(tmp_path / "digits_held_out.npz") as data:
        np.testing.assert_array_equal(data["images"], 16 * images)
        np.testing.assert_array_equal(data["labels"], labels)
    with np.load(tmp_path / "digits.npz") as data:
        # Other versions of the libraries may end in another, equally good network.
        assert float(data["test_accuracy"]) == pytest.approx(shipped, abs=0.02)
        assert data["weights"].shape == (32, 64)
    assert "held-out images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("alike", "right", "apart"), [("none", 0.98, (50, 90)), ("pairs", 0.96, (0, 0.01))]
    + [("all", 0.93, (5, 15))]
)  # fmt: skip
def test_small_digits_are_recovered_however_alike_their_neurons(alike, right, apart):
    network = zoo.small_digits(alike)
    images, labels = zoo.held_out_digits()
    assert (network(images).argmax(axis=1) == labels).mean() > right
    far = train_small_digits.nearest(network.weights)
    assert apart[0] < far.min() and far.max() < apart[1]
    found = learn_from_queries(network, 64, rng=0)
    match = match_neurons(found.network, network)
    assert len(match.pairs) == 16 and np.degrees(match.angle_error.max()) < 1e-3 * far.min()
    assert np.abs(found.network(images) - network(images)).max() < 1e-8


def test_small_digits_say_what_they_are(monkeypatch, tmp_path, capsys):
    with pytest.raises(InvalidArgument, match="alike must be none, pairs or all, got 'twins'"):
        zoo.small_digits("twins")
    assert train_small_digits.TARGET.stat().st_size < 100_000
    monkeypatch.setattr(train_small_digits, "TARGET", tmp_path / "small_digits.npz")
    monkeypatch.setattr(train_small_digits, "_STEPS", 20)
    train_small_digits.main()
    with np.load(train_small_digits.TARGET) as data:
        assert len(data.files) == 12 and data["all_weights"].shape == (16, 64)
    assert "held-out images" in capsys.readouterr().out
