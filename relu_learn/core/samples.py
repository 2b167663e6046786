"""What sorted samples of a line say: which lie on one affine piece, and where two pieces meet."""

from __future__ import annotations

import dataclasses

import numpy as np

from relu_learn.core.lines import EPS, SIGMAS, Noise, Slice, Window
from relu_learn.core.precision import EXACT

# Three samples are a test of collinearity only when the outer two have comparable distances to the
# middle one; otherwise a kink next to the closer pair would hardly show. (÷ 10: 2 of 39 runs
# change, × 10: 4; as many queries within 1 %.)
BALANCE = 2e-4
# If all but two kinks (of close pairs) miss by no more than so many times the noise, all is well:
# 2.4 of 36 hostile secrets. On the plateaus of staircases, where large terms cancel, and where few
# points may show it, there is 5 to 300 times as much noise.
_ODD, _MISSED = 2, 5.0


class Samples:
    """Sorted samples of the line, and what they say about every interval between neighbours.

    Attributes
    ----------
    t, y : ndarray of shape (n,), (n, m)
    first, last : ndarray of shape (r,)
        First and last sample of each run: a maximal set of consecutive collinear samples.
    affine : ndarray of shape (n - 1,)
        Whether the interval to the right of each sample lies in a run.
    before, after : ndarray of shape (n,)
        The farthest sample to the left (right) known to be on the same piece, or the neighbour.
    """

    balance = BALANCE

    def __init__(self, t: np.ndarray, y: np.ndarray, noise: Noise) -> None:
        self.t, order = np.unique(t, return_index=True)
        self.y, self.noise = y[order], noise
        self._classify()

    def insert(self, t: np.ndarray, y: np.ndarray) -> Samples:
        return type(self)(np.concatenate([self.t, t]), np.concatenate([self.y, y]), self.noise)

    def _classify(self) -> None:
        n = len(self.t)
        left, right = np.diff(self.t)[:-1], np.diff(self.t)[1:]
        balanced = np.minimum(left, right) > self.balance * np.maximum(left, right)
        collinear = np.zeros(n, bool)
        middle = np.arange(1, n - 1)
        collinear[1:-1] = balanced & self._collinear(middle - 1, middle, middle + 1)
        self.affine = collinear[:-1] | collinear[1:]
        self._start(collinear)
        believed = self.believed()
        if len(believed):
            self.affine[believed] = True
            self._start(collinear)
        while len(self.first) > 1:  # runs that touch and agree are one: the triple was unbalanced
            same = self._agree()
            if not same.any():
                break
            relabel = np.cumsum(np.r_[True, ~same]) - 1
            self._runs(relabel[self.run])
        # A sample beyond a kink hardly shows in a triple whose other two are close together; it
        # does against the whole run. Without it, its interval is open.
        long = self.last - self.first > 2
        head, tail = self.first[long], self.last[long]
        beyond = ~self._collinear(head, head + 1, tail)
        behind = ~self._collinear(head, tail - 1, tail)
        # Either is seen from the other: which one is off, if the run is straight without it?
        headless = beyond & behind & self._collinear(head + 1, tail - 1, tail)
        tailless = beyond & behind & self._collinear(head, head + 1, tail - 1)
        beyond = head[beyond & (headless | ~tailless)]
        behind = tail[behind & (tailless | ~headless)]
        if len(beyond) or len(behind):
            self.affine[beyond] = False
            self.affine[behind - 1] = False
            self._runs(self.run)
        while len(self.first) > 2:  # samples around a kink can be collinear within the noise
            sliver = np.r_[False, self.hinged(self.last[:-2], self.first[2:]), False]
            sliver[1:] &= ~sliver[:-1]
            if not sliver.any():
                break
            short = np.zeros(n + 1, int)
            np.add.at(short, self.first[sliver], 1)
            np.add.at(short, self.last[sliver], -1)
            self.affine &= np.cumsum(short)[: n - 1] == 0
            self._runs(self.run)

    def believed(self) -> np.ndarray:
        """Intervals that are taken for pieces before three samples show it."""
        return np.empty(0, int)

    def _start(self, collinear: np.ndarray) -> None:
        """Runs of affine intervals that meet in a collinear triple."""
        starts = self.affine & ~(np.r_[False, self.affine[:-1]] & collinear[:-1])
        self._runs(np.cumsum(starts) - 1)

    def _runs(self, run: np.ndarray) -> None:
        self.run = run
        index = np.flatnonzero(self.affine)
        label = run[index]
        if len(index):
            self.first = index[np.r_[True, np.diff(label) > 0]]
            self.last = index[np.r_[np.diff(label) > 0, True]] + 1
        else:
            self.first = self.last = index
        n = len(self.t)
        self.before = np.maximum(np.arange(n) - 1, 0)
        self.after = np.minimum(np.arange(n) + 1, n - 1)
        self.before[self.last] = self.first
        self.after[self.first] = self.last

    def _agree(self) -> np.ndarray:
        """Whether neighbouring runs share a sample and lie on one line."""
        a, b, c = self.first[:-1], self.last[:-1], self.last[1:]
        return (self.first[1:] == b) & self._collinear(a, b, c)

    def _collinear(self, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        """Whether the samples b lie on the lines through the samples a < b < c."""
        t, y, eta = self.t, self.y, self.noise.at(self.t)
        # From the nearer end: a difference of far values times a small weight rounds well.
        near = np.where(t[b] - t[a] < t[c] - t[b], a, c)
        far = a + c - near
        weight = ((t[b] - t[near]) / (t[far] - t[near]))[:, None]
        bend = np.abs((y[b] - y[near]) - weight * (y[far] - y[near]))
        tolerance = SIGMAS * (eta[b] + (1 - weight) * eta[near] + weight * eta[far])
        return np.asarray((bend <= tolerance).all(axis=1))

    def resolution(self) -> np.ndarray:
        """Widths (n - 1,) below which nothing can be told, or nothing matters.

        The parameter itself is rounded; and what happens in an interval that the function crosses
        by less than the noise cannot move it by more.
        """
        t = self.t
        rounding = 64 * EPS * (1 + np.maximum(np.abs(t[1:]), np.abs(t[:-1])))
        slopes = np.abs(np.diff(self.y, axis=0)) / np.diff(t)[:, None]
        steepest = slopes.max(axis=0)
        with np.errstate(divide="ignore"):
            harmless = float((self.noise.level / steepest).min())
        return np.maximum(rounding, harmless if np.isfinite(harmless) else 0.0)

    def meet(self, b: np.ndarray, c: np.ndarray) -> Meeting:
        """Intersect the lines that end at the samples `b` and begin at the samples `c`."""
        t, y = self.t, self.y
        a, d = self.before[b], self.after[c]
        ends = (a < b) & (c < d)
        span_left, span_right = t[b] - t[a], t[d] - t[c]
        gap = t[c] - t[b]
        with np.errstate(divide="ignore", invalid="ignore"):
            left = (y[b] - y[a]) / span_left[:, None]
            right = (y[d] - y[c]) / span_right[:, None]
            jump = right - left
            # Both lines at b: their difference `rise` falls off at the rate `jump`.
            rise = y[c] - right * gap[:, None] - y[b]
            lever = 1 + gap / np.minimum(span_left, span_right)
            eta = 2 * self.noise.at(np.maximum(np.abs(t[b]), np.abs(t[c]))) * lever[:, None]
            weight = jump / eta**2
            power = (weight * jump).sum(axis=1)
            offset = -(weight * rise).sum(axis=1) / power
            tolerance = SIGMAS / np.sqrt(power)
            misfit = np.abs(rise + jump * offset[:, None])
            inside = (offset >= -tolerance) & (offset <= gap + tolerance)
            ok = ends & inside & (misfit <= SIGMAS * eta).all(axis=1)
        where = t[b] + np.clip(np.nan_to_num(offset), 0, gap)
        return Meeting(where, left, right, eta, tolerance, ok)

    @staticmethod
    def beside(meeting: Meeting) -> np.ndarray:
        """How close (n,) to where lines meet a sample tells on which of them it is."""
        return np.maximum(4 * meeting.tolerance, 32 * EPS * (1 + np.abs(meeting.where)))

    def hinged(self, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        """Whether all samples from b to c fit one kink between the lines on both sides."""
        t, y = self.t, self.y
        meeting = self.meet(b, c)
        count = np.maximum(c - b - 1, 0)
        g = np.repeat(np.arange(len(b)), count)  # the gap that each sample in between belongs to
        i = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + b[g] + 1
        on_left = t[i] < meeting.where[g]
        base = np.where(on_left, b[g], c[g])
        slope = np.where(on_left[:, None], meeting.left[g], meeting.right[g])
        misfit = np.abs(y[i] - y[base] - slope * (t[i] - t[base])[:, None])
        off = (misfit > SIGMAS * meeting.eta[g]).any(axis=1)
        # Lines much shorter than the gap would fit anything.
        spans = np.minimum(t[b] - t[self.before[b]], t[self.after[c]] - t[c])
        firm = t[c] - t[b] <= np.where(count == 0, 30.0, 0.05) * spans
        return meeting.ok & firm & (np.bincount(g, off, len(b)) == 0)

    def independent_outputs(self) -> bool:
        """Whether the bends seen so far span more than one direction of the outputs."""
        if self.y.shape[1] == 1:
            return False
        slopes = np.diff(self.y, axis=0) / np.diff(self.t)[:, None]
        bends = np.diff(slopes, axis=0) / self.noise.level
        size = np.linalg.norm(bends, axis=1, keepdims=True)
        bends = (bends / np.where(size > 0, size, 1))[size[:, 0] > 0]
        values = np.linalg.svd(bends, compute_uv=False)
        return len(values) > 1 and bool(values[1] > 0.05 * values[0])

    def between(self, b: np.ndarray, middle: np.ndarray) -> np.ndarray:
        """Where to ask next in the open intervals to the right of the samples `b`: at their
        `middle` if nothing is known."""
        t, c = self.t, b + 1
        meeting = self.meet(b, c)
        h = 4 * meeting.tolerance
        low, high = meeting.where - t[b], t[c] - meeting.where
        room = np.minimum(low, high)
        # With one output any two lines meet somewhere: believe it if a line is known to be a piece,
        # and test it with two samples in between. With several, that they meet at all is proof
        # enough.
        known = self.affine[np.maximum(b - 1, 0)] | self.affine[np.minimum(c, len(t) - 2)]
        proved = self.independent_outputs() & (room > 3 * h)
        believed = meeting.ok & (room > 0.02 * (low + high)) & (known | proved)
        left = np.where(proved, h, 0.3 * low)
        right = np.where(proved, h, 0.3 * high)
        new = np.where(believed, meeting.where - left, middle)
        return np.concatenate([new, (meeting.where + right)[believed]])

    def untested(
        self, meeting: Meeting, left: np.ndarray, right: np.ndarray, h: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """On which sides of the kinks between runs a sample at a distance h is wanted, so that no
        pair of kinks hides there: the closest ones are `left` and `right` away."""
        wide = meeting.ok & (left + right > 64 * h) & (np.minimum(left, right) > 3 * h)
        return wide, wide

    def pieces(self, window: Window) -> Slice:
        """The runs as pieces; between two that do not meet, the kink is in the middle.

        If many miss each other by more than the noise, it is larger than it seemed.
        """
        t, y = self.t, self.y
        first, last = self.first, self.last
        b, c = last[:-1], first[1:]
        meeting = self.meet(b, c)
        kinks = np.where(meeting.ok, meeting.where, (t[b] + t[c]) / 2)
        slopes = (y[last] - y[first]) / (t[last] - t[first])[:, None]
        outer = np.concatenate([[-np.inf], kinks, [np.inf]])
        low, high = np.maximum(outer[:-1], window.low), np.minimum(outer[1:], window.high)
        centers = (low + high) / 2
        if window.cauchy:  # the outer pieces are endless: as far out as the last kink is from zero
            centers[0] = max(kinks[0] - 1 - abs(kinks[0]), centers[0]) if len(kinks) else 0.0
            centers[-1] = min(kinks[-1] + 1 + abs(kinks[-1]), centers[-1]) if len(kinks) else 0.0
        widths = np.minimum(centers - outer[:-1], outer[1:] - centers)
        if window.cauchy:  # without a kink, no step is too long on a chord
            widths = np.where(np.isfinite(widths), widths, 1.0)
        # From the nearest sample: values far out on the line are large, and so is their rounding.
        i = np.clip(np.searchsorted(t, centers), 1, len(t) - 1)
        i = np.where(centers - t[i - 1] < t[i] - centers, i - 1, i)
        near = np.clip(i, first, last)
        values = y[near] + slopes * (centers - t[near])[:, None]
        after = values[:-1] + slopes[:-1] * (kinks - centers[:-1])[:, None]
        before = values[1:] + slopes[1:] * (kinks - centers[1:])[:, None]
        jumps, steps = np.diff(slopes, axis=0), before - after
        missed = np.sort(np.abs(steps) / self.noise.at(kinks), axis=0)[:-_ODD]
        most = missed[-1] if len(missed) else np.zeros(y.shape[1])
        louder = self.noise.level * np.where(most > _MISSED, most, 1.0)
        if (most > _MISSED).any() and (louder <= EXACT).all():
            return type(self)(t, y, Noise(louder)).pieces(window)
        return Slice(kinks, jumps, slopes, values, centers, widths, steps, self.noise)


@dataclasses.dataclass(frozen=True, eq=False)
class Meeting:
    """Where two lines meet (n,), their slopes (n, m), the noise of their difference (n, m), how far
    `where` may be off (n,), and whether they meet in the interval between them in all outputs."""

    where: np.ndarray
    left: np.ndarray
    right: np.ndarray
    eta: np.ndarray
    tolerance: np.ndarray
    ok: np.ndarray
