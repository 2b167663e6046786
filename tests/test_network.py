"""ReluNetwork: evaluation, equivalent forms, files."""

import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nets import EPS, assert_same_function, make, size_at

from relu_learn import network as network_module
from relu_learn.asking.errors import InvalidArgument
from relu_learn.network import ReluNetwork, lengths, lipschitz_bound, require_network

pytestmark = pytest.mark.numerical


def by_definition(net, x):
    """The formula of the class docstring, one neuron and one output at a time."""
    a, u = np.atleast_2d(net.output_weights), np.atleast_2d(net.skip)
    out = np.zeros((len(x), len(a)))
    for j in range(len(a)):
        out[:, j] = x @ u[j] + np.atleast_1d(net.offset)[j]
        for i in range(net.n_neurons):
            out[:, j] += a[j, i] * np.maximum(x @ net.weights[i] - net.biases[i], 0.0)
    return out[:, 0] if net.is_scalar else out


shapes = st.tuples(
    st.integers(1, 6), st.integers(0, 8), st.sampled_from([None, 1, 3]), st.integers(0, 2**32)
)


# ------------------------------------------------------------------ evaluation


@given(shapes, st.booleans())
def test_value_follows_the_definition(shape, skip):
    net = make(*shape, skip=skip)
    x = np.random.default_rng(1).standard_normal((30, net.dim))
    out = net(x)
    assert out.shape == ((30,) if net.is_scalar else (30, net.n_outputs))
    np.testing.assert_allclose(out, by_definition(net, x), rtol=0, atol=1e-13)
    assert net(x[0]).shape == out.shape[1:]
    np.testing.assert_allclose(net(x[0]), out[0], rtol=0, atol=1e-13)


def test_chunks_change_nothing(rng, monkeypatch):
    net, x = make(3, 5), rng.standard_normal((1000, 3))
    whole = net(x)
    monkeypatch.setattr(network_module, "_CHUNK_BYTES", 1)
    np.testing.assert_allclose(net(x), whole, rtol=1e-13, atol=1e-13)
    assert np.array_equal(net(x), net(x))
    assert net(np.zeros((0, 3))).shape == (0,)
    assert make(3, 5, 2)(np.zeros((0, 3))).shape == (0, 2)


@pytest.mark.parametrize("dtype", ["f4", "i8", "u1", "?", ">f8"])
def test_every_real_dtype_is_an_input(dtype, rng):
    net, x = make(4, 6), rng.integers(0, 2, (10, 4)).astype(dtype)
    np.testing.assert_allclose(net(x), net(x.astype(float)), rtol=0, atol=1e-14)
    np.testing.assert_allclose(net(x[:, ::-1]), net(x.astype(float)[:, ::-1]), rtol=0, atol=1e-14)
    assert net(x.tolist()).dtype == float


@given(shapes)
def test_gradient_and_pattern(shape):
    net = make(*shape)
    x = np.random.default_rng(2).standard_normal((7, net.dim))
    pattern, gradient = net.activation_pattern(x), net.gradient(x)
    assert pattern.shape == (7, net.n_neurons) and pattern.dtype == bool
    head = () if net.is_scalar else (net.n_outputs,)
    assert gradient.shape == (7, *head, net.dim)
    assert net.gradient(x[0]).shape == (*head, net.dim)
    assert net.activation_pattern(x[0]).shape == (net.n_neurons,)
    step = 1e-6  # affine on a ball this small, unless a hyperplane happens to cut it
    whole = (net.activation_pattern(x + step) == pattern).all(axis=1)
    change = net(x + step) - net(x)
    np.testing.assert_allclose(change[whole], step * gradient.sum(axis=-1)[whole], atol=1e-13)


@given(shapes)
def test_restrict_is_the_network_on_the_line(shape):
    net = make(*shape)
    origin, direction = np.random.default_rng(3).standard_normal((2, net.dim))
    line = net.restrict(origin, direction)
    assert line.dim == 1 and line.n_outputs == net.n_outputs
    t = np.linspace(-5, 5, 40)
    np.testing.assert_allclose(line(t[:, None]), net(origin + t[:, None] * direction), atol=1e-12)


# ------------------------------------------------------------------ the value


