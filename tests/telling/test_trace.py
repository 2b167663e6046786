"""Traces: replayable, and readable from one file."""

import dataclasses
import json

import numpy as np
import pytest

from relu_learn import (
    InvalidArgument,
    QueryBudgetExceeded,
    ReluNetwork,
    Trace,
    learn_from_queries,
    learn_steps,
    zoo,
)
from relu_learn.telling import events as ev
from relu_learn.telling.certificate import Certificate

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


def network(k, seed, d=2, m=1):
    return zoo.random_network(d, k, m, rng=seed, skip=True)


def same_event(a, b):
    assert type(a) is type(b)
    for field in dataclasses.fields(a):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if isinstance(x, np.ndarray):
            assert x.shape == y.shape and x.dtype == y.dtype
            np.testing.assert_array_equal(x, y)
        else:
            assert type(x) is type(y) and x == y, field.name


# --------------------------------------------------------------------- the sequence


def test_a_trace_is_a_sequence(run):
    trace = run[1].trace
    assert list(trace) == [trace[i] for i in range(len(trace))]
    assert trace[-1] is list(trace)[-1]
    assert isinstance(trace[2:5], Trace) and list(trace[2:5]) == list(trace)[2:5]
    assert list(reversed(trace)) == list(trace)[::-1]
    with pytest.raises(IndexError):
        trace[len(trace)]


def test_what_a_trace_is_about(run):
    secret, result = run
    assert (result.trace.dim, result.trace.n_outputs) == (secret.dim, secret.n_outputs)
    assert repr(result.trace) == f"Trace({len(result.trace)} events, {result.queries:,} queries)"


def test_an_empty_trace(tmp_path):
    trace = Trace()
    assert (len(trace), trace.dim, trace.n_outputs) == (0, None, None)
    assert repr(trace) == "Trace(0 events, 0 queries)"
    trace.save(tmp_path / "empty")
    assert len(Trace.load(tmp_path / "empty")) == 0
    with pytest.raises(IndexError):
        trace.network_at(0)


def test_the_stream_and_the_trace_are_the_same(run):
    secret, result = run
    for a, b in zip(learn_steps(secret, secret.dim, rng=5), result.trace, strict=True):
        same_event(a, b)


# --------------------------------------------------------------------- the hypothesis


def test_the_hypothesis_is_the_one_that_was_validated(run):
    secret, result = run
    tests = 0
    for i, e in enumerate(result.trace):
        if isinstance(e, ev.Validated):
            net = result.trace.network_at(i)
            assert net is not None
            true = secret(e.points).reshape(len(e.points), -1)
            off = np.abs(true - net(e.points).reshape(true.shape)).max(axis=1)
            np.testing.assert_allclose(off, e.errors, atol=1e-12 * e.scale)
            tests += 1
    assert tests and result.trace.network_at(-1) == result.network


def test_there_is_no_hypothesis_before_the_first_gradient(run):
    trace = run[1].trace
    first = next(i for i, e in enumerate(trace) if isinstance(e, ev.ResidualFitted))
    assert all(trace.network_at(i) is None for i in range(first))
    assert all(trace.network_at(i) is not None for i in range(first, len(trace)))
    with pytest.raises(IndexError):
        trace.network_at(len(trace))


def neuron(net, i, index=0):
    return ev.NeuronFound(
        **head(),
        index=index,
        weights=net.weights[i],
        bias=net.biases[i],
        output_weights=net.output_weights.reshape(-1, net.n_neurons)[:, i],
        t=0.0,
    )


@pytest.mark.parametrize("m", [1, 2])
def test_the_hypothesis_grows_and_is_replaced(m, rng):
    first, second = network(2, 0, m=m), network(3, 1, m=m)
    line = ev.LineDrawn(**head(), origin=[0, 0], direction=[1, 0], t_range=[-4, 4])
    affine = ev.ResidualFitted(
        **head(), skip=first.skip.reshape(m, 2), offset=first.offset.reshape(m)
    )
    other = ev.ResidualFitted(**head(), skip=np.zeros((m, 2)), offset=np.full(m, 7.0))
    trace = Trace(
        [
            ev.RunStarted(**head(), dim=2, n_outputs=m, method="adaptive", noise=1e-16),
            line,
            affine,
            neuron(first, 0),
            neuron(first, 1),
            ev.NetworkUpdated(**head(), network=second),
            line,
            other,
            neuron(first, 0, 3),
        ]
    )
    x = rng.standard_normal((20, 2))

    def at(i):
        return trace.network_at(i)(x).reshape(20, m)

    def part(net, i):
        hidden = np.maximum(x @ net.weights[i] - net.biases[i], 0)
        return hidden[:, None] * net.output_weights.reshape(m, -1)[:, i]

    flat = x @ first.skip.reshape(m, 2).T + first.offset
    neurons = sum(part(second, i) for i in range(3))
    assert trace.network_at(1) is None
    np.testing.assert_allclose(at(2), flat, atol=1e-14)
    np.testing.assert_allclose(at(3), flat + part(first, 0), atol=1e-14)
    np.testing.assert_allclose(at(4), first(x).reshape(20, m), atol=1e-14)
    assert trace.network_at(5) is trace.network_at(6) is second
    np.testing.assert_allclose(at(7), neurons + 7, atol=1e-14)
    np.testing.assert_allclose(at(-1), neurons + 7 + part(first, 0), atol=1e-14)


