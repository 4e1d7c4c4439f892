"""Claims on random orders and on rules that read the tokens."""

from __future__ import annotations

from fractions import Fraction

from figures.claims.claim import Claim, Evidence
from figures.claims.distributions import listed, partitions
from theory.bounds.partitions.step_bounds import optimal_bounds, step_bound
from theory.decoding.decoder import decode, step_distribution
from theory.information.subsets.builder import subset_entropies
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.optima.mixtures.optimal import optimal_mixture
from theory.optima.mixtures.output_distributions import mixture_kl
from theory.policies import parse_policy

__all__ = ["ENTRIES"]


def random_order() -> Evidence:
    """Compare the divergence of random top-k with the bounds of fixed partitions."""
    found = Evidence()
    pmf = listed("replace_random", 4)
    table = subset_entropies(pmf)
    pairs, best = step_bound(table, [[0, 1], [2, 3]]), optimal_bounds(table).values[1]
    found.number("L_2 of two pairs", pairs)
    found.number("L*_2", best)
    two, three = (decode(pmf, parse_policy(f"topk:k={k},by=random")) for k in (2, 3))
    for name, result in (("random top-2", two), ("random top-3", three)):
        found.number(f"KL of {name}", result.kl)
        found.number(f"KL of {name} along the path", result.path_kl)
    mixture = optimal_mixture(pmf, 2)
    found.number("least KL of a random two-step partition", mixture.kl)
    found.suggested("KL of random top-2 >= L_2 of two pairs", two.kl >= pairs)
    found.suggested("KL of random top-3 (two steps) >= L*_2", three.kl >= best)
    assert two.path_kl is not None  # a fixed partition or a mixture of them has one
    assert three.path_kl is not None
    found.condition("both divergences along the path >= L*_2", two.path_kl >= best and three.path_kl >= best)
    found.condition("the path divergence of random top-2 is L_2 of two pairs", two.path_kl == pairs)
    found.condition(
        "every fixed partition into two blocks has KL >= L*_2",
        all(mixture_kl(pmf, {b: 1}) >= best for b in partitions(4) if len(b) == 2),
    )
    found.also("no random two-step partition does better (certificate is exact)", mixture.is_optimal)
    found.also("random top-3 attains it", three.kl == mixture.kl)
    shuffle = listed("shuffle", 4)
    same = decode(shuffle, parse_policy("topk:k=2,by=random")).kl == step_bound(
        subset_entropies(shuffle), [[0, 1], [2, 3]]
    )
    found.also("Shuffle, n = 4: KL of random top-2 is L_2 of two pairs", same)
    return found


def adaptive_rules() -> Evidence:
    """Compare rules that read the tokens with the best fixed partition of as many steps."""
    found = Evidence()
    pmf = listed("matching_selector")
    fixed, free = optimal_bounds(subset_entropies(pmf)).values, adaptive_bounds(pmf)
    margin = decode(pmf, parse_policy("topk:k=2,by=margin,ties=lowest"))
    found.number("matching selector: L*_3", fixed[2])
    found.number("matching selector: V_3", free.values[2])
    found.number("matching selector: KL of margin top-2 (three steps)", margin.kl)
    found.number("matching selector: its steps", Fraction(margin.steps))
    replace = listed("replace_random", 5)
    rule = decode(replace, parse_policy("threshold:gamma=9/10"))
    *_, four, five = optimal_bounds(subset_entropies(replace)).values
    found.number("Replace Random, n = 5: L*_4", four)
    found.number("Replace Random, n = 5: L*_5", five)
    found.number("Replace Random, n = 5: KL of threshold 9/10 along the path", rule.path_kl)
    found.number("Replace Random, n = 5: its mean number of steps", Fraction(rule.steps))
    steps = step_distribution(replace, parse_policy("threshold:gamma=9/10")).runs
    found.number("Replace Random, n = 5: how often it takes five", Fraction(steps[5]))
    found.suggested("margin top-2 (three steps) has KL >= L*_3", margin.kl >= fixed[2])
    assert rule.path_kl is not None
    found.also(
        "the threshold rule is no counter-example: path KL below L*_4 at 19/5 steps on average, but not below L*_5",
        rule.path_kl < four and rule.path_kl >= five and rule.steps < 4,
    )
    best = decode(pmf, free.policy(3))
    found.also("a rule attains V_3", best.kl == best.path_kl == free.values[2] and best.steps <= 3)
    found.also("margin top-2 respects V_3", margin.kl >= free.values[2] and margin.steps == 3)
    found.also("V_T <= L*_T for every T", all(v <= f for v, f in zip(free.values, fixed, strict=True)))
    for n in (3, 4, 5):
        shuffle = listed("shuffle", n)
        same = adaptive_bounds(shuffle).values == optimal_bounds(subset_entropies(shuffle)).values
        found.also(f"Shuffle, n = {n}: V_T = L*_T for every T", same)
    return found


