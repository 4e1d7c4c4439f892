"""Rules with memory in plain Python: a recursion over (tokens, memory) that shares no code with the product.

A rule is an object with ``start(n)``, the memory; ``step(run, tokens, memory)``, which yields (probability, tokens,
memory); and ``done(tokens, memory)``. Tokens are a tuple with None where masked. Greedy ties are random.
"""

from collections.abc import Hashable, Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise, permutations, product
from math import comb, fsum, prod

from tests.reference import definitions as ref

Tokens = tuple[Hashable, ...]
State = tuple[Fraction, Tokens, Hashable]


class Run:
    """The ideal model of a pmf and the tempered draws of one run."""

    def __init__(self, pmf: ref.PMF, temperature=1):
        self.pmf, self.n, self.temperature = pmf, ref.length(pmf), temperature
        self._known = {}

    def marginals(self, tokens: Tokens) -> tuple[dict, ...]:
        """The distribution of every position given the tokens; off the support that of the position alone."""
        if tokens not in self._known:
            agree = {
                y: p
                for y, p in self.pmf.items()
                if all(t is None or t == v for t, v in zip(tokens, y, strict=True))
            } or self.pmf
            total = sum(agree.values())
            distributions = [{} for _ in range(self.n)]
            for y, p in agree.items():
                for distribution, token in zip(distributions, y, strict=True):
                    distribution[token] = distribution.get(token, Fraction(0)) + p / total
            self._known[tokens] = tuple(distributions)
        return self._known[tokens]

    def draws(self, distributions, chosen) -> Iterator[tuple[Fraction, dict[int, Hashable]]]:
        """Every way to draw tokens at the chosen positions."""
        chosen = sorted(chosen)
        options = [list(ref.temper(distributions[i], self.temperature).items()) for i in chosen]
        for picked in product(*options):
            weight = Fraction(1)
            for _, p in picked:
                weight = weight * p
            yield weight, {i: token for i, (token, _) in zip(chosen, picked, strict=True)}


def written(tokens: Tokens, drawn: dict) -> Tokens:
    return tuple(drawn.get(i, token) for i, token in enumerate(tokens))


def distribution_and_steps(pmf: ref.PMF, rule, temperature=1) -> tuple[dict, Fraction]:
    """The distribution of the answers and the expected number of model calls."""
    run = Run(pmf, temperature)

    @cache
    def finish(tokens, memory) -> tuple[dict, Fraction]:
        if rule.done(tokens, memory):
            return {tokens: Fraction(1)}, Fraction(0)
        distribution, steps = {}, Fraction(1)
        for weight, after, kept in rule.step(run, tokens, memory):
            rest, more = finish(after, kept)
            steps = steps + weight * more
            for y, p in rest.items():
                distribution[y] = distribution.get(y, 0) + weight * p
        return distribution, steps

    distribution, steps = finish((None,) * run.n, rule.start(run.n))
    return {y: p for y, p in distribution.items() if p}, steps


