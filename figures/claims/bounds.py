"""Claims on the lower bounds of Theorems 1 and 2."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from random import Random
from typing import Any

from figures.claims.claim import Claim, Evidence
from figures.claims.distributions import listed, partitions, random_distributions
from theory.bounds.accuracy.divergence import forward_kl
from theory.bounds.partitions.partition import Partition
from theory.bounds.partitions.step_bounds import optimal_bounds, step_bound
from theory.bounds.schedules.shuffle import batch_kl, best_batches
from theory.bounds.schedules.shuffle_limits import frontier, half_rounds
from theory.decoding.decoder import decode
from theory.distributions.pmf import JointPMF
from theory.information.closed_forms import closed_form, evaluate
from theory.information.measures import conditional_entropy, kl_divergence, total_correlation
from theory.information.subsets.builder import subset_entropies
from theory.numbers.lognumber import LogNumber
from theory.optima.mixtures.output_distributions import mixture_kl
from theory.policies import parse_policy

__all__ = ["ENTRIES"]


# -- Theorem 1 ------------------------------------------------------------------------------------------------


def theorem_1() -> Evidence:
    """Test the equality for every ordered partition and the excess of other product distributions."""
    found = Evidence()
    replace, shuffle, cities = listed("replace_random", 4), listed("shuffle", 4), listed("city_names")
    for name, pmf in (("Replace Random, n = 4", replace), ("Shuffle, n = 4", shuffle)):
        found.number(f"L_2 of {name}, two pairs", step_bound(subset_entropies(pmf), [[0, 1], [2, 3]]))
        ideal = decode(pmf, parse_policy("topk:k=2,by=left_to_right"))
        found.number(f"KL of the ideal model on {name}, two pairs", ideal.kl)
    for name, pmf in (("Replace Random", replace), ("Shuffle", shuffle), ("City names", cities)):
        table, count = subset_entropies(pmf), len(list(partitions(pmf.n)))
        found.stated(
            f"{name}: KL of the ideal model = L_T for all {count} ordered partitions",
            all(mixture_kl(pmf, {blocks: 1}) == step_bound(table, blocks) for blocks in partitions(pmf.n)),
        )
    others = [_another_product(cities, Random(seed)) for seed in range(20)]
    c, gaps = total_correlation(cities), [_token_gap(cities, factors) for factors in others]
    kls = [forward_kl(cities, _product(cities, factors)) for factors in others]
    found.stated("City names: 20 other product distributions have KL >= C", all(kl >= c for kl in kls))
    found.also(
        "their excess is the sum of the divergences of single tokens",
        all(kl == c + gap for kl, gap in zip(kls, gaps, strict=True)),
    )
    return found


def _another_product(pmf: JointPMF, rng: Random) -> list[JointPMF]:
    rows = [sorted(pmf.marginal([i]).outcomes) for i in range(pmf.n)]
    return [JointPMF.from_weights(row, [rng.randint(1, 5) for _ in row]) for row in rows]


def _product(pmf: JointPMF, factors: list[JointPMF]) -> dict[Any, Fraction]:
    distribution: dict[Any, Fraction] = {}
    for y in pmf.outcomes:
        distribution[y] = Fraction(1)
        for token, factor in zip(y, factors, strict=True):
            distribution[y] *= Fraction(factor.probability((token,)))
    return distribution


def _token_gap(pmf: JointPMF, factors: list[JointPMF]) -> Any:
    return sum((kl_divergence(pmf.marginal([i]), q) for i, q in enumerate(factors)), LogNumber())


# -- Theorem 2 ------------------------------------------------------------------------------------------------


def theorem_2() -> Evidence:
    """Test monotonicity and the step of the proof, a split, on random and named distributions."""
    found = Evidence()
    named = ["city_names", "matching_selector"]
    sized = [
        ("shuffle", 4),
        ("shuffle_strict", 4),
        ("replace_random", 5),
        ("insert_random", 4),
        ("parity", 4),
    ]
    distributions = [listed(name) for name in named] + [listed(*entry) for entry in sized]
    distributions += random_distributions(24, 4, 2, seed=1) + random_distributions(12, 3, 3, seed=2)
    tables = [subset_entropies(pmf) for pmf in distributions]
    bounds = [optimal_bounds(table) for table in tables]
    found.number("distributions tested", len(distributions))
    found.stated(
        "L*_T >= L*_(T+1) for every T < n",
        all(a >= b for best in bounds for a, b in zip(best.values, best.values[1:], strict=False)),
    )
    changes = [
        change
        for pmf, best in zip(distributions, bounds, strict=True)
        for change in _splits(pmf, best.partitions)
    ]
    found.number("splits tested", len(changes))
    found.also("no split of a block raises L", all(saved >= 0 for saved, _ in changes))
    found.also("it saves exactly sum_b I(b; A given C)", all(saved == gain for saved, gain in changes))
    three = subset_entropies(listed("shuffle", 3))
    big_first, single_first = step_bound(three, [[0, 1], [2]]), step_bound(three, [[2], [0, 1]])
    found.number("Shuffle, n = 3: L_2 of a pair, then a single token", big_first)
    found.number("Shuffle, n = 3: L_2 of a single token, then a pair", single_first)
    found.also(
        "Shuffle, n = 3: every best two-step partition ends with a single token",
        all(
            (step_bound(three, blocks) == optimal_bounds(three).values[1]) == (len(blocks[-1]) == 1)
            for blocks in partitions(3)
            if len(blocks) == 2
        ),
    )
    parity = optimal_bounds(subset_entropies(listed("parity", 4))).values
    found.also(
        "the decrease need not be strict: parity of 4 bits has L*_2 = L*_3 = 0", parity[1] == parity[2] == 0
    )
    return found


def _splits(pmf: JointPMF, partitions: tuple[Partition, ...]) -> Iterator[tuple[Any, Any]]:
    """Yield the bits saved by splitting a block into A and B, and ``sum_b I(b; A | C)``, for every block and A."""
    table = subset_entropies(pmf)
    for blocks in partitions:
        for t, block in enumerate(blocks):
            given = [i for b in blocks[:t] for i in b]
            for size in range(1, len(block)):
                first, rest = block[:size], block[size:]
                after = [*blocks[:t], first, rest, *blocks[t + 1 :]]
                saved: Any = step_bound(table, blocks) - step_bound(table, after)
                gains: list[Any] = [
                    conditional_entropy(pmf, [b], given) - conditional_entropy(pmf, [b], [*given, *first])
                    for b in rest
                ]
                yield saved, sum(gains, LogNumber())


# -- two tokens per step ----------------------------------------------------------------------------------------


def two_per_step() -> Evidence:
    """Compare equal pairs with the best sizes of as many steps on Shuffle."""
    found = Evidence()
    limit = frontier("1/2")
    found.number("limit of the best n/2 steps", limit)
    pairs_form = closed_form("shuffle", "step_bound k=2")
    for n in (6, 8, 64, 1024):
        pairs, best = batch_kl([2] * (n // 2)), batch_kl(best_batches(n, n // 2).sizes)
        long = n > 8
        found.number(f"n = {n}: pairs", pairs, f"log2({n}!!/{n - 1}!!)" if long else None)
        found.number(
            f"n = {n}: best {n // 2} steps", best, f"sizes {_runs(half_rounds(n))}" if long else None
        )
        if long:
            found.also(f"n = {n}: these are the sizes 3, ..., 2, ..., 1", best == batch_kl(half_rounds(n)))
    sizes = (2, 4, 6, 8, 10, 64, 256, 1024)
    found.stated(
        "pairs cost log2(n!!/(n-1)!!)",
        all(batch_kl([2] * (n // 2)) == evaluate(pairs_form, n=n) for n in sizes),
    )
    found.stated("the limit of that is infinite", str(pairs_form.limit) == "oo")
    found.also(
        "the sizes 3, ..., 2, ..., 1 cost less than pairs in as many steps, n = 6..64",
        all(batch_kl(half_rounds(n)) < batch_kl([2] * (n // 2)) for n in range(6, 65, 2)),
    )
    found.also(
        "the sizes 3, ..., 2, ..., 1 cost less than 1 + 1/2 log2(3) + 1/2 log2(n^2/(n^2-4)), n = 4..128",
        all(
            batch_kl(half_rounds(n)) < limit + LogNumber.log2(Fraction(n * n, n * n - 4)) / 2
            for n in range(4, 129, 2)
        ),
    )
    found.also("n = 4: pairs and 3 + 1 cost the same", batch_kl([2, 2]) == batch_kl([3, 1]))
    return found


def _runs(sizes: tuple[int, ...]) -> str:
    return ", ".join(f"{sizes.count(s)} x {s}" for s in sorted(set(sizes), reverse=True))


ENTRIES = (
    Claim(
        id="theorem-1",
        title="The bound L_T of a schedule",
        claim="Decoding the blocks S_1, ..., S_T one after another, each in parallel, costs at least L_T = "
        "sum_t E C(S_t given S_<t), whatever the model.",
        place="Theorem 1",
        test="KL of the ideal model for every ordered partition of three tasks, against L_T computed from "
        "subset entropies; for one step, other product distributions against C.",
        evidence=theorem_1,
        verdict="holds",
        condition="With equality for the ideal model. The excess of any other model is the divergence of its "
        "one-token distributions from the true ones.",
        numbers={
            "L_2 of Replace Random, n = 4, two pairs": "3 log2(2) - 3/2 log2(3)",
            "KL of the ideal model on Replace Random, n = 4, two pairs": "3 log2(2) - 3/2 log2(3)",
            "L_2 of Shuffle, n = 4, two pairs": "3 log2(2) - log2(3)",
            "KL of the ideal model on Shuffle, n = 4, two pairs": "3 log2(2) - log2(3)",
        },
    ),
    Claim(
        id="theorem-2",
        title="More steps cost no more",
        claim="The best bound L*_T does not increase with the number of steps.",
        place="Theorem 2 and its proof",
        test="L*_T for all T of named and random distributions; for every block of an optimal partition, what "
        "splitting it saves.",
        evidence=theorem_2,
        verdict="holds",
        condition="For T < n, and not strictly. The proof splits the last block, which can be a single token; "
        "any block with two tokens does: splitting it into A and B saves sum_b I(b; A given C) >= 0.",
        numbers={
            "distributions tested": "43",
            "splits tested": "229",
            "Shuffle, n = 3: L_2 of a pair, then a single token": "-log2(2) + log2(3)",
            "Shuffle, n = 3: L_2 of a single token, then a pair": "log2(2)",
        },
    ),
    Claim(
        id="two-per-step",
        title="Two tokens per step on Shuffle",
        claim="Decoding Shuffle two tokens at a time costs log2(n!!/(n-1)!!), which grows without bound.",
        place="Section 4, Shuffle",
        test="Exact costs of pairs and of the best sizes for n/2 steps.",
        evidence=two_per_step,
        verdict="holds",
        condition="Where every step takes exactly two. At two a step on average, large steps first (3, ..., "
        "2, ..., 1), the cost stays below 1 + 1/2 log2(3) + 1/2 log2(n^2/(n^2-4)), 1.79 bits in the limit.",
        numbers={
            "limit of the best n/2 steps": "log2(2) + 1/2 log2(3)",
            "n = 6: pairs": "4 log2(2) - log2(5)",
            "n = 6: best 3 steps": "-log2(2) + 3 log2(3) - log2(5)",
            "n = 8: pairs": "7 log2(2) - log2(5) - log2(7)",
            "n = 8: best 4 steps": "2 log2(2) + log2(5) - log2(7)",
            "n = 64: pairs": "log2(64!!/63!!)",
            "n = 64: best 32 steps": "sizes 11 x 3, 10 x 2, 11 x 1",
            "n = 1024: pairs": "log2(1024!!/1023!!)",
            "n = 1024: best 512 steps": "sizes 171 x 3, 170 x 2, 171 x 1",
        },
    ),
)
