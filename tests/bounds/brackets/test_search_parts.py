"""The parts of the search for brackets, each against its definition on small distributions."""

from collections import Counter
from fractions import Fraction
from itertools import combinations, count, pairwise, product
from math import inf, log2

import numpy as np
import pytest

from theory.bounds.brackets.all_sets import AllSets, fill_costs, make_walk, walk_sets
from theory.bounds.brackets.clock import Clock
from theory.bounds.brackets.columns import reduced
from theory.bounds.brackets.descent import best_cuts, descend, greedy_order
from theory.bounds.brackets.kernels import make_listed, make_room, start
from theory.bounds.brackets.last_block import KAPPAS, cells_by_distance, child_bounds, sort_singles
from theory.bounds.brackets.layers import first_layer, next_layer, search_last
from theory.bounds.brackets.open_entropies import gains, loss
from theory.bounds.brackets.open_nodes import CLOSED, expand
from theory.bounds.brackets.open_pairs import _ones, search_pairs
from theory.bounds.brackets.packing import nearest_outcomes, packing_table
from theory.bounds.brackets.search import _Uppers, search_all
from theory.bounds.brackets.set_search import TABLE_BYTES
from theory.bounds.brackets.tree import Problem, halves, make_tree, pop, push
from theory.distributions.pmf import JointPMF

NEAR = 1e-9  # bits; far above the rounding of a few hundred terms


def drawn(seed: int, n: int = 6, m: int = 14, *, unit: bool = False) -> JointPMF:
    """Outcomes with different weights, or all alike; a copy of the first column at the end."""
    rng = np.random.default_rng(seed)
    rows = np.unique(rng.integers(0, 3, (m, n)), axis=0)
    words = [(*row, row[0]) for row in rows.tolist()]
    weights = [1] * len(words) if unit else rng.integers(1, 50, len(words)).tolist()
    return JointPMF.from_weights(words, weights)


def searched(pmf: JointPMF):
    columns = reduced([(Fraction(1), pmf)])
    listed = make_listed(columns)
    return columns, listed, make_room(listed)


def open_entropy(columns, chosen) -> float:
    """H(Y | y_C), from the weights of equal rows."""
    cells: Counter = Counter()
    for row, weight in zip(columns.codes.tolist(), columns.weights.tolist(), strict=True):
        cells[tuple(row[i] for i in chosen)] += weight
    masses = [sum(x * log2(x) for x in part) for part in (cells.values(), columns.weights.tolist())]
    return (masses[0] - masses[1]) / columns.total


def members(mask: int) -> list[int]:
    return [i for i in range(mask.bit_length()) if mask >> i & 1]


def all_open(columns) -> list[float]:
    return [open_entropy(columns, members(mask)) for mask in range(1 << columns.count)]


@pytest.mark.parametrize("unit", [False, True])
def test_tables_of_all_sets_are_the_definition(unit):
    columns, listed, room = searched(drawn(1, unit=unit))
    r, truth = columns.count, all_open(columns)
    walk, rest = make_walk(listed), np.zeros(1 << r)
    while walk.depth[0] >= 0:
        assert walk_sets(listed, room, walk, 100.0, rest) < 100
    last, steep = np.zeros(1 << r), np.zeros(1 << r)
    fill_costs(listed, rest, last, steep)
    price = [sum(columns.copies[i] * (truth[c] - truth[c | 1 << i]) for i in range(r)) for c in range(1 << r)]
    assert rest == pytest.approx(truth, abs=NEAR)
    assert last == pytest.approx(price, abs=NEAR)
    for c in range(1 << r):
        above = [price[d] / truth[d] for d in range(1 << r) if d & c == c and truth[d] > NEAR]
        assert steep[c] == pytest.approx(min(above, default=inf), abs=NEAR)