def test_the_partial_result_of_an_interrupted_run_has_a_trace():
    secret = SECRETS["outputs"]
    with pytest.raises(QueryBudgetExceeded) as caught:
        learn_from_queries(secret, 4, rng=5, max_queries=60)
    partial = caught.value.partial
    assert not partial.complete and len(partial.trace) and partial.queries <= 60
    assert partial.trace[-1].queries <= partial.queries


# --------------------------------------------------------------------- files


def test_save_and_load(run, tmp_path):
    trace = run[1].trace
    trace.save(tmp_path / "run")
    loaded = Trace.load(str(tmp_path / "run"))
    for a, b in zip(trace, loaded, strict=True):
        same_event(a, b)
    assert loaded.network_at(-1) == run[1].network


def test_every_kind_of_event_survives_a_file(tmp_path):
    net = network(3, 0, m=2)
    claim = Certificate(n=10, eta=0.5, delta=0.1, mass=0.2, measure="standard Gaussian")
    data = {"dim": 2, "n_outputs": 2, "method": "grid", "noise": 1e-16, "network": net}
    data |= {"certificate": claim, "index": 3, "neurons": 5}
    events = []
    for cls in ev.EVENT_TYPES.values():
        values = {}
        for field in dataclasses.fields(cls):
            if field.name not in head():
                odd = np.array([[1.0, -0.0], [np.nan, 2]])
                axes = len(cls.shapes.get(field.name, "nm"))
                kind = {"float": np.inf, "np.ndarray": odd if axes == 2 else odd[1]}
                values[field.name] = data.get(field.name, kind.get(field.type))
        assert type(None) not in map(type, values.values())
        events.append(cls(**head(17), **values))
    Trace(events).save(tmp_path / "all.npz")
    for a, b in zip(events, Trace.load(tmp_path / "all.npz"), strict=True):
        same_event(a, b)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "trace"
    learn_from_queries(SECRETS["scalar"], 3, rng=5).trace.save(path)
    return path


def test_a_cut_off_file_is_refused(saved):
    data = saved.read_bytes()
    for end in [0, 1, 10, len(data) // 2, len(data) - 1]:
        saved.write_bytes(data[:end])
        with pytest.raises(InvalidArgument, match="path must be"):
            Trace.load(saved)


def test_a_damaged_file_is_refused_or_still_right(saved, rng):
    data = saved.read_bytes()
    whole = Trace.load(saved)
    for at in rng.integers(0, len(data), 60):
        broken = bytearray(data)
        broken[at] ^= 1 << rng.integers(8)
        saved.write_bytes(broken)
        try:
            loaded = Trace.load(saved)
        except InvalidArgument:
            continue
        for a, b in zip(whole, loaded, strict=True):
            same_event(a, b)


def rewritten(path, change):
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    change(arrays)
    with open(path, "wb") as file:
        np.savez(file, **arrays)


def with_heads(change):
    def edit(arrays):
        heads = json.loads(arrays["events"].tobytes())
        change(heads)
        arrays["events"] = np.frombuffer(json.dumps(heads).encode(), dtype=np.uint8)

    return edit


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda a: a.update(version=np.array(99)), "version 99"),
        (lambda a: a.pop("version"), "undamaged"),
        (lambda a: a.pop("events"), "undamaged"),
        (lambda a: a.pop("0.origin"), "undamaged"),
        (with_heads(lambda h: h[0].update(type="Surprise")), "undamaged"),
        (with_heads(lambda h: h[0].pop("queries")), "undamaged"),
        (with_heads(lambda h: h.insert(0, 3)), "undamaged"),
        (with_heads(lambda h: h[-1].update(certificate={})), "undamaged"),
        (lambda a: a.update(events=np.frombuffer(b"{}]", np.uint8)), "undamaged"),
        (lambda a: a.update(events=np.frombuffer(b"7", np.uint8)), "undamaged"),
    ],
)
def test_what_is_not_a_trace_is_refused(saved, change, message):
    rewritten(saved, change)
    with pytest.raises(InvalidArgument, match=message):
        Trace.load(saved)


