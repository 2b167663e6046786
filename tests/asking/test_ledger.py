"""The ledger: what was paid for survives a kill, a full disk and a cable pulled out.

RELU_LEARN_KILLS=100 makes the last test longer."""

import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_learn import (
    BlackBoxError,
    InvalidArgument,
    Oracle,
    QueryBudgetExceeded,
    ReluNetwork,
    learn_from_queries,
    zoo,
)
from relu_learn.asking import ledger as module
from relu_learn.asking.errors import LedgerError

KILL_TEST = Path(__file__).parents[1] / "benchmarks" / "kill_test.py"


SECRET = zoo.random_network(3, 4, rng=1)


MANY = zoo.random_network(3, 4, 2, rng=1)


class BlackBox:
    """A secret that remembers what it was asked, and can break down."""

    def __init__(self, secret=SECRET, good=None):
        self.secret, self.good, self.asked = secret, good, []

    def __call__(self, x):
        if self.good is not None and len(self.asked) >= self.good:
            raise ConnectionError("no answer")
        self.asked.append(x.copy())
        return self.secret(x)

    @property
    def queries(self):
        return sum(map(len, self.asked))


def opened(path, black_box, **settings):
    """An oracle with a ledger; what it asked again to verify the ledger is not in `asked`."""
    before = len(black_box.asked) if isinstance(black_box, BlackBox) else 0
    oracle = Oracle(black_box, 3, ledger=path, **settings)
    if isinstance(black_box, BlackBox):
        again = sum(map(len, black_box.asked[before:]))
        assert again == oracle.verified <= 3 or black_box.good == 0
        del black_box.asked[before:]
    return oracle


def learn(path, black_box, **settings):
    with opened(path, black_box, **settings) as oracle:
        return learn_from_queries(oracle, 3, rng=7)


def batches(rng, *sizes):
    return [rng.standard_normal((n, 3)) for n in sizes]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ledger"


@pytest.fixture
def recorded(path, rng):
    """Three batches and the bytes of their ledger after 0, 1, 2 and 3 of them."""
    asked, stages = batches(rng, 2, 5, 3), []
    with Oracle(SECRET, 3, ledger=path) as oracle:
        stages.append(path.read_bytes())
        for x in asked:
            oracle(x)
            stages.append(path.read_bytes())
    return asked, stages


# --------------------------------------------------------------------- replay


@pytest.mark.parametrize("secret", [SECRET, MANY], ids=["scalar", "outputs"])
def test_a_second_run_asks_nothing(path, secret):
    first, second = BlackBox(secret), BlackBox(secret)
    result = learn(path, first)
    size = path.stat().st_size
    with opened(path, second) as oracle:
        again = learn_from_queries(oracle, 3, rng=7)
        assert oracle.replayed == oracle.queries == first.queries
        assert (oracle.n_outputs, oracle.is_scalar) == (secret.n_outputs, secret.is_scalar)
        np.testing.assert_array_equal(oracle.history()[0], np.concatenate(first.asked))
    assert second.asked == [] and again.queries == result.queries
    assert again.network == result.network and again.loss == result.loss
    assert path.stat().st_size == size


def test_a_ledger_changes_nothing(path):
    plain = learn_from_queries(SECRET, 3, rng=7)
    assert learn(path, SECRET).network == plain.network


@pytest.mark.parametrize("good", [0, 1, 2, 5, 8, 11])
def test_a_black_box_that_breaks_down(path, good):
    whole = BlackBox()
    expected = learn_from_queries(whole, 3, rng=7)
    broken, repaired = BlackBox(good=good), BlackBox()
    with pytest.raises(BlackBoxError, match="no answer"):
        learn(path, broken)
    result = learn(path, repaired)
    assert result.network == expected.network and result.queries == expected.queries
    asked = np.concatenate(broken.asked + repaired.asked)
    np.testing.assert_array_equal(asked, np.concatenate(whole.asked))


@pytest.mark.slow
def test_a_budget_in_instalments(path):
    expected = learn_from_queries(SECRET, 3, rng=7)
    black_box, budget, result = BlackBox(), 10, None
    while result is None:
        try:
            result = learn(path, black_box, max_queries=budget)
        except QueryBudgetExceeded as error:
            assert black_box.queries <= budget < expected.queries
            assert error.partial is None or error.partial.queries == black_box.queries
            budget += 10
    assert result.network == expected.network
    assert black_box.queries == expected.queries


