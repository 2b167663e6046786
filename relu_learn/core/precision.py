"""How precise is precise? The numbers by which core and wings judge answers, and why these.

"a and b of 44": so many runs of `tests/benchmarks/constants.py --only exact,box,imprecise,outside`
change at all when the number is divided, and when it is multiplied, by ten; none is wrong unless it
is said.
"""

from __future__ import annotations

# ---------------------------------------------------------------- answers, in units of their scale

# Less precise ones are listened to more closely: half way, in digits, between sums of float64
# (1e-13) and float32's rounding (6e-8). (0 and 0 of 44.)
EXACT = 1e-10
# Noisier ones are no longer called precise: they may be float32's (6e-8). (1 and 0 of 44: it takes
# 11,000 queries more.)
BLUNT = 1e-8
# Noise up to this shows the kinks of a line, which is looked at first: a gradient that was measured
# with it along a piece of length 1 is off by SIGMAS LINES / CAUTION = 1 %. (2 and 0 of 44.)
LINES = 1e-5
# Float32 sums depend on the other rows of their batch by less than this, relative to their size:
# 1,700 roundings in a row.
BATCH = 1e-4
# A staircase is rounding if its steps are less than this share of what the answers span: three
# digits. (0 and 0 of 44.)
STAIR = 1e-3

# ---------------------------------------------------------------- F', in units of its scale

# Errors on fresh points below this need no repair: a digit less than the worst of hostile secrets,
# 5e-8. (2 and 2 of 44, no query more or less.)
PRECISE = 5e-9
# A network that cannot be repaired any more is still returned, with its certificate, if its errors
# on fresh points are below this: five digits. (0 and 0 of 44.)
USEFUL = 1e-5
# Steps make the rounding of answers so many times larger in F' where all is well: a step is CAUTION
# times the width of a piece, and of 200 neurons pieces are 1 / 200 wide. (4 and 3 of 44: divided,
# the worst error is 1e-8 instead of 9e-10; multiplied, it takes 2 % more queries.)
LEVER = 1e4
# A network that is off by so many times the noise of its answers is wrong: the largest of hundreds
# of errors is 4 times their size, and the noise is known to a factor of a few. (Divided, one of 44
# is refused that is right; multiplied, none changes.)
NOISY = 20.0

# ---------------------------------------------------------------- fits to imprecise answers

# So many samples judge a fit: they tell its error to 1 / sqrt(2 n) = 3 %, a third of what is
# allowed (`imprecise.fit`). (Divided, 5 of 44 are wrong; multiplied, it takes 73 % more queries.)
HELD_OUT = 500
# Up to the first (k d)^2 / m, many least squares steps for all neurons are done; up to the second,
# one (or many, if something is missing). A step is up to 100 products of 4 (k d)^2 / m operations:
# at 2e10 a second 2 s, and 20 s. (0 of 44: none is so large.)
FIT, SLOW_FIT = 1e8, 1e9