def test_layers_are_the_cheapest_chains_below_the_limit():
    columns, _, _ = searched(drawn(2, n=5, m=12))
    r, rest = columns.count, all_open(columns)
    cheapest, layer, limit = {0: 0.0}, first_layer(), 0.8
    for _ in range(3):
        after: dict[int, float] = {}
        for c, paid in cheapest.items():
            for d in range(1 << r):
                if d & c == c and paid + rest[c] - rest[0] < limit:
                    cost = paid + sum(rest[c] - rest[c | 1 << i] for i in members(d & ~c))
                    after[d] = min(after.get(d, inf), cost)
        cheapest = after
        layer = next_layer(np.array(rest), layer, limit, np.full(1 << r, np.inf), 1e9)
        found = dict(zip(layer.sets.tolist(), layer.prices.tolist(), strict=True))
        losses = [paid + rest[c] - rest[0] for c, paid in found.items()]
        assert layer.losses.tolist() == pytest.approx(losses, abs=NEAR) == sorted(losses)
        assert max(losses) < limit
        assert all(paid >= cheapest[c] - NEAR for c, paid in found.items())
        for c, paid in cheapest.items():
            each_tells = all(rest[c & ~(1 << i)] > rest[c] + NEAR for i in members(c))
            if each_tells and paid + rest[c] - rest[0] < limit - NEAR:
                assert found[c] == pytest.approx(paid, abs=NEAR)


@pytest.mark.parametrize("seed", [3, 4])
def test_descent_ends_where_no_move_and_no_swap_is_better(seed):
    columns, listed, room = searched(drawn(seed, n=8, m=30))
    r, blocks = columns.count, 3
    rng = np.random.default_rng(seed)
    joint = gains(listed, room, 0, start(listed, room), np.zeros(r))

    def cost(labels) -> float:
        return loss(listed, room, np.array(labels), blocks, joint, np.inf, np.zeros(r))

    for _ in range(4):
        labels = rng.integers(0, blocks, r)
        begin = cost(labels)
        value, _ = descend(listed, room, labels, blocks, joint, begin, rng.permutation(r), 10**6)
        assert value == pytest.approx(cost(labels), abs=NEAR)
        for i, t in product(range(r), range(blocks)):
            moved = labels.copy()
            moved[i] = t
            assert cost(moved) >= value - NEAR
        for i, j in combinations(range(r), 2):
            swapped = labels.copy()
            swapped[[i, j]] = swapped[[j, i]]
            assert cost(swapped) >= value - NEAR


@pytest.mark.parametrize("weight", [0.0, 3.0])
def test_greedy_orders_take_the_highest_score(weight):
    columns, listed, room = searched(drawn(5, n=7, m=25))
    r = columns.count
    noise, single = np.random.default_rng(0).normal(0, 0.2, r), np.zeros(r)
    gains(listed, room, 0, start(listed, room), single)
    order, table = np.zeros(r, dtype=np.int64), np.zeros((r + 1, r))
    size = greedy_order(listed, room, weight, noise, single, order, table)
    for k in range(size):
        chosen = order[:k].tolist()
        told = [open_entropy(columns, chosen) - open_entropy(columns, [*chosen, i]) for i in range(r)]
        assert table[k] == pytest.approx(told, abs=NEAR)
        scores = (1 + noise) * ((1 + weight) * np.array(told) - weight * single)
        left = [i for i in range(r) if i not in chosen and told[i] > NEAR]
        assert order[k] == max(left, key=scores.__getitem__)
    assert open_entropy(columns, order[:size].tolist()) == pytest.approx(0, abs=NEAR)


def test_packing_and_distances_are_the_definition():
    columns, listed, room = searched(drawn(6, n=7, m=20))
    joint, copies = open_entropy(columns, []), columns.copies.astype(int).tolist()
    found, step = packing_table(listed, room, joint, lambda: False)
    at = np.arange(len(found)) * step
    best = np.zeros(len(found))
    for size in (1, 2, 3, 4, 5, 6, 8, 10, 12, sum(copies)):
        left, value = copies.copy(), np.zeros(len(found))
        while any(left):
            group: list[int] = []
            while len(group) < size:
                free = [i for i in range(columns.count) if left[i] and i not in group]
                if not free or open_entropy(columns, group) < NEAR:
                    break
                group.append(min(free, key=lambda i: open_entropy(columns, [*group, i])))
                left[group[-1]] -= 1
            value += np.maximum(joint - open_entropy(columns, group) - at, 0)
        best = np.maximum(best, value)
    assert found == pytest.approx(best, abs=NEAR)
    rows, m = columns.codes, len(columns.weights)
    apart = [[int(columns.copies[rows[a] != rows[b]].sum()) for b in range(m) if b != a] for a in range(m)]
    assert nearest_outcomes(listed, columns.cells).tolist() == list(map(min, apart))


