"""The claims: every number by an independent route, every verdict from the facts, the committed page as built."""

import re
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import lgamma, log, log2
from pathlib import Path

import numpy as np
import pytest

from figures.claims.claim import ROLES, VERDICTS, Evidence, verdict_of
from figures.claims.known import CLAIMS
from figures.claims.page import build_page
from figures.drawing.style import new_figure
from figures.engine.figure import RunSettings
from figures.engine.run import run_figures
from figures.paper.claims import FIGURE, evidence
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from tests.reference import released as rel
from tests.reference.claims import expected
from tests.reference.errata import errata

ROOT = Path(__file__).parents[3]
# the evidence of each takes a tenth of a second to six; by default the others
DEAR = {
    *("theorem-1", "theorem-2", "table-1", "lemma-1", "two-per-step", "equal-sizes", "realised-steps"),
    *("released-factor", "figure-labels", "sudoku-v2", "sampled-confidence", "sampled-replace"),
    *("replace-threshold", "shuffle-threshold", "impossible-contexts", "greedy-or-sampling"),
    *("random-order", "k-divides-n", "oracle-bound", "opposite-trends", "adaptive-rules", "least-threshold"),
}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    figure = replace(FIGURE, draw=lambda *_: new_figure()[0])  # drawn in tests/figures/paper/test_figures.py
    (made,) = run_figures([figure], run=RunSettings(fast=True), out=tmp_path_factory.mktemp("claims"))
    return made


@pytest.fixture(scope="module")
def rows(result):
    return result.rows


@pytest.fixture(scope="module")
def lines(rows):
    return {name: [row for row in rows if row["claim"] == name] for name in CLAIMS}


# --- Verdicts, checks and the page ---------------------------------------------------------------------------


@pytest.mark.deep
def test_the_committed_pages_are_the_built_ones(result):
    for name in ("claims.md", "errata.md"):
        page = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert page == result.files[name].read_text(encoding="utf-8"), "run: parabounds figures claims"
    assert set(result.files) == {"csv", "svg", "png", "pdf", "claims.md", "errata.md"}
    assert FIGURE.fast == {}, "one form only: the page does not depend on it"


@pytest.mark.deep
def test_the_pages_show_every_claim_and_number(rows):
    pages = {name: build_page(rows, name) for name in ("claims", "errata")}
    for claim in CLAIMS.values():
        assert f'<a id="{claim.id}"></a>' in pages[claim.page]
        assert f"](#{claim.id})" in pages[claim.page]
    for row in rows:
        assert "|" not in row["quantity"] + row["exact"]
        shown = f"| {row['quantity']} |".replace("*", r"\*").replace("<", r"\<")
        assert shown in pages[CLAIMS[row["claim"]].page]
    targets = re.findall(r"errata\.md#([\w-]+)", pages["claims"])
    assert targets
    assert set(targets) <= {claim.id for claim in CLAIMS.values() if claim.page == "errata"}


@pytest.mark.parametrize("name", sorted(CLAIMS.keys() - DEAR))
def test_numbers_and_verdict_follow_from_the_evidence(name):
    lines = evidence(claim=name)
    check_verdict(name, lines)
    numbers = {line["quantity"]: line["exact"] for line in lines if line["role"] == "number"}
    assert numbers == CLAIMS[name].numbers


@pytest.mark.deep
def test_every_verdict_follows_from_the_facts(lines):
    for name in CLAIMS:
        check_verdict(name, lines[name])


def check_verdict(name, found):
    claim = CLAIMS[name]
    facts = {role: [line["exact"] for line in found if line["role"] == role] for role in ROLES}
    assert {line["quantity"] for line in found if line["exact"] == "no"} == set(claim.refuted)
    assert "no" not in facts["also"] + facts["condition"]
    tested = facts["stated"] + facts["suggested"]
    assert not (facts["stated"] and facts["suggested"])
    verdict = claim.verdict
    assert verdict.startswith("suggested") is bool(facts["suggested"])
    assert ("holds" in verdict) is bool(tested and ("no" not in tested or facts["condition"]))
    assert ("under a condition" in verdict) is ("no" in tested and bool(facts["condition"]))
    assert ("fails" in verdict) is ("no" in tested and not facts["condition"])
    assert ("convention" in verdict) is ("no" in facts["convention"])
    assert ("release" in verdict) is ("no" in facts["released"])
    assert verdict_of(found) == verdict