def test_recorded_answers_count_towards_the_budget(path, recorded):
    asked, _ = recorded
    with opened(path, BlackBox(), max_queries=6) as oracle:
        oracle(asked[0])
        with pytest.raises(QueryBudgetExceeded, match="2 are spent"):
            oracle(asked[1])


@given(st.lists(st.integers(0, 9), max_size=4), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=25)
def test_batches_may_be_split_differently(tmp_path_factory, sizes, before, after):
    path = tmp_path_factory.mktemp("ledger") / "run"
    asked = batches(np.random.default_rng(0), *sizes, 4)
    with opened(path, SECRET, batch_size=before) as oracle:
        expected = [oracle(x) for x in asked[:-1]]
    black_box = BlackBox()
    with opened(path, black_box, batch_size=after) as oracle:
        for x, y in zip(asked, [*expected, SECRET(asked[-1])], strict=True):
            np.testing.assert_allclose(oracle(x), y, rtol=1e-13)
        assert (oracle.replayed, oracle.queries) == (sum(sizes), sum(sizes) + 4)
    assert black_box.queries == 4


def test_a_breakdown_between_two_parts_of_a_batch(path, rng):
    x = rng.standard_normal((10, 3))
    broken, repaired = BlackBox(good=2), BlackBox()
    with opened(path, broken, batch_size=3) as oracle, pytest.raises(BlackBoxError):
        oracle(x)
    with opened(path, repaired) as oracle:
        oracle(x)
    np.testing.assert_array_equal(np.concatenate(broken.asked + repaired.asked), x)


def test_answers_that_are_refused_are_not_recorded(path, rng):
    x = rng.standard_normal((4, 3))
    with Oracle(lambda x: np.full(len(x), np.nan), 3, ledger=path) as oracle:
        for _ in range(2):
            with pytest.raises(BlackBoxError, match="finite"):
                oracle(x)
    with opened(path, SECRET) as oracle:
        assert oracle(x).shape == (4,) and oracle.replayed == 0


def test_float32_answers_are_replayed_exactly(path):
    def rounded(x):
        return SECRET(x).astype(np.float32)

    x = np.ones((3, 3))
    with opened(path, rounded) as oracle:
        y = oracle(x)
    with opened(path, BlackBox(good=0)) as oracle:
        np.testing.assert_array_equal(oracle(x), y)


def test_a_black_box_that_writes_into_its_argument(path):
    def rude(x):
        y = SECRET(x)
        x[:] = 0
        return y

    expected = learn(path, rude)
    assert learn(path, BlackBox(good=0)).network == expected.network


# --------------------------------------------------------------------- another run


def test_another_seed_is_refused(path):
    learn(path, SECRET)
    before = path.read_bytes()
    black_box = BlackBox()
    with pytest.raises(InvalidArgument, match=r"other queries.*same seed"):
        learn_from_queries(opened(path, black_box), 3, rng=8)
    assert black_box.asked == [] and path.read_bytes() == before


def test_a_shorter_batch_is_refused(path, recorded):
    asked, stages = recorded
    with pytest.raises(InvalidArgument, match="batch 1 of 3 differs"):
        opened(path, BlackBox())(asked[0][:1])
    assert path.read_bytes() == stages[-1]


def test_another_dimension_is_refused(path, recorded):
    with pytest.raises(InvalidArgument, match="recorded with dim=3, not 4"):
        Oracle(BlackBox(), 4, ledger=path)
    assert path.read_bytes() == recorded[1][-1]


def test_a_black_box_of_another_shape_is_refused(path, recorded):
    asked, stages = recorded
    with pytest.raises(LedgerError, match=r"another black box.*shape \(3, 2\), not \(3,\)"):
        Oracle(MANY, 3, ledger=path)
    assert path.read_bytes() == stages[-1]


def test_fingerprints_see_every_bit(rng):
    x = rng.standard_normal((4, 6))
    near = [x, -x, np.abs(x), x[::-1], x[:, ::-1], x[:3], 2 * x, np.nextafter(x, 9)]
    for i in range(64):
        flipped = x.copy()
        flipped.view(np.uint64)[1, 2] ^= np.uint64(1 << i)
        near.append(flipped)
        flipped = flipped.copy()
        flipped.view(np.uint64)[1, 5] ^= np.uint64(1 << i)
        near.append(flipped)
    assert len({module.fingerprint(a) for a in near}) == len(near)


