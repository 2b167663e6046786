"""Refit: the last digits for nothing, from answers that were paid for anyway.

Where it is known which neurons are active, F is linear in a_i w_i, a_i b_i and its affine part; and
in w_i, b_i and a_i, each of them nearly right, up to the square of what they are off. So one least
squares problem over all answers corrects everything at once. What they do not tell stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from relu_learn.asking.rows import CHUNK, Points, chunks, values
from relu_learn.core.evidence import FREE, Evidence
from relu_learn.core.lines import Line
from relu_learn.core.run import Run
from relu_learn.core.space import Space
from relu_learn.network import ReluNetwork, normalised, subset
from relu_learn.precise.normal import least_squares
from relu_learn.telling.certificate import GAUSSIAN
from relu_learn.telling.events import Event

# All parameters at once cost answers * parameters^2 operations: at most a tenth of a second, or
# (with `polish`, when the answers tell more) a whole one. Beyond it, only the constants are fitted,
# to the points of the tests.
_WORK, _PATIENT = 2e9, 3e10
# An answer that is closer to a hyperplane (in units of 1 + |x| / sqrt(d)) may be on either side.
# (÷ 10: 12 of 39 runs change, × 10: 5; the worst error stays 4e-9.)
_CLOSE = 1e-9
# Least squares always leave less: an explanation leaves less by this factor than chance would.
# (÷ or × 10: 2 of 39 runs change; the worst error stays 4e-9.)
_BETTER = 4.0
# The constants are fitted to errors that are not only theirs, so only to what stands out: what the
# answers tell worse than this, in units of what they tell best, stays as it was. (÷ 10 2 of 39 runs
# change, × 10 one; the worst error stays 4e-9.)
_PLAIN = 0.05
# Neurons of so small a size or difference, in units of the scale, are left out if a fit without
# them is not twice as far off.
_ROUNDING = (1e-4, 1e-6, 1e-8)


def refit(run: Run) -> Iterator[Event]:
    """Fit F' to all answers, and keep that if the tested points say that it is better.
    (Neurons that epsilon left out would lead the fit astray, by 500 times what F' was off.)

    What was claimed of F' on fresh points is claimed of the new one with what it was moved by, on
    `FREE` times as many points: these cost no query.
    """
    evidence, before, scale = run.evidence, run.known, run.answers.scale
    if before is None or run.first is None or evidence.all is None or not len(evidence.errors):
        return
    if evidence.wished and not evidence.enough(evidence.worst(before)[1]):
        return
    size = (before.n_neurons + 1) * (before.dim + 1) + before.n_neurons
    work = float(run.oracle.queries + size) * size**2
    line = None if work <= (_PATIENT if run.settings.polish else _WORK) else run.first.line
    x, answers = run.oracle.history() if line is None else evidence.all
    y = answers.reshape(len(x), -1) / (scale if line is None else 1.0)

    def fit(network: ReluNetwork) -> ReluNetwork:
        """What fits better, if anything does."""
        doubts = None if line is None else _distances(network, line)
        return min(network, fitted(network, x, y, doubts) or network, key=evidence.score)

    def off(network: ReluNetwork) -> float:
        """How far it is off at worst, in units of how an answer's noise grows. (A line may have
        seen a bump that fresh points miss.)"""
        return float((np.abs(values(network, x) - y).max(axis=1) / (1 + values(_sizes, x))).max())

    best = fit(before)
    for rtol in _ROUNDING:  # neurons that may be rounding, which was taken for kinks
        fewer = _without_rounding(best, rtol * evidence.scale / scale, rtol)
        if fewer.n_neurons < best.n_neurons:
            fewer = fit(fewer)
            alike = evidence.score(fewer)[1] <= 2 * evidence.score(best)[1]
            best = fewer if alike and off(fewer) <= 2 * off(best) else best
    if best is before:
        return
    errors, old = evidence.errors, run.space.told(run.hypothesis())
    run.known = best
    yield run.updated("fit")
    moved = _moved(run, old, run.space.told(run.best), FREE * len(errors))
    evidence.errors, evidence.refitted = errors + moved, True


def _moved(run: Run, old: ReluNetwork, new: ReluNetwork, n: int) -> float:
    """How far apart two networks in the user's coordinates are at most, at n fresh points."""
    space, d, nets = run.space, run.oracle.dim, [old, new]
    seen = np.concatenate([part for net in nets for part in (net.weights, np.atleast_2d(net.skip))])
    if n * d > CHUNK and len(seen) < d and space.measure == GAUSSIAN:
        # They see no more of a point than its projection, which is normal, too.
        frame = np.linalg.qr(seen.T)[0]
        space, d = Space(len(seen)), len(seen)
        nets = [
            ReluNetwork(f.weights @ frame, f.biases, f.output_weights, f.skip @ frame, f.offset)
            for f in nets
        ]
    step, worst = max(1, CHUNK // d), 0.0
    for i in range(0, n, step):
        x = space.place(space.sample(min(step, n - i), run.rng))
        worst = max(worst, float(np.abs(nets[0](x) - nets[1](x)).max()))
    return worst


def _sizes(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(x, axis=1))


def settled(network: ReluNetwork, line: Line, evidence: Evidence) -> ReluNetwork:
    """A whitened network from a line with the constants that fit the answers of all tests best.

    Far out on the line a kink tells b = <w, x(t)> badly, which spoils F' for half of all inputs.
    """
    assert evidence.all is not None
    return fitted(network, *evidence.all, _distances(network, line)) or network


def _without_rounding(network: ReluNetwork, size: np.ndarray, rtol: float) -> ReluNetwork:
    """One neuron for each hyperplane, and none below a size, (m,) for each output."""
    fewer = network.simplify(rtol=rtol)
    strength = fewer.output_weights * np.linalg.norm(fewer.weights, axis=1)
    return subset(fewer, (np.abs(strength) > size[:, None]).any(axis=0))


def _distances(network: ReluNetwork, line: Line) -> np.ndarray:
    """How far out (k,) the kinks of a line are. A kink at x(t) gives b = <w, x(t)>: an error of w
    is multiplied by the size of x(t)."""
    t = line.crossings(network.weights, network.biases)
    return np.asarray(np.hypot(1.0, np.nan_to_num(t)))


def fitted(
    network: ReluNetwork, x: Points, y: np.ndarray, doubts: np.ndarray | None = None
) -> ReluNetwork | None:
    """The network that fits answers best; None if it explains no more than chance.

    Parameters
    ----------
    network : ReluNetwork
        With outputs (m, k), nearly right.
    x, y : ndarray (or Rows, with `doubts`) of shape (n, d), and ndarray of shape (n, m)
        Questions and answers.
    doubts : ndarray of shape (k,), optional
        Fit only the b_i, which may be off by multiples of these, and the offset, which makes good
        for the worst of them somewhere.
    """
    d, m = network.dim, network.n_outputs
    w, b, size = normalised(network.weights, network.biases)
    net = ReluNetwork(w, b, network.output_weights * size, network.skip, network.offset)
    seen = []
    for part in chunks(x):
        depth = part @ w.T - b
        unit = 1 + _sizes(part) / np.sqrt(d)  # the noise of an answer grows like this
        clear = (np.abs(depth) > _CLOSE * unit[:, None]).all(axis=1)
        part = part[clear]
        wanted = part if doubts is None else part[:, :0]
        seen.append((clear, depth[clear], unit[clear, None], net(part), wanted))
    clear, depth, unit, told, inputs = map(np.concatenate, zip(*seen, strict=True))
    misfit = (y[clear] - told) / unit
    if doubts is None:
        inputs = np.column_stack([inputs, -unit / unit])
        hidden, rest, left = least_squares(net.output_weights, inputs, depth, unit, misfit)
    else:
        hidden, rest, left = _constants(
            net.output_weights, (depth > 0) / unit, unit, misfit, doubts
        )
    chance = max(1 - (hidden.size + rest.size) / max(misfit.size, 1), 0.1)
    if not _BETTER * left <= chance * float((misfit**2).sum()):
        return None
    a, skip = net.output_weights, net.skip
    if doubts is None:
        w, skip = w + hidden[:, :d], skip + rest[:, :d]
        a = a + (rest[:, d + 1 :] if m > 1 else 0.0)
        hidden, rest = hidden[:, d:], rest[:, d : d + 1]
    return ReluNetwork(w, b + hidden[:, 0], a, skip, net.offset - rest[:, 0])


def _constants(
    outputs: np.ndarray,
    active: np.ndarray,
    unit: np.ndarray,
    misfit: np.ndarray,
    doubts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, float]:
    """The changes of b (k, 1) and of the offset (m, 1), the opposite of it, that explain the misfit
    (n, m); and what is left of its square."""
    m = len(outputs)
    columns = [-active[:, None] * outputs, -np.eye(m) / unit[..., None]]
    design = np.concatenate(columns, axis=2).reshape(misfit.size, -1)
    most = np.abs(design).max(axis=0, initial=0.0)
    likely = 1 / np.where(most == 0, 1.0, most)
    likely *= np.append(doubts, np.full(m, doubts.max(initial=1.0)))
    change, left = _least_squares(design * likely, misfit.ravel())
    hidden, rest = np.split(change * likely, [len(doubts)])
    return hidden[:, None], rest[:, None], left


def _least_squares(design: np.ndarray, misfit: np.ndarray) -> tuple[np.ndarray, float]:
    """The smallest change that explains the misfit, and what is left of its square."""
    from scipy.linalg import lstsq

    # Pivoting takes the longest column first, and stops long before these.
    size = np.linalg.norm(design, axis=0)
    kept = size >= _PLAIN * size.max(initial=0.0)
    change, design, rest = np.zeros(len(kept)), design[:, kept], 0.0
    if len(design) > design.shape[1]:  # a triangle says the same
        triangle = np.asarray(np.linalg.qr(np.column_stack([design, misfit]), mode="r"))
        design, misfit, rest = triangle[:-1, :-1], triangle[:-1, -1], float(triangle[-1, -1] ** 2)
    change[kept] = lstsq(design, misfit, cond=_PLAIN, lapack_driver="gelsy", check_finite=False)[0]
    left = misfit - design @ change[kept]
    return change, rest + float(left @ left)
