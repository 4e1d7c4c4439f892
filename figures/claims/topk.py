"""Claims on the accuracy of top-k decoding with ties, remainders and temperature 1."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from figures.claims.claim import Claim, Evidence
from figures.claims.tie_noise import skewed_noise
from synthetic import make_task
from theory.decoding.tasks.decode import decode_contexts
from theory.decoding.tie_breaks import tie_interval
from theory.information.closed_forms import closed_form, evaluate
from theory.policies import parse_policy

__all__ = ["ENTRIES"]

LONGEST = 8


def _accuracy(task: str, n: int, spec: str, temperature: int, greedy_ties: str = "random") -> Fraction:
    """Return the exact accuracy by the lumped chain."""
    result = decode_contexts(
        make_task(task, n), parse_policy(spec), lumped=True, temperature=temperature, greedy_ties=greedy_ties
    )
    return Fraction(result.accuracy)


def _tie_range(task: str, n: int, spec: str) -> list[Any]:
    return list(tie_interval(make_task(task, n).contexts()[0].distribution.pmf(), parse_policy(spec)))


def _cases(*, divides: bool | None = None) -> list[tuple[int, int]]:
    """Return (n, k) with 1 <= k <= n up to the longest; only those where k divides n, or does not, if asked."""
    pairs = [(n, k) for n in range(1, LONGEST + 1) for k in range(1, n + 1)]
    return [(n, k) for n, k in pairs if divides is None or (n % k == 0) == divides]


def greedy_or_sampling() -> Evidence:
    """Compare greedy and sampled accuracy on Shuffle under each rule for equal tokens."""
    found = Evidence()
    spec = "topk:k=2,by=random"
    found.number("n = 4, k = 2: sampling", _accuracy("shuffle", 4, spec, 1))
    found.number("n = 4, k = 2: greedy, independent random ties", _accuracy("shuffle", 4, spec, 0))
    found.number("n = 4, k = 2: greedy, lowest token", _accuracy("shuffle", 4, spec, 0, "lowest"))
    low, high = _tie_range("shuffle", 4, spec)
    found.number("n = 4, k = 2: greedy, worst fixed tie rule", low)
    found.number("n = 4, k = 2: greedy, best fixed tie rule", high)
    specs = {(n, k): f"topk:k={k},by=random" for n, k in _cases(divides=True)}
    sampled = {(n, k): _accuracy("shuffle", n, s, 1) for (n, k), s in specs.items()}
    eq5 = closed_form("shuffle", "accuracy topk")
    found.condition(
        "sampling has the accuracy of Eq. (5), n <= 8, k divides n",
        all(value == evaluate(eq5, n=n, k=k) for (n, k), value in sampled.items()),
    )
    found.condition(
        "so has greedy decoding with independent random ties",
        all(_accuracy("shuffle", n, s, 0) == sampled[n, k] for (n, k), s in specs.items()),
    )
    lowest = {(n, k): _accuracy("shuffle", n, s, 0, "lowest") for (n, k), s in specs.items()}
    found.stated("so has greedy decoding with any noise of mean zero", skewed_noise() == sampled[2, 2])
    found.also(
        "greedy decoding that takes the lowest token is never right for k >= 2",
        all(v == 0 for (_, k), v in lowest.items() if k > 1),
    )
    return found


def k_divides_n() -> Evidence:
    """Compare the two usual places of the remainder."""
    found = Evidence()
    rules = {"last": "remainder last", "first": "remainder first"}
    for task, n, k, temperature in (
        ("shuffle", 5, 4, 1),
        ("shuffle", 8, 5, 1),
        ("replace_random", 4, 3, 1),
        ("replace_random", 4, 3, 0),
    ):
        name = {"shuffle": "Shuffle", "replace_random": "Replace Random"}[task]
        for rule, label in rules.items():
            value = _accuracy(task, n, f"topk:k={k},by=random,remainder={rule}", temperature)
            found.number(f"{name}, n = {n}, k = {k}, temperature {temperature}: {label}", value)
    values = {
        (n, k): [_accuracy("shuffle", n, f"topk:k={k},by=random,remainder={rule}", 1) for rule in rules]
        for n, k in _cases()
    }
    agree = {case: last == first for case, (last, first) in values.items()}
    found.convention("one accuracy for every k <= n <= 8, wherever the remainder goes", all(agree.values()))
    found.convention("one accuracy where k divides n", all(agree[case] for case in _cases(divides=True)))
    eq5 = closed_form("shuffle", "accuracy topk")
    found.stated(
        "it is that of Eq. (5)",
        all(values[n, k][0] == evaluate(eq5, n=n, k=k) for n, k in _cases(divides=True)),
    )
    return found


def greedy_replace() -> Evidence:
    """Compare greedy accuracy on Replace Random with 1/2 at k = 2 and 0 above."""
    found = Evidence()
    values = {
        (n, k): _accuracy("replace_random", n, f"topk:k={k},by=random", 0) for n, k in _cases() if k > 1
    }
    for n, k in ((6, 2), (6, 3), (5, 2), (4, 3), (7, 5)):
        found.number(f"n = {n}, k = {k}", values[n, k])
    found.number(
        "n = 6, k = 2, lowest token", _accuracy("replace_random", 6, "topk:k=2,by=random", 0, "lowest")
    )
    low, high = _tie_range("replace_random", 6, "topk:k=2,by=random")
    found.number("n = 6, k = 2, worst fixed tie rule", low)
    found.number("n = 6, k = 2, best fixed tie rule", high)

    def printed(k: int) -> Fraction:
        return Fraction(1, 2) if k == 2 else Fraction(0)

    found.stated(
        "1/2 at k = 2 and 0 at k > 2 where k divides n, n <= 8, random ties",
        all(value == printed(k) for (n, k), value in values.items() if n % k == 0),
    )
    last = {(n, k): (n - 1) % k + 1 for n, k in values}
    found.also(
        "n = 5, k = 2 and n = 4, k = 3, where k does not divide n: always right",
        values[5, 2] == values[4, 3] == 1,
    )
    found.also(
        "only the size of the last step counts: 1 gives 1, 2 gives 1/2, more gives 0",
        all(value == {1: Fraction(1), 2: Fraction(1, 2)}.get(last[c], 0) for c, value in values.items()),
    )
    return found


def sampled_replace() -> Evidence:
    """Compare the one-step formula at temperature 1, and its extension to any k, with the decoder."""
    found = Evidence()
    one_step = closed_form("replace_random", "accuracy one step tau=1")
    any_k = closed_form("replace_random", "accuracy topk tau=1")
    for k in (6, 3, 2, 1):
        found.number(f"n = 6, k = {k}", _accuracy("replace_random", 6, f"topk:k={k},by=random", 1))
    found.number("n = 20, k = 2", _accuracy("replace_random", 20, "topk:k=2,by=random", 1))
    found.stated(
        "(1 - 1/n)^(n-1) at k = n, n <= 8",
        all(
            _accuracy("replace_random", n, f"topk:k={n},by=random", 1) == evaluate(one_step, n=n)
            for n in range(1, LONGEST + 1)
        ),
    )
    found.stated("its limit is 1/e", str(one_step.limit) == "exp(-1)")
    found.also(
        "the form for any k, n <= 8",
        all(
            _accuracy("replace_random", n, f"topk:k={k},by=random", 1) == evaluate(any_k, n=n, k=k)
            for n, k in _cases()
        ),
    )
    found.also("its limit for a fixed k is 1", str(any_k.limit) == "1")
    return found


ENTRIES = (
    Claim(
        id="greedy-or-sampling",
        title="Eq. (5) for greedy decoding and sampling alike",
        claim="The top-k accuracy on Shuffle is the same for greedy decoding and for sampling.",
        place="Section 4.2.1, Eq. (5), with Section 4.2's zero-mean noise of a model, which is to break ties",
        test="Exact accuracy at temperatures 0 and 1 with random and with fixed choices among equal tokens, "
        "and with noise of mean zero that is not symmetric.",
        evidence=greedy_or_sampling,
        verdict="holds under a condition",
        condition="Greedy decoding breaks ties at random and independently at each position. All tokens tie "
        "here, and the paper's zero-mean noise is meant to break them so; a mean of zero does not suffice, see "
        "[errata](errata.md#zero-mean-noise). An argmax that takes the lowest of equal tokens gives every position "
        "of a step the same item, and is never right; published points of Figure 2b are nearer to that, see "
        "[errata](errata.md#figure-2b).",
        refuted=("so has greedy decoding with any noise of mean zero",),
        numbers={
            "n = 4, k = 2: sampling": "3/8",
            "n = 4, k = 2: greedy, independent random ties": "3/8",
            "n = 4, k = 2: greedy, lowest token": "0",
            "n = 4, k = 2: greedy, worst fixed tie rule": "0",
            "n = 4, k = 2: greedy, best fixed tie rule": "1",
        },
    ),
    Claim(
        id="k-divides-n",
        title="Eq. (5) where k does not divide n",
        claim="Top-k decoding of n tokens has the accuracy of Eq. (5), a product over n/k steps, so k divides "
        "n.",
        place="Section 4.2.1, Eq. (5); the paper says nothing on other k",
        test="Exact accuracy with the remainder of n/k in the last step and spread over the first steps "
        "(LLaDA).",
        evidence=k_divides_n,
        verdict="holds; convention not discussed",
        refuted=("one accuracy for every k <= n <= 8, wherever the remainder goes",),
        condition="Where k does not divide n the accuracy depends on which steps are shorter, and a result "
        "should say so.",
        numbers={
            "Shuffle, n = 5, k = 4, temperature 1: remainder last": "24/125",
            "Shuffle, n = 5, k = 4, temperature 1: remainder first": "6/25",
            "Shuffle, n = 8, k = 5, temperature 1: remainder last": "35/768",
            "Shuffle, n = 8, k = 5, temperature 1: remainder first": "315/8192",
            "Replace Random, n = 4, k = 3, temperature 1: remainder last": "27/32",
            "Replace Random, n = 4, k = 3, temperature 1: remainder first": "21/32",
            "Replace Random, n = 4, k = 3, temperature 0: remainder last": "1",
            "Replace Random, n = 4, k = 3, temperature 0: remainder first": "1/2",
        },
    ),
    Claim(
        id="greedy-replace",
        title="Greedy top-k on Replace Random",
        claim="Greedy decoding of Replace Random is right with probability 1/2 at k = 2 and 0 at k > 2, where "
        "k divides n.",
        place="Section 4.2.1, Replace Random",
        test="Exact accuracy for every 2 <= k <= n <= 8, and the range over all fixed tie rules.",
        evidence=greedy_replace,
        verdict="holds",
        condition="With random ties: 1/2 is their mean, a fixed rule gives 0 or 1. Only the size of the last "
        "step counts, so where k does not divide n the result is another one. Table 1 repeats these values without "
        "the text's assumption, see [errata](errata.md#table-1).",
        numbers={
            "n = 6, k = 2": "1/2",
            "n = 6, k = 3": "0",
            "n = 5, k = 2": "1",
            "n = 4, k = 3": "1",
            "n = 7, k = 5": "1/2",
            "n = 6, k = 2, lowest token": "0",
            "n = 6, k = 2, worst fixed tie rule": "0",
            "n = 6, k = 2, best fixed tie rule": "1",
        },
    ),
    Claim(
        id="sampled-replace",
        title="Replace Random in one step at temperature 1",
        claim="One parallel step has accuracy (1 - 1/n)^(n-1), which tends to 1/e.",
        place="Section 4.2.1, Replace Random",
        test="Exact accuracy for n <= 8; the form for any k in theory.information.closed_forms.",
        evidence=sampled_replace,
        verdict="holds",
        condition="The paper gives k = n only. For any fixed k the accuracy tends to 1 as n grows.",
        numbers={
            "n = 6, k = 6": "3125/7776",
            "n = 6, k = 3": "1175/1944",
            "n = 6, k = 2": "845/1152",
            "n = 6, k = 1": "1",
            "n = 20, k = 2": "3025418933888941/3409345039564800",
        },
    ),
)