def test_the_margin_is_that_of_the_proof():
    """docs/brackets.md, Floats, in rationals."""
    unit = Fraction(1, 2**53)

    def gamma(k: int) -> Fraction:
        return k * unit / (1 - k * unit)

    for pmf in (drawn(7), drawn(8, unit=True), drawn(9).rounded()):
        columns, _, _ = searched(pmf)
        m, n = len(pmf), pmf.n
        size = log2(columns.total) if columns.whole else log2(m) + 2
        entropy = 2 * gamma(3 * m + 40) * Fraction(max(size, 1))
        assert columns.entropy_error == pytest.approx(float(entropy), rel=1e-12, abs=0)
        for singles in (0.5, 20.0):
            whole = (16 * n + 2000) * entropy + gamma(8 * n + 1000) * Fraction(260 * singles + 1)
            assert columns.margin(singles) == pytest.approx(float(whole), rel=1e-12, abs=0)


def test_open_nodes_come_by_their_key_and_halves_share_them():
    keys = np.random.default_rng(0).permutation(60) / 60
    tree = make_tree(200, 3, 1.0, 5.0, np.array([0, 1, 1]))
    for key in keys[1:].tolist():
        push(tree, key, 0, 1, 1, key, 1 - key, False)
    one, other = halves(tree)
    assert len(one.keys) == len(other.keys) == 100
    parts = []
    for half in (one, other):
        assert half.best[0] == 5
        assert half.labels.tolist() == [0, 1, 1]
        found = []
        while half.sizes[1]:
            key = float(half.keys[0])
            node = pop(half)
            assert half.paid[node] == (key if node else 0)
            found.append(key)
        assert found == sorted(found)
        parts.append(found)
    order = sorted([0.0, *keys[1:].tolist()])
    assert parts == [order[::2], order[1::2]]
    full = make_tree(14, 1, 1.0, 5.0, np.array([0]))
    for key in (0.5, 0.25):
        push(full, key, 0, 0, 1, key, 0.0, False)
    assert len(halves(full)[0].keys) == 3 + 4 + 8  # the nodes so far, and room for those of one chain


@pytest.mark.parametrize("seed", [10, 11])
def test_the_last_chosen_block_is_the_best_of_all(seed):
    columns, listed, _ = searched(drawn(seed, n=8, m=40))
    r, rest = columns.count, np.array(all_open(columns))
    sets = AllSets(rest, np.zeros(1 << r), np.zeros(1 << r))
    fill_costs(listed, rest, sets.last, sets.steep)
    layer, fewer = first_layer(), 0.0
    for blocks in (2, 3, 4):
        if blocks > 2:
            layer = next_layer(rest, layer, inf, np.full(1 << r, np.inf), 1e9)
        every = [
            (paid + sum(rest[c] - rest[c | 1 << i] for i in members(d & ~c)) + sets.last[d] - rest[0], k, d)
            for k, (c, paid) in enumerate(zip(layer.sets.tolist(), layer.prices.tolist(), strict=True))
            for d in range(1 << r)
            if d & c == c
        ]
        truth = min(every)[0]
        best, place = np.array([truth + 0.01]), np.array([-1, 0])
        at = search_last(sets, layer, 0, NEAR, fewer, 1e9, best, place)
        assert best[0] == pytest.approx(truth, abs=2 * NEAR)
        assert (*place.tolist(),) in {(k, d) for cost, k, d in every if cost <= truth + 2 * NEAR}
        assert at == len(layer.sets) or layer.losses[at] >= best[0] - NEAR
        fewer = truth - NEAR


@pytest.mark.parametrize("tables", [0, 24])
def test_a_search_closes_and_keeps_to_its_work(tables):
    columns, _, _ = searched(drawn(10, n=8, m=40))

    def run(work: float):
        clock = Clock(1, work)
        found = search_all(columns, clock, memory=1 << 30, seed=0, threads=1, tables=tables)
        return clock.used, found[2]

    for work in (1e5, 1e6):
        assert run(work)[0] < 1.05 * work
    used, exact = run(1e7)
    assert used < 3e6
    assert all(exact)


def test_tables_of_all_sets_take_half_of_the_memory_at_most():
    columns, _, _ = searched(drawn(10, n=8, m=40))

    def steps(memory: int) -> str:
        lines: list[str] = []
        ticks = count(0.0, 3.0)  # seconds, so that every line is said
        clock = Clock(1, 1e5, say=lines.append, now=lambda: next(ticks))
        search_all(columns, clock, memory=memory, seed=0, threads=1, tables=24)
        return " ".join(lines)

    least = 2 * (TABLE_BYTES << columns.count)
    said = f"entropies of the 2^{columns.count} sets"
    assert said in steps(least)
    assert said not in steps(least - 1)