def test_sizes_and_repr():
    scalar, vector = make(10, 15, skip=False), make(64, 32, 10)
    assert repr(scalar) == "ReluNetwork(dim=10, neurons=15, outputs=1, skip=False)"
    assert repr(vector) == "ReluNetwork(dim=64, neurons=32, outputs=10, skip=True)"
    assert scalar.n_parameters == 15 * 11 + 11
    assert vector.n_parameters == 32 * 65 + 320 + 650
    assert scalar.skip.shape == (10,) and scalar.offset.shape == ()
    assert ReluNetwork(np.zeros((0, 2)), [], np.zeros((3, 0)), offset=2.0)(np.ones((4, 2))).tolist()
    assert make(1, 4, 1).is_scalar is False


def test_nothing_can_be_changed(rng):
    weights = rng.standard_normal((3, 2))
    net = ReluNetwork(weights, np.ones(3), np.ones(3))
    before = net(np.ones((1, 2)))
    weights[:] = 0
    assert net(np.ones((1, 2))) == before
    for name in ("weights", "biases", "output_weights", "skip", "offset"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(net, name)[...] = 0
        with pytest.raises(AttributeError, match="immutable"):
            setattr(net, name, 0)
        with pytest.raises(AttributeError, match="immutable"):
            delattr(net, name)


def test_equality_and_hash():
    net, same = make(3, 4, 2), make(3, 4, 2)
    assert net == same and hash(net) == hash(same) and len({net, same}) == 1
    assert net != make(3, 4, 2, rng=1) and net != "a network"
    positive, negative = (ReluNetwork([[z]], [1], [1]) for z in (0.0, -0.0))
    assert positive == negative and hash(positive) == hash(negative)
    scalar, vector = ReluNetwork([[1.0]], [1], [1]), ReluNetwork([[1.0]], [1], [[1]])
    assert scalar != vector
    copy = pickle.loads(pickle.dumps(net))
    assert copy == net and not copy.weights.flags.writeable


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([1.0], [1], [1]), "weights must have shape"),
        ((np.zeros((1, 0)), [1], [1]), "weights must have shape"),
        (([[1.0]], [1, 2], [1]), r"biases must have shape \(1,\), got \(2,\)"),
        (([[1.0]], [1], [1, 2]), "output_weights must have shape"),
        (([[1.0]], [1], np.zeros((0, 1))), "output_weights must have shape"),
        (([[1.0]], [1], 1.0), "output_weights must have shape"),
        (([[1.0]], [1], [[1], [1]], [1.0]), r"skip must have shape \(2, 1\)"),
        (([[1.0]], [1], [1], [1.0, 2.0]), "skip must have shape"),
        (([[1.0]], [1], [1], None, [1.0]), "offset must have shape"),
        (([[1.0]], [1], [[1], [1]], None, [1.0]), "offset must have shape"),
        (([[np.nan]], [1], [1]), "weights must be finite, got 1"),
        (([[1.0]], [np.inf], [1]), "biases must be finite"),
        (([[1.0]], [1], [1j]), "output_weights must be an array of real numbers"),
        (([[1.0]], ["a"], [1]), "biases must be an array of real numbers"),
        (([[1.0], [1.0, 2.0]], [1], [1]), "weights must be an array of real numbers"),
        (([[1.0]], [1], [1], [None]), "skip must be an array of real numbers|skip must be finite"),
    ],
)
def test_bad_parameters_are_named(arguments, message):
    with pytest.raises(InvalidArgument, match=message):
        ReluNetwork(*arguments)


def test_bad_inputs_are_named(rng):
    net = make(3, 2)
    for x in (np.zeros((2, 4)), np.zeros(2), np.zeros((1, 1, 3)), 1.0):
        with pytest.raises(InvalidArgument, match="x must have shape"):
            net(x)
    for x in (np.zeros((2, 3), complex), [["a", "b", "c"]]):
        with pytest.raises(InvalidArgument, match="x must be an array of real"):
            net(x)
    with pytest.raises(InvalidArgument, match="origin must have shape"):
        net.restrict(np.zeros(2), np.zeros(3))
    with pytest.raises(InvalidArgument, match="same dim and outputs"):
        net + make(4, 2)
    with pytest.raises(InvalidArgument, match="same dim and outputs"):
        net - make(3, 2, 1)
    with pytest.raises(TypeError):
        net + 1
    with pytest.raises(TypeError):
        net - 1
    with pytest.raises(TypeError):
        net * "2"
    with pytest.raises(InvalidArgument, match="rtol"):
        net.simplify(rtol=-1.0)


