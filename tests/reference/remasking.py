"""Slow reference of the remasking rules: recursion over (tokens, memory), sharing no code with the product.

A rule is a function ``step(world, state, memory, clock)`` that lists ``(probability, state, memory)``, with the memory
at the start and a function that says when a run is over. A state is a tuple of tokens, ``None`` where masked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations, product
from math import ceil, exp, floor, prod
from typing import Any

import numpy as np

from tests.reference import definitions as ref

State = tuple[Any, ...]
Distribution = dict[Any, Any]


class World:
    """The ideal model of a pmf, and how tokens are drawn from it."""

    def __init__(self, pmf: ref.PMF, off_support="marginal", temperature=1, greedy_ties="random") -> None:
        self.pmf, self.n, self.off_support = pmf, ref.length(pmf), off_support
        self.temperature, self.greedy_ties = temperature, greedy_ties
        self.consistent, self.at = (
            cache(self._consistent),
            cache(self._at),
        )  # the same states are met again and again

    def _consistent(self, state: State) -> ref.PMF:
        return ref.condition(self.pmf, {i: v for i, v in enumerate(state) if v is not None})

    def _at(self, state: State, i: int) -> Distribution:
        """What the model says at position i: the conditional, or off the support what the convention says."""
        distribution = self.consistent(state)
        found = ref.marginal(distribution or self.pmf, (i,))
        if not distribution and self.off_support == "uniform":
            return {v: Fraction(1, len(found)) for (v,) in found}
        return {v: p for (v,), p in found.items()}

    def left_out(self, state: State, i: int) -> Distribution:
        return self.at((*state[:i], None, *state[i + 1 :]), i)

    def tempered(self, distribution: Distribution, temperature=None) -> Distribution:
        return ref.temper(
            distribution, self.temperature if temperature is None else temperature, self.greedy_ties
        )

    def draws(self, state: State, positions, temperature=None) -> Iterator[tuple[Any, Distribution]]:
        """Every way to draw tokens at the positions independently: its probability, and the tokens."""
        distributions = [self.tempered(self.at(state, i), temperature).items() for i in positions]
        for found in product(*distributions):
            tokens = {i: v for i, (v, _) in zip(positions, found, strict=True)}
            yield prod((p for _, p in found), start=Fraction(1)), tokens


def masked(state: State) -> list[int]:
    return [i for i, v in enumerate(state) if v is None]


def put(state: State, tokens: Distribution) -> State:
    return tuple(tokens.get(i, v) for i, v in enumerate(state))


def best(scores: Distribution, take: int, ties: str) -> Iterator[tuple[Fraction, tuple[int, ...]]]:
    """The sets of ``take`` highest scores: all of those that ties allow, or the one with the lowest indices."""
    if ties == "lowest":
        yield Fraction(1), tuple(sorted(scores, key=lambda i: (-scores[i], i))[:take])
        return
    sets = [
        s
        for s in combinations(sorted(scores), take)
        if all(scores[i] >= scores[j] for i in s for j in scores if j not in s)
    ]
    for s in sets:
        yield Fraction(1, len(sets)), s


def worst(scores: Distribution, take: int, ties: str) -> Iterator[tuple[Fraction, tuple[int, ...]]]:
    return best({i: -x for i, x in scores.items()}, take, ties)


@dataclass(frozen=True)
class Rule:
    start: Callable[[int], Any]
    step: Callable[[World, State, Any, int], Iterator[tuple[Any, State, Any]]]
    over: Callable[[State, int, Any], bool] = lambda state, _clock, _memory: None not in state


@dataclass(frozen=True)
class Result:
    distribution: dict  # answers, those off the support included
    steps: Any  # expected number of model calls


def run(pmf: ref.PMF, rule: Rule, *, off_support="marginal", temperature=1, greedy_ties="random") -> Result:
    """Follow all runs, one step of all of them at a time; ``stop`` ends a run whose state is impossible."""
    world = World(pmf, off_support, temperature, greedy_ties)
    here: dict = {((None,) * world.n, rule.start(world.n)): Fraction(1)}
    distribution: dict = {}
    steps: Any = Fraction(0)
    clock = 0
    while here:
        after: dict = {}
        for (state, memory), weight in here.items():
            if rule.over(state, clock, memory):
                distribution[state] = distribution.get(state, 0) + weight
                continue
            if off_support == "stop" and not world.consistent(state):
                continue
            steps += weight
            for p, new_state, new_memory in rule.step(world, state, memory, clock):
                key = (new_state, new_memory)
                after[key] = after.get(key, 0) + weight * p
        here, clock = after, clock + 1
        assert clock < 100, "a rule must end"
    return Result({y: q for y, q in distribution.items() if q}, steps)


# --- ReMDM ------------------------------------------------------------------------------------------------


def remdm(
    steps, eta, variant="cap", eps=Fraction(1, 10**5), final="argmax", block=None, exp=exp, **loop
) -> Rule:
    """The memory is (block, step in it, what each token was drawn with); a block ends by itself."""
    steps, eta, eps = int(steps), Fraction(eta), Fraction(eps)
    grid = [1 + Fraction(j, steps) * (eps - 1) for j in range(steps + 1)]  # linspace(1, eps)

    def chances(j: int):
        """(masked gets a token, revealed is masked) in step j, from the weights of the released draw."""
        t, s = grid[j], grid[j + 1]
        if variant == "loop":
            on, off, top = (Fraction(loop[k]) for k in ("t_on", "t_off", "alpha_on"))
            if t > on or t <= off:
                if t > on:
                    move_t, move_s = 1 - (1 - t) * top / (1 - on), 1 - (1 - s) * top / (1 - on)
                else:
                    move_t, move_s = t * (1 - top) / off, s * (1 - top) / off
                token, mask = move_t - move_s, max(move_s, 0)
                return token / (token + mask) if move_s > 0 else Fraction(1), Fraction(0)
            held = Fraction(loop.get("held") or top)
            token, mask = eta * held, max(1 - held - eta * held, 0)
            return (token / (token + mask) if token else Fraction(0)), eta
        alpha_t, alpha_s = 1 - t, 1 - s
        limit = (1 - alpha_s) / alpha_t if alpha_t else None
        if variant == "cap":
            sigma = eta if limit is None else min(eta, limit)
        else:
            sigma = eta * (1 if limit is None else min(1, limit))
        stay = 0 if variant == "conf" else sigma * alpha_t
        return 1 - (1 - alpha_s - stay) / (1 - alpha_t), sigma

    def span(n, number):
        return range(number * (block or n), min((number + 1) * (block or n), n))

    def step(world, state, memory, _clock):
        number, j, conf = memory
        here, nothing = span(world.n, number), (None,) * world.n
        if j == steps:
            for p, tokens in world.draws(state, [i for i in here if state[i] is None], temperature_of_last):
                yield p, put(state, tokens), (number + 1, 0, nothing)
            return
        reveal, sigma = chances(j)
        options = []
        total = sum(exp(-conf[i]) for i in here if state[i] is not None) if variant == "conf" else 1
        for i in here:
            if state[i] is None:
                q, read = world.tempered(world.at(state, i)), world.at(state, i)
                drawn = [(reveal * p, token, read[token]) for token, p in q.items()]
                options.append([(1 - reveal, None, None), *drawn])
            else:
                share = sigma * exp(-conf[i]) / total if variant == "conf" else sigma
                options.append([(1 - share, state[i], conf[i]), (share, None, None)])
        for found in product(*options):
            p = prod((x for x, _, _ in found), start=Fraction(1))
            if not p:
                continue
            new = put(state, {i: v for i, (_, v, _) in zip(here, found, strict=True)})
            kept = list(nothing)
            if variant == "conf":
                for i, (_, _, c) in zip(here, found, strict=True):
                    kept[i] = c
            if j + 1 == steps and all(new[i] is not None for i in here):
                yield p, new, (number + 1, 0, nothing)
            else:
                yield p, new, (number, j + 1, tuple(kept))

    temperature_of_last = 0 if final == "argmax" else None
    return Rule(lambda n: (0, 0, (None,) * n), step, lambda state, _, memory: not span(len(state), memory[0]))


# --- RCR --------------------------------------------------------------------------------------------------


def rcr(steps, block=None, variant="code", ties="random") -> Rule:
    def step(world, state, memory, clock):
        length = block or world.n
        number, j = clock // steps, clock % steps
        end = min((number + 1) * length, world.n)
        size = end - number * length
        # the cumulative floor rule, in floating point as released
        keep = floor(size * max(1 - (j + 1) / steps, 1e-6))
        fill = [i for i in range(end) if state[i] is None]
        for p, tokens in world.draws(state, fill):
            stored = list(memory)
            for i, v in tokens.items():
                seen = world.at(state, i)[v]
                stored[i] = max(seen, stored[i] or 0) if variant == "paper" else seen
            full = put(state, tokens)
            for q, again in worst({i: stored[i] for i in range(end)}, keep, ties):
                kept = [None if i in again and variant == "code" else x for i, x in enumerate(stored)]
                yield p * q, put(full, dict.fromkeys(again)), tuple(kept)

    return Rule(lambda n: (None,) * n, step)


# --- ReMDM-LLaDA ------------------------------------------------------------------------------------------


def remdm_llada(steps, extra=None, number=1, block=None, ties="random") -> Rule:
    extra = steps if extra is None else extra

    def kinds(length: int) -> list[bool]:
        out = [False] * steps
        at = max(min(int(length * 7 / 8), length - 1), 1)
        out[at:at] = [True] * extra
        return out

    def again(state, memory, start, end):
        """Mask the tokens of the block that were drawn with the lowest probability."""
        decoded = {i: memory[i] for i in range(start, end) if state[i] is not None}
        for p, low in worst(decoded, min(number, len(decoded)), ties):
            yield (
                p,
                put(state, dict.fromkeys(low)),
                tuple(None if i in low else c for i, c in enumerate(memory)),
            )

    def step(world, state, memory, clock):
        length = block or world.n
        plan = kinds(length)
        which, j = clock // len(plan), clock % len(plan)
        start, end = which * length, min((which + 1) * length, world.n)
        ordinary = plan[:j].count(False)
        size = (end - start) // steps + (ordinary < (end - start) % steps)
        open_ = [i for i in range(end) if state[i] is None]
        for p, tokens in world.draws(state, open_):
            scores = {i: world.at(state, i)[v] for i, v in tokens.items()}
            for q, chosen in best(scores, min(number if plan[j] else size, len(scores)), ties):
                new = put(state, {i: tokens[i] for i in chosen})
                memory_new = tuple(scores[i] if i in chosen else c for i, c in enumerate(memory))
                if j + 1 < len(plan) and plan[j + 1]:  # the next call is made after masking
                    for r, masked_new, memory_last in again(new, memory_new, start, end):
                        yield p * q * r, masked_new, memory_last
                else:
                    yield p * q, new, memory_new

    def over(state, clock, _memory):
        if None in state:
            return False
        plan, length = kinds(block or len(state)), block or len(state)
        blocks = ceil(len(state) / length)
        to_come = [k for k in range(clock, blocks * len(plan)) if plan[k % len(plan)]]
        return not to_come

    return Rule(lambda n: (None,) * n, step, over)


# --- WINO -------------------------------------------------------------------------------------------------


def wino(tau1="0.6", tau2="0.9", block=None, capped=True, confidence="sampled", ties="random") -> Rule:
    tau1, tau2 = Fraction(tau1), Fraction(tau2)

    def step(world, state, memory, _clock):
        length, last = block or world.n, memory
        first = masked(state)[0] // length * length
        inside = range(first, min(first + length, world.n))
        open_ = [i for i in inside if state[i] is None]
        support = {
            i: world.left_out(state, i).get(state[i], Fraction(0)) for i in inside if state[i] is not None
        }
        suspects = {i: c for i, c in support.items() if c < tau2}
        for p, tokens in world.draws(state, open_):
            distributions = {i: world.at(state, i) for i in open_}
            sampled = confidence == "sampled"
            scores = {
                i: distribution[tokens[i]] if sampled else max(distribution.values())
                for i, distribution in distributions.items()
            }
            accept = sum(c > tau1 for c in scores.values())
            if capped:
                accept = min(accept, min(max(int(len(open_) * 0.7), 5), 20))
            accept = max(accept, 1)
            back = 0 if accept == 1 else len(suspects) if len(suspects) < last else last - 1
            for q, chosen in best(scores, accept, ties):
                for r, revoked in worst(suspects, back, ties):
                    new = put(put(state, {i: tokens[i] for i in chosen}), dict.fromkeys(revoked))
                    ended = all(new[i] is not None for i in inside)
                    yield p * q * r, new, 30 if ended else accept

    return Rule(lambda _: 30, step)


# --- Saber ------------------------------------------------------------------------------------------------


def saber(least=2, variant="llada", committed="left_out", block=None, ties="random") -> Rule:
    dream = variant == "dream"

    def step(world, state, memory, _clock):
        recorded, last, number = memory
        length = block or world.n
        end = world.n if dream else min((number + 1) * length, world.n)
        open_ = [i for i in range(end) if state[i] is None]
        now = {}
        for i in range(end):
            if state[i] is not None:
                distribution = world.left_out(state, i) if committed == "left_out" else world.at(state, i)
                now[i] = distribution.get(state[i], Fraction(0)) if dream else max(distribution.values())
        known = [c for c in recorded if c is not None]
        threshold = sum(known) / len(known) if known else 1
        for p, tokens in world.draws(state, open_):
            scores = {i: world.at(state, i)[v] for i, v in tokens.items()}
            above = sum(c > threshold for c in scores.values())
            take = above if above >= least else min(least, len(open_))
            new = take if dream else max(least, above)
            for q, chosen in best(scores, take, ties):
                full = put(state, {i: tokens[i] for i in chosen})
                present = {**now, **scores}
                fresh = [
                    present[i] if i in chosen and not (dream and c is not None) else c
                    for i, c in enumerate(recorded)
                ]
                kept = None if dream else tuple(present.get(i) for i in range(world.n))
                if all(full[i] is not None for i in range(end)):
                    yield p * q, full, (tuple(fresh), kept, number + 1)
                    continue
                back = ceil(Fraction(new, 8))
                back = max(1, min(back, new - 1)) if dream else min(max(least // 2, back), new - 1)
                if dream:
                    losses = {i: present[i] for i in range(end) if full[i] is not None}
                else:
                    # no previous value counts as an infinite change
                    losses = {
                        i: present[i] - last[i] if last[i] is not None else 1000
                        for i in range(end)
                        if full[i] is not None
                    }
                for r, revoked in worst(losses, back, ties):
                    yield p * q * r, put(full, dict.fromkeys(revoked)), (tuple(fresh), kept, number)

    def start(n):
        return ((None,) * n, None if dream else (Fraction(0),) * n, 0)

    return Rule(start, step)


# --- Token editing ----------------------------------------------------------------------------------------


def editing(
    gamma="0.95", edit="0.9", post=16, floor=1, committed="left_out", block=None, ties="random"
) -> Rule:
    """ZHZisZZ/dllm ca17675, LLaDA21Sampler: the memory is the block and the calls since it was full."""
    gamma, edit = Fraction(gamma), Fraction(edit)

    def step(world, state, memory, _clock):
        number, calls = memory
        length = block or world.n
        inside = range(number * length, min((number + 1) * length, world.n))
        open_ = [i for i in inside if state[i] is None]
        read = {
            i: world.left_out(state, i)
            if state[i] is not None and committed == "left_out"
            else world.at(state, i)
            for i in inside
        }
        for found in product(*(world.tempered(read[i]).items() for i in inside)):
            drawn = {i: v for i, (v, _) in zip(inside, found, strict=True)}
            p = prod((q for _, q in found), start=Fraction(1))
            scores = {i: read[i][v] for i, v in drawn.items()}
            edits = {
                i: drawn[i] for i in inside if i not in open_ and drawn[i] != state[i] and scores[i] > edit
            }
            open_scores = {i: scores[i] for i in open_}
            sure = sum(c > gamma for c in open_scores.values())
            for q, chosen in best(open_scores, sure if sure >= floor else min(floor, len(open_)), ties):
                new = put(put(state, {i: drawn[i] for i in chosen}), edits)
                after = calls + (not open_)
                if not open_ and (not edits or after >= post):
                    yield p * q, new, (number + 1, 0)
                else:
                    yield p * q, new, (number, after)

    return Rule(
        lambda _: (0, 0), step, lambda state, _, memory: memory[0] * (block or len(state)) >= len(state)
    )


# --- P2 ---------------------------------------------------------------------------------------------------


def p2_still_masked(steps, group):
    """pengzhangzhi/Path-Planning 68675ea2: a product of float32 after each step, truncated."""
    dt = 1 / steps
    return [floor(np.float32(group) * np.float32(1 - i * dt)) for i in range(1, steps + 1)]


def p2(steps, eta=1, committed="left_out", block=None, ties="random") -> Rule:
    """``p2_sampling``: whatever is below the score at the cut is masked; with other ties exactly so many."""
    eta = Fraction(eta)

    def step(world, state, _memory, clock):
        length = block or world.n
        number, j = clock // steps, clock % steps
        inside = range(number * length, min((number + 1) * length, world.n))
        again = max(p2_still_masked(steps, len(inside))[j], 0)
        open_ = [i for i in inside if state[i] is None]
        read = {
            i: world.left_out(state, i) if committed == "left_out" else world.at(state, i)
            for i in inside
            if i not in open_
        }
        for p, tokens in world.draws(state, open_):
            # p^eta ranks as eta ln p, and so does its power of the denominator of eta
            scores = {i: world.at(state, i)[v] ** eta.denominator for i, v in tokens.items()}
            scores |= {i: max(distribution.values()) ** eta.numerator for i, distribution in read.items()}
            full = put(state, tokens)
            if ties == "all":
                cut = sorted(scores.values())[again]
                yield p, put(full, {i: None for i, c in scores.items() if c < cut}), None
            else:
                for q, kept in best(scores, len(scores) - again, ties):
                    yield p * q, put(full, {i: None for i in inside if i not in kept}), None

    def over(state, clock, _memory):
        length = block or len(state)
        last = (len(state) - 1) // length
        done = clock - last * steps  # calls of the last block
        return done > 0 and p2_still_masked(steps, len(state) - last * length)[done - 1] <= 0

    return Rule(lambda _: None, step, over)