def test_long_lists_are_ranked_by_entropies_with_the_same_result(monkeypatch):
    columns, _, _ = searched(drawn(10, n=8, m=40))

    def run():
        return search_all(columns, Clock(1, 1e7), memory=1 << 30, seed=0, threads=1, tables=0)

    plain = run()
    monkeypatch.setattr("theory.bounds.brackets.search.LOOKED_AT", 0)
    ranked = run()
    assert all(plain[2])
    assert all(ranked[2])
    assert ranked[0] == pytest.approx(plain[0], abs=NEAR)
    alone = [open_entropy(ranked[-1], []) - open_entropy(ranked[-1], [i]) for i in range(columns.count)]
    assert alone == sorted(alone)  # what tells most comes last


def loss_of(columns, labels, blocks: int) -> float:
    """The prices of the blocks, each given those before; copies wait for the last one."""
    cost, before = -open_entropy(columns, []), list[int]()
    for t in range(blocks):
        block = [i for i in range(columns.count) if labels[i] == t]
        for i in block:
            many = columns.copies[i] if t == blocks - 1 else 1
            cost += many * (open_entropy(columns, before) - open_entropy(columns, [*before, i]))
        before += block
    assert len(before) == columns.count
    return cost


@pytest.mark.parametrize(
    ("seed", "n", "m", "unit", "work"),
    [
        (12, 9, 45, False, 5e4),
        (13, 9, 45, False, 3e5),
        (14, 9, 45, False, 2e6),
        (10, 8, 40, False, 1e7),
        (1, 7, 30, True, 3e4),  # the descents come to partitions of fewer blocks
        (17, 7, 30, False, 3e4),  # orders that tell all apart sooner leave worse partitions of more blocks
        (9, 9, 60, True, 1e5),
    ],
)
def test_partitions_found_have_the_losses_that_are_said(seed, n, m, unit, work):
    losses, sure = {}, {}
    for tables in (0, 24):
        columns, _, _ = searched(drawn(seed, n=n, m=m, unit=unit))
        losses[tables], lower, sure[tables], labels, error, columns = search_all(
            columns, Clock(1, work), memory=1 << 30, seed=0, threads=1, tables=tables
        )
        for blocks, (value, label) in enumerate(zip(losses[tables][:-1], labels, strict=False), start=1):
            assert loss_of(columns, label, blocks) == pytest.approx(value, abs=NEAR)
        assert all(low <= value + error for low, value in zip(lower, losses[tables], strict=True))
    for one, other, *exact in zip(losses[0], losses[24], sure[0], sure[24], strict=True):
        assert not all(exact) or one == pytest.approx(other, abs=NEAR)
    assert work < 1e7 or all(sure[0] + sure[24])


@pytest.mark.parametrize("seed", [15, 16])
def test_branch_and_bound_finds_the_best_without_a_good_start(seed):
    columns, listed, room = searched(drawn(seed, n=6, m=40))
    r, joint = columns.count, open_entropy(columns, [])
    truth = search_all(columns, Clock(1, 1e8), memory=1 << 30, seed=0, threads=1, tables=24)[0]
    packing, step = packing_table(listed, room, joint, lambda: False)
    for blocks in range(2, len(truth)):
        problem = Problem(
            blocks=blocks,
            joint=joint,
            error=columns.entropy_error,
            slack=NEAR,
            fewer=truth[blocks - 2] - NEAR,
            nearest=nearest_outcomes(listed, columns.cells),
            alike=False,
            packing=packing,
            packing_step=step,
        )
        tree = make_tree(200_000, r, joint, truth[blocks - 1] + 0.05, np.zeros(r, dtype=np.int64))
        assert expand(listed, room, problem, tree, 1e9) == CLOSED
        assert tree.best[0] == pytest.approx(truth[blocks - 1], abs=2 * NEAR)
        assert loss_of(columns, tree.labels, blocks) == pytest.approx(truth[blocks - 1], abs=2 * NEAR)


