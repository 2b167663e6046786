"""OpenBLAS adds in another order on other processors: last bits differ, what is found does not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

KERNELS = ("Haswell", "SkylakeX", "Sandybridge", "Nehalem")
COUNT = """
import json
from threadpoolctl import threadpool_info
from relu_learn import learn_from_queries, zoo

found = {}
for shape in [(1, 20, 1), (2, 8, 1), (10, 15, 1), (5, 100, 1), (10, 30, 3), (64, 32, 10)]:
    for seed in range(4):
        secret = zoo.random_network(*shape, rng=seed)
        result = learn_from_queries(secret, secret.dim, rng=seed)
        found[f"{shape}, {seed}"] = result.network.n_neurons
for name in zoo.names():
    secret = zoo.get(name)
    for seed in range(2):
        result = learn_from_queries(secret, secret.dim, rng=seed)
        found[f"{name}, {seed}"] = result.network.n_neurons
print(json.dumps([sorted({blas.get("architecture", "") for blas in threadpool_info()}), found]))
"""


@pytest.mark.skipif("OPENBLAS_CORETYPE" in os.environ, reason="this machine has chosen its kernel")
def test_every_kernel_finds_as_many_neurons():
    found = {}
    for kernel in KERNELS:
        environment = {**os.environ, "OPENBLAS_CORETYPE": kernel, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-W", "error", "-c", COUNT]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode == -signal.SIGILL:
            continue  # not on this processor
        assert done.returncode == 0, done.stderr
        architectures, counts = json.loads(done.stdout)
        if architectures == [kernel]:  # another BLAS goes by its own choice
            found[kernel] = counts
    if len(found) < 2:
        pytest.skip(f"no choice of kernels here: {list(found)}")
    first, *others = found.values()
    for other in others:
        assert other == first
