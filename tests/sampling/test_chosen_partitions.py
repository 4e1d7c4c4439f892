"""Partitions chosen from samples of many positions, priced on the other half, against the true distribution."""

from itertools import product

import numpy as np
import pytest

from theory.bounds.partitions.listed import listed_step_bound
from theory.bounds.partitions.step_bounds import optimal_bounds
from theory.commands.estimate import estimate_answer
from theory.commands.estimate_table import print_estimates
from theory.distributions.pmf import JointPMF
from theory.information.subsets.builder import subset_entropies
from theory.sampling.chosen_partitions import choose_partitions
from theory.sampling.observed import Observed

# 4 fair bits, each three times: 12 positions; T = 2 loses nothing, T = 1 loses 8 bits
COPIED = [bits * 3 for bits in product((0, 1), repeat=4)]
# 3 fair bits, their sums by two and all three, each twice, and one that is always the same: 13 positions
SUMS = [(a, b, c, a ^ b, b ^ c, a ^ b ^ c) * 2 + (7,) for a, b, c in product((0, 1), repeat=3)]


def _samples(rows, size, seed):
    drawn = np.random.default_rng(seed).integers(0, len(rows), size)
    return Observed.from_rows([("", *rows[j]) for j in drawn.tolist()])


@pytest.mark.parametrize(("rows", "recommended"), [(COPIED, 2), (SUMS, 2)])
def test_the_choice_for_many_positions_is_the_best_and_its_price_is_right(rows, recommended):
    answer = estimate_answer(_samples(rows, 4000, 0), seed=1)
    pmf = JointPMF.uniform(rows)
    best = optimal_bounds(subset_entropies(pmf))
    assert answer["recommended_steps"] == recommended
    assert len(answer["optimal_bound"]) == len(answer["optimal_partitions"]) >= recommended
    for t, (shown, partition) in enumerate(
        zip(answer["optimal_bound"], answer["optimal_partitions"], strict=True)
    ):
        assert len(partition) == t + 1
        truth = float(listed_step_bound(pmf, partition)[0])
        assert shown["low"] <= truth <= shown["high"]
        assert truth == pytest.approx(float(best.values[t]), abs=0.02)
    assert "more than 10 positions: others may lose less" in answer["notes"]["optimal_partitions"]
    assert "information_curve" not in answer


def test_the_search_chooses_what_the_table_chooses():
    rng = np.random.default_rng(5)
    first = rng.integers(0, 3, 3000)
    columns = [first]
    for _ in range(4):  # each follows the one before in 8 of 10 cases
        columns.append(np.where(rng.random(3000) < 0.8, columns[-1], rng.integers(0, 3, 3000)))
    seen = Observed.from_rows([("", *row) for row in np.stack(columns, axis=1).tolist()])
    table, search = choose_partitions(seen, 0.1, 3), choose_partitions(seen, 0.1, 3, table=0)
    assert (
        search.partitions[:2] == table.partitions[:2]
    )  # the chain is the same from both ends: T = 3 has ties
    assert search.recommended == table.recommended


def test_contexts_share_one_partition_of_many_positions():
    rows = [("x", a, *(b,) * 11) for a in "ab" for b in "ab"] + [("y", a, *(a,) * 11) for a in "ab"] * 2
    drawn = np.random.default_rng(2).integers(0, len(rows), 3000)
    answer = estimate_answer(Observed.from_rows([rows[j] for j in drawn.tolist()]))
    assert answer["recommended_steps"] == 2
    assert len(answer["optimal_partitions"][1][0]) >= 1
    priced = answer["optimal_bound"][1]
    assert priced["low"] == 0
    assert priced["estimate"] == pytest.approx(0, abs=0.02)


def test_few_samples_of_many_positions_choose_nothing(capsys):
    rows = [("", *row) for row in np.random.default_rng(0).integers(0, 9, (50, 12)).tolist()]
    answer = estimate_answer(Observed.from_rows(rows))
    assert answer["entropy"] is None
    assert not {"optimal_bound", "optimal_partitions", "recommended_steps"} & answer.keys()
    print_estimates(answer)
    assert "recommended" not in capsys.readouterr().out
