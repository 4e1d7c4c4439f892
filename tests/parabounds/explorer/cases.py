"""Random laws and rules from a seed, and what ``theory`` says of each."""

import random
from fractions import Fraction
from typing import Any

from theory.decoding.decoder import decode
from theory.distributions.pmf import JointPMF

SCORES = ("confidence", "margin", "entropy", "left_to_right", "random")


def random_case(rng: random.Random) -> dict[str, Any]:
    """A law of at most 5 positions and 14 outcomes, a rule, and a temperature, as the page reads them."""
    n, size = rng.randint(1, 5), rng.randint(2, 3)
    rows = sorted({tuple(rng.randrange(size) for _ in range(n)) for _ in range(rng.randint(1, 14))})
    rng.shuffle(rows)
    most = rng.choice([1, 2, 5])
    weights = [rng.randint(1, most) for _ in rows]
    shares = [Fraction(w, sum(weights)) for w in weights]
    rule = random_rule(rng, rows, shares)
    return {
        "rows": [[str(token) for token in row] for row in rows],
        "shares": [str(share) for share in shares],
        "rule": rule,
        "temperature": rng.choice(["0", "1", "1", "1/2"]),
    }


def random_rule(rng: random.Random, rows: list[tuple[int, ...]], shares: list[Fraction]) -> dict[str, Any]:
    """A rule; half of the thresholds are marginals of the law, given some of its tokens."""
    name, n = rng.choice(["topk", "threshold", "threshold", "factor", "sizes"]), len(rows[0])
    rule: dict[str, Any] = {
        "name": name,
        "by": rng.choice(SCORES),
        "ties": rng.choice(["random", "lowest", "all"]),
    }
    rule["block"] = rng.choice(["", "", str(rng.randint(1, n))])
    rule["strict"] = rng.random() < 0.6
    if name == "topk":
        rule["k"] = str(rng.randint(1, n))
    if name == "sizes":
        rule["sizes"] = "+".join(str(rng.randint(1, 3)) for _ in range(rng.randint(1, 3)))
    if name == "threshold":
        rule["gamma"] = str(
            a_marginal(rng, rows, shares) if rng.random() < 0.5 else Fraction(rng.randint(0, 10), 10)
        )
    if name == "factor":
        rule["f"] = str(Fraction(rng.randint(1, 12), rng.choice([1, 2, 3, 4, 6])))
    return rule


def a_marginal(rng: random.Random, rows: list[tuple[int, ...]], shares: list[Fraction]) -> Fraction:
    """The largest probability at a position, given the tokens of an outcome at some others."""
    n, answer = len(rows[0]), rng.choice(rows)
    known = [i for i in range(n) if rng.random() < 0.4]
    place = rng.randrange(n)
    inside = [
        (row, p) for row, p in zip(rows, shares, strict=True) if all(row[i] == answer[i] for i in known)
    ]
    total = sum(p for _, p in inside)
    return max(
        sum((p for row, p in inside if row[place] == v), Fraction(0)) / total
        for v in {r[place] for r, _ in inside}
    )


def expected(case: dict[str, Any], spec: str) -> dict[str, Any]:
    """What ``theory`` gives: exact numbers as text, divergences as floats."""
    rows = [tuple(row) for row in case["rows"]]
    found = decode(JointPMF.from_pairs(rows, case["shares"]), spec, temperature=Fraction(case["temperature"]))
    return {
        "q": [str(found.distribution[row]) for row in rows],
        "accuracy": str(found.accuracy),
        "steps": str(found.steps),
        "dataSteps": str(found.steps_under_data),
        "kl": float(found.kl),
        "pathKl": float(found.path_kl),  # type: ignore[arg-type]
        "form": str(found.kl),
    }


def disagreements(cases: list[dict[str, Any]], answers: list[dict[str, Any]]) -> list[str]:
    """What differs between the page's answers and the expected ones."""
    wrong = []
    for case, answer in zip(cases, answers, strict=True):
        right = expected(case, answer["spec"])
        for key, value in right.items():
            same = answer[key] == value
            if isinstance(value, float):
                got = float(answer[key])
                same = got == value or abs(got - value) <= 1e-11
            if key == "form" and answer[key] is None:
                same = True  # an integer of the sum is too long to factor in the page
            if not same:
                wrong.append(f"{answer['spec']} {case}: {key} is {answer[key]}, not {value}")
    return wrong
