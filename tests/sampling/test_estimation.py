"""Entropies from samples: hand values, exact expectations of the estimators, coverage of the bootstrap, bad files."""

import json
from fractions import Fraction
from itertools import combinations
from math import comb, log, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from tests.helpers.intervals import ALPHA, assert_mean
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory.__main__ import main
from theory.commands.estimate import estimate_answer
from theory.sampling.entropy_estimators import estimator, resampled, subset_estimates
from theory.sampling.observed import Observed, read_samples
from theory.validation import InputError

EULER = 0.57721566490153286


def grassberger_g(c: int) -> float:
    """G(1) = -gamma - ln 2, G(2) = 2 - gamma - ln 2, G(2k+1) = G(2k), G(2k+2) = G(2k) + 2/(2k+1); in nats."""
    if c == 1:
        return -EULER - log(2)
    return 2 - EULER - log(2) + sum(2 / (2 * k + 1) for k in range(1, c // 2))


def digamma(c: int) -> float:
    return -EULER + sum(1 / k for k in range(1, c))


@given(counts=st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_estimators_by_hand(counts):
    size, seen = sum(counts), np.array([counts])
    total = np.array([[size]])
    plug_in = -sum(c / size * log2(c / size) for c in counts)
    assert estimator("plug_in").entropy(seen, total)[0] == pytest.approx(plug_in, abs=ROUNDING)
    corrected = plug_in + (len(counts) - 1) / (2 * size * log(2))
    assert estimator("miller_madow").entropy(seen, total)[0] == pytest.approx(corrected, abs=ROUNDING)


@pytest.mark.extras("dit")
@given(counts=st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_grassberger_by_its_recurrence(counts):
    size = sum(counts)
    wanted = (digamma(size) - sum(c * grassberger_g(c) for c in counts) / size) / log(2)
    found = estimator("grassberger").entropy(np.array([counts]), np.array([[size]]))[0]
    assert found == pytest.approx(wanted, abs=1e-11)  # worst seen 2e-13: sums of 30 alternating terms


@pytest.mark.extras("dit")
def test_grassberger_is_the_estimator_of_dit():
    from dit.inference import estimators

    data = np.random.default_rng(0).integers(0, 12, 200)
    counts = np.bincount(data)
    ours = estimator("grassberger").entropy(counts[None, :], np.array([[200]]))[0]
    assert ours == pytest.approx(float(estimators.entropy_2(data)), abs=1e-11)


def test_without_dit_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "dit.inference.estimators", None)
    with pytest.raises(InputError, match=r"parabounds\[estimate\]"):
        estimator("grassberger").entropy(np.array([[1]]), np.array([[1]]))
    answer = estimate_answer(Observed.from_rows([("", "a"), ("", "b")]), bootstrap=2)
    assert answer["grassberger"] is None
    assert any("parabounds[estimate]" in warning for warning in answer["warnings"])


ROWS = st.lists(st.tuples(st.sampled_from("xy"), *[st.sampled_from("abc")] * 3), min_size=2, max_size=40)


@given(rows=ROWS, cut=st.integers(1, 2))
def test_plug_in_values_are_those_of_the_empirical_distribution(rows, cut):
    seen = Observed.from_rows(rows)
    blocks = (tuple(range(cut)), tuple(range(cut, 3)))
    answer = estimate_answer(seen, blocks, bootstrap=3)["plug_in"]
    parts = []
    for x in {row[0] for row in rows}:
        mine = [row[1:] for row in rows if row[0] == x]
        distribution = {y: Fraction(mine.count(y), len(mine)) for y in set(mine)}
        parts.append((len(mine) / len(rows), distribution))

    def mean(quantity) -> float:
        return sum(w * ref.to_float(quantity(distribution)) for w, distribution in parts)

    assert answer["entropy"]["estimate"] == pytest.approx(mean(ref.entropy), abs=ROUNDING)
    assert answer["total_correlation"]["estimate"] == pytest.approx(mean(ref.total_correlation), abs=ROUNDING)
    dual = mean(ref.dual_total_correlation)
    assert answer["dual_total_correlation"]["estimate"] == pytest.approx(dual, abs=ROUNDING)
    first = mean(lambda distribution: ref.total_correlation(distribution, blocks[0]))
    second = mean(lambda distribution: ref.total_correlation(distribution, blocks[1], blocks[0]))
    assert answer["partition_bound"]["estimate"] == pytest.approx(first + second, abs=ROUNDING)
    h = [
        np.mean(
            [mean(lambda distribution, s=s: ref.entropy(distribution, s)) for s in combinations(range(3), j)]
        )
        for j in range(4)
    ]
    curve = [item["estimate"] for item in answer["information_curve"]]
    assert curve == pytest.approx([h[1] + h[j - 1] - h[j] for j in (1, 2, 3)], abs=ROUNDING)


@pytest.mark.parametrize(
    "name", ["plug_in", "miller_madow", pytest.param("grassberger", marks=pytest.mark.extras("dit"))]
)
def test_simulated_means_are_the_exact_expectations(name):
    """E over binomial counts, by its definition, against simulated samples of a known distribution."""
    distribution, size, runs = np.array([0.4, 0.3, 0.1, 0.1, 0.05, 0.05]), 20, 4000
    counts = np.random.default_rng(7).multinomial(size, distribution, size=runs)
    found = estimator(name).entropy(counts, np.full((runs, 1), size))

    def term(c: int) -> float:
        if c == 0:
            return 0.0
        if name == "grassberger":
            return c / size * (digamma(size) - grassberger_g(c)) / log(2)
        extra = 1 / (2 * size * log(2)) if name == "miller_madow" else 0.0
        return -c / size * log2(c / size) + extra

    expected = sum(
        comb(size, c) * p**c * (1 - p) ** (size - c) * term(c) for p in distribution for c in range(size + 1)
    )
    expected -= 1 / (2 * size * log(2)) if name == "miller_madow" else 0.0
    assert_mean(found, expected, span=2 * log2(6), label=name)
    truth = -sum(p * log2(p) for p in distribution)
    bias = abs(expected - truth)
    plug_in = truth + sum(
        comb(size, c) * p**c * (1 - p) ** (size - c) * (c / size) * log2(c / size)
        for p in distribution
        for c in range(1, size + 1)
    )
    # the plug-in value is low by 0.16 bits here; Miller-Madow leaves under a half of it, Grassberger under a fifth
    assert bias <= plug_in * {"plug_in": 1 + 1e-9, "miller_madow": 0.5, "grassberger": 0.2}[name]


def test_bootstrap_intervals_cover_the_truth():
    """With many samples of few outcomes the 95 % intervals hold the truth at least 9 times in 10."""
    distribution, size, runs = np.array([0.5, 0.25, 0.15, 0.1]), 1500, 150
    words = [("", "a", "a"), ("", "a", "b"), ("", "b", "a"), ("", "b", "b")]
    table = {y[1:]: Fraction(str(p)) for y, p in zip(words, distribution, strict=True)}
    truth = ref.to_float(ref.entropy(table))
    rng = np.random.default_rng(11)
    hits = 0
    for run in range(runs):
        counts = rng.multinomial(size, distribution)
        codes = np.array([[0, i // 2, i % 2] for i in range(4)])
        seen = Observed(name="t", codes=codes[counts > 0], counts=counts[counts > 0])
        weights = resampled(seen, 200, np.random.default_rng(run))
        values = subset_estimates(seen, weights, [3], estimator("miller_madow"))[3]
        low, high = np.quantile(values[1:], [0.025, 0.975])
        hits += bool(low <= truth <= high)
    assert hits >= binom.ppf(ALPHA, runs, 0.9)


def test_coverage_and_its_warning():
    rows = [("", str(i % 50), str(i)) for i in range(100)]
    answer = estimate_answer(Observed.from_rows(rows), bootstrap=5)
    assert answer["coverage"] == 0
    assert "100 of 100 samples were seen only once" in answer["warnings"][0]
    known = estimate_answer(Observed.from_rows([("", "a"), ("", "b")] * 50), bootstrap=5)
    assert known["coverage"] == 1
    assert not [w for w in known["warnings"] if "seen only once" in w]


def test_the_same_seed_gives_the_same_numbers():
    rows = [("", a, b) for a, b in zip("aabbcabcab", "bbaacbbaca", strict=True)]
    one, two = (estimate_answer(Observed.from_rows(rows), bootstrap=50, seed=4) for _ in range(2))
    assert one == two
    other = estimate_answer(Observed.from_rows(rows), bootstrap=50, seed=5)
    assert one["plug_in"]["entropy"] != other["plug_in"]["entropy"]


def _file(tmp_path, text):
    path = tmp_path / "samples.csv"
    path.write_text(text)
    return path


def test_command(capsys, tmp_path):
    path = _file(tmp_path, "y0,y1,x\n" + "New,York,us\nNew,Orleans,us\nMexico,City,la\nPanama,City,la\n" * 30)
    assert main(["estimate", str(path), "--partition", "0|1", "--bootstrap", "20", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["arithmetic"] == "estimate"
    assert (answer["samples"], answer["contexts"], answer["distinct"]) == (120, 2, 4)
    assert answer["plug_in"]["total_correlation"]["estimate"] == pytest.approx(0, abs=ROUNDING)
    assert answer["plug_in"]["entropy"]["estimate"] == pytest.approx(1)
    assert main(["estimate", str(path), "--bootstrap", "20"]) == 0
    out = capsys.readouterr().out
    assert "estimates from 120 samples" in " ".join(out.split())
    assert "Good-Turing coverage: 1.000" in out


BAD = [
    ("", (), "the header must be y0,y1,...[,x], got nothing"),
    ("a,b\n1,2\n", (), "got a,b"),
    ("y0,y1,p\na,b,1\n", (), "a column p belongs to a task file"),
    ("y0,y1\na\n", (), "line 2 has 1 fields"),
    ("y0,y1\na,b\n", (), "at least 2 samples, got 1"),
    ("y0\na\nb\n", ("--partition", "0|1"), "every position"),
    ("y0\na\nb\n", ("--bootstrap", "0"), "bootstrap must be a whole number of at least 1"),
    ("y0\na\nb\n", ("--bootstrap", "100000000000"), "use fewer with --bootstrap"),
]


@pytest.mark.parametrize(("text", "argv", "message"), BAD)
def test_bad_files_are_one_line(capsys, tmp_path, text, argv, message):
    assert main(["estimate", str(_file(tmp_path, text)), *argv]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_samples(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"must be a \.csv, \.jsonl, \.npy or \.npz file"):
        read_samples(tmp_path / "none.json")
