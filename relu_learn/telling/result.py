"""What a run hands out."""

from __future__ import annotations

import dataclasses

from relu_learn.asking.arguments import non_negative
from relu_learn.network import ReluNetwork, lipschitz_bound
from relu_learn.telling.certificate import GAUSSIAN, Certificate
from relu_learn.telling.trace import Trace


@dataclasses.dataclass(frozen=True, eq=False)
class LearnResult:
    """What a run found, and what it can claim.

    Attributes
    ----------
    network : ReluNetwork
    queries : int
    loss : float
        Mean of |F - F'|^2 over the fresh points of the last validation (not used for learning).
    certificate : Certificate
        What these points prove.
    worst_error : float
        Largest |F - F'| on these points.
    scale : float
        The size of the outputs that errors are to be compared with (their standard deviation).
    noise : float
        Estimated error of one answer, in units of the scale.
    trace : Trace
        All events.
    complete : bool
        False in the `partial` result of an error.
    random : bool
        Whether the same question was answered differently every time: F' is an average then.
    points : int
        How many points of the user's own F' was tested on, besides.
    points_error : float
        Largest |F - F'| on them: a fact, and no estimate for others like them, as F' was repaired
        until it was right there.
    """

    network: ReluNetwork
    queries: int
    loss: float
    certificate: Certificate
    worst_error: float
    scale: float
    noise: float
    trace: Trace
    complete: bool = True
    random: bool = False
    points: int = 0
    points_error: float = 0.0

    @property
    def queries_to_find(self) -> int:
        """Queries before the final test, without the user's own points."""
        return self.queries - self.queries_to_be_sure

    @property
    def queries_to_be_sure(self) -> int:
        """The user's own points, and the fresh ones of the final test: these found nothing, and are
        what the certificate says."""
        return self.certificate.n + self.points

    def loss_bound(self, secret_lipschitz: float) -> float:
        """What the certificate says about the loss E |F - F'|^2, for Gaussian inputs.

        Parameters
        ----------
        secret_lipschitz : float
            A Lipschitz bound of F (Euclidean norm of the outputs). No query can tell it: it is
            given, as the theorem is given R, B and k; sum_i |a_i| |w_i| is one for F without a
            skip term. An upper bound of that of F' is computed, and added (`lipschitz_bound`).

        Returns
        -------
        float
            With confidence 1 - delta (the run's) the loss is at most this much, rounding and
            noise of the answers apart; see `Certificate.loss_bound`.

        Raises
        ------
        InvalidArgument
            Not a number >= 0, or the run was restricted to a box.
        """
        slope = non_negative("secret_lipschitz", secret_lipschitz) + lipschitz_bound(self.network)
        return self.certificate.loss_bound(slope, self.network.n_outputs)

    def __repr__(self) -> str:
        noise = f"{'random ' if self.random else ''}noise={self.noise:.0e}"
        # Of a box hardly any real input is near a uniform one.
        kind = "inputs" if self.certificate.measure == GAUSSIAN else "uniform points"
        own = f", {self.points_error:.1e} on {self.points:,} own points" if self.points else ""
        return (
            f"LearnResult({self.network!r}, queries={self.queries_to_find:,} to find + "
            f"{self.queries_to_be_sure:,} to be sure, loss={self.loss:.1e}, "
            f"worst_error={self.worst_error:.1e}, scale={self.scale:.2g}, {noise}, "
            f"open={100 * self.certificate.mass:.2g} % of {kind}{own})"
        )
