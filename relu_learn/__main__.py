"""`python -m relu_learn`: the command line, where the script `relu-learn` is not on the path."""

import sys

from relu_learn.cli import main

if __name__ == "__main__":
    sys.exit(main())
