"""Interrupt runs in three ways, resume each from its ledger, and compare with an undisturbed run.

    python tests/benchmarks/kill_test.py --kills 30

A batch that is in flight when the process dies was asked and must be asked again: that is the most
that an interruption may cost. Exits with 1 if one costs more, or if a network differs in one bit.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from common import network, table

from relu_learn import Oracle, ReluNetwork, learn_from_queries
from relu_learn.asking.errors import LedgerError
from relu_learn.asking.ledger import fingerprint

WAYS = {
    "signal": "SIGKILL at a random moment",
    "write": "SIGKILL in the middle of a write",
    "disk": "disk full at a random byte",
}


def child(name: str, seed: int, folder: Path, way: str, at: int) -> None:
    """Learn with a ledger; log every batch that reaches the black box; save the network."""
    secret = network(name, seed)
    log = os.open(folder / "asked", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    opened = False

    def black_box(x: np.ndarray) -> np.ndarray:
        if opened:  # not when the ledger is verified
            os.write(log, f"{len(x)} {fingerprint(x).hex()}\n".encode())
        print(".", end="", flush=True)
        time.sleep(0.001)
        return secret(x)

    if way == "disk":
        resource.setrlimit(resource.RLIMIT_FSIZE, (at, resource.RLIM_INFINITY))
    elif way == "write":
        die_at_byte(at)
    try:
        with Oracle(black_box, secret.dim, ledger=folder / "ledger", batch_size=7) as oracle:
            opened = True
            found = learn_from_queries(oracle, secret.dim, rng=seed).network
    except LedgerError:
        return
    found.save(folder / "network.npz")


def die_at_byte(at: int) -> None:
    """Let this process be killed when so many bytes were written, the last of them in a part."""
    whole, left = os.write, at

    def write(fd: int, data: memoryview) -> int:
        nonlocal left
        if isinstance(data, memoryview):  # the ledger; the log writes bytes
            if len(data) > left:
                whole(fd, data[:left])
                os.kill(os.getpid(), signal.SIGKILL)
            left -= len(data)
        return whole(fd, data)

    os.write = write


def start(
    name: str, seed: int, folder: Path, way: str = "", at: int = 0
) -> subprocess.Popen[bytes]:
    command = [sys.executable, __file__, "--child", name, str(seed), str(folder), way, str(at)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)


def finish(process: subprocess.Popen[bytes]) -> int:
    process.communicate()
    return process.returncode


def asked(folder: Path) -> Counter[tuple[int, str]]:
    """How often each batch (rows, digest) reached the black box."""
    lines = (folder / "asked").read_text().splitlines()
    return Counter((int(n), code) for n, code in map(str.split, lines))


def interrupted(name: str, seed: int, way: str, kills: int, rng: random.Random) -> list[int]:
    """One run with so many interruptions: kills, queries, queries asked twice, failures."""
    with tempfile.TemporaryDirectory() as temporary:
        plain, folder = Path(temporary, "plain"), Path(temporary, "killed")
        plain.mkdir()
        folder.mkdir()
        failed = finish(start(name, seed, plain)) != 0
        batches, size = asked(plain).total(), (plain / "ledger").stat().st_size
        done = 0
        for part in range(kills):
            # Evenly over the run: each interruption lets it come a little farther.
            share = (part + rng.random()) / kills
            written = (folder / "ledger").stat().st_size if part and way == "write" else 0
            process = start(name, seed, folder, way, max(int(share * size) - written, 0))
            if way == "signal":
                assert process.stdout is not None
                process.stdout.read(1)
                while asked(folder).total() < share * batches and process.stdout.read(1):
                    pass
                time.sleep(0.003 * rng.random())
                process.kill()
            code = finish(process)
            failed |= code not in (0, -signal.SIGKILL)
            done += not (folder / "network.npz").exists()
        failed |= finish(start(name, seed, folder)) != 0
        networks = [ReluNetwork.load(run / "network.npz") for run in (plain, folder)]
        failed |= networks[0] != networks[1]
        first, all_of_it = asked(plain), asked(folder)
        failed |= set(first) != set(all_of_it)
        twice = {batch: n - 1 for batch, n in all_of_it.items() if n > 1}
        # A full disk is noticed before a query is paid for (but for the first batch, whose number
        # of outputs is not known yet).
        failed |= sum(twice.values()) > (1 if way == "disk" else done)
        queries = sum(n for n, _ in first)
        return [done, queries, sum(n * more for (n, _), more in twice.items()), failed]


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        name, seed, folder, way, at = sys.argv[2:]
        child(name, int(seed), Path(folder), way, int(at))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=15, help="of each kind")
    parser.add_argument("--network", default="10-15-1", help="d-k-m, or a name in the zoo")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    rows, failures = [], 0
    for way, title in WAYS.items():
        total = np.zeros(4, dtype=int)
        runs = 0
        while total[0] < options.kills:
            kills = min(5, options.kills - int(total[0]))
            total += interrupted(options.network, options.seed + runs, way, kills, rng)
            runs += 1
        same = f"{runs - total[3]} of {runs}"
        rows.append([title, str(total[0]), f"{total[1]:,}", str(total[2]), same])
        failures += int(total[3])
    print(table(["interruption", "kills", "queries", "asked twice", "network identical"], rows))
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
