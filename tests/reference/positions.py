"""Memoryless rules in plain Python that are no ranking: hierarchy, PC-Sampler, DEMASK."""

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise, permutations

from tests.reference.processes import Memoryless, best, dec, group, written


class Hierarchy(Memoryless):
    """Every assignment of distinct lots to the positions, so that the same lots break all ties."""

    def __init__(self, gamma, low="2/5", ties="random", block=None):
        self.gamma, self.low, self.ties, self.block = Fraction(gamma), Fraction(low), ties, block

    def sets(self, run, tokens, distributions):  # noqa: ARG002
        left = group(tokens, self.block)
        score = {i: max(distributions[i].values()) for i in left}
        orders = list(permutations(left)) if self.ties == "random" else [tuple(left)]
        out = {}
        for order in orders:
            lot = {i: (score[i], -order.index(i)) for i in left}
            chosen = {i for i in left if score[i] > self.gamma} | {max(left, key=lot.__getitem__)}
            for i in left:
                run_of = self.run_of(i, left)
                wins = (
                    score[i] == max(score[j] for j in run_of)
                    if self.ties == "all"
                    else lot[i] == max(lot[j] for j in run_of)
                )
                if wins and score[i] > self.low:
                    chosen.add(i)
            key = frozenset(chosen)
            out[key] = out.get(key, 0) + Fraction(1, len(orders))
        return out

    @staticmethod
    def run_of(i, left):
        members = {i}
        for direction in (1, -1):
            j = i + direction
            while j in left:
                members.add(j)
                j += direction
        return members


class PC(Memoryless):
    """Scores as 60-digit decimals; those that differ by less than 10^-30 of their size are equal."""

    def __init__(self, k, lam="1/4", alpha="1443/100", block=None):
        self.k, self.lam, self.alpha, self.block = k, Fraction(lam), Fraction(alpha), block

    def sets(self, run, tokens, distributions):
        often = {}
        for distribution in run.marginals((None,) * run.n):
            for v, p in distribution.items():
                often[v] = often.get(v, 0) + p / run.n
        scores = {}
        with localcontext() as context:
            context.prec = 60
            for i in group(tokens, self.block):
                p = max(distributions[i].values())
                rarest = min(often[v] for v, q in distributions[i].items() if q == p)
                worth = -dec(p) * dec(rarest).ln() / Decimal(2).ln()
                scores[i] = (-dec(self.lam) * i).exp() * min(worth, dec(self.alpha))
            order = sorted(scores, key=scores.__getitem__)
            rounded, level = {}, 0
            for last, i in zip([None, *order], order, strict=False):
                if last is not None and scores[i] - scores[last] > Decimal("1e-30") * abs(scores[i]):
                    level += 1
                rounded[i] = Fraction(level)
        return best(rounded, self.k)


class DEMASK(Memoryless):
    """Every order of the positions that descends in confidence."""

    def __init__(self, budget, per="set", stop=False, block=None):
        self.budget, self.per, self.stop, self.block = Fraction(budget), per, stop, block

    def influence(self, run, tokens, i, j):
        here = run.marginals(tokens)
        total = Fraction(0)
        for v, p in here[j].items():
            there = run.marginals(written(tokens, {j: v}))[i]
            tokens_seen = {*there, *here[i]}
            total += p * sum(abs(there.get(w, 0) - here[i].get(w, 0)) for w in tokens_seen) / 2
        return total

    def sets(self, run, tokens, distributions):
        left = group(tokens, self.block)
        score = {i: max(distributions[i].values()) for i in left}
        orders = [o for o in permutations(left) if all(score[a] >= score[b] for a, b in pairwise(o))]
        out = {}
        for order in orders:
            taken, spent = [], Fraction(0)
            for i in order:
                cost = sum((self.influence(run, tokens, i, j) for j in taken), Fraction(0))
                if (cost if self.per == "position" else spent + cost) <= self.budget:
                    taken.append(i)
                    spent += cost
                elif self.stop:
                    break
            key = frozenset(taken)
            out[key] = out.get(key, 0) + Fraction(1, len(orders))
        return out
