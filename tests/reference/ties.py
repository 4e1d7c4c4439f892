"""Least and greatest greedy accuracy by enumerating tie rules."""

from fractions import Fraction
from functools import cache
from itertools import product

from tests.reference import definitions as ref


def tie_extremes(distribution: ref.PMF, select: ref.Select, extreme):
    """The extreme greedy accuracy over all rules (state, position) -> one of its most probable tokens.

    The rule does not see which positions the policy is about to pick, so one assignment of tokens serves them all.
    """
    n = ref.length(distribution)

    @cache
    def value(state):
        revealed = {i: v for i, v in enumerate(state) if v is not None}
        left = tuple(i for i in range(n) if i not in revealed)
        conditional = ref.condition(distribution, revealed)
        if not conditional or not left:
            return Fraction(bool(conditional))
        marginals = {i: {v: p for (v,), p in ref.marginal(conditional, (i,)).items()} for i in left}
        tops = [[v for v, p in marginals[i].items() if p == max(marginals[i].values())] for i in left]
        sets = select(marginals, left, n)

        def expected(tokens):
            draw = dict(zip(left, tokens, strict=True))
            ends = [tuple(draw[i] if i in a else v for i, v in enumerate(state)) for a in sets]
            return sum((p * value(end) for p, end in zip(sets.values(), ends, strict=True)), Fraction(0))

        return extreme(expected(tokens) for tokens in product(*tops))

    return value((None,) * n)
