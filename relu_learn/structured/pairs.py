"""A lean search believes two samples of a piece, where the usual one asks for three or more.

With several outputs, two lines that meet in all of them are pieces, and what is between them is one
kink. With one output any two lines meet somewhere. There samples come in *pairs*, so close together
that hardly a kink is in between: each shows the line of its piece. Where two such lines meet, one
sample on either side, as close as the noise allows, tells whether that is all there is; and a
sample that says no is the first of the next pair.
"""

from __future__ import annotations

import math

import numpy as np

from relu_learn.core.lines import SIGMAS
from relu_learn.core.samples import BALANCE, Meeting, Samples

# How far the samples of a pair are apart, in units of the interval that they split: one kink in a
# thousand comes between them. (÷ 10: half as many queries more in 38 lean runs; × 10: as many.)
_CLOSE = 1e-3
# Two samples are a pair as long as no other is so many times as close. (An interval is split where
# its lines meet, which is rarely within a hundredth of its end.) The next two: intervals shorter
# than this, in units of 1 + |t|, are split as usual, as a pair's line is known to 2e-6 there; and a
# kink was tested if a sample is as close as this, in units of what is free around it. (÷ 10, × 3
# or × 10: as many queries within 2 %.)
_PAIR, _SHORT, _BESIDE = 0.1, 1e-7, 1e-6
# With several outputs: a meeting is inside an interval if it is so many tolerances away from its
# ends; and output directions that differ by less, in radians, are one. (÷ or × 10: 0 of 38 change.)
_CLEAR, _ALIKE = 12.0, 1e-4
# So many directions are compared with all others at once.
_CHUNK = 500


