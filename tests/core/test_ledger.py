"""The ledger: what was paid for survives a kill, a full disk and a cable pulled out.

RELU_LEARN_KILLS=100 makes the last test longer."""

import os
import signal
import subprocess
import sys
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
    learn_from_queries,
    zoo,
)
from relu_learn.core import ledger as module
from relu_learn.core.errors import LedgerError

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


def learn(path, black_box, **settings):
    with Oracle(black_box, 3, ledger=path, **settings) as oracle:
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
    with Oracle(second, 3, ledger=path) as oracle:
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
    with Oracle(BlackBox(), 3, ledger=path, max_queries=6) as oracle:
        oracle(asked[0])
        with pytest.raises(QueryBudgetExceeded, match="2 are spent"):
            oracle(asked[1])


@given(st.lists(st.integers(0, 9), max_size=4), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=25)
def test_batches_may_be_split_differently(tmp_path_factory, sizes, before, after):
    path = tmp_path_factory.mktemp("ledger") / "run"
    asked = batches(np.random.default_rng(0), *sizes, 4)
    with Oracle(SECRET, 3, ledger=path, batch_size=before) as oracle:
        expected = [oracle(x) for x in asked[:-1]]
    black_box = BlackBox()
    with Oracle(black_box, 3, ledger=path, batch_size=after) as oracle:
        for x, y in zip(asked, [*expected, SECRET(asked[-1])], strict=True):
            np.testing.assert_allclose(oracle(x), y, rtol=1e-13)
        assert (oracle.replayed, oracle.queries) == (sum(sizes), sum(sizes) + 4)
    assert black_box.queries == 4


def test_a_breakdown_between_two_parts_of_a_batch(path, rng):
    x = rng.standard_normal((10, 3))
    broken, repaired = BlackBox(good=2), BlackBox()
    with Oracle(broken, 3, ledger=path, batch_size=3) as oracle, pytest.raises(BlackBoxError):
        oracle(x)
    with Oracle(repaired, 3, ledger=path) as oracle:
        oracle(x)
    np.testing.assert_array_equal(np.concatenate(broken.asked + repaired.asked), x)


def test_answers_that_are_refused_are_not_recorded(path, rng):
    x = rng.standard_normal((4, 3))
    with Oracle(lambda x: np.full(len(x), np.nan), 3, ledger=path) as oracle:
        for _ in range(2):
            with pytest.raises(BlackBoxError, match="finite"):
                oracle(x)
    with Oracle(SECRET, 3, ledger=path) as oracle:
        assert oracle(x).shape == (4,) and oracle.replayed == 0


def test_float32_answers_are_replayed_exactly(path):
    def rounded(x):
        return SECRET(x).astype(np.float32)

    x = np.ones((3, 3))
    with Oracle(rounded, 3, ledger=path) as oracle:
        y = oracle(x)
    with Oracle(BlackBox(good=0), 3, ledger=path) as oracle:
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
        learn_from_queries(Oracle(black_box, 3, ledger=path), 3, rng=8)
    assert black_box.asked == [] and path.read_bytes() == before


def test_a_shorter_batch_is_refused(path, recorded):
    asked, stages = recorded
    with pytest.raises(InvalidArgument, match="batch 1 of 3 differs"):
        Oracle(BlackBox(), 3, ledger=path)(asked[0][:1])
    assert path.read_bytes() == stages[-1]


def test_another_dimension_is_refused(path, recorded):
    with pytest.raises(InvalidArgument, match="recorded with dim=3, not 4"):
        Oracle(BlackBox(), 4, ledger=path)
    assert path.read_bytes() == recorded[1][-1]


def test_a_black_box_of_another_shape_is_refused(path, recorded):
    asked, stages = recorded
    with Oracle(MANY, 3, ledger=path) as oracle:
        for x in asked:
            oracle(x)
        with pytest.raises(BlackBoxError, match=r"from \(n,\) to"):
            oracle(asked[0])
    assert path.read_bytes()[: len(stages[-1])] == stages[-1]


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


# --------------------------------------------------------------------- interrupted writes


def test_every_way_to_cut_off_the_last_record(path, recorded):
    asked, (_, _, second, third) = recorded
    expected = [SECRET(x) for x in asked]
    for end in range(len(second), len(third)):
        path.write_bytes(third[:end])
        black_box = BlackBox()
        with Oracle(black_box, 3, ledger=path) as oracle:
            assert path.read_bytes() == third[:end]  # opening changes nothing
            answers = [oracle(x) for x in asked]
        assert len(black_box.asked) == 1
        np.testing.assert_allclose(np.concatenate(answers), np.concatenate(expected), rtol=1e-13)
        assert path.read_bytes() == third


def test_every_way_to_cut_off_the_head_of_the_file(path, recorded):
    start = recorded[1][0]
    for end in range(len(start)):
        path.write_bytes(start[:end])
        with Oracle(SECRET, 3, ledger=path) as oracle:
            oracle(np.ones((1, 3)))
        with Oracle(BlackBox(good=0), 3, ledger=path) as oracle:
            oracle(np.ones((1, 3)))