def test_every_verdict_occurs():
    assert {claim.verdict for claim in CLAIMS.values()} == set(VERDICTS)


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        (["stated yes"], "holds"),
        (["stated yes", "condition no"], "fails"),
        (["stated yes", "stated no", "condition yes"], "holds under a condition"),
        (["stated no", "condition yes", "condition no"], "fails"),
        (["stated no", "also yes"], "fails"),
        (["stated yes", "also no"], "holds"),
        (["suggested yes"], "suggested; holds"),
        (["suggested no"], "suggested; fails"),
        (["stated yes", "convention no", "released no"], "holds; convention not discussed; release differs"),
        (["stated no", "released no"], "fails; release differs"),
        (["convention yes"], "holds"),
        (["released yes", "released no"], "release differs"),
    ],
)
def test_verdicts_of_facts(facts, verdict):
    assert verdict_of([dict(zip(("role", "exact"), fact.split(), strict=True)) for fact in facts]) == verdict


@pytest.mark.deep
def test_checks_pass_and_notice_a_change(rows):
    settings = FIGURE.resolve(RunSettings())
    assert all(check.passed for check in FIGURE.checks(rows, settings))
    checked = {check.name for check in FIGURE.checks(rows, settings)}
    for place, row in enumerate(rows):
        assert f"{row['claim']}: {row['quantity']}" in checked
        other = {"no": "yes", "yes": "no"}.get(row["exact"], "no")
        changed = [*rows[:place], {**row, "exact": other}, *rows[place + 1 :]]
        failed = [check.name for check in FIGURE.checks(changed, settings) if not check.passed]
        assert failed == [f"{row['claim']}: {row['quantity']}"]
    assert any(not check.passed for check in FIGURE.checks(rows[1:], settings))  # a number or fact is missing


def test_evidence_is_exact_and_named_once():
    found = Evidence()
    found.number("a", Fraction(1, 3))
    with pytest.raises(TypeError, match=r"a number must be exact, got the float 0\.5"):
        found.number("b", 0.5)
    with pytest.raises(ValueError, match="'a' is a duplicate"):
        found.also("a", True)
    with pytest.raises(TypeError, match="a fact must be decided by a bool, got 1"):
        found.stated("c", 1)
    with pytest.raises(ValueError, match="needs a fact that tests it"):
        verdict_of(found.lines)


# --- Numbers -------------------------------------------------------------------------------------------------


def read(exact: str):
    """The number that an exact text stands for: a Fraction, a form, or the text of infinity."""
    if "log2" not in exact:
        return exact if exact == "inf" else Fraction(exact)
    terms = re.findall(r"([+-]?) ?(\d+(?:/\d+)?)? ?log2\((\d+)\)", exact)
    rebuilt = " ".join(
        filter(None, (f"{sign} {r} log2({b})".replace("  ", " ").strip() for sign, r, b in terms))
    )
    assert rebuilt.replace(" ", "") == exact.replace(" ", "")
    return ref.add(
        *(ref.scale(ref.log2_form(int(b)), Fraction(r or 1) * (-1 if s == "-" else 1)) for s, r, b in terms)
    )


LONG = {
    ("two-per-step", f"n = {n}: {what}") for n in (64, 1024) for what in ("pairs", f"best {n // 2} steps")
}


ROUNDED = ("realised-steps", "of these with unequal sizes: Dream, eps = 0")


