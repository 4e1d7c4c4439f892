"""Views of drawn distributions for policies, exact and in floats, and what the reference expects of them."""

from fractions import Fraction

import numpy as np
from flint import arb
from hypothesis import strategies as st

from theory.numbers.arithmetic import EXACT, FLOAT64
from theory.numbers.rationals import to_fmpq
from theory.policies import View


def exact_view(rows, masked) -> View:
    """A batch of states: rows[b][i] is the list of token probabilities at position i, zeros included."""
    probs = np.empty((len(rows), len(rows[0]), len(rows[0][0])), dtype=object)
    for index in np.ndindex(*probs.shape):
        b, i, v = index
        probs[index] = to_fmpq(rows[b][i][v])
    return View(probs, np.array(masked), EXACT)


def float_view(rows, masked) -> View:
    return View(np.array(rows, dtype=float), np.array(masked), FLOAT64)


def distributions(policy, view: View) -> list[dict[frozenset[int], Fraction]]:
    """The distribution of the chosen set for every row: Fractions, or balls of irrational rules."""
    index, distinct = policy.plan(view).distribution()
    assert index.shape == (view.probs.shape[0],)
    out = []
    for j in index:
        distribution = {}
        for mask, p in distinct[j]:
            positions = frozenset(i for i in range(mask.bit_length()) if mask >> i & 1)
            assert positions not in distribution
            distribution[positions] = p if isinstance(p, arb) else Fraction(int(p.p), int(p.q))
        total = sum(distribution.values())
        assert total == 1 or (total.contains(1) and total.rad() < 1e-13)
        out.append(distribution)
    return out


SMALL = st.integers(0, 4)


@st.composite
def batches(draw, weight=SMALL):
    """States over n positions: integer weights, so that ties and certain tokens are common."""
    n, width = draw(st.sampled_from([(1, 1), (1, 3), (2, 2), (3, 2), (3, 3), (4, 2), (5, 3)]))
    size = draw(st.integers(1, 4))
    pool = draw(
        st.lists(st.lists(weight, min_size=width, max_size=width).filter(any), min_size=1, max_size=4)
    )
    rows, masked = [], []
    for _ in range(size):
        chosen = [draw(st.sampled_from(pool)) for _ in range(n)]
        rows.append([[Fraction(w, sum(ws)) for w in ws] for ws in chosen])
        masked.append(draw(st.lists(st.booleans(), min_size=n, max_size=n).filter(any)))
    return rows, masked


def expected(rule, rows, masked) -> list[dict[frozenset[int], Fraction]]:
    out = []
    for row, mask in zip(rows, masked, strict=True):
        left = tuple(i for i, m in enumerate(mask) if m)
        marginals = {i: {v: p for v, p in enumerate(row[i]) if p} for i in left}
        out.append(rule.select(marginals, left, len(row)))
    return out
