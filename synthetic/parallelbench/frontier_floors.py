r"""Lower bounds of the least loss of all policies on a long list, by expected steps.

*Several tokens an item.* Let a policy of the items show an item when a policy of the tokens shows its first token. It
takes no more steps. A step costs the tokens at least what it costs the items: the total correlation of a set is at
least that of a part. So the frontier is at least that of the items.

*Shuffle without the identity.* Let P be all n! orders, P' those without the identity, ``e = 1/n!``, and N the tokens.
Under P the cost of a step does not depend on the values seen. So a policy mixes fixed partitions, and its frontier F is
the lower hull of ``L*_T``. Let B say whether an order drawn from P is the identity, and h be the binary entropy. Along
the runs of a policy, the entropies of the tokens when they are drawn add up to J, its loss is J less the entropy of the
orders, and

    ``J <= (1 - e) J' + sum_t E |S_t| H(B | seen) <= J' + N^2 h(e)``,

since a token tells of B no more than ``H(B | seen)``, which is ``h(e)`` at most in the mean, in N steps of N tokens at
most. P has the larger entropy, and the expected steps differ by ``e N`` at most. So at s steps the loss under P' is at
least ``F(s + e N) - N^2 h(e)``. Derived here. Losses in bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial, log, log1p, log2

from theory.optima.adaptive.brackets import mixed

__all__ = ["floors_of_hull", "without_the_identity"]

_BELOW, _ABOVE = 1 - 2.0**-40, 1 + 2.0**-40  # a few roundings, of vertices and slopes too


def floors_of_hull(points: Sequence[tuple[float, float]], steps: Sequence[float]) -> list[float]:
    """Return the lower hull of points (steps, bits) at some steps, rounded down.

    Example:
        >>> [round(bits, 6) for bits in floors_of_hull([(1, 3.0), (3, 1.0), (5, 0.0)], [1, 2, 6])]
        [3.0, 2.0, 0.0]
    """
    rounded = [(few * _BELOW, bits) for few, bits in points]
    return [max(0.0, mixed(rounded, one) * _BELOW) for one in steps]


def without_the_identity(
    losses: Sequence[float], steps: Sequence[float], *, people: int, tokens: int
) -> list[float]:
    """Return lower bounds of the frontier of the strict shuffle.

    Args:
        losses: Lower bounds of ``L*_T`` of all orders, T = 1, 2, ..
        steps: Where the frontier is asked for.
        people: In the line.
        tokens: N.

    Example:
        >>> round(without_the_identity([10.0, 4.0, 0.0], [2], people=15, tokens=15)[0], 6)
        4.0
    """
    missed = 1 / factorial(people)
    entropy = missed * log2(factorial(people)) - (1 - missed) * log1p(-missed) / log(2)
    later = [one + _ABOVE * missed * tokens for one in steps]
    hull = floors_of_hull(list(enumerate(losses, start=1)), later)
    return [max(0.0, bits - _ABOVE * tokens**2 * entropy) for bits in hull]