def group(tokens: Tokens, block: int | None) -> list[int]:
    """The masked positions that compete: all, or those of the first unfinished block."""
    left = [i for i, token in enumerate(tokens) if token is None]
    if block is None:
        return left
    return [i for i in left if i // block == left[0] // block]


def best(scores: dict[int, Fraction], k: int) -> dict[frozenset[int], Fraction]:
    """The k best; equal ones are chosen uniformly."""
    k = min(k, len(scores))
    if not k:
        return {frozenset(): Fraction(1)}
    bar = sorted(scores.values(), reverse=True)[k - 1]
    above = [i for i, value in scores.items() if value > bar]
    tied = [i for i, value in scores.items() if value == bar]
    ways = comb(len(tied), k - len(above))
    return {frozenset(above).union(rest): Fraction(1, ways) for rest in combinations(tied, k - len(above))}


class Memoryless:
    """A rule given by ``sets(run, tokens, distributions)``, the distribution of the set."""

    def start(self, n):  # noqa: ARG002
        return None

    def done(self, tokens, memory):  # noqa: ARG002
        return None not in tokens

    def step(self, run, tokens, memory):
        distributions = run.marginals(tokens)
        for chosen, p in self.sets(run, tokens, distributions).items():
            for q, drawn in run.draws(distributions, chosen):
                yield p * q, written(tokens, drawn), memory


class KLASS:
    """Memory: the distributions of the last call, the divergences of the last calls, and the calls of the block."""

    def __init__(self, tau, eps, history=2, k=1, block=None):
        self.tau, self.eps, self.history, self.k, self.block = Fraction(tau), Fraction(eps), history, k, block

    def start(self, n):
        return (None, ((),) * n, 0)

    def done(self, tokens, memory):  # noqa: ARG002
        return None not in tokens

    def step(self, run, tokens, memory):
        before, histories, calls = memory
        distributions, left = run.marginals(tokens), group(tokens, self.block)
        small = [before is not None and self.small(distributions[i], dict(before[i])) for i in range(run.n)]
        histories = tuple((*past, now)[-self.history :] for past, now in zip(histories, small, strict=True))
        ready = [
            i
            for i in left
            if calls >= self.history - 1
            and len(histories[i]) == self.history
            and all(histories[i])
            and max(distributions[i].values()) > self.tau
        ]
        sets = (
            {frozenset(ready): Fraction(1)}
            if ready
            else best({i: max(distributions[i].values()) for i in left}, self.k)
        )
        kept = tuple(tuple(distribution.items()) for distribution in distributions)
        for chosen, p in sets.items():
            for q, drawn in run.draws(distributions, chosen):
                after = written(tokens, drawn)
                same = None in after and group(after, self.block)[0] in self.members(left[0], run.n)
                yield p * q, after, (kept, histories, calls + 1 if same else 0)

    def members(self, i, n):
        return (
            range(n)
            if self.block is None
            else range(i // self.block * self.block, (i // self.block + 1) * self.block)
        )

    def small(self, now, before):
        """Whether sum_v now ln (now / before) < eps; a sum of logarithms of rationals is no rational but zero."""
        if any(p and not before.get(v) for v, p in now.items()):
            return False
        with localcontext() as context:
            context.prec = 60
            return sum(dec(p) * dec(p / before[v]).ln() for v, p in now.items() if p) < dec(self.eps)


class Credit:
    """Memory: the credits. Probabilities are of the kind ``real``; those within 10^-9 are equal."""

    def __init__(
        self, gamma, alpha="0.7", boost="0.2", beta="0.8", top="all", slack=1e-5, block=None, real=float
    ):
        self.real, self.gamma = real, float(gamma)
        self.alpha, self.boost, self.beta = (real(Fraction(x)) for x in (alpha, boost, beta))
        self.top, self.slack, self.block = top, slack, block

    def start(self, n):
        return ((),) * n

    def done(self, tokens, memory):  # noqa: ARG002
        return None not in tokens

    def step(self, run, tokens, memory):
        distributions, left = run.marginals(tokens), group(tokens, self.block)
        credits, raised = [dict(credit) for credit in memory], {}
        for i in left:
            best_p = max(distributions[i].values())
            tops = ref.sorted_tokens(v for v, p in distributions[i].items() if p == best_p)
            faded = {v: self.beta * m for v, m in credits[i].items()}
            for v in tops if self.top == "all" else tops[:1]:
                faded[v] = faded.get(v, 0) + self.real(best_p) ** self.boost
            credits[i] = faded
            weight = {
                v: self.real(p) * (1 + faded.get(v, 0)) ** self.alpha
                for v, p in distributions[i].items()
                if p
            }
            total = fsum(weight.values()) if self.real is float else sum(weight.values())
            raised[i] = {v: w / total for v, w in weight.items()}
            if self.real is not float:
                raised[i] = {v: Fraction(p) for v, p in raised[i].items()}
        bar = min(
            self.gamma, max(max(distribution.values()) for distribution in raised.values()) - self.slack
        )
        chosen = [i for i in left if max(raised[i].values()) >= bar - 1e-9]
        options = [list(self.tempered(raised[i], run.temperature).items()) for i in chosen]
        for picked in product(*options):
            after = written(tokens, dict(zip(chosen, (v for v, _ in picked), strict=True)))
            kept = tuple(
                tuple(sorted(credit.items(), key=str)) if token is None else ()
                for credit, token in zip(credits, after, strict=True)
            )
            yield prod(p for _, p in picked), after, kept

    @staticmethod
    def tempered(distribution, temperature):
        if temperature == 1:
            return distribution
        top = [v for v, p in distribution.items() if p >= max(distribution.values()) - 1e-9]
        return dict.fromkeys(top, 1 / len(top))


class SlowFast:
    """Paper: memory is (start, end or None while exploring, the ends seen so far)."""

    def __init__(self, low="0.1", high="0.85", explore=8, window=2, variance=1, k=1, block=None):
        self.low, self.high, self.variance = Fraction(low), Fraction(high), Fraction(variance)
        self.explore, self.window, self.k, self.block = explore, window, k, block

    def start(self, n):
        return self.leave((None,) * n, 0)

    def done(self, tokens, memory):  # noqa: ARG002
        return None not in tokens

    def limit(self, start, n):
        return n if self.block is None else min((start // self.block + 1) * self.block, n)

    def leave(self, tokens, end):
        """A new exploration at the end, or at the next block that is not full."""
        left = [i for i, token in enumerate(tokens) if token is None]
        if left and not any(i < self.limit(end, len(tokens)) for i in left):
            end = left[0] // self.block * self.block
        return (end, None, ())

    def step(self, run, tokens, memory):
        start, end, ends = memory
        distributions, left = run.marginals(tokens), [i for i, token in enumerate(tokens) if token is None]
        score = {i: max(distributions[i].values()) for i in left}
        if end is None:
            scope = [i for i in left if start <= i < self.limit(start, run.n)]
            sure = [i for i in scope if score[i] > self.low]
            ends = (*ends, max(sure) + 1 if sure else start + 1)
            last = ends[-self.window :]
            mean = Fraction(sum(last), len(last))
            spread = sum((e - mean) ** 2 for e in last) / len(last)
            if len(last) == self.window and spread < self.variance:
                end = last[-1]
            elif len(ends) == self.explore:
                end = int(mean)
            sets = best({i: score[i] for i in scope}, self.k)
        else:
            span = [i for i in left if start <= i < end]
            high = [i for i in span if score[i] > self.high]
            sets = {frozenset(high): Fraction(1)} if high else best({i: score[i] for i in span}, 1)
        for chosen, p in sets.items():
            for q, drawn in run.draws(distributions, chosen):
                after = written(tokens, drawn)
                full = None not in after[start : self.limit(start, run.n)]
                if full or (end is not None and None not in after[start:end]):
                    yield p * q, after, self.leave(after, self.limit(start, run.n) if full else end)
                else:
                    yield p * q, after, (start, end, ends if end is None else ())


class SlowFastReleased:
    """The loops of the released code for one sequence, unrolled; a coroutine would be the code itself.

    Memory: (block, previous length, length, call of the exploration or None, window, settled), as in the code, and
    whether the call is a later one of a span; with cut it reads the sequence up to the end of the span.
    """

    def __init__(self, low="0.3", high="0.9", explore=6, window=2, deviation=1, block=None, cut=False):
        self.low, self.high, self.deviation = Fraction(low), Fraction(high), Fraction(deviation)
        self.explore, self.window, self.block, self.cut = explore, window, block, cut

    def start(self, n):
        self.size = self.block or n
        return (0, 0, min(self.size, n), 0, (), False, False)

    def done(self, tokens, memory):
        return memory[0] * self.size >= len(tokens)

    def step(self, run, tokens, memory):
        block, previous, length, call, window, settled, later = memory
        start, stop = block * self.size, min((block + 1) * self.size, run.n)
        seen = tokens[: start + length] if self.cut and later else tokens
        distributions = run.marginals(seen + (None,) * (run.n - len(seen)))
        score = {
            i: max(distribution.values()) for i, distribution in enumerate(distributions) if tokens[i] is None
        }
        if call is not None:
            scope = range(start + previous, stop)
            if not settled:
                sure = [i for i in scope if i in score and score[i] >= self.low]
                more = (max(sure) - scope.start + 1 if sure else 1) if len(scope) else 0
                window = (*window, min(max(1, previous + more), stop - start))[-self.window :]
                mean = Fraction(sum(window), len(window))
                deviation_squared = sum((e - mean) ** 2 for e in window) / len(window)
                if len(window) >= self.window and deviation_squared < self.deviation**2:
                    length, settled = window[-1], True
                elif call == self.explore - 1:
                    length, settled = int(mean), True
        else:
            scope = range(start + previous, start + length)
        inside = {i: score[i] for i in scope if i in score}
        high = [i for i, c in inside.items() if c >= self.high]
        sets = {frozenset(high): Fraction(1)} if len(high) > 1 else best(inside, 1)
        for chosen, p in sets.items():
            for q, drawn in run.draws(distributions, chosen):
                after = written(tokens, drawn)
                following = None if call is None or call == self.explore - 1 else call + 1
                state = (block, previous, length, following, window, settled, False)
                if following is None:
                    state = (block, previous, length, None, (), False, call is None)
                    if None not in after[start + previous : start + length]:  # the phases 2 and 3 are over
                        state = (block, length, length, 0, (), False, False)
                        if None not in after[start:stop]:  # so is the block
                            state = (block + 1, 0, self.size, 0, (), False, False)
                yield p * q, after, state


class LoPA:
    """The released loop: memory is the branches spawned by the last call, the anchor first (tokens and own score).

    Values are decimals of 60 digits; those within 10^-20 are equal.
    """

    def __init__(self, gamma, k, by="entropy", lowest=1, weight=0, strict=True, equal="branch", block=None):
        self.gamma, self.lowest, self.weight = Fraction(gamma), Fraction(lowest), Fraction(weight)
        self.k, self.by, self.strict, self.equal, self.block = k, by, strict, equal, block

    def start(self, n):
        return (((None,) * n, Decimal(1)),)

    def done(self, tokens, memory):  # noqa: ARG002
        return None not in memory[0][0]

    def step(self, run, tokens, memory):  # noqa: ARG002
        (anchor, _), *spawned = memory
        listed = [memory[0], *spawned] if self.equal == "anchor" else [*spawned, memory[0]]
        values = [self.value(run, branch, own) for branch, own in listed]
        winner, _ = next(b for b, v in zip(listed, values, strict=True) if v > max(values) - Decimal("1e-20"))
        distributions = run.marginals(winner)
        block = group(anchor, self.block)[0] // (self.block or run.n)
        left = [i for i in range(run.n) if winner[i] is None and i // (self.block or run.n) == block]
        if not left:
            yield Fraction(1), winner, ((winner, Decimal(1)),)
            return
        sure = {i: max(distributions[i].values()) for i in left}
        above = [i for i, c in sure.items() if (c >= self.gamma if not self.strict else c > self.gamma)]
        score = {i: self.score(distributions[i]) for i in left}
        orders = [
            order
            for order in permutations(left)
            if all(score[a] > score[b] - Decimal("1e-20") for a, b in pairwise(order))
        ]
        for order in orders:
            first = above or list(order[:1])
            more = [i for i in order if i not in first][: self.k if self.k > 1 else 0]
            for q, drawn in run.draws(distributions, [*first, *more]):
                base = written(winner, {i: drawn[i] for i in first})
                spawned = tuple((written(base, {i: drawn[i]}), score[i]) for i in more)
                yield q / len(orders), base, ((base, Decimal(1)), *spawned)

    def score(self, distribution):
        with localcontext() as context:
            context.prec = 60
            largest, second = sorted([*map(dec, distribution.values()), Decimal(0)], reverse=True)[:2]
            if self.by == "entropy":
                return sum(dec(p) * dec(p).ln() for p in distribution.values() if p)
            return largest if self.by == "confidence" else largest - second

    def value(self, run, branch, own):
        distributions = run.marginals(branch)
        scores = sorted(self.score(distributions[i]) for i in range(run.n) if branch[i] is None)
        kept = scores[: max(1, int(len(scores) * self.lowest))]
        with localcontext() as context:
            context.prec = 60
            rest = sum(kept) / len(kept) if kept else Decimal(1)
            return dec(self.weight) * own + (1 - dec(self.weight)) * rest


def dec(value) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
