"""The command line: `relu-learn demo`, `play`, `lab`, `export` and `doctor` for lessons and
lectures, `check`, `extract` and `serve` for real models.

Progress goes to standard error and results to standard output, so that `relu-learn demo > file`
keeps the table and still shows the run. Exit codes: 0 done, 1 the run or a check failed, 2 bad
arguments, 3 budget or time spent (the same command goes on), 4 not a one-hidden-layer ReLU
network, 130 stopped by hand.
"""

from relu_learn.cli.commands import app, main

__all__ = ["app", "main"]
