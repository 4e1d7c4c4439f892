"""Closed forms against brute force: the product's decoder, and the definition in Fractions."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations, permutations

import numpy as np
import pytest

from tests.helpers.closed_form_targets import (
    FORMS,
    IDS,
    cases,
    positions,
    product_targets,
    reference_target,
    size_by_left,
    table,
)
from tests.reference import definitions as ref
from tests.reference.rules import size_of_step
from theory.bounds.partitions.step_bounds import step_bound
from theory.decoding.decoder import decode
from theory.decoding.result import Decode
from theory.distributions.pmf import JointPMF
from theory.information.closed_forms import ClosedForm, evaluate
from theory.information.measures import dual_total_correlation, entropy, total_correlation
from theory.information.subsets.table import EntropyTable
from theory.numbers.lognumber import LogNumber
from theory.policies import RankedPolicy, parse_policy

ALL = 99  # more tokens per step than there are positions: one step


# --- Block sizes as policies ---------------------------------------------------------------------------------


def blocks(sizes: tuple[int, ...]) -> list[list[int]]:
    starts = [sum(sizes[:t]) for t in range(len(sizes))]
    return [list(range(a, a + s)) for a, s in zip(starts, sizes, strict=True)]


@dataclass(frozen=True, kw_only=True)
class Sizes(RankedPolicy):
    """Take the given numbers of positions, in random order."""

    sizes: tuple[int, ...]
    by: str = "random"

    def count(self, view, scores):  # noqa: ARG002
        lookup = np.zeros(sum(self.sizes) + 1, dtype=np.int64)
        for left, size in size_by_left(self.sizes).items():
            lookup[left] = size
        return lookup[view.left]


def reference_sizes(sizes: tuple[int, ...]) -> ref.Select:
    def select(marginals, masked, n):  # noqa: ARG001
        chosen = list(combinations(masked, size_by_left(sizes)[len(masked)]))
        return {frozenset(c): Fraction(1, len(chosen)) for c in chosen}

    return select


# --- Brute force ---------------------------------------------------------------------------------------------


Schedule = tuple[str, tuple[tuple[str, object], ...]]


def schedule_of(form: ClosedForm, values: dict) -> Schedule:
    """Return the policy that the name of the quantity describes."""
    words = form.quantity.split()[1:]
    options = dict(word.split("=") for word in words if "=" in word)
    options = {key: value for key, value in options.items() if key not in ("tau", "given")}
    kind = words[0] if words else "one"
    given = {key: value for key, value in values.items() if key in ("k", "gamma", "sizes")}
    return kind, tuple(sorted({"k": ALL, **given, **options}.items()))


@cache
def product_decodes(task: str, n: int, schedule: Schedule, tau: int) -> list[tuple[Fraction, Decode]]:
    kind, items = schedule
    options = dict(items)
    if kind == "sizes":
        policy = Sizes(sizes=options["sizes"])
    else:
        keys = {"threshold": ("gamma", "strict"), "topk": ("k", "remainder", "by"), "one": ("k",)}[kind]
        text = ",".join(f"{key}={options[key]}" for key in keys if key in options)
        policy = parse_policy(f"{'threshold' if kind == 'threshold' else 'topk'}:{text}")
    return [(weight, decode(pmf, policy, temperature=tau)) for weight, pmf in product_targets(task, n)]


@cache
def reference_decode(task: str, n: int, schedule: Schedule, tau: int) -> ref.Decoded:
    kind, items = schedule
    options = dict(items)
    if kind == "sizes":
        select = reference_sizes(options["sizes"])
    elif kind == "threshold":
        select = ref.threshold(options["gamma"], strict=options.get("strict") != "false")
    else:
        remainder = options.get("remainder", "last")
        select = ref.topk(int(options["k"]), options.get("by", "confidence"), remainder=remainder)
    return ref.decode(reference_target(task, n), select, tau)


def first_rows(task: str, n: int) -> list[JointPMF]:
    ((_, pmf),) = product_targets(task, n)
    return [pmf.condition(dict(enumerate(row))) for row in permutations(range(n))]


def product_decoding(form: ClosedForm, n: int, values: dict, tau: int) -> Fraction:
    field = "steps" if form.unit == "steps" else "accuracy"
    schedule = schedule_of(form, values)
    if "given=first_row" in form.quantity:
        results = [decode(pmf, parse_policy(f"topk:k={ALL}")) for pmf in first_rows(form.task, n)]
        return sum((result.accuracy for result in results), Fraction(0)) / len(results)
    decodes = product_decodes(form.task, n, schedule, tau)
    return sum((weight * getattr(result, field) for weight, result in decodes), Fraction(0))


def product_bits(form: ClosedForm, n: int, values: dict) -> LogNumber:
    kind, *words = form.quantity.split()
    targets = product_targets(form.task, n)
    if kind in ("entropy", "total_correlation", "dual_total_correlation"):
        given = {"given": range(n)} if words else {}
        measure = {"entropy": entropy, "total_correlation": total_correlation}.get(
            kind, dual_total_correlation
        )
        return sum((measure(pmf, **given) * weight for weight, pmf in targets), LogNumber())
    if kind in ("mean_subset_entropy", "information_curve"):
        means = [mean(table(form.task, n), j) for j in range(n + 1)]
        j = values["j"]
        return means[j] if kind == "mean_subset_entropy" else means[1] + means[j - 1] - means[j]
    return step_bound(table(form.task, n), partition_of(form, n, values))


def mean(entropies: EntropyTable, j: int) -> LogNumber:
    masks = [mask for mask in range(1 << entropies.n) if mask.bit_count() == j]
    return sum((entropies.exact(mask) for mask in masks), LogNumber()) / len(masks)


def partition_of(form: ClosedForm, n: int, values: dict) -> list[list[int]]:
    """The ordered partition of a step bound."""
    if "outside-in" in form.quantity:
        return [sorted({i, n - i}) for i in range(n // 2 + 1)]
    if "sizes" in values:
        return blocks(values["sizes"])
    k = values.get("k", 2)
    sizes: list[int] = []
    remainder = "first" if "remainder=first" in form.quantity else "last"
    while sum(sizes) < n:
        sizes.append(size_of_step(k, n, n - sum(sizes), remainder))
    return blocks(tuple(sizes))


def reference_bits(form: ClosedForm, n: int, values: dict) -> ref.Form:
    kind, *words = form.quantity.split()
    pmf = reference_target(form.task, n)
    if kind == "total_correlation" and words:
        return ref.total_correlation(pmf, range(n, ref.length(pmf)), range(n))
    if kind in ("entropy", "total_correlation", "dual_total_correlation"):
        return getattr(ref, kind)(pmf)
    if kind in ("mean_subset_entropy", "information_curve"):
        means = [reference_mean(form.task, n, j) for j in range(n + 1)]
        j = values["j"]
        return (
            means[j] if kind == "mean_subset_entropy" else ref.sub(ref.add(means[1], means[j - 1]), means[j])
        )
    return ref.step_bound(pmf, partition_of(form, n, values))


@cache
def reference_mean(task: str, n: int, j: int) -> ref.Form:
    pmf = reference_target(task, n)
    parts = list(combinations(range(n), j))
    return ref.scale(ref.add(*(ref.entropy(pmf, part) for part in parts)), Fraction(1, len(parts)))


def largest_n(form: ClosedForm, checker: str, whole: bool) -> int:
    """The largest n that brute force does in time, permutations are many; or fewer."""
    if not whole:
        return min(largest_n(form, checker, True) - 1, 5 if form.task.endswith("_random") else 4)
    decoded = form.unit != "bits"
    if form.task == "latin_square":
        return 3 if (checker, form.quantity) == ("reference", "dual_total_correlation") else 4
    if form.task.startswith("shuffle"):
        return {"product": 5 if decoded else 6, "reference": 4 if decoded else 5}[checker]
    many = {"sizes", "gamma"} & set(form.parameters)
    return {"product": 5 if many and decoded else 6, "reference": 4 if many else 5}[checker]


def temperatures(form: ClosedForm, n: int) -> tuple[int, ...]:
    named = [int(word[4:]) for word in form.quantity.split() if word.startswith("tau=")]
    return tuple(named) or ((0, 1) if n <= 3 else (1,))


# by default fewer positions than brute force can do, at most 4
REACH = pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.deep)])


@REACH
@pytest.mark.parametrize("form", FORMS.values(), ids=IDS)
def test_form_is_what_the_product_computes(form, whole):
    seen = 0
    for n, values in cases(form, largest_n(form, "product", whole)):
        value = evaluate(form, **values)
        if form.unit == "bits":
            assert value == product_bits(form, n, values), values
        else:
            assert isinstance(value, Fraction)
            for tau in temperatures(form, n):
                assert value == product_decoding(form, n, values, tau), (values, tau)
        seen += 1
    assert seen >= (1 if form.task in ("city_names", "sudoku_4") else 2)


LONG = {
    ("sudoku_4", "dual_total_correlation"),
    ("latin_square", "accuracy one step tau=1"),
}  # for the reference


@REACH
@pytest.mark.parametrize(
    "form",
    [pytest.param(form, marks=[pytest.mark.deep] * (key in LONG)) for key, form in FORMS.items()],
    ids=IDS,
)
def test_form_is_what_the_reference_computes(form, whole):
    for n, values in cases(form, largest_n(form, "reference", whole)):
        value = evaluate(form, **values)
        if form.unit == "bits":
            assert value.terms == reference_bits(form, n, values), values
        elif "given=first_row" not in form.quantity and positions(form.task, n) < 10:
            field = "steps" if form.unit == "steps" else "accuracy"
            for tau in temperatures(form, n):
                decoded = reference_decode(form.task, n, schedule_of(form, values), tau)
                assert value == getattr(decoded, field), (values, tau)