def test_fingerprints_stay_the_same_in_future_versions():
    """Or ledgers written today could not be resumed: raise `ledger.VERSION` if this must change."""
    assert (
        module.fingerprint(np.arange(6.0).reshape(2, 3)).hex() == "dabb8f2dfcfa5820f91ecd78b1bb6991"
    )


# --------------------------------------------------------------------- another model


def relu(z):
    return np.maximum(z, 0)


def float32_sums(net):
    """In float32, so that sums depend on how many rows are asked at once; then in other units."""
    w, b, a = (x.astype(np.float32) for x in (net.weights, net.biases, net.output_weights))
    return lambda x: (relu(x.astype(np.float32) @ w.T - b) @ a).astype(float) / 7


def noisy(net):
    rng = np.random.default_rng(0)
    return lambda x: net(x) + 0.01 * rng.standard_normal(len(x))


def dropout(net):
    rng = np.random.default_rng(0)
    return lambda x: (
        (relu(x @ net.weights.T - net.biases) * (rng.random((len(x), net.n_neurons)) > 0.2))
        @ net.output_weights
    )


KINDS = {
    "exact": lambda net: net,
    "offset": lambda net: lambda x: net(x) + 1e6,
    "float32": float32_sums,
    "rounded": lambda net: lambda x: np.round(net(x), 2),
    "noisy": noisy,
    "dropout": dropout,
}


@pytest.mark.parametrize("budget", [18, 150])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_model_is_recognised_and_another_is_not(path, kind, budget):
    make = KINDS[kind]
    with (
        Oracle(make(SECRET), 3, ledger=path, max_queries=budget, batch_size=7) as oracle,
        pytest.raises((QueryBudgetExceeded, BlackBoxError)),
    ):
        learn_from_queries(oracle, 3, rng=7)
    before = path.read_bytes()
    for size in (None, 1, 2):
        with Oracle(make(SECRET), 3, ledger=path, batch_size=size) as oracle:
            asked_again = 3 if kind not in ("noisy", "dropout") else oracle.verified
            assert oracle.verified == asked_again <= 12 and oracle.queries == 0
    if kind != "dropout":  # such answers differ by half of their size anyway
        with pytest.raises(LedgerError, match="another black box: asked again, it answers"):
            Oracle(make(zoo.random_network(3, 4, rng=2)), 3, ledger=path)
    assert path.read_bytes() == before


def test_a_model_that_was_trained_a_little_more(path):
    learn(path, SECRET)
    other = ReluNetwork(SECRET.weights, SECRET.biases + 1e-6, SECRET.output_weights)
    with pytest.raises(LedgerError, match="another black box"):
        Oracle(other, 3, ledger=path)


@pytest.mark.parametrize("answer", [np.nan, "label"])
def test_a_model_that_answers_no_more_numbers(path, recorded, answer):
    with pytest.raises(LedgerError, match="another black box: asked again, it must return"):
        Oracle(lambda x: [answer] * len(x), 3, ledger=path)


def test_a_model_that_is_out_of_order_can_be_replayed(path):
    result = learn(path, SECRET)
    assert learn(path, BlackBox(good=0)).network == result.network


def test_verification_spends_no_budget(path, recorded):
    asked, _ = recorded
    with Oracle(SECRET, 3, ledger=path, max_queries=2) as oracle:
        assert (oracle.verified, oracle.queries, oracle.remaining) == (3, 0, 2)
        oracle(asked[0])
        assert (oracle.verified, oracle.queries) == (3, 2) and len(oracle.history()[0]) == 2


# --------------------------------------------------------------------- the seed


@pytest.mark.parametrize(
    "seed",
    [None, 7, np.random.PCG64(3), np.random.MT19937(3), np.random.Philox(3), np.random.SFC64(3)],
    ids=lambda seed: type(seed).__name__,
)
def test_the_seed_is_in_the_ledger(path, seed):
    rng = np.random.Generator(seed) if isinstance(seed, np.random.BitGenerator) else seed
    with Oracle(SECRET, 3, ledger=path, max_queries=60) as oracle:
        with pytest.raises(QueryBudgetExceeded):
            learn_from_queries(oracle, 3, rng=rng)
        spent = oracle.queries
    with opened(path, SECRET) as oracle:
        result = learn_from_queries(oracle, 3)
        assert oracle.replayed == spent and result.complete
    with opened(path, BlackBox(good=0)) as oracle:
        assert learn_from_queries(oracle, 3, rng=None).network == result.network