@pytest.mark.parametrize(("seed", "m", "unit"), [(17, 30, True), (18, 100, False), (19, 100, True)])
def test_the_last_block_searched_whole_is_the_best_of_all_sets(seed, m, unit):
    """Of 100 outcomes only some of the 4,950 pairs are counted."""
    columns, listed, room = searched(drawn(seed, n=7, m=m, unit=unit))
    r, joint = columns.count, open_entropy(columns, [])
    opens = all_open(columns)
    singles = np.array([joint - opens[1 << i] for i in range(r)])
    saved = np.random.default_rng(seed).random(r)

    def cost(mask):
        last = sum(columns.copies[i] * (opens[mask] - opens[mask | 1 << i]) for i in range(r))
        return sum(singles[i] for i in members(mask)) + last - joint

    for barred, need in [([], -1.0), ([1, 4], -1.0), ([], 2.5), ([2], 2.0)]:
        prices = singles.copy()
        prices[barred] = np.inf
        masks = [
            mask
            for mask in range(1, 1 << r)
            if not set(members(mask)) & set(barred) and sum(saved[i] for i in members(mask)) >= need
        ]
        truth = min(map(cost, masks))
        for best in (inf, truth + 0.1, truth + 0.01):
            chosen = np.zeros(r + 1, dtype=np.int64)
            cells = start(listed, room)
            found, work = search_pairs(
                listed, room, np.int64(0), cells, prices, saved, need, -joint, best, NEAR, chosen
            )
            assert work > 0
            assert found == pytest.approx(truth, abs=NEAR)
            assert cost(sum(1 << int(i) for i in chosen[1 : chosen[0] + 1])) == pytest.approx(truth, abs=NEAR)


def test_a_walk_over_all_sets_ends_with_its_work():
    columns, _, _ = searched(drawn(12, n=15, m=60))
    clock = Clock(1, 3e5)
    exact = search_all(columns, clock, memory=1 << 30, seed=0, threads=1, tables=24)[2]
    assert not all(exact)
    assert clock.used < 1.05 * 3e5


@pytest.mark.parametrize("tables", [0, 24])
def test_no_lower_bound_is_below_zero(tables):
    # independent bits of unequal odds: nothing is lost, and what rounding leaves is less than the margin
    rows = list(product((0, 1), repeat=3))
    columns, _, _ = searched(JointPMF.from_weights(rows, [2**a * 3**b * 7**c for a, b, c in rows]))
    losses, lower, *_ = search_all(columns, Clock(1, 1e5), memory=1 << 30, seed=0, threads=1, tables=tables)
    assert max(losses) < NEAR
    assert lower == [0.0] * len(losses)


def test_what_is_constant_waits_for_the_last_block():
    columns = reduced([(Fraction(1), JointPMF.uniform([(0, 5, 0), (1, 5, 0), (0, 5, 1)]))])
    assert columns.partition([0, 1], 2) == ((0,), (1, 2))


def least_after(y, rest, gains, copies, levels, shares) -> float:
    """Phi(y) of docs/brackets.md without a packing: what is left costs at least so much after y more bits."""
    if y >= rest:
        return 0.0
    spread, spent = 0.0, y
    for kappa, share in zip(levels, shares, strict=True):  # y is spent on the largest kappa first
        used = min(spent, share)
        spread, spent = spread + kappa * (share - used), spent - used
    singles = sum(m * max(w - y, 0.0) for w, m in zip(gains, copies, strict=True))
    return max(rest - y, singles, spread)


@pytest.mark.parametrize("fresh", [False, True])
def test_bounds_of_children_are_below_every_set_and_equal_for_two(fresh):
    rng, r, after = np.random.default_rng(0), 7, 0
    none, met = np.zeros(1), 0
    for _ in range(60):
        rest = rng.uniform(2, 12)
        gained, copies = rng.uniform(0, 3, r), rng.integers(1, 4, r).astype(float)
        prices = gained * rng.uniform(0.05, 1.2, r)
        saved = rng.uniform(0, 1, r) if fresh else np.zeros(r)
        need = rng.uniform(-0.5, 2) if fresh else 0.0
        shares = rng.dirichlet(np.ones(3)) * rest
        levels = np.sort(rng.uniform(0.5, 3, 3))[::-1].copy()
        ordered, mass, weighted, out, longer = np.zeros((5, r))
        sort_singles(gained, copies, ordered, mass, weighted)
        child_bounds(
            after, fresh, prices, gained, saved, need, 1.0, rest, ordered, mass, weighted,
            levels, shares, none, 1.0, 1e9, out, longer,
        )  # fmt: skip
        assert np.isinf(out[: after + 1]).all()
        for j in range(after + 1, r):
            least: dict[int, float] = {}
            for size in range(r - j):
                for more in combinations(range(j + 1, r), size):
                    chosen = [j, *more]
                    if fresh and saved[chosen].sum() < need:
                        continue
                    phi = least_after(gained[chosen].sum(), rest, gained, copies, levels, shares)
                    least[size] = min(least.get(size, inf), prices[chosen].sum() + phi)
            truth = min(least.values(), default=inf)
            assert out[j] <= truth + NEAR
            assert longer[j] <= min((cost for size, cost in least.items() if size), default=inf) + NEAR
            if j >= r - 2:  # at most one more
                assert out[j] == pytest.approx(truth, abs=NEAR)
            met += out[j] > truth - NEAR
    assert met > 100