@pytest.mark.parametrize("rest", [b"\0" * 300, b"\xff" * 10, b"\x93answers" * 9], ids=len)
def test_garbage_after_a_power_cut(path, recorded, rest):
    asked, stages = recorded
    path.write_bytes(stages[2] + rest)
    black_box = BlackBox()
    with Oracle(black_box, 3, ledger=path) as oracle:
        for x in asked:
            oracle(x)
    assert len(black_box.asked) == 1 and path.read_bytes() == stages[-1]


def test_the_last_record_unwritten_in_part(path, recorded):
    """After a power cut, blocks of a new record can be missing in its middle."""
    asked, (_, _, second, third) = recorded
    for hole in range(len(second), len(third) - 8, 5):
        path.write_bytes(third[:hole] + b"\0" * 8 + third[hole + 8 :])
        black_box = BlackBox()
        with Oracle(black_box, 3, ledger=path) as oracle:
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
            Oracle(BlackBox(), 3, ledger=path)
        assert path.read_bytes() == data


def test_missing_repeated_and_exchanged_records_are_noticed(path, recorded):
    head, first, second, third = recorded[1]
    a, b, c = first[len(head) :], second[len(first) :], third[len(second) :]
    for wrong in (b + c, a + c, a + a + b + c, b + a + c, a[:-1] + b + c, a + b"\0" + b + c):
        path.write_bytes(head + wrong)
        with pytest.raises(InvalidArgument, match="damaged"):
            Oracle(BlackBox(), 3, ledger=path)
        assert path.read_bytes() == head + wrong


def test_a_record_of_another_ledger_is_not_taken_over(path, tmp_path, recorded):
    asked, (head, first, *_) = recorded
    other = tmp_path / "other"
    with Oracle(SECRET, 3, ledger=other) as oracle:
        oracle(asked[0])
    path.write_bytes(head + other.read_bytes()[len(head) :])
    black_box = BlackBox()
    with Oracle(black_box, 3, ledger=path) as oracle:
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
        return Oracle(SECRET, 3, ledger=path).close()  # nothing that anybody could miss
    with pytest.raises(InvalidArgument, match="not a ledger: it is left untouched"):
        Oracle(SECRET, 3, ledger=path)
    assert path.read_bytes() == content


def test_a_newer_version_is_refused(path, recorded, monkeypatch):
    monkeypatch.setattr(module, "VERSION", 2)
    with pytest.raises(InvalidArgument, match="version 1, this is version 2"):
        Oracle(SECRET, 3, ledger=path)


@pytest.mark.parametrize("ledger", [b"bytes", 3, ["a"], True])
def test_a_ledger_is_a_path(ledger):
    with pytest.raises(InvalidArgument, match="ledger must be a path"):
        Oracle(SECRET, 3, ledger=ledger)


def test_directories_and_devices_are_no_ledgers(tmp_path):
    for ledger in (tmp_path, os.devnull):
        with pytest.raises(InvalidArgument, match="must be a regular file"):
            Oracle(SECRET, 3, ledger=ledger)


def test_a_missing_folder(tmp_path):
    with pytest.raises(LedgerError, match="cannot be opened: .*No such file"):
        Oracle(SECRET, 3, ledger=tmp_path / "missing" / "run")


# --------------------------------------------------------------------- one run at a time


def test_another_process_has_to_wait(path, recorded):
    asked, stages = recorded
    code = f"""if True:
        import numpy as np
        from relu_learn import InvalidArgument, Oracle
        try:
            Oracle(np.sum, 3, ledger={str(path)!r})
        except InvalidArgument as error:
            print(error)
    """
    command = [sys.executable, "-W", "error", "-c", code]
    with Oracle(SECRET, 3, ledger=path):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "in use by another process: one run at a time" in done.stdout
    assert path.read_bytes() == stages[-1]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_in_one_process_the_newest_takes_over(path, recorded):
    asked, _ = recorded
    older = Oracle(SECRET, 3, ledger=path)
    newer = Oracle(SECRET, 3, ledger=path)
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
        Oracle(SECRET, 3, ledger=path)
    if before:
        assert len(set(os.listdir("/proc/self/fd")) - before) <= 1


# --------------------------------------------------------------------- full disks


def test_a_full_disk_is_noticed_before_anything_is_asked(path, recorded, monkeypatch):
    asked, stages = recorded
    oracle = Oracle(black_box := BlackBox(), 3, ledger=path)
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
    with Oracle(SECRET, 3, ledger=path) as oracle:
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
    with Oracle(SECRET, 3, ledger=path) as oracle:
        oracle(np.ones((1, 3)))
    with Oracle(BlackBox(good=0), 3, ledger=path) as oracle:
        oracle(np.ones((1, 3)))


def test_an_interrupt_in_the_middle_of_a_write(path, recorded, monkeypatch):
    asked, stages = recorded
    write = os.write

    def interrupted(fd, data):
        write(fd, data[:20])
        raise KeyboardInterrupt

    with Oracle(SECRET, 3, ledger=path) as oracle:
        for x in asked:
            oracle(x)
        monkeypatch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            oracle(asked[0])
        monkeypatch.undo()
        oracle(asked[1])  # going on overwrites the torn record
    with Oracle(BlackBox(good=0), 3, ledger=path) as oracle:
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
