"""Claims on rules as released, on the score of a drawn token and on the factor rule."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from figures.claims.claim import Claim, Evidence
from figures.claims.distributions import listed
from synthetic import make_task
from theory.decoding.decoder import decode
from theory.decoding.tasks.decode import ExpectedDecode, decode_contexts
from theory.numbers.arithmetic import Array
from theory.optima.mixtures.optimal import optimal_mixture
from theory.policies import RankedPolicy, parse_policy
from theory.policies.as_process import SampledConfidence
from theory.policies.prefix import ranks
from theory.policies.rules.factor import Factor
from theory.policies.view import View

__all__ = ["ENTRIES", "FirstFailure"]

NAMES = {"shuffle": "Shuffle", "replace_random": "Replace Random"}


# -- the score of a drawn token --------------------------------------------------------------------------


def sampled_confidence() -> Evidence:
    """Compare ranking by the largest probability with ranking by the probability of a drawn token."""
    found = Evidence()
    cases = [(n, k) for n in range(3, 7) for k in range(2, n)]
    largest = {(n, k): _accuracy(n, f"topk:k={k}") for n, k in cases}
    drawn = {(n, k): _accuracy(n, f"topk:k={k},confidence=sampled") for n, k in cases}
    for case in ((4, 2), (4, 3), (6, 2), (6, 3)):
        where = "Replace Random, n = {}, k = {}".format(*case)
        found.number(f"{where}: largest probability", largest[case])
        found.number(f"{where}: drawn token", drawn[case])
    replace = listed("replace_random", 4)
    kl = decode(replace, parse_policy("topk:k=3,confidence=sampled")).kl
    found.number("Replace Random, n = 4, k = 3: KL, drawn token", kl)
    least = optimal_mixture(replace, 2)
    found.number("Replace Random, n = 4: least KL of a random two-step partition", least.kl)
    single = {
        label: decode(listed("insert_random", 3), parse_policy(f"topk:k=1{keys}"))
        for label, keys in (("largest probability", ""), ("drawn token", ",confidence=sampled"))
    }
    for label, result in single.items():
        found.number(f"Insert Random, n = 3, one token per step: KL, {label}", result.kl)
    found.released("one accuracy at temperature 1, Replace Random, 2 <= k < n <= 6", largest == drawn)
    found.stated(
        "Insert Random, n = 3, largest probability: one token per step has KL = L_T = 0",
        single["largest probability"].kl == 0,
    )
    found.released(
        "Insert Random, n = 3, drawn token: one token per step has KL = L_T = 0",
        single["drawn token"].kl == 0,
    )
    found.released(
        "Replace Random, n = 4, k = 3: KL >= that of every random two-step partition", kl >= least.kl
    )
    found.also("the least of those is certified", least.is_optimal)
    same = {0: True, 1: True}
    tasks = (("shuffle", 4), ("replace_random", 4), ("insert_random", 3), ("remove_random", 4))
    for (task, n), k, temperature in product(tasks, (1, 2, 3, 4), same):
        same[temperature] &= _one_distribution(task, n, k, temperature)
    found.released("temperature 0: one distribution, four tasks, k = 1..4", same[0])
    found.also("temperature 1: some of them differ", not same[1])
    found.also(
        "the largest probability ranks as random does on Replace Random",
        all(_accuracy(n, f"topk:k={k},by=random") == largest[n, k] for n, k in cases),
    )
    found.also(
        "Replace Random: the accuracy is lower iff the last step takes two or more tokens, else higher",
        all(
            drawn[n, k] < largest[n, k] if (n - 1) % k + 1 > 1 else drawn[n, k] > largest[n, k]
            for n, k in cases
        ),
    )
    found.also(
        "Shuffle, n = 4: nothing changes", all(_one_distribution("shuffle", 4, k, 1) for k in (1, 2, 3, 4))
    )
    return found


def _accuracy(n: int, spec: str) -> Fraction:
    return Fraction(decode(listed("replace_random", n), parse_policy(spec)).accuracy)


def _one_distribution(task: str, n: int, k: int, temperature: int) -> bool:
    """Return whether both scores give the same output distribution."""
    pmf, policy = listed(task, n), parse_policy(f"topk:k={k}")
    assert isinstance(policy, RankedPolicy)
    plain = decode(pmf, policy, temperature=temperature)
    return plain.distribution == decode(pmf, SampledConfidence(policy), temperature=temperature).distribution


# -- the factor rule -------------------------------------------------------------------------------------


def _lumped(task: str, n: int, spec: str) -> ExpectedDecode:
    """Return the exact decode at temperature 1 by the lumped chain."""
    return decode_contexts(make_task(task, n), parse_policy(spec), lumped=True)


class FirstFailure(Factor):
    """The printed factor rule as a loop over the ranks that stops at the first one that fails."""

    def count(self, view: View, scores: Array) -> Array:
        """Return the rank before the first failure; the first rank always passes."""
        xp, rank = view.numbers.xp, ranks(view)
        fails = (1 - view.descending(scores)) * (rank + 1) >= view.numbers.const(
            self.f
        ) - view.numbers.tolerance
        fails = (xp.astype(fails, xp.bool) & (rank > 1)) | (rank > view.left[:, None])
        return xp.sum(xp.astype(xp.cumulative_sum(xp.astype(fails, xp.int64), axis=1) == 0, xp.int64), axis=1)


def released_factor() -> Evidence:
    """Compare the printed factor rule with the released loop."""
    found = Evidence()
    variants = {"printed": "", "released": ",variant=released"}
    for (task, title), f in product(NAMES.items(), ("0.7", "1.0")):
        for name, keys in variants.items():
            result = _lumped(task, 6, f"factor:f={f}{keys}")
            found.number(f"{title}, n = 6, f = {f}: accuracy, {name}", Fraction(result.accuracy))
            found.number(f"{title}, n = 6, f = {f}: steps, {name}", Fraction(result.steps))
    equality = _lumped("replace_random", 6, "factor:f=1.0,strict=false")
    found.number(
        "Replace Random, n = 6, f = 1.0: accuracy, printed with <= for <", Fraction(equality.accuracy)
    )

    def same(values: tuple[str, ...], one: str, other: str) -> bool:
        results = [
            [_lumped(task, n, spec.format(f)) for spec in (one, other)]
            for task, n, f in product(NAMES, range(2, 11), values)
        ]
        return all(a.accuracy == b.accuracy and a.steps == b.steps for a, b in results)

    low, high = ("0.5", "0.7", "1.0", "1.3", "1.5"), ("1.6", "1.9")
    released, printed, loop = variants["released"], "factor:f={}", f"{__name__}:FirstFailure:f={{}}"
    found.released(
        "the released loop decodes as printed, f = 0.5 to 1.9, n <= 10",
        same(low + high, printed, printed + released),
    )
    found.released("the same for f = 1.6 and 1.9", same(high, printed, printed + released))
    found.stated("a loop that stops at the first failure, f = 0.5 to 1.9", same(low + high, printed, loop))
    found.also(
        "released, Shuffle: accuracy 1/2 for f = 0.5 to 1.5, n = 2..10; as printed it is 1",
        all(
            (
                _lumped("shuffle", n, f"factor:f={f}{released}").accuracy,
                _lumped("shuffle", n, f"factor:f={f}").accuracy,
            )
            == (Fraction(1, 2), 1)
            for n, f in product(range(2, 11), low)
        ),
    )
    found.also(
        "released, Replace Random: less accurate than printed for f = 0.5 to 1.0, n = 2..10",
        all(
            _lumped("replace_random", n, f"factor:f={f}{released}").accuracy
            < _lumped("replace_random", n, f"factor:f={f}").accuracy
            for n, f in product(range(2, 11), low[:3])
        ),
    )
    found.also("6 (1 - 5/6) < 1 in floating point, where it is 1", 6 * (1 - 5 / 6) < 1)
    return found


ENTRIES = (
    Claim(
        id="sampled-confidence",
        title="Confidence of the best or of the drawn token",
        claim="Confidence decoding ranks positions by their largest probability and then draws the tokens "
        "independently, as Theorem 1 assumes.",
        place="Section 4.2 and Theorem 1",
        test="LLaDA and Fast-dLLM draw first and rank by the probability of the drawn token. Exact "
        "distributions of both by following every draw.",
        evidence=sampled_confidence,
        verdict="holds; release differs",
        refuted=(
            "one accuracy at temperature 1, Replace Random, 2 <= k < n <= 6",
            "Insert Random, n = 3, drawn token: one token per step has KL = L_T = 0",
            "Replace Random, n = 4, k = 3: KL >= that of every random two-step partition",
        ),
        condition="At temperature 0 both are one. Above it the released set depends on the drawn tokens, "
        "Theorem 1 does not apply, and KL can be above L_T or below every random partition. On Replace Random the "
        "rare new item goes last; if the last step takes two or more tokens, accuracy falls below random order. "
        "This cannot explain where Random beats Confidence in Section 6: those runs are at temperature 0 (Appendix "
        "D).",
        numbers={
            "Replace Random, n = 4, k = 2: largest probability": "21/32",
            "Replace Random, n = 4, k = 2: drawn token": "267/512",
            "Replace Random, n = 4, k = 3: largest probability": "27/32",
            "Replace Random, n = 4, k = 3: drawn token": "243/256",
            "Replace Random, n = 6, k = 2: largest probability": "845/1152",
            "Replace Random, n = 6, k = 2: drawn token": "1384915/2654208",
            "Replace Random, n = 6, k = 3: largest probability": "1175/1944",
            "Replace Random, n = 6, k = 3: drawn token": "188375/419904",
            "Replace Random, n = 4, k = 3: KL, drawn token": "8 log2(2) - 5 log2(3)",
            "Replace Random, n = 4: least KL of a random two-step partition": "5 log2(2) - 3 log2(3)",
            "Insert Random, n = 3, one token per step: KL, largest probability": "0",
            "Insert Random, n = 3, one token per step: KL, drawn token": "7 log2(2) + 3 log2(3) "
            "- 1/2 log2(2003) - 1/2 log2(4909)",
        },
    ),
    Claim(
        id="released-factor",
        title="The factor rule as printed and as released",
        claim="Factor decoding takes the largest m with (m+1)(1 - c_(m)) < f.",
        place="Appendix E.2, factor decoding, after Fast-dLLM (arXiv 2505.22618)",
        test="Exact accuracy and steps of the printed rule and of the released loop (with <=; where only the "
        "last candidate fails it is taken all the same), n <= 10, temperature 1.",
        evidence=released_factor,
        verdict="holds; release differs",
        refuted=("the released loop decodes as printed, f = 0.5 to 1.9, n <= 10",),
        condition="For f > 3/2 they agree on these two tasks. The released loop decodes the last two masked "
        "tokens together at every f: Shuffle is then right half of the time, not always. At n = 6, f = 1 it takes "
        "all of Replace Random at once. As printed five tokens tie with f there: 125/144 exactly, 3125/3888 if "
        "rounding decides.",
        numbers={
            "Shuffle, n = 6, f = 0.7: accuracy, printed": "1",
            "Shuffle, n = 6, f = 0.7: steps, printed": "6",
            "Shuffle, n = 6, f = 0.7: accuracy, released": "1/2",
            "Shuffle, n = 6, f = 0.7: steps, released": "5",
            "Shuffle, n = 6, f = 1.0: accuracy, printed": "1",
            "Shuffle, n = 6, f = 1.0: steps, printed": "6",
            "Shuffle, n = 6, f = 1.0: accuracy, released": "1/2",
            "Shuffle, n = 6, f = 1.0: steps, released": "5",
            "Replace Random, n = 6, f = 0.7: accuracy, printed": "25/27",
            "Replace Random, n = 6, f = 0.7: steps, printed": "1921/648",
            "Replace Random, n = 6, f = 0.7: accuracy, released": "475/648",
            "Replace Random, n = 6, f = 0.7: steps, released": "557/216",
            "Replace Random, n = 6, f = 1.0: accuracy, printed": "125/144",
            "Replace Random, n = 6, f = 1.0: steps, printed": "3217/1296",
            "Replace Random, n = 6, f = 1.0: accuracy, released": "3125/7776",
            "Replace Random, n = 6, f = 1.0: steps, released": "1",
            "Replace Random, n = 6, f = 1.0: accuracy, printed with <= for <": "3125/3888",
        },
    ),
)
