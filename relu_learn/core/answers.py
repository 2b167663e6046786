"""How large the answers are, and how precise."""

from __future__ import annotations

import dataclasses

import numpy as np

from relu_learn.core.lines import EPS


@dataclasses.dataclass(frozen=True, eq=False)
class Answers:
    """What is known of the answers: the only place that says which kind of black box it is.

    Attributes
    ----------
    scale : ndarray of shape (m,)
        The outputs are divided by these powers of two ("whitened").
    noise : ndarray of shape (m,)
        How much a whitened answer can be off, for each output, per unit of 1 + |t| on a line.
    size : float
        Of the largest output, in units of the answers, as far as the first line shows it (fresh
        points tell better: `Evidence.scale`).
    kind : str
        "exact", or what `imprecise.kind` calls the answers: see its `NoiseEstimate`; or "coarse",
        for float64 whose rounding is large beside the outputs (an offset).
    step : float
        Of answers that are rounded to its multiples; otherwise 0.
    heard : float
        The noise at first, in units of the answers: a search may find more.
    """

    scale: np.ndarray
    noise: np.ndarray
    size: float
    kind: str = "exact"
    step: float = 0.0
    heard: float = 0.0

    @classmethod
    def of(
        cls,
        size: np.ndarray,
        noise: np.ndarray,
        scale: np.ndarray | None = None,
        kind: str = "exact",
        step: float = 0.0,
    ) -> Answers:
        """From sizes (m,), 0 where they are unknown, and noise (m,) in units of the answers."""
        scale = powers_of_two(size) if scale is None else scale
        # Zero answers say nothing about rounding: assume that they are of size 1 somewhere.
        level = np.maximum(noise / scale, EPS / 2)
        heard = float((level * scale).max())
        return cls(scale, level, float(size.max()) or 1.0, kind, step, heard)

    @property
    def exact(self) -> bool:
        """Float64, up to rounding."""
        return self.kind == "exact"

    @property
    def random(self) -> bool:
        """The same question is answered differently every time."""
        return self.kind == "random"

    @property
    def lattice(self) -> float:
        """The step that all answers are multiples of, up to nothing else; otherwise 0."""
        return 0.0 if self.random else self.step

    @property
    def grows(self) -> bool:
        """The noise grows with the answers: they have significant digits."""
        return self.kind in ("float32", "digits")

    @property
    def rounding(self) -> float:
        """The largest noise of an output, in units of the answers."""
        return float((self.noise * self.scale).max())

    def louder(self, noise: np.ndarray) -> Answers:
        """The same with more noise (m,), whitened."""
        return dataclasses.replace(self, noise=noise)


def powers_of_two(size: np.ndarray) -> np.ndarray:
    """Scales (m,) of outputs of these sizes; those of unknown size (0) are like the largest."""
    largest = size.max() or 1.0
    size = np.where(size > 0, np.maximum(size, 1e-60 * largest), largest)  # squared twice, at most
    return np.exp2(np.round(np.log2(size)))