def test_two_runs_with_one_ledger(path):
    with Oracle(SECRET, 3, ledger=path) as oracle:
        results = [learn_from_queries(oracle, 3) for _ in range(2)]
    with opened(path, black_box := BlackBox()) as oracle:
        again = [learn_from_queries(oracle, 3) for _ in range(2)]
    assert black_box.asked == []
    assert [r.network for r in results] == [r.network for r in again]
    assert results[0].network != results[1].network


def test_a_generator_that_nobody_could_restore(path):
    class Own(np.random.PCG64):
        pass

    with Oracle(SECRET, 3, ledger=path) as oracle:
        learn_from_queries(oracle, 3, rng=np.random.Generator(Own(3)))
    with opened(path, BlackBox(good=0)) as oracle:
        learn_from_queries(oracle, 3, rng=np.random.Generator(Own(3)))


# --------------------------------------------------------------------- interrupted writes


def test_every_way_to_cut_off_the_last_record(path, recorded):
    asked, (_, _, second, third) = recorded
    expected = [SECRET(x) for x in asked]
    for end in range(len(second), len(third)):
        path.write_bytes(third[:end])
        black_box = BlackBox()
        with opened(path, black_box) as oracle:
            assert path.read_bytes() == third[:end]  # opening changes nothing
            answers = [oracle(x) for x in asked]
        assert len(black_box.asked) == 1
        np.testing.assert_allclose(np.concatenate(answers), np.concatenate(expected), rtol=1e-13)
        assert path.read_bytes() == third


def test_every_way_to_cut_off_the_head_of_the_file(path, recorded):
    start = recorded[1][0]
    for end in range(len(start)):
        path.write_bytes(start[:end])
        with opened(path, SECRET) as oracle:
            oracle(np.ones((1, 3)))
        with opened(path, BlackBox(good=0)) as oracle:
            oracle(np.ones((1, 3)))


@pytest.mark.parametrize("rest", [b"\0" * 300, b"\xff" * 10, b"{}" * 40], ids=len)
def test_garbage_after_a_power_cut(path, recorded, rest):
    asked, stages = recorded
    path.write_bytes(stages[2] + rest)
    black_box = BlackBox()
    with opened(path, black_box) as oracle:
        for x in asked:
            oracle(x)
    assert len(black_box.asked) == 1 and path.read_bytes() == stages[-1]


def test_the_last_record_unwritten_in_part(path, recorded):
    """After a power cut, blocks of a new record can be missing in its middle."""
    asked, (_, _, second, third) = recorded
    for hole in range(len(second), len(third) - 8, 5):
        path.write_bytes(third[:hole] + b"\0" * 8 + third[hole + 8 :])
        black_box = BlackBox()
        with opened(path, black_box) as oracle:
            for x in asked:
                oracle(x)
        assert len(black_box.asked) <= 1 and path.read_bytes() == third


# --------------------------------------------------------------------- damage


def test_any_flipped_bit_before_the_last_record_is_noticed(path, recorded):
    _, (_, _, second, third) = recorded
    for at in range(len(second)):
        data = bytearray(third)
        data[at] ^= 1 << at % 8
        path.write_bytes(data)
        with pytest.raises(InvalidArgument, match="(damaged at byte|not a ledger).*untouched"):
            opened(path, BlackBox())
        assert path.read_bytes() == data


def test_missing_repeated_and_exchanged_records_are_noticed(path, recorded):
    head, first, second, third = recorded[1]
    a, b, c = first[len(head) :], second[len(first) :], third[len(second) :]
    for wrong in (b + c, a + c, a + a + b + c, b + a + c, a[:-1] + b + c, a + b"\0" + b + c):
        path.write_bytes(head + wrong)
        with pytest.raises(InvalidArgument, match="damaged"):
            opened(path, BlackBox())
        assert path.read_bytes() == head + wrong