@given(shapes, st.floats(-10, 10))
def test_arithmetic(shape, factor):
    first, second = make(*shape), make(*shape[:3], rng=7)
    assert_same_function(first + second - second, first)
    x = np.random.default_rng(4).standard_normal((20, first.dim))
    np.testing.assert_allclose((first - second)(x), first(x) - second(x), atol=1e-12)
    np.testing.assert_allclose((factor * first)(x), factor * first(x), atol=1e-12)
    np.testing.assert_allclose((-first * np.float64(2))(x), -2 * first(x), atol=1e-12)


# -------------------------------------------------------------- equivalent forms


@st.composite
def hostile(draw):
    """Copies, twins, zeros and neurons of all sizes on few hyperplanes."""
    dim, base = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    outputs = draw(st.sampled_from([None, 2]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    planes = rng.standard_normal((base, dim + 1))
    planes[rng.random(base) < 0.2, :-1] = 0.0
    neurons = draw(st.integers(0, 12))
    scale = 10.0 ** rng.integers(-6, 11, neurons) * rng.choice([-1.0, 1.0], neurons)
    rows = planes[rng.integers(0, base, neurons)] * scale[:, None]
    head = () if outputs is None else (outputs,)
    a = rng.choice([-1.0, 0.0, 1.0, 0.37], (*head, neurons)) / np.abs(scale) ** rng.integers(0, 2)
    skip = rng.standard_normal((*head, dim)) if draw(st.booleans()) else None
    return ReluNetwork(rows[:, :-1], rows[:, -1], a, skip, rng.standard_normal())


@given(hostile())
def test_simplify_keeps_the_function_and_one_neuron_per_hyperplane(net):
    simple = net.simplify()
    assert_same_function(net, simple)
    assert simple.n_neurons <= 4 and simple.is_scalar == net.is_scalar
    assert simple.weights.any(axis=1).all()
    assert np.atleast_2d(simple.output_weights).any(axis=0).all()
    assert simple.simplify() == simple


@given(hostile())
def test_simplify_of_nothing_is_nothing(net):
    nothing = (net - net).simplify()
    assert nothing.n_neurons == 0
    x = np.random.default_rng(0).standard_normal((50, net.dim))
    assert (np.abs(nothing(x)).reshape(50, -1).max(axis=1) <= 64 * EPS * size_at(net, x)).all()


def test_simplify_merges_what_is_the_same():
    w, b = np.array([0.6, -0.8]), 0.3
    net = ReluNetwork([w, 3e5 * w, -2e-5 * w], [b, 3e5 * b, -2e-5 * b], [1.0, 2e-5, 1e5])
    simple = net.simplify()
    assert simple.n_neurons == 1 and simple.has_skip
    np.testing.assert_allclose(simple.output_weights, [1 + 6 + 2], rtol=1e-15)
    twins = ReluNetwork([w, -w], [b, -b], [1.0, -1.0]).simplify()  # no kink at all
    assert twins.n_neurons == 0
    np.testing.assert_allclose(twins.skip, w, rtol=1e-15)
    dead = ReluNetwork([w, 0 * w, 0 * w], [b, -2.0, 2.0], [0.0, 3.0, 5.0]).simplify()
    assert dead == ReluNetwork(np.zeros((0, 2)), [], [], offset=6.0)


@pytest.mark.parametrize("gap", [1e-13, 1e-9, 1e-3])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_simplify_leaves_near_duplicates_alone(gap, sign):
    tilted = ReluNetwork([[1.0, 0.0], [sign, sign * gap]], [0.2, sign * 0.2], [1.0, -1.0])
    shifted = ReluNetwork([[1.0, 0.0], [sign, 0.0]], [0.2, sign * (0.2 + gap)], [1.0, -1.0])
    for net in (tilted, shifted):
        assert net.simplify() == net
        assert net.simplify(rtol=2 * gap).n_neurons < 2


def test_simplify_keeps_what_is_simple_as_it_is():
    for outputs in (None, 3):
        net = make(5, 40, outputs, rng=5)
        assert net.simplify() == net
    parallel = ReluNetwork(np.ones((500, 3)), np.arange(500.0), np.ones(500))
    assert parallel.simplify() == parallel


def test_simplify_survives_extreme_scales():
    w = np.array([[3e-200, 4e-200], [3e200, 4e200]])
    net = ReluNetwork(w, [5e-200, 5e200], [1e190, 1e-210])
    simple = net.simplify()
    assert simple.n_neurons == 1
    np.testing.assert_allclose(simple([2.0, 2.0]), net([2.0, 2.0]), rtol=1e-14)


@given(shapes, st.booleans())
def test_pure_relu_form(shape, skip):
    net = make(*shape, skip=skip)
    pure = net.to_pure_relu()
    assert not pure.has_skip and not pure.offset.any()
    assert pure.n_neurons == net.n_neurons + (2 * net.n_outputs if skip else 0)
    assert_same_function(net, pure)


# ------------------------------------------------------------------------ files


@given(shape=shapes)
def test_files_keep_every_bit(shape, tmp_path_factory):
    net, path = make(*shape), tmp_path_factory.mktemp("net") / "a network"
    net.save(path)
    assert ReluNetwork.load(path) == net
    assert path.exists()  # no suffix was added


def test_bad_files_are_named(tmp_path):
    good, bad = tmp_path / "good.npz", tmp_path / "bad.npz"
    make(3, 4).save(good)
    content = good.read_bytes()
    middle = content[: len(content) // 2] + b"\xff" * 40 + content[len(content) // 2 + 40 :]
    for broken in (b"", b"not a network", content[: len(content) // 2], content[:-30], middle):
        bad.write_bytes(broken)
        with pytest.raises(InvalidArgument, match="bad.npz"):
            ReluNetwork.load(bad)
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(InvalidArgument, match="array.npy"):
        ReluNetwork.load(tmp_path / "array.npy")
    np.savez(bad, version=1, weights=np.zeros((1, 1)))
    with pytest.raises(InvalidArgument, match="cannot read"):
        ReluNetwork.load(bad)
    np.savez(bad, version=99)
    with pytest.raises(InvalidArgument, match="version 99"):
        ReluNetwork.load(bad)
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("version.npy", "text")
    with pytest.raises(InvalidArgument, match="cannot read"):
        ReluNetwork.load(bad)
    with pytest.raises(FileNotFoundError):
        ReluNetwork.load(tmp_path / "absent.npz")


# ------------------------------------------------------------------- Lipschitz


@given(shapes, st.booleans())
def test_lipschitz_bound_is_one(shape, skip):
    """No gradient at any input is steeper, and all descriptions of F have the same bound."""
    net = make(*shape, skip=skip)
    bound = lipschitz_bound(net)
    x = 3 * np.random.default_rng(2).standard_normal((200, net.dim))
    jacobians = net.gradient(x).reshape(len(x), -1, net.dim)
    steepest = np.linalg.norm(jacobians, 2, axis=(1, 2)).max()
    assert steepest <= bound * (1 + 1e-12) + 1e-300
    a, w = np.atleast_2d(net.output_weights), net.weights
    crude = np.linalg.norm(a, axis=0) @ np.linalg.norm(w, axis=1)
    assert bound <= np.linalg.norm(np.atleast_2d(net.skip), 2) + crude * (1 + 1e-12)
    turned = ReluNetwork(
        -2 * w,
        -2 * net.biases,
        net.output_weights / 2,
        net.skip + net.output_weights @ w,
        net.offset - net.output_weights @ net.biases,
    )
    assert lipschitz_bound(turned) == pytest.approx(bound, rel=1e-9)


def test_lipschitz_bound_of_small_networks():
    assert lipschitz_bound(ReluNetwork([[3.0, 4.0]], [1.0], [-2.0])) == pytest.approx(10)
    assert lipschitz_bound(ReluNetwork([[3.0, 4.0]], [1.0], [-2.0], [6.0, 8.0])) == pytest.approx(
        10
    )
    assert lipschitz_bound(ReluNetwork(np.zeros((0, 2)), [], [], [3.0, 4.0], 7.0)) == 5.0
    assert lipschitz_bound(ReluNetwork([[0.0]], [-1.0], [2.0])) == 0.0


def test_what_is_no_network_is_named():
    net = ReluNetwork([[1.0, 2.0]], [0.0], [1.0])
    assert require_network("f", net) is net
    with pytest.raises(InvalidArgument, match="f must be a ReluNetwork, got function: .*sampled"):
        require_network("f", lambda x: x)


def test_lengths_of_any_size():
    rows = np.array([[3.0, 4.0], [0.0, 0.0], [3e-300, 4e-300], [3e300, 4e300]])
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(lengths(rows), [5, 0, 5e-300, 5e300], rtol=1e-15)
    assert lengths(np.empty((0, 2))).shape == (0,)
