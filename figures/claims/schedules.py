"""The claim on what "T steps" mean in released decoders."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from figures.claims.claim import Claim, Evidence
from synthetic import make_task
from theory.decoding.tasks.decode import decode_contexts
from theory.decoding.tasks.realised import lumped_form, realised
from theory.policies import parse_policy

__all__ = ["ENTRIES"]

NAMES = {"shuffle": "Shuffle", "replace_random": "Replace Random"}
SCHEDULES = {"LLaDA": "llada:steps={}", "Dream": "dream:steps={}", "Dream, eps = 0": "dream:steps={},eps=0"}


def realised_steps() -> Evidence:
    """Compare the sizes and accuracies of released schedules with those of k = n/T tokens per step."""
    found = Evidence()
    for (task, title), (k, steps) in product(NAMES.items(), ((1, 10), (2, 5))):
        where = f"{title}, n = 10, T = {steps}"
        found.number(f"{where}: k = {k}", _accuracy(task, 10, f"topk:k={k},by=random"))
        for name, spec in SCHEDULES.items():
            found.number(f"{where}: {name}", _accuracy(task, 10, spec.format(steps)))
    pairs = [(n, steps) for n in range(1, 65) for steps in range(1, n + 1) if n % steps == 0]
    found.number("pairs (n, T), T divides n, n <= 64", len(pairs))
    unequal = {name: [p for p in pairs if not _equal(spec, *p)] for name, spec in SCHEDULES.items()}
    for name, cases in unequal.items():
        found.number(f"of these with unequal sizes: {name}", len(cases))
    found.released("n/T tokens in each step for all of them: Dream", not unequal["Dream"])
    found.released("the same for Dream, eps = 0", not unequal["Dream, eps = 0"])
    found.released("the same for LLaDA", not unequal["LLaDA"])
    found.released(
        "LLaDA has the accuracy of top-k, k = n/T, n <= 10, Shuffle and Replace Random",
        all(
            _accuracy(task, n, SCHEDULES["LLaDA"].format(steps))
            == _accuracy(task, n, f"topk:k={n // steps},by=random")
            for task in NAMES
            for n, steps in pairs
            if n <= 10
        ),
    )
    found.also(
        "Dream takes unequal sizes for every T >= 2",
        set(unequal["Dream"]) == {(n, steps) for n, steps in pairs if steps > 1},
    )
    found.also(
        "Dream, T = n: an idle call, n - 2 single tokens, then two, n = 2..64",
        all(_sizes(SCHEDULES["Dream"], n, n) == (0, *[1] * (n - 2), 2) for n in range(2, 65)),
    )
    found.also(
        "Dream, T = n: accuracy 1/2 on Shuffle and 1 - 1/n on Replace Random, n = 2..10",
        all(
            _accuracy("shuffle", n, f"dream:steps={n}") == Fraction(1, 2)
            and _accuracy("replace_random", n, f"dream:steps={n}") == 1 - Fraction(1, n)
            for n in range(2, 11)
        ),
    )
    found.also(
        "Dream, n = 10, T = 5: the sizes are 1, 2, 2, 2, 3 for both eps",
        all(_sizes(SCHEDULES[name], 10, 5) == (1, 2, 2, 2, 3) for name in ("Dream", "Dream, eps = 0")),
    )
    found.also(
        "Dream, eps = 0, n = 32, T = 8 (the benchmark's): the sizes are 4, 3, 4, 4, 4, 4, 4, 5",
        _sizes(SCHEDULES["Dream, eps = 0"], 32, 8) == (4, 3, 4, 4, 4, 4, 4, 5),
    )
    return found


def _sizes(spec: str, n: int, steps: int) -> tuple[int, ...]:
    found = realised(parse_policy(spec.format(steps)), n)
    assert found is not None, "a schedule needs no task"
    return tuple(int(size) for size in found.sizes)


def _equal(spec: str, n: int, steps: int) -> bool:
    return _sizes(spec, n, steps) == (n // steps,) * steps


def _accuracy(task: str, n: int, spec: str) -> Fraction:
    """Return the exact accuracy at temperature 1 by the lumped chain."""
    policy = lumped_form(parse_policy(spec), n)
    return Fraction(decode_contexts(make_task(task, n), policy, lumped=True).accuracy)


ENTRIES = (
    Claim(
        id="realised-steps",
        title="T steps of n/T tokens",
        claim="Decoding n tokens in T steps takes k = n/T of them in each, so that a curve over steps is one "
        "over k.",
        place="Section 4.2.1, Eq. (5), and experiments over tokens per step",
        test="The sizes that the released schedules of LLaDA and Dream come to, for all n <= 64 and T that "
        "divide n; exact accuracies with these sizes, random order, temperature 1.",
        evidence=realised_steps,
        verdict="release differs",
        refuted=("n/T tokens in each step for all of them: Dream", "the same for Dream, eps = 0"),
        condition="LLaDA takes equal sizes where T divides n. Dream truncates m (1 - s/t), m tokens left: at "
        "its default eps = 1e-3 no T >= 2 has equal sizes, and with T = n a perfect model is right on Shuffle half "
        "of the time. At eps = 0 (ParallelBench) single precision does it in 184 of 280 cases, on a CPU; so 32 "
        "positions in 8 steps are 4, 3, 4, 4, 4, 4, 4 and 5.",
        numbers={
            "Shuffle, n = 10, T = 10: k = 1": "1",
            "Shuffle, n = 10, T = 10: LLaDA": "1",
            "Shuffle, n = 10, T = 10: Dream": "1/2",
            "Shuffle, n = 10, T = 10: Dream, eps = 0": "1/2",
            "Shuffle, n = 10, T = 5: k = 2": "63/256",
            "Shuffle, n = 10, T = 5: LLaDA": "63/256",
            "Shuffle, n = 10, T = 5: Dream": "128/945",
            "Shuffle, n = 10, T = 5: Dream, eps = 0": "128/945",
            "Replace Random, n = 10, T = 10: k = 1": "1",
            "Replace Random, n = 10, T = 10: LLaDA": "1",
            "Replace Random, n = 10, T = 10: Dream": "9/10",
            "Replace Random, n = 10, T = 10: Dream, eps = 0": "9/10",
            "Replace Random, n = 10, T = 5: k = 2": "665253/819200",
            "Replace Random, n = 10, T = 5: LLaDA": "665253/819200",
            "Replace Random, n = 10, T = 5: Dream": "84641/110250",
            "Replace Random, n = 10, T = 5: Dream, eps = 0": "84641/110250",
            "pairs (n, T), T divides n, n <= 64": "280",
            "of these with unequal sizes: LLaDA": "0",
            "of these with unequal sizes: Dream": "216",
            "of these with unequal sizes: Dream, eps = 0": "184",
        },
    ),
)
