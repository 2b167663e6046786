"""Every weight to the last bit."""

import math

import numpy as np
import pytest

from relu_learn import InvalidArgument, ReluNetwork, learn_from_queries, orient, snap, zoo
from relu_learn.judging.bits import significand
from relu_learn.judging.significands import rounded
from relu_learn.network import normalised
from tests.nets import make


def stored(net, bits):
    """The network as a file would hold it."""
    parts = net.weights, net.biases, net.output_weights
    w, b, a = (rounded(part, bits) for part in parts)
    return ReluNetwork(w, b, a, None, rounded(net.offset, bits))


def wrong_numbers(found, secret):
    """Numbers (k,) of each found neuron that are not the secret's, up to a power of two."""
    (w, b, _), (v, c, _) = (normalised(net.weights, net.biases) for net in (found, secret))
    pairs = np.linalg.norm(w[:, None] - v, axis=2) + np.abs(b[:, None] - c)
    rows = [
        np.hstack([net.weights, net.biases[:, None], np.atleast_2d(net.output_weights).T])
        for net in (found, secret)
    ]
    wrong = []
    for own, true in zip(rows[0], rows[1][pairs.argmin(axis=1)], strict=True):
        i = np.abs(true[: found.dim]).argmax()
        shift = 2.0 ** round(math.log2(abs(own[i] / true[i])))
        scale = np.where(np.arange(len(own)) <= found.dim, shift, 1 / shift)
        wrong.append(int((own != true * scale).sum()))
    return np.array(wrong)


@pytest.mark.parametrize(
    ("size", "bits", "single"),
    [((10, 10, 1), 24, False), ((64, 32, 10), 24, False), ((10, 15, 1), 8, True)],
    ids=["10-10-1", "64-32-10", "10-15-1, float32 answers, bfloat16 weights"],
)
def test_learned_networks_bit_for_bit(size, bits, single):
    secret = stored(make(*size, rng=1, skip=False), bits)
    box = (lambda x: secret(x).astype(np.float32)) if single else secret
    learned = learn_from_queries(box, secret.dim, rng=0).network
    found = snap(orient(learned, rtol=1e-3 if single else 1e-8), bits)
    assert found.exact.all() and (found.chance < 1e-9).all(), str(found)
    assert not wrong_numbers(found.network, secret).any()
    assert found.offset_exact.all() and np.array_equal(found.network.offset, secret.offset)
    assert f"{secret.n_neurons} of {secret.n_neurons} neurons bit for bit" in str(found)


def test_what_is_too_small_to_be_told_is_said_to_be_open(rng):
    secret = stored(make(40, 12, rng=2, skip=False), 24)
    weights = secret.weights.copy()
    weights[0, :2], weights[1, 3] = (0.0, weights[0, 1] * 2.0**-12), 0.0
    secret = ReluNetwork(weights, secret.biases, secret.output_weights)
    size = np.linalg.norm(weights, axis=1)
    noisy = weights + 1e-11 * size[:, None] * rng.standard_normal(weights.shape)
    found = snap(ReluNetwork(noisy / 3, secret.biases / 3, secret.output_weights * 3))
    assert (found.fits == 1).all()
    assert found.zeros.tolist() == [1, 1] + [0] * 10
    assert found.unsure[0] >= 1 and not found.exact[0] and found.network.weights[0, 0] == 0
    wrong = wrong_numbers(found.network, secret)
    assert not wrong[found.exact].any() and (wrong <= found.unsure).all()
    x = rng.standard_normal((800, 40))
    noisy = ReluNetwork(noisy / 3, secret.biases / 3, secret.output_weights * 3)
    settled = snap(noisy, answers=(x, secret(x)))
    assert settled.exact.all() and settled.zeros.tolist() == found.zeros.tolist()
    assert not wrong_numbers(settled.network, secret).any()
    coarse = snap(noisy, answers=(x, secret(x).astype(np.float32)))
    assert coarse.unsure[0] and not coarse.exact[0], "answers that do not tell settle nothing"


@pytest.mark.parametrize("bits", [2, 8, 11, 24])
@pytest.mark.parametrize("size", [(1, 12, 3), (2, 12, 1), (10, 8, 1), (40, 6, 2)])
def test_float64_networks_never_snap(size, bits):
    for seed in range(2 if bits == 24 else 8):
        net = make(*size, rng=seed, skip=False)
        found = snap(net, bits)
        assert not found.fits.any() and (found.chance == 1).all()
        assert found.network == net and not found.offset_exact.any()


def test_neurons_of_short_numbers_among_others():
    """Half of the neurons are stored in float32; one has weights of 8 bits, which says nothing of
    its factor. Sizes near the ends of float64's range and the orientation do not matter."""
    half = stored(make(12, 4, rng=3, skip=False), 24)
    coarse = stored(make(12, 1, rng=4, skip=False), 8)
    net = half + coarse + make(12, 4, rng=5, skip=False)
    factor = np.array([1e-150, 1e150, -0.3, 7.0, -1 / 3, 2.0, -3.0, 1.0, 1.0])
    turned = net.skip + (net.output_weights * (factor < 0)) @ net.weights
    found = snap(
        ReluNetwork(
            net.weights * factor[:, None],
            net.biases * factor,
            net.output_weights / np.abs(factor),
            turned,
        )
    )
    assert found.exact.tolist() == [True] * 4 + [False] * 5
    assert found.fits[4] > 1 and not found.fits[5:].any()
    assert np.array_equal(found.network.skip, turned)
    kept = ReluNetwork(
        found.network.weights[:4] * np.sign(factor[:4, None]),
        found.network.biases[:4] * np.sign(factor[:4]),
        found.network.output_weights[:4],
    )
    assert not wrong_numbers(kept, half).any()


def test_networks_without_what_is_looked_for():
    for net in (zoo.affine(), ReluNetwork(np.zeros((2, 3)), [1, 2], [1.0, 0.0]), zoo.tent()):
        found = snap(net)
        assert not found.exact.any() and found.network == net
    with pytest.raises(InvalidArgument, match="bits must be at most 24"):
        snap(zoo.tent(), 53)
    with pytest.raises(InvalidArgument, match="bits must be an integer"):
        snap(zoo.tent(), 1)
    with pytest.raises(InvalidArgument, match="must be a ReluNetwork, got function"):
        snap(lambda x: x[:, 0])


def test_significands_are_written_as_bits():
    assert significand(0.1, 11) == "11001100110" and significand(-0.2, 11) == "11001100110"
    assert significand(1.0, 4) == "1000" and significand(0.0, 4) == "0000"
    assert int(significand(float(np.float32(math.pi))), 2) == np.float32(math.pi) * 2**22