def named(kind, **fields):
    """Change the first event of a kind."""

    def change(heads):
        next(head for head in heads if head["type"] == kind).update(fields)

    return with_heads(change)


def reshaped(name, change):
    def edit(arrays):
        arrays[name] = change(arrays[name])

    return edit


IMPOSSIBLE = {
    "queries: text": (named("LineDrawn", queries="3"), "queries of its event 1, LineDrawn, is '3'"),
    "queries: half": (named("RunStarted", queries=2.5), "queries .* is 2.5"),
    "queries: negative": (named("LineDrawn", queries=-1), "is -1"),
    "queries: truth": (named("LineDrawn", queries=True), "is True"),
    "queries: fewer than before": (named("Finished", queries=0), "Finished"),
    "dim: for terabytes": (named("RunStarted", dim=10**12), "dim .* is 1000000000000"),
    "outputs: for terabytes": (named("RunStarted", n_outputs=10**9), "n_outputs .* is 10"),
    "method: a tag": (named("RunStarted", method="<script>"), "method"),
    "dim: none": (named("RunStarted", dim=0), "dim .* is 0"),
    "dim: another": (named("RunStarted", dim=4), "dim .* is 4"),
    "outputs: another": (named("RunStarted", n_outputs=2), "values"),
    "outputs: negative": (named("RunStarted", n_outputs=-1), "n_outputs"),
    "noise: nothing": (named("RunStarted", noise=None), "noise .* is None"),
    "noise: no number": (named("RunStarted", noise=float("nan")), "noise .* is nan"),
    "method: a number": (named("RunStarted", method=3), "method"),
    "phase: a number": (named("NeuronFound", phase=3), "phase"),
    "index: negative": (named("NeuronFound", index=-1), "index"),
    "bias: no number": (named("NeuronFound", bias=float("nan")), "bias"),
    "t: a list": (named("NeuronFound", t=[1.0]), r"t of its event .* shape \(1,\)"),
    "step: negative": (named("GradientMeasured", step=-1e-3), "step"),
    "loss: negative": (named("Validated", loss=-1.0), "loss"),
    "confidence": (with_heads(lambda h: h[-1]["certificate"].update(delta=1.5)), "certificate"),
    "points: negative": (with_heads(lambda h: h[-1]["certificate"].update(n=-1)), "certificate"),
    "origin: longer": (reshaped("0.origin", lambda x: np.append(x, 1)), "direction"),
    "origin: a matrix": (reshaped("0.origin", lambda x: x[None]), r"origin .* shape \(1, 3\)"),
    "range: a number": (reshaped("0.t_range", lambda x: x[:1]), "t_range"),
    "values: fewer": (reshaped("2.values", lambda x: x[1:]), "values"),
    "origin: text": (reshaped("0.origin", lambda x: x.astype(str)[:0]), ""),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_impossible_fields_are_refused(saved, case):
    change, message = IMPOSSIBLE[case]
    rewritten(saved, change)
    with pytest.raises(InvalidArgument, match=f"undamaged saved trace: .*{message}"):
        Trace.load(saved)


@pytest.mark.parametrize(
    "road",
    [{}, {"bounds": (-1, 2)}, {"method": "grid", "r": 0.5}, {"polish": True}, {"digits": 3}],
    ids=str,
)
@pytest.mark.parametrize("m", [1, 3])
def test_every_run_is_possible(tmp_path, road, m):
    road, secret = dict(road), zoo.random_network(3, 4, m, rng=0)
    digits = road.pop("digits", 20)
    result = learn_from_queries(lambda x: np.round(secret(x), digits), 3, rng=0, **road)
    result.trace.save(tmp_path / "run")
    assert len(Trace.load(tmp_path / "run")) == len(result.trace)


def test_another_kind_of_npz_is_refused(tmp_path):
    zoo.get("tent").save(tmp_path / "network.npz")
    with pytest.raises(InvalidArgument, match="path must be an undamaged saved trace"):
        Trace.load(tmp_path / "network.npz")


def test_pickles_are_never_opened(tmp_path):
    with open(tmp_path / "evil", "wb") as file:
        np.savez(file, version=np.array([print], dtype=object))
    with pytest.raises(InvalidArgument, match="path must be"):
        Trace.load(tmp_path / "evil")


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        Trace.load(tmp_path / "missing")


def test_a_trace_of_a_large_network_is_compact(tmp_path):
    """Not a network at every step: a few vectors per neuron."""
    secret = zoo.random_network(100, 20, rng=0)
    trace = learn_from_queries(secret, 100, rng=0).trace
    trace.save(tmp_path / "trace")
    assert (tmp_path / "trace").stat().st_size < 40 * secret.weights.nbytes