ENTRIES = (
    Claim(
        id="random-order",
        title="The bound and random unmasking",
        claim="L_T and L*_T, stated for a given partition, bound random top-k decoding too.",
        place="Suggested by Section 3 (the strategy determines how Y is partitioned) and p. 4; not stated",
        test="Replace Random, n = 4: the exact output distribution of random top-k, which is a mixture over "
        "partitions, against L_2, L*_2 and the best mixture of two-step partitions.",
        evidence=random_order,
        verdict="suggested; holds under a condition",
        refuted=("KL of random top-2 >= L_2 of two pairs", "KL of random top-3 (two steps) >= L*_2"),
        condition="The order is fixed, or the divergence is taken along the path, with the order known. The "
        "output distribution of a random order is a mixture, and by convexity its KL can be below L*_T. On Shuffle "
        "all orders have one distribution, so there nothing changes.",
        numbers={
            "L_2 of two pairs": "3 log2(2) - 3/2 log2(3)",
            "L*_2": "4 log2(2) - 9/4 log2(3)",
            "KL of random top-2": "5 log2(2) - log2(3) - log2(7)",
            "KL of random top-2 along the path": "3 log2(2) - 3/2 log2(3)",
            "KL of random top-3": "5 log2(2) - 3 log2(3)",
            "KL of random top-3 along the path": "4 log2(2) - 9/4 log2(3)",
            "least KL of a random two-step partition": "5 log2(2) - 3 log2(3)",
        },
    ),
    Claim(
        id="adaptive-rules",
        title="The bound and rules that read the tokens",
        claim="L*_T, stated for a given partition, bounds confidence, margin and threshold decoding with T "
        "steps too.",
        place="Suggested by Section 3 (the strategy determines how Y is partitioned) and p. 4; not stated",
        test="A selector token and four bits whose pairing it names: margin top-2 (equal scores by position) "
        "against the best fixed partition in three steps.",
        evidence=adaptive_rules,
        verdict="suggested; fails",
        refuted=("margin top-2 (three steps) has KL >= L*_3",),
        condition="Three steps of margin top-2 decode the matching selector exactly; every fixed partition in "
        "three steps loses 0.044 bits. The bound for such rules is V_T, the optimum over all adaptive ones. On "
        "Shuffle V_T = L*_T, so there nothing changes. A mean number of steps is no T: threshold 9/10 on Replace "
        "Random takes 3.8 steps on average and loses nothing, but five of them with probability 2/5, and L*_5 = 0.",
        numbers={
            "matching selector: L*_3": "-7/3 log2(2) + 3/2 log2(3)",
            "matching selector: V_3": "0",
            "matching selector: KL of margin top-2 (three steps)": "0",
            "matching selector: its steps": "3",
            "Replace Random, n = 5: L*_4": "-16/5 log2(2) + 3/5 log2(3) + log2(5)",
            "Replace Random, n = 5: KL of threshold 9/10 along the path": "0",
            "Replace Random, n = 5: L*_5": "0",
            "Replace Random, n = 5: its mean number of steps": "19/5",
            "Replace Random, n = 5: how often it takes five": "2/5",
        },
    ),
)