class Pairs(Samples):
    """Samples of a lean search."""

    balance = BALANCE / 10

    @property
    def scalar(self) -> bool:
        return self.y.shape[1] == 1

    def believed(self) -> np.ndarray:
        return np.concatenate([self._close(), self._touching()]) if self.scalar else self._proved()

    def _close(self) -> np.ndarray:
        """The intervals between the two samples of a pair."""
        gaps = np.r_[0, np.diff(self.t), 0]
        run = np.r_[False, self.affine, False]
        free = np.r_[False, ~(run[:-1] | run[1:]), False]  # [i + 1]: sample i is in no run
        # Beside a run there may be nothing but the kink at its end, however close.
        left = np.where(free[:-3], gaps[:-2], np.inf)
        right = np.where(free[3:], gaps[2:], np.inf)
        around = np.minimum(np.maximum(gaps[:-2], gaps[2:]), np.minimum(left, right))
        return np.flatnonzero(free[1:-2] & free[2:-1] & (gaps[1:-1] < _PAIR * around))

    def _touching(self) -> np.ndarray:
        """The intervals from a run to the next sample, if that is on its line, and near."""
        t, first, last = self.t, self.first, self.last
        left, right = first[first > 0], last[last < len(t) - 1]
        behind, ahead = self.after[left], self.before[right]
        left = left[
            (t[left] - t[left - 1] < t[behind] - t[left]) & self._collinear(left - 1, left, behind)
        ]
        right = right[
            (t[right + 1] - t[right] < t[right] - t[ahead])
            & self._collinear(ahead, right, right + 1)
        ]
        return np.concatenate([left - 1, right])

    def _proved(self) -> np.ndarray:
        """The intervals on both sides of those in which their lines meet in all outputs. That is no
        coincidence, unless the next bend is in the same direction of the outputs."""
        t, inner = self.t, np.flatnonzero(~self.affine[1:-1]) + 1
        meeting = self.meet(inner, inner + 1)
        room = np.minimum(meeting.where - t[inner], t[inner + 1] - meeting.where)
        ok = meeting.ok & (room > _CLEAR * meeting.tolerance)
        inner, jump = inner[ok], (meeting.right - meeting.left)[ok]
        left = self.affine[inner - 1] | self._turns(inner - 1, jump)
        right = self.affine[inner + 1] | self._turns(inner + 2, jump)
        inner = inner[left & right]
        return np.concatenate([inner - 1, inner + 1])

    def _turns(self, j: np.ndarray, jump: np.ndarray) -> np.ndarray:
        """Whether the bend at the samples j is in another direction than `jump` (n, m)."""
        t, y, inside = self.t, self.y, (j > 0) & (j < len(self.t) - 1)
        j = np.clip(j, 1, len(t) - 2)
        left, right = (t[j] - t[j - 1])[:, None], (t[j + 1] - t[j])[:, None]
        bend = (y[j + 1] - y[j]) / right - (y[j] - y[j - 1]) / left
        along = _unit(jump)
        aside = bend - (bend * along).sum(axis=1, keepdims=True) * along
        noise = 4 * SIGMAS * np.linalg.norm(self.noise.at(t[j]) / np.minimum(left, right), axis=1)
        doubt = _ALIKE * np.linalg.norm(bend, axis=1) + noise
        return np.asarray(inside & (np.linalg.norm(aside, axis=1) > doubt))

    def between(self, b: np.ndarray, middle: np.ndarray) -> np.ndarray:
        t = self.t
        short = t[b + 1] - t[b] < _SHORT * (1 + np.abs(t[b])) if self.scalar else b >= 0
        usual = super().between(b[short], middle[short])
        b, c, middle = b[~short], b[~short] + 1, middle[~short]
        run = np.r_[False, self.affine, False]
        known = run[:-1] | run[1:]  # samples on a line
        both = known[b] & known[c]
        meeting = self.meet(b, c)
        where, h = meeting.where, self.beside(meeting)
        low, high = where - t[b], t[c] - where
        far = np.maximum(3 * h, _BESIDE * (low + high))
        before = both & meeting.ok & (low > far)
        after = both & meeting.ok & (high > far) & ~before
        split = both & ~before & ~after
        pair = middle + _CLOSE * np.minimum(middle - t[b], t[c] - middle)
        # One that is alone is the left one of a pair, or where there is no interval the right one.
        aside, last = _CLOSE * (t[c] - t[b]), known[b] & ~known[c] & ~np.isin(c, b)
        tests = [(where - h)[before], (where + h)[after]]
        pairs = [middle[split], pair[split], (t[b] + aside)[~known[b]], (t[c] - aside)[last]]
        return np.concatenate([usual, *tests, *pairs])

    def untested(
        self, meeting: Meeting, left: np.ndarray, right: np.ndarray, h: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        t, b, c = self.t, self.last[:-1], self.first[1:]
        if self.scalar:
            around = np.minimum(t[b] - t[self.before[b]], t[self.after[c]] - t[c])
            far = np.maximum(3 * h, _BESIDE * around)
            return meeting.ok & (left > far), meeting.ok & (right > far)
        # Two kinks in one direction of the outputs look like one. Where no two of those that were
        # found share theirs, a few are tested: what hides pairs hides more than one, and what
        # nearly cancels leaves the smallest jumps.
        wide = super().untested(meeting, left, right, h)[0]
        jump = meeting.right - meeting.left
        if not _parallel(_unit(jump)):
            rest = np.flatnonzero(wide)
            more = max(0, math.isqrt(len(wide)) - int((meeting.ok & ~wide).sum()))
            rest = rest[np.argsort(np.linalg.norm(jump[rest], axis=1))[:more]]
            wide = np.isin(np.arange(len(wide)), rest)
        return wide, wide


def _unit(jump: np.ndarray) -> np.ndarray:
    """Rows (n, m) of length one, or zero."""
    return jump / np.maximum(np.linalg.norm(jump, axis=1, keepdims=True), 1e-300)


def _parallel(directions: np.ndarray) -> bool:
    """Whether two of these unit vectors (n, m) are the same, or opposite."""
    for i in range(0, len(directions), _CHUNK):
        cosines = np.abs(directions[i : i + _CHUNK] @ directions.T)
        rows = np.arange(len(cosines))
        cosines[rows, i + rows] = 0
        if (cosines > np.cos(_ALIKE)).any():
            return True
    return False