def test_a_record_of_another_ledger_is_not_taken_over(path, tmp_path, recorded):
    asked, (head, first, *_) = recorded
    other = tmp_path / "other"
    with Oracle(SECRET, 3, ledger=other) as oracle:
        oracle(asked[0])
    path.write_bytes(head + other.read_bytes()[len(head) :])
    black_box = BlackBox()
    with opened(path, black_box) as oracle:
        oracle(asked[0])
    assert len(black_box.asked) == 1 and path.read_bytes() == first


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04 a zip", b"relu", b"relu_lernt", b"\0" * 100, b"import numpy as np\n" * 20],
    ids=["zip", "prefix", "typo", "zeros", "source"],
)
def test_foreign_files_are_left_alone(path, content):
    path.write_bytes(content)
    if module._MAGIC.startswith(content):
        return opened(path, SECRET).close()  # nothing that anybody could miss
    with pytest.raises(InvalidArgument, match="not a ledger: it is left untouched"):
        opened(path, SECRET)
    assert path.read_bytes() == content


def forged(first, rows, outputs, note=b"", answers=b""):
    """A ledger with a record that a stranger wrote, its checksum right."""
    _, _, _, key = module._FILE.unpack_from(first)
    head = module._RECORD.pack(key, 0, rows, outputs, len(note), bytes(16), bytes(16))[:-16]
    return first + head + module.digest(head, note + answers) + note + answers


FORGED = {
    "a record of 100 GB": (10**10, 1, b"", b""),
    "a note of 100 GB": (1, 2**63, b"", bytes(8)),
    "no number": (1, 0, b"", b"\xff" * 8),
    "no JSON": (1, 0, b"{", bytes(8)),
    "JSON without end": (1, 0, b"[" * 10**5, bytes(8)),
    "a list": (1, 0, b"[1]", bytes(8)),
    "doubt of another size": (1, 0, b'{"doubt": [1, 2]}', bytes(8)),
    "doubt in words": (1, 0, b'{"doubt": ["much"]}', bytes(8)),
    "a probe of no answer": (1, 0, b'{"probes": [[1, "%s"]]}' % (b"0" * 48), bytes(8)),
    "a probe from the end": (1, 0, b'{"probes": [[-1, "%s"]]}' % (b"0" * 48), bytes(8)),
    "a probe of another dimension": (1, 0, b'{"probes": [[0, "00"]]}', bytes(8)),
    "probes of nothing": (1, 0, b'{"probes": [null]}', bytes(8)),
}


@pytest.mark.parametrize("record", FORGED)
def test_a_ledger_from_a_stranger_is_data(path, recorded, record):
    _, (first, *_) = recorded
    content = forged(first, *FORGED[record])
    path.write_bytes(content)
    tracemalloc.start()
    try:
        if "GB" in record:  # more than there is: a write that was interrupted
            opened(path, SECRET).close()
        else:
            with pytest.raises(InvalidArgument, match="damaged at byte .*: it is left untouched"):
                opened(path, SECRET)
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()
    assert path.read_bytes() == content


def test_records_without_rows_say_nothing(path, recorded):
    """Not even how many outputs there are: that would be room for 2^60 answers to each query."""
    _, (first, *_) = recorded
    path.write_bytes(forged(first, 0, 2**60))
    with opened(path, SECRET) as oracle:
        assert oracle(np.zeros((2, 3))).shape == (2,)


def test_a_newer_version_is_refused(path, recorded, monkeypatch):
    monkeypatch.setattr(module, "VERSION", 3)
    with pytest.raises(InvalidArgument, match="version 2, this is version 3"):
        opened(path, SECRET)


@pytest.mark.parametrize("ledger", [b"bytes", 3, ["a"], True, "a\0b", "\ud800", Path("a\0b")])
def test_a_ledger_is_a_path(ledger):
    with pytest.raises(InvalidArgument, match="ledger must be a path"):
        Oracle(SECRET, 3, ledger=ledger)


def test_directories_and_devices_are_no_ledgers(tmp_path):
    for ledger in (tmp_path, os.devnull):
        with pytest.raises(InvalidArgument, match="must be a regular file"):
            Oracle(SECRET, 3, ledger=ledger)