@pytest.mark.deep
def test_every_number_is_that_of_the_definition(lines):
    """Exact comparison; four long sums of logarithms and a count of rounding errors have their own tests."""
    found = {
        (name, line["quantity"]): line for name in CLAIMS for line in lines[name] if line["role"] == "number"
    }
    wanted = expected() | errata()
    assert found.keys() == wanted.keys() | LONG | {ROUNDED}
    for key, value in wanted.items():
        exact = read(found[key]["exact"])
        if isinstance(value, dict) and exact == 0:
            exact = {}
        assert exact == value, key
        if value == "inf":
            assert found[key]["value"] == "inf"
        else:
            number = ref.to_float(value) if isinstance(value, dict) else float(value)
            assert found[key]["value"] == pytest.approx(number, abs=ROUNDING), key


@pytest.mark.deep
@pytest.mark.parametrize("n", [64, 1024])
def test_long_batches(lines, n):
    """Pairs by log-gamma; the best n/2 batches by a plain recursion over all first batches."""
    found = {line["quantity"]: line for line in lines["two-per-step"]}
    pairs, best = found[f"n = {n}: pairs"], found[f"n = {n}: best {n // 2} steps"]
    assert pairs["exact"] == f"log2({n}!!/{n - 1}!!)"
    # n!! = 2^m m! and (n-1)!! = n!/n!! for n = 2m
    m = n // 2
    assert pairs["value"] == pytest.approx(n + (2 * lgamma(m + 1) - lgamma(n + 1)) / log(2), abs=1e-9)
    sizes = [int(s) for count, s in re.findall(r"(\d+) x (\d+)", best["exact"]) for _ in range(int(count))]
    assert (sum(sizes), len(sizes)) == (n, m)
    left = [n - sum(sizes[:t]) for t in range(len(sizes))]
    orders = lgamma(n + 1) / log(2)
    cost = sum(s * log2(x) for s, x in zip(sizes, left, strict=True)) - orders
    assert best["value"] == pytest.approx(cost, abs=1e-9)
    assert least_cost(n, m) - orders == pytest.approx(cost, abs=1e-9)


def least_cost(n, rounds):
    """F(m, R) = min over b of b log2 m + F(m - b, R - 1), all b."""
    logs = np.log2(np.arange(1, n + 1))
    costs = np.full(n + 1, np.inf)
    costs[0] = 0.0
    gap = np.arange(1, n + 1)[:, None] - np.arange(n + 1)[None, :]  # batch size from m = row + 1 to column
    steps = np.where(gap > 0, gap * logs[:, None], np.inf)
    for _ in range(rounds):
        costs = np.concatenate([[np.inf], (steps + costs).min(axis=1)])
    return costs[n]


@pytest.mark.deep
def test_sizes_in_single_precision(lines):
    """The released arithmetic in the library that it runs on, for both ends of the time grid."""
    torch = pytest.importorskip("torch")
    unequal = dict.fromkeys((0.0, 1e-3), 0)
    for eps in unequal:
        for n, steps in rel.PAIRS:
            grid, left, sizes = torch.linspace(1, eps, steps + 1), n, []
            for t, s in pairwise(grid):
                number = torch.tensor(left, dtype=torch.float32)
                sizes.append(left if len(sizes) == steps - 1 else int(number * (1 - s / t)))
                left -= sizes[-1]
            unequal[eps] += sizes != [n // steps] * steps
            assert not eps or sizes == rel.dream_sizes(n, steps)  # there the shortfall is exact
            if not eps and (n, steps) == (10, 10):
                assert sizes == [1, 0, 1, 1, 1, 1, 1, 1, 1, 2]
            if not eps and (n, steps) == (10, 5):
                assert sizes == [1, 2, 2, 2, 3]
        if not eps:
            assert rel.dream_sizes_in_float32(32, torch.linspace(1, 0, 9).numpy()) == [4, 3, 4, 4, 4, 4, 4, 5]
    (line,) = [line for line in lines[ROUNDED[0]] if line["quantity"] == ROUNDED[1]]
    assert int(line["exact"]) == unequal[0.0]