def test_the_best_cuts_of_an_order_are_the_best_of_all():
    columns, listed, room = searched(drawn(5, n=7, m=25))
    r, joint = columns.count, open_entropy(columns, [])
    order, table = np.zeros(r, dtype=np.int64), np.zeros((r + 1, r))
    single = np.zeros(r)
    gains(listed, room, 0, start(listed, room), single)
    size = greedy_order(listed, room, 1.0, np.zeros(r), single, order, table)
    assert size >= 4
    found = best_cuts(order, table[: size + 1], columns.copies, joint, size + 1)
    for blocks in range(1, size + 2):
        losses = []
        for ends in combinations(range(1, size + 1), blocks - 1):
            labels = np.full(r, blocks - 1)
            for t, (low, high) in enumerate(pairwise((0, *ends))):
                labels[order[low:high]] = t
            losses.append(loss_of(columns, labels, blocks))
        assert found.losses[blocks - 1] == pytest.approx(min(losses), abs=NEAR)
        assert loss_of(columns, found.labels[blocks - 1], blocks) == pytest.approx(min(losses), abs=NEAR)


def test_bits_that_are_set_are_counted():
    words = np.random.default_rng(0).integers(0, 2**64, 200, dtype=np.uint64).tolist()
    for word in [0, 1, 1 << 63, 2**64 - 1, *words]:
        assert _ones(np.uint64(word)) == word.bit_count()


@pytest.mark.parametrize("apart", [1, 2, 7, 8, 11, 40])
def test_two_outcomes_are_as_far_apart_as_positions_differ(apart):
    columns, listed, room = searched(JointPMF.from_weights([(0, 0, 0), (1, 1, 1)], [1, 2]))
    assert columns.count == 1  # copies of one column
    listed = listed._replace(many=np.array([apart], dtype=np.uint32))
    levels, shares = np.zeros(KAPPAS), np.zeros(KAPPAS)
    cells = start(listed, room)
    found = cells_by_distance(listed, room, 0, cells, np.ones(2), False, np.zeros(KAPPAS), levels, shares)
    assert found == 1
    assert levels[0] == apart  # over log2 of two outcomes; a multiple of 1/8
    assert shares[0] == pytest.approx(open_entropy(columns, []), abs=NEAR)


@pytest.mark.parametrize("seed", [20, 21, 22])
def test_a_descent_that_finds_a_better_partition_keeps_it(seed):
    columns, _, _ = searched(drawn(seed, n=8, m=40))
    upper = _Uppers(columns, Clock(1, 1e5), np.random.default_rng(seed), 1.0)
    upper.search()
    assert upper.losses[-1] == 0  # so many positions tell all outcomes apart
    labels = np.random.default_rng(seed).integers(0, 3, columns.count)
    begin = loss_of(upper.columns, labels, 3)
    upper.losses[2] = begin
    upper._descend(3, labels, begin)
    assert upper.losses[2] < begin - NEAR
    assert upper.losses[2] == pytest.approx(loss_of(upper.columns, upper.labels[2], 3), abs=NEAR)


@pytest.mark.parametrize("seed", [3, 5])
def test_pairs_leave_out_most_sets(seed):
    """Fewer tokens are looked at than there are sets."""
    columns, listed, room = searched(drawn(seed, n=14, m=12, unit=True))
    r, joint = columns.count, open_entropy(columns, [])
    prices = np.array([joint - open_entropy(columns, [i]) for i in range(r)])
    cells, chosen = start(listed, room), np.zeros(r + 1, dtype=np.int64)
    _, work = search_pairs(
        listed, room, np.int64(0), cells, prices, np.ones(r), -1.0, -joint, inf, NEAR, chosen
    )
    assert 0 < work < 2**r