def test_a_ledger_that_does_not_fit_is_a_wrong_argument_and_a_ledger_error(path):
    path.write_bytes(b"PK\x03\x04 a zip")
    for kind in (InvalidArgument, LedgerError):
        with pytest.raises(kind, match="not a ledger"):
            Oracle(SECRET, 3, ledger=path)


def test_a_missing_folder(tmp_path):
    with pytest.raises(LedgerError, match="cannot be opened: .*No such file"):
        Oracle(SECRET, 3, ledger=tmp_path / "missing" / "run")


# --------------------------------------------------------------------- one run at a time


def test_another_process_has_to_wait(path, recorded):
    asked, stages = recorded
    code = f"""if True:
        from relu_learn import InvalidArgument, Oracle
        def down(x):
            raise ConnectionError
        try:
            Oracle(down, 3, ledger={str(path)!r})
        except InvalidArgument as error:
            print(error)
    """
    command = [sys.executable, "-W", "error", "-c", code]
    with opened(path, SECRET):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "in use by another process: one run at a time" in done.stdout
    assert path.read_bytes() == stages[-1]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_in_one_process_the_newest_takes_over(path, recorded):
    asked, _ = recorded
    older = opened(path, SECRET)
    newer = opened(path, SECRET)
    black_box = BlackBox()
    for x in [*asked, asked[0]]:
        newer(x)
    older._black_box = black_box
    for x in asked:
        older(x)  # what it has read already
    with pytest.raises(LedgerError, match="closed, or opened again by another Oracle"):
        older(asked[0])
    assert black_box.asked == []
    newer.close()
    newer.close()
    with pytest.raises(LedgerError, match="closed"):
        newer(asked[0])


def test_a_forgotten_oracle_closes_its_file(path):
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
    for _ in range(5):
        opened(path, SECRET)
    if before:
        assert len(set(os.listdir("/proc/self/fd")) - before) <= 1


# --------------------------------------------------------------------- full disks


def test_a_full_disk_is_noticed_before_anything_is_asked(path, recorded, monkeypatch):
    asked, stages = recorded
    oracle = opened(path, black_box := BlackBox())
    for x in asked:
        oracle(x)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(LedgerError, match="No space left on device; nothing was asked. 3 batches"):
        oracle(asked[0])
    assert black_box.asked == [] and path.read_bytes() == stages[-1]


@pytest.mark.parametrize("written", [0, 1, 50, 90])
def test_a_write_that_fails_is_undone(path, recorded, monkeypatch, written):
    asked, stages = recorded
    with opened(path, SECRET) as oracle:
        for x in asked:
            oracle(x)
        write, room = os.write, written

        def full(fd, data):
            nonlocal room
            if not room:
                raise OSError(28, "No space left on device")
            room -= (n := write(fd, data[:room]))
            return n

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(LedgerError, match="the last answers were not stored. 3 batches"):
            oracle(asked[0])
        monkeypatch.undo()
        assert path.read_bytes() == stages[-1]
        with pytest.raises(LedgerError, match="closed"):
            oracle(asked[0])


def test_a_file_system_that_cannot_reserve(path, rng, monkeypatch):
    def unsupported(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unsupported, raising=False)
    with opened(path, SECRET) as oracle:
        oracle(np.ones((1, 3)))
    with opened(path, BlackBox(good=0)) as oracle:
        oracle(np.ones((1, 3)))


def test_an_interrupt_in_the_middle_of_a_write(path, recorded, monkeypatch):
    asked, stages = recorded
    write = os.write

    def interrupted(fd, data):
        write(fd, data[:20])
        raise KeyboardInterrupt

    with opened(path, SECRET) as oracle:
        for x in asked:
            oracle(x)
        monkeypatch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            oracle(asked[0])
        monkeypatch.undo()
        oracle(asked[1])  # going on overwrites the torn record
    with opened(path, BlackBox(good=0)) as oracle:
        for x in [*asked, asked[1]]:
            oracle(x)


# --------------------------------------------------------------------- the real thing


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL and RLIMIT_FSIZE")
@pytest.mark.slow
def test_killed_runs_end_in_the_same_network():
    kills = os.environ.get("RELU_LEARN_KILLS", "2")
    command = [sys.executable, "-W", "error", KILL_TEST, "--kills", kills]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = done.stdout.splitlines()[1:]
    assert len(rows) == 3
    assert all(int(row.split("  ")[-1].split()[0]) > 0 for row in rows), done.stdout
