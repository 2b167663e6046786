"""Events: frozen, and true to the black box."""

import dataclasses

import numpy as np
import pytest

from relu_learn import ReluNetwork, learn_from_queries, zoo
from relu_learn.telling import events as ev

SECRETS = {
    "scalar": zoo.random_network(3, 4, rng=2),
    "outputs": zoo.random_network(4, 6, 3, rng=2),
    "affine": ReluNetwork(np.zeros((0, 2)), [], [], [1.0, 2.0], 3.0),
    "line": zoo.random_network(1, 3, rng=2),
    "hat": zoo.get("hat"),
}


@pytest.fixture(scope="module", params=SECRETS)
def run(request):
    secret = SECRETS[request.param]
    return secret, learn_from_queries(secret, secret.dim, rng=5)


def head(queries=0):
    return {"phase": "search", "queries": queries}


def test_events_of_a_run_keep_their_promises(run):
    secret, result = run
    before = 0
    for event in result.trace:
        assert event.queries >= before
        before = event.queries
        assert event.narration.endswith(".") and "\n" not in event.narration
        assert event.procedure in ("GetGradient", "GetBias", "GetNeurons", "LearnFromQueries")
        for field in dataclasses.fields(event):
            value = getattr(event, field.name)
            if isinstance(value, np.ndarray):
                assert value.dtype == np.float64 and not value.flags.writeable
                assert np.isfinite(value).all()
    assert before == result.queries
    assert isinstance(result.trace[-1], ev.Finished)
    assert sum(isinstance(e, ev.Finished) for e in result.trace) == 1


def test_shapes_of_the_arrays(run):
    secret, result = run
    d, m = secret.dim, secret.n_outputs
    for e in result.trace:
        if isinstance(e, ev.LineDrawn):
            assert e.origin.shape == e.direction.shape == (d,) and e.t_range.shape == (2,)
        elif isinstance(e, ev.IntervalProbed):
            assert e.values.shape == (len(e.t), m)
            assert e.open_intervals.shape == (len(e.open_intervals), 2)
            np.testing.assert_allclose(np.sort(e.open_intervals), e.open_intervals)
        elif isinstance(e, ev.CriticalPointFound):
            assert e.jump.shape == (m,) and e.point.shape == (d,)
        elif isinstance(e, ev.GradientMeasured):
            assert e.point.shape == (d,) and e.gradient.shape == (m, d) and e.step > 0
        elif isinstance(e, ev.NeuronFound):
            assert e.weights.shape == (d,) and e.output_weights.shape == (m,)
        elif isinstance(e, ev.ResidualFitted):
            assert e.skip.shape == (m, d) and e.offset.shape == (m,)
        elif isinstance(e, ev.Validated):
            assert e.points.shape == (len(e.errors), d) and e.worst == e.errors.max()


def test_events_show_the_secret_itself(run):
    """Samples and gradients are those of the black box, in its own units."""
    secret, result = run
    line = None
    for e in result.trace:
        if isinstance(e, ev.NetworkUpdated):
            break  # from here on they are those of the residual
        if isinstance(e, ev.LineDrawn):
            line = e
        elif isinstance(e, ev.IntervalProbed):
            x = line.origin + e.t[:, None] * line.direction
            np.testing.assert_allclose(e.values, secret(x).reshape(len(x), -1), rtol=1e-12)
        elif isinstance(e, ev.GradientMeasured):
            true = secret.gradient(e.point).reshape(-1, secret.dim)
            np.testing.assert_allclose(e.gradient, true, atol=1e-6 * np.abs(true).max())


def test_events_are_frozen_copies():
    t = np.array([1.0, 2.0])
    event = ev.IntervalProbed(**head(), t=t, values=[[1], [2]], open_intervals=[[1, 2]])
    t[0] = 9
    assert event.t[0] == 1 and event.values.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        event.t[0] = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.queries = 7


def test_every_kind_of_event_can_be_loaded():
    assert {k for k, v in vars(ev).items() if isinstance(v, type) and issubclass(v, ev.Event)} == {
        "Event",
        *ev.EVENT_TYPES,
    }
