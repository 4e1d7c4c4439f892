"""Hidden Markov model: a sticky hidden bit (stays with probability 3/4), shown right with probability 3/4."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from synthetic.plain import PlainTask, require_listable
from synthetic.task import register
from theory.pmf import JointPMF

__all__ = ["HiddenMarkov"]


@register("hmm")
@dataclass(frozen=True, kw_only=True)
class HiddenMarkov(PlainTask):
    """The shown bits of a sticky two-state hidden Markov model."""

    def pmf(self) -> JointPMF:
        """Return the law of the shown bits, by the forward recursion in integer weights."""
        require_listable(2**self.n, self.n)
        strings = list(product((0, 1), repeat=self.n))
        return JointPMF.from_weights(strings, [self._weight(bits) for bits in strings])

    @staticmethod
    def _weight(bits: tuple[int, ...]) -> int:
        """Return the weight of a string: forward[h] sums over hidden chains that end in h."""
        forward = [1, 1]
        for i, bit in enumerate(bits):
            moved = forward if i == 0 else [3 * forward[h] + forward[1 - h] for h in (0, 1)]
            forward = [moved[h] * (3 if h == bit else 1) for h in (0, 1)]
        return sum(forward)
