"""relu_learn: learn any one-hidden-layer ReLU network from its answers, and see how.

Names are loaded on first use, so that `import relu_learn` stays fast.
"""

import importlib
import os
import re

__version__ = "0.2.0"

# Type checkers and editors, which do not run `__getattr__`, read the stub in place of this file.
with open(os.path.splitext(__file__)[0] + ".pyi", encoding="utf-8") as _stub:
    _IMPORTS = re.findall(r"^from (\S+) import (\w+)", _stub.read(), re.MULTILINE)
_WHERE = {name: module for module, name in _IMPORTS}
_MODULES = {"zoo", "baselines", "figures", "widgets", "core", "blackboxes"}

__all__ = [*_WHERE, "__version__"]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        value = importlib.import_module(f"relu_learn.{name}")
    elif name in _WHERE:
        value = getattr(importlib.import_module(_WHERE[name]), name)
    else:
        raise AttributeError(f"module 'relu_learn' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE, *_MODULES})
