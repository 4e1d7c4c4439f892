"""What released code does: sizes of schedules, ranking by a drawn token, the benchmark's Latin squares.

Nothing here imports the product. See tests/reference/processes.py for what a rule with draws is.
"""

from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise, permutations, product
from math import exp, floor, inf, log, prod

import numpy as np

from tests.reference.processes import Memoryless, best, dec, distribution_and_steps, group, written

PAIRS = [(n, steps) for n in range(1, 65) for steps in range(1, n + 1) if n % steps == 0]


def dream_sizes(n, steps, eps=Fraction(1, 1000)):
    """floor(left (1 - s/t)) on an even grid from 1 to eps without rounding; the last step takes the rest."""
    grid, left, sizes = [1 - Fraction(j, steps) * (1 - eps) for j in range(steps + 1)], n, []
    for j in range(steps):
        sizes.append(left if j == steps - 1 else int(left * (1 - grid[j + 1] / grid[j])))
        left -= sizes[-1]
    return sizes


def llada_sizes(n, steps):
    """ML-GSAI/LLaDA b7e6c35, ``get_num_transfer_tokens``: a list of equal numbers, the first few one larger."""
    sizes = [n // steps for _ in range(steps)]
    for j in range(n % steps):
        sizes[j] += 1
    return sizes


def dream_sizes_in_float32(n, grid):
    """DreamLM/Dream fac0a7f, ``_sample``: every number is one of float32, truncated; grid from 1 to eps."""
    shares = [np.float32(1) - np.float32(s) / np.float32(t) for t, s in pairwise(grid)]
    left, sizes = n, []
    for share in shares[:-1]:
        sizes.append(int(np.float32(left) * share))
        left -= sizes[-1]
    return [*sizes, left]


@cache
def dllm_shares(steps):
    """``1 - s/t`` of ``LinearAlphaScheduler``, alpha(t) = 1 - t, in float32."""
    one, shares = np.float32(1), []
    for j in range(steps):
        t, s = np.float32((steps - j) / steps), np.float32((steps - j - 1) / steps)
        alpha_t, alpha_s = one - t, one - s
        shares.append(1 - float((one - alpha_s) / (one - alpha_t)))
    return shares


def dllm_sizes(n, steps):
    """ZHZisZZ/dllm ca17675, ``get_num_transfer_tokens``: products in float64, rounded half to even, no zeros."""
    left, sizes = n, []
    for share in dllm_shares(steps):
        sizes.append(min(round(left * share), left))
        left -= sizes[-1]
    return [size for size in sizes if size]


def maskgit_sizes(n, steps):
    """autonomousvision/mdpo 6bf80c9, ``get_num_transfer_tokens_maskgit``: floors of float64 products, their drops."""
    masked = [n, *(floor(n * min(max(1 - (j + 1) / steps, 1e-6), 1)) for j in range(steps))]
    return [before - after for before, after in pairwise(masked)]


def dus_levels(length, base, merge=True):
    """omerlux/DUS abd7723f, ``dilated_unmask_levels`` and ``merge_last_level``: the positions of each round."""
    levels, revealed, stride = [], set(), length // base
    while stride >= 1:
        levels.append([i for i in range(length) if i % stride == 0 and i not in revealed])
        revealed.update(levels[-1])
        stride //= base
    levels.append([i for i in range(length) if i not in revealed])
    return joined([level for level in levels if level], merge)


def binary_levels(length, merge=True):
    """omerlux/DUS abd7723f, ``binary_search_levels`` and ``merge_last_level``: middles first, gap by gap."""
    levels, gaps = [], [range(length)]
    while gaps := [gap for gap in gaps if gap]:
        middles = [(gap[0] + gap[-1]) // 2 for gap in gaps]
        levels.append(middles)
        gaps = [
            part
            for gap, m in zip(gaps, middles, strict=True)
            for part in (range(gap[0], m), range(m + 1, gap[-1] + 1))
        ]
    return joined(levels, merge)


def joined(levels, merge):
    if merge and len(levels) >= 2 and len(levels[-1]) < len(levels[-2]):
        return [*levels[:-2], levels[-2] + levels[-1]]
    return levels


class DUS:
    """omerlux/DUS abd7723f, ``generate_scheduled``; memory is the number of rounds done in all blocks.

    An answer may end with masks, which are None.
    """

    def __init__(self, base, floor, merge=True, block=None, order="dilated"):
        self.base, self.floor, self.merge, self.block = base, Fraction(floor), merge, block
        self.order = order

    def levels(self, length):
        if self.order == "binary":
            return binary_levels(length, self.merge)
        return dus_levels(length, self.base, self.merge)

    def start(self, n):
        size = self.block or n
        self.rounds = [
            ([start + i for i in level], level == levels[-1])
            for start in range(0, n, size)
            for levels in [self.levels(min(size, n - start))]
            for level in levels
        ]
        return 0

    def done(self, tokens, memory):  # noqa: ARG002
        return memory == len(self.rounds)

    def step(self, run, tokens, memory):
        distributions = run.marginals(tokens)
        positions, is_last = self.rounds[memory]
        for weight, drawn in run.draws(distributions, positions):
            kept = {i: v for i, v in drawn.items() if is_last or max(distributions[i].values()) >= self.floor}
            yield weight, written(tokens, kept), memory + 1


class DreamOrder:
    """DreamLM/Dream fac0a7f, ``_sample`` with ``alg_temp``: the schedule, and positions drawn by their scores.

    ``multinomial`` without replacement: one after the other, by weight. Chances are decimals of 60 digits. With drawn,
    as at a temperature above 0, the score is the probability of the token drawn. Memory is the number of the step.
    """

    def __init__(self, sizes, alg_temp, by="confidence", drawn=False):
        self.sizes, self.alg_temp, self.by, self.drawn = sizes, Fraction(alg_temp), by, drawn

    def start(self, n):  # noqa: ARG002
        return 0

    def done(self, tokens, memory):  # noqa: ARG002
        return None not in tokens

    def step(self, run, tokens, memory):
        distributions = run.marginals(tokens)
        left = [i for i, token in enumerate(tokens) if token is None]
        for weight, drawn in run.draws(distributions, left):
            scores = {
                i: dec(distributions[i][drawn[i]]) if self.drawn else self.score(distributions[i])
                for i in left
            }
            for chosen, chance in self.orders(scores, self.sizes[memory]):
                yield weight * chance, written(tokens, {i: drawn[i] for i in chosen}), memory + 1

    def score(self, distribution):
        with localcontext() as context:
            context.prec = 60
            largest, second = sorted([*map(dec, distribution.values()), Decimal(0)], reverse=True)[:2]
            entropy = -sum(dec(p) * dec(p).ln() for p in distribution.values() if p)
            return {"confidence": largest, "margin": largest - second, "entropy": -entropy}[self.by]

    def orders(self, scores, take):
        with localcontext() as context:
            context.prec = 60
            weights = {i: (score / dec(self.alg_temp)).exp() for i, score in scores.items()}
            for order in permutations(weights, take):
                chance, rest = Decimal(1), sum(weights.values())
                for i in order:
                    chance, rest = chance * weights[i] / rest, rest - weights[i]
                yield order, Fraction(chance)


class Prophet:
    """pixeli99/Prophet 460afe41, ``generate`` of generate_earlyexit.py; memory is the number of the call.

    LLaDA's quotas by confidence, and everything at once where the mean gap of the answer reaches the bar.
    """

    def __init__(
        self, steps, early="7.5", mid="5", late="2.5", first=0, length=None, committed="left_out", block=None
    ):
        self.steps, self.first, self.length, self.block = steps, first, length, block
        self.bars, self.committed = [Fraction(bar) for bar in (early, mid, late)], committed

    def start(self, n):  # noqa: ARG002
        return 0

    def done(self, tokens, memory):  # noqa: ARG002
        return None not in tokens

    def step(self, run, tokens, memory):
        size = min(self.block or run.n, run.n)
        progress = (memory + 1) / (self.steps * -(-run.n // size))
        bar = self.bars[0 if progress < 0.33 else 1 if progress < 0.67 else 2]
        distributions = run.marginals(tokens)
        answer = range(self.first, run.n if self.length is None else min(self.first + self.length, run.n))
        gaps = [self.gap(run, tokens, i) for i in answer]
        start = memory // self.steps * size
        inside = range(start, min(start + size, run.n))
        take = llada_sizes(len(inside), self.steps)[memory % self.steps]
        pool = [i for i in inside if tokens[i] is None]
        with localcontext() as context:
            context.prec = 60
            if gaps and (None in gaps or sum(gaps) / len(gaps) >= dec(bar)):
                pool = [i for i, token in enumerate(tokens) if token is None]
                take = len(pool)
        scores = {i: max(distributions[i].values()) for i in pool}
        for chosen, p in best(scores, take).items():
            for q, drawn in run.draws(distributions, chosen):
                yield p * q, written(tokens, drawn), memory + 1

    def gap(self, run, tokens, i):
        """In nats, None if it is infinite."""
        seen = written(tokens, {i: None}) if self.committed == "left_out" else tokens
        largest, *others = sorted(run.marginals(seen)[i].values(), reverse=True)
        with localcontext() as context:
            context.prec = 60
            return dec(largest).ln() - dec(others[0]).ln() if others and others[0] else None


class InfoGain:
    """yks23/dllm 4cf34a50, ``generate_candidates`` and ``score_candidates``: every sequence of drawn candidates.

    The draws of Gumbel's trick are orders by weight. Chances are decimals of 60 digits; values within 10^-20 are equal.
    """

    def __init__(self, k=1, candidates=8, temp="0.1", variant="info_gain", threshold=None, block=None):
        self.k, self.candidates, self.temp, self.variant = k, candidates, Fraction(temp), variant
        self.threshold, self.block = None if threshold is None else Fraction(threshold), block

    def start(self, n):  # noqa: ARG002
        return None

    def done(self, tokens, memory):  # noqa: ARG002
        return None not in tokens

    def step(self, run, tokens, memory):
        distributions, left = run.marginals(tokens), group(tokens, self.block)
        for weight, drawn in run.draws(distributions, left):
            confidence = {i: distributions[i][drawn[i]] for i in left}
            sure = [i for i in left if self.threshold is not None and confidence[i] >= self.threshold]
            values = {
                frozenset(s): self.value(run, tokens, written(tokens, {i: drawn[i] for i in s}), s)
                for s in combinations(left, min(self.k, len(left)))
            }
            for base, p in best({i: confidence[i] for i in sure or left}, self.k).items():
                looks = not sure and len(left) > self.k
                for chosen, chance in (
                    self.winners(base, values, confidence).items() if looks else [(base, 1)]
                ):
                    yield weight * p * chance, written(tokens, {i: drawn[i] for i in chosen}), memory

    def winners(self, base, values, confidence):
        with localcontext() as context:
            context.prec = 60
            weights = {i: (dec(c) / dec(self.temp)).exp() for i, c in confidence.items()}
            chances = {}
            for order in permutations(weights, self.k):
                chance, rest = Decimal(1), sum(weights.values())
                for i in order:
                    chance, rest = chance * weights[i] / rest, rest - weights[i]
                chances[frozenset(order)] = chances.get(frozenset(order), 0) + Fraction(chance)
        out = {}
        for others in product(chances, repeat=self.candidates - 1):
            listed = [base, *others]
            most = max(values[s] for s in listed)
            winner = next(s for s in listed if values[s] > most - Decimal("1e-20"))
            out[winner] = out.get(winner, 0) + prod(chances[s] for s in others)
        return out

    def value(self, run, tokens, after, chosen):
        rest = [i for i, token in enumerate(after) if token is None]
        with localcontext() as context:
            context.prec = 60
            zero = Decimal(0)
            left = sum((self.entropy(run.marginals(after)[i]) for i in rest), zero) / max(len(rest), 1)
            cost = sum((self.entropy(run.marginals(tokens)[i]) for i in chosen), zero)
            return -left - (cost if self.variant == "info_gain" else 0)

    @staticmethod
    def entropy(distribution):
        return -sum(dec(p) * dec(p).ln() for p in distribution.values() if p)


# --- sets of one step: scores by position, where the lowest index wins among equals ---


def ordered(scores):
    return sorted(scores, key=lambda i: (-scores[i], i))


def fast_dllm_threshold(c, gamma):
    """NVlabs/Fast-dLLM 24cc59e, ``get_transfer_index``: all are chosen, then those below are dropped but the first."""
    first, *others = ordered(c)
    return {first, *(i for i in others if not c[i] < gamma)}


def fast_dllm_v2_threshold(c, gamma):
    """NVlabs/Fast-dLLM v2: above the threshold, and the best one always."""
    return {i for i in c if c[i] > gamma} | {ordered(c)[0]}


def fast_dllm_factor(c, f):
    """NVlabs/Fast-dLLM f6b35ec3, ``get_transfer_index_dynamic``."""
    thresholds = [1 - f / (n + 1) for n in range(1, len(c) + 1)]
    thresholds[0] = -1
    for top, i in enumerate(ordered(c)):
        if c[i] < thresholds[top]:
            break
    if top in (0, len(c) - 1):
        top += 1
    return set(ordered(c)[:top])


def dllm_factor(c, f):
    """ZHZisZZ/dllm ca17675, fastdllm sampler: as many as there are ranks that pass, wherever they are."""
    passing = [n == 1 or c[i] >= 1 - f / (n + 1) for n, i in enumerate(ordered(c), start=1)]
    return set(ordered(c)[: sum(passing)])


def dinfer_threshold(c, gamma):
    """inclusionAI/dInfer fce4e32, ``get_transfer_index_threshold``: the bar falls to just below the best."""
    return {i for i in c if c[i] >= min(gamma, max(c.values()) - Fraction(1, 10**5))}


def dinfer_hierarchy(c, gamma, low, fast=False):
    """inclusionAI/dInfer fce4e32, ``HierarchyDecoder`` and (fast) ``get_transfer_index_hierarchy_fast_v2``."""
    best, chosen, runs = ordered(c)[0], set(), []
    if fast and c[best] < low:
        return {best}
    for i in sorted(c):
        if i - 1 in c:
            runs[-1].append(i)
        else:
            runs.append([i])
    for run in runs:
        tops = [i for i in run if c[i] == max(c[j] for j in run)]
        chosen.update(i for i in (tops[:1] if fast else tops) if c[i] > low)
    chosen.update(i for i in c if c[i] > gamma)
    return chosen if fast else chosen | {best}


def uncode_eb(entropies, gamma):
    """NEUIR/Uncode f2e2602 and omerlux/DUS abd7723f: sorted by entropy, sums less the largest so far; at least one."""
    order = sorted(entropies, key=lambda i: (entropies[i], i))
    number = sum(
        sum(entropies[i] for i in order[:m]) - entropies[order[m - 1]] <= gamma
        for m in range(1, len(order) + 1)
    )
    return set(order[: max(number, 1)])


def sglang_entropy_threshold(entropies, bound):
    """sgl-project/sglang 26eb1bf, ``EntropyThreshold``: the lowest entropy, and of the others those below the bound."""
    first, *others = sorted(entropies, key=lambda i: (entropies[i], i))
    return {first, *(i for i in others if entropies[i] < bound)}


def mean_field(distributions, tau, scaled=True, rounds=2):
    """Algorithm 1 of arXiv 2606.15805 as vbsh123/dream-region-pilot reproduces it; q is rounded far above floats."""
    left = list(distributions)

    def entropy(p):
        return -sum(x * log(x) for x in p if x)

    def overlap(i, j):
        p, q = distributions[i], distributions[j]
        mixed = [(x + y) / 2 for x, y in zip(p, q, strict=True)]
        if i == j or not any(x * y for x, y in zip(p, q, strict=True)):
            return 0
        return 1 - (entropy(mixed) - (entropy(p) + entropy(q)) / 2) / log(2)

    d = {(i, j): overlap(i, j) for i in left for j in left}
    most = max(d.values()) if scaled and any(d.values()) else 1
    odds = {}
    for i in left:
        best, second = sorted(distributions[i], reverse=True)[:2]
        odds[i] = log(best / second) if second else inf
    q = {i: 1 / (1 + exp(-odds[i])) for i in left}
    for _ in range(rounds):
        q = {i: 1 / (1 + exp(-(odds[i] - sum(d[i, j] / most * q[j] for j in left)))) for i in left}
    q = {i: round(x, 9) for i, x in q.items()}
    return {i for i in left if q[i] >= tau} or {ordered(q)[0]}


def dus_spaced(best_first, masked, length, stride):
    """omerlux/DUS abd7723f, ``apply_spacing_filter`` with the gap of ``generate_eb_sampler_spaced`` and ``cb``."""
    gap, accepted = max(2, masked * stride // length), []
    for i in best_first:
        if all(abs(i - j) >= gap for j in accepted):
            accepted.append(i)
    return frozenset(accepted)


def frechet_profile(c, margin):
    """Ringo-Star/FastdLLM_plusplus 29fd034: the last prefix whose profile exceeds the margin; at least one."""
    values, most = [c[i] for i in ordered(c)], 1
    for n in range(1, len(values) + 1):
        if max(0, sum(values[:n]) - (n - 1)) - (1 - values[n - 1]) > margin:
            most = n
    return set(ordered(c)[:most])


class DrawnFirst(Memoryless):
    """Draw a token everywhere, keep the k whose probability is the largest, equal ones at random."""

    def __init__(self, k):
        self.k = k

    def step(self, run, tokens, memory):
        distributions = run.marginals(tokens)
        for weight, drawn in run.draws(distributions, [i for i, token in enumerate(tokens) if token is None]):
            for chosen, p in best({i: distributions[i][v] for i, v in drawn.items()}, self.k).items():
                yield weight * p, written(tokens, {i: drawn[i] for i in chosen}), memory


def drawn_distribution(pmf, k, temperature=1):
    return distribution_and_steps(pmf, DrawnFirst(k), temperature)[0]


def drawn_accuracy(pmf, k):
    assert sum(drawn_distribution(pmf, k).values()) == 1
    return sum(drawn_distribution(pmf, k).get(y, Fraction(0)) for y in pmf)


def made_squares(n, symbols=None):
    """Shift the symbols row by row, shuffle the rows, then the columns: each square with its count."""
    symbols, found = list(symbols or range(n)), Counter()
    square = [symbols[i:] + symbols[:i] for i in range(n)]
    for rows in permutations(square):
        for columns in permutations(zip(*rows, strict=True)):
            found[tuple(v for row in zip(*columns, strict=True) for v in row)] += 1
    return found


def accepted_squares(n):
    """Every cell filled in by rows that are permutations, where all columns are too."""
    rows = list(permutations(range(n)))
    grids = product(rows, repeat=n)
    return {sum(g, ()) for g in grids if all(len(set(column)) == n for column in zip(*g, strict=True))}
