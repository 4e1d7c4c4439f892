"""Registered tasks: their laws against independent lists, conditionals, grading, samples and known values."""

import tracemalloc
from contextlib import suppress
from fractions import Fraction
from itertools import accumulate, pairwise, permutations, product
from math import factorial, prod
from random import Random

import numpy as np
import pytest
from scipy import stats

from synthetic import Arrangements, ListTask, find_task, known_tasks, make_task
from synthetic.tasks.sudoku import Sudoku
from tests import reference as ref
from tests.test_decoder import tie_extremes
from tests.tolerance import FAMILY_WISE, ROUNDING
from theory._checks import InputError
from theory.correlation import dual_total_correlation, total_correlation
from theory.decoder import decode
from theory.expectation import decode_contexts
from theory.law import MASK, ListedLaw, context_pmfs
from theory.limits import CostError
from theory.lognumber import LogNumber
from theory.lumped import tie_interval_lumped
from theory.pmf import JointPMF
from theory.policies import parse_policy
from theory.subsets import subset_entropies

HALF = Fraction(1, 2)

# --- Every law, written a second time and slowly --------------------------------------------------------


def _words(tokens, n: int, keep) -> ref.PMF:
    return ref.uniform(word for word in product(tokens, repeat=n) if keep(word))


def _without_repeats(cells) -> bool:
    return len(set(cells)) == len(cells)


def _latin(n: int) -> ref.PMF:
    def keep(word):
        rows = [word[n * i : n * i + n] for i in range(n)]
        return all(map(_without_repeats, rows)) and all(map(_without_repeats, zip(*rows, strict=True)))

    return _words(range(n), n * n, keep)


def _sticky(n: int, parent, stay=Fraction(3, 4)) -> ref.PMF:
    """Bits; each equals that of its parent with probability ``stay``."""
    law = {}
    for bits in product((0, 1), repeat=n):
        steps = [stay if bits[i] == bits[parent(i)] else 1 - stay for i in range(1, n)]
        law[bits] = HALF * prod(steps)
    return {bits: p for bits, p in law.items() if p}


def _hidden(n: int, stay=Fraction(3, 4), right=Fraction(3, 4)) -> ref.PMF:
    """The sum over all hidden chains."""
    law = {}
    for bits in product((0, 1), repeat=n):
        total = Fraction(0)
        for hidden, p in _sticky(n, lambda i: i - 1, stay).items():
            total += p * prod(right if h == b else 1 - right for h, b in zip(hidden, bits, strict=True))
        law[bits] = total
    return {bits: p for bits, p in law.items() if p}


def _affine(n: int) -> ref.PMF:
    k = n // 2
    return _words(
        (0, 1), n, lambda y: all((y[j % k] + y[(j + 1) % k] + y[k + j]) % 2 == 1 for j in range(n - k))
    )


def _affine_over(q: int, n: int, k: int, minus) -> ref.PMF:
    """``minus(a, b)`` is 1 - a - b in F_q."""
    return _words(
        range(q), n, lambda y: all(y[k + j] == minus(y[j % k], y[(j + 1) % k]) for j in range(n - k))
    )


def _minus_9(a: int, b: int) -> int:
    """1 - a - b in F_9, by the two coordinates of each over F_3."""
    (a1, a0), (b1, b0) = divmod(a, 3), divmod(b, 3)
    return (-a1 - b1) % 3 * 3 + (1 - a0 - b0) % 3


def _reed_solomon(n: int, k: int | None = None, q: int | None = None) -> ref.PMF:
    """Values at 0 .. n-1 of a polynomial of degree below k: the k-th differences vanish."""
    q = q or {2: 2, 3: 3, 4: 5, 5: 5}[n]

    def keep(word):
        for _ in range(k or max(1, n // 2)):
            word = [b - a for a, b in pairwise(word)]
        return all(difference % q == 0 for difference in word)

    return _words(range(q), n, keep)


def _matchings() -> ref.PMF:
    equal = {0: [(1, 2), (3, 4)], 1: [(1, 3), (2, 4)], 2: [(1, 4), (2, 3)]}
    words = ((s, *bits) for s in range(3) for bits in product((0, 1), repeat=4))
    return ref.uniform(y for y in words if all(y[a] == y[b] for a, b in equal[y[0]]))


def _one_hot(n: int, block: int | None = None) -> ref.PMF:
    b = block or round(n**0.5)
    return _words((0, 1), n, lambda y: all(sum(y[i : i + b]) == 1 for i in range(0, n, b)))


def _walk(n: int) -> ref.PMF:
    return ref.uniform(tuple(accumulate(bits)) for bits in product((0, 1), repeat=n))


def _sudoku() -> list[tuple[Fraction, ref.PMF]]:
    """Grids that start with 0 1 2 3; the first cell of the third row tells the contexts apart."""
    boxes = [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    units = [range(4 * i, 4 * i + 4) for i in range(4)] + [range(i, 16, 4) for i in range(4)] + boxes
    lower = product(permutations(range(4)), repeat=3)
    grids = [(0, 1, 2, 3, *a, *b, *c) for a, b, c in lower]
    grids = [grid for grid in grids if all(_without_repeats([grid[cell] for cell in unit]) for unit in units)]
    assert len(grids) * factorial(4) == 288
    found = []
    for value in range(1, 4):
        answers = [(*g[4:8], *g[9:]) for g in grids if g[8] == value]
        found.append((Fraction(len(answers), len(grids)), ref.uniform(answers)))
    return found


def _sentences(n: int) -> ref.PMF:
    """The sentences of two and three words, pattern by pattern, with the products of the rules by hand."""
    names = ["Anna", "Ben", "Carla", "Dora"]
    run, runs = ["sleep", "run", "sing", "wait"], ["sleeps", "runs", "sings", "waits"]
    if n == 2:
        return ref.uniform(product(names, runs))
    one = ["cat", "dog", "bird", "fox", "child", "teacher", "poet", "ship"]
    many = ["cats", "dogs", "birds", "foxes", "children", "teachers", "poets", "ships"]
    sees, often = ["sees", "likes", "follows", "finds"], ["slowly", "often", "today", "loudly"]
    patterns = [
        ((["the", "a", "every", "this"], one, runs), HALF * HALF * Fraction(3, 4) / 3),
        ((["the", "some", "these", "many"], many, run), HALF * Fraction(3, 4) * Fraction(3, 4) / 3),
        ((names, sees, names), HALF * Fraction(1, 4) / 3 * Fraction(1, 4)),
        ((names, runs, often), HALF * Fraction(1, 4) * Fraction(1, 6) / 3),
    ]
    law = {}
    for choices, share in patterns:
        for y in product(*choices):
            law[y] = share / prod(map(len, choices))
    total = sum(law.values())
    return {y: p / total for y, p in law.items()}


def _single(law) -> list[tuple[Fraction, ref.PMF]]:
    return [(Fraction(1), law)]


def _sure(word) -> list[tuple[Fraction, ref.PMF]]:
    return _single(ref.uniform([word]))


def _equally(words) -> list[tuple[Fraction, ref.PMF]]:
    words = list(words)
    return [(Fraction(1, len(words)), ref.uniform([word])) for word in words]


# name -> (sizes, contexts in order)
EXPECTED = {
    "affine_subspace": ((2, 3, 4, 6), lambda n: _single(_affine(n))),
    "balanced": ((2, 4, 6), lambda n: _single(_words((0, 1), n, lambda y: 2 * sum(y) == n))),
    "bernoulli_walk": ((2, 3, 4), lambda n: _single(_walk(n))),
    "city_names": ((None,), lambda _: _single(ref.city_names())),
    "copy": ((1, 3, 5), lambda n: _sure(range(n))),
    "hmm": ((2, 3, 4), lambda n: _single(_hidden(n))),
    "insert_index": (
        (1, 2, 4),
        lambda n: _equally([*range(i), n, *range(i, n)] for i in range(n + 1)),
    ),
    "insert_random": ((1, 2, 4), lambda n: _single(ref.insert_random(n))),
    "latin_square": ((2, 3), lambda n: _single(_latin(n))),
    "markov_chain": ((2, 3, 5), lambda n: _single(_sticky(n, lambda i: i - 1))),
    "matching_selector": ((None,), lambda _: _single(_matchings())),
    "one_hot_blocks": ((4, 9), lambda n: _single(_one_hot(n))),
    "parity": ((2, 3, 5), lambda n: _single(ref.parity(n))),
    "reed_solomon": ((2, 3, 4, 5), lambda n: _single(_reed_solomon(n))),
    "remove_index": ((2, 3, 5), lambda n: _equally([*range(i), *range(i + 1, n)] for i in range(n))),
    "remove_random": ((2, 3, 5), lambda n: _single(ref.remove_random(n))),
    "repeated_bit": ((2, 4), lambda n: _single(ref.repeated_bit(n))),
    "replace_index": ((1, 2, 4), lambda n: _equally([*range(i), n, *range(i + 1, n)] for i in range(n))),
    "replace_random": ((1, 2, 4), lambda n: _single(ref.replace_random(n))),
    "reverse": ((1, 3, 4), lambda n: _sure(range(n - 1, -1, -1))),
    "shuffle": ((1, 2, 3, 4), lambda n: _single(ref.shuffle(n))),
    "shuffle_strict": ((2, 3, 4), lambda n: _single(ref.shuffle_strict(n))),
    "sort": ((1, 3, 5), lambda n: _sure(range(n))),
    "sudoku": ((None,), lambda _: _sudoku()),
    "words_to_sentence": ((2, 3), lambda n: _single(_sentences(n))),
    "tree": ((2, 3, 5), lambda n: _single(_sticky(n, lambda i: (i - 1) // 2))),
}
REGISTERED = sorted(EXPECTED)
EXPECTED |= {
    "affine_subspace:order=3,dimension=2": (
        (3, 4),
        lambda n: _single(_affine_over(3, n, 2, lambda a, b: (1 - a - b) % 3)),
    ),
    "affine_subspace:order=4": (
        (2, 4),
        lambda n: _single(_affine_over(4, n, n // 2, lambda a, b: 1 ^ a ^ b)),
    ),
    "affine_subspace:order=9,dimension=1": ((3,), lambda n: _single(_affine_over(9, n, 1, _minus_9))),
    "hmm:stay=1/3,right=0.9": ((3,), lambda n: _single(_hidden(n, Fraction(1, 3), Fraction(9, 10)))),
    "markov_chain:stay=1": ((3,), lambda n: _single(ref.repeated_bit(n))),
    "one_hot_blocks:block=2": ((4, 6), lambda n: _single(_one_hot(n, 2))),
    "one_hot_blocks:block=4": ((4, 8), lambda n: _single(_one_hot(n, 4))),
    "reed_solomon:dimension=1,order=7": ((3,), lambda n: _single(_reed_solomon(n, 1, 7))),
    "reed_solomon:dimension=2,order=3": ((3,), lambda n: _single(_reed_solomon(n, 2, 3))),
    "sudoku:clues=8+1+2+0+3": ((None,), lambda _: _sudoku()),
    "tree:stay=0.6": ((4,), lambda n: _single(_sticky(n, lambda i: (i - 1) // 2, Fraction(3, 5)))),
    "words_to_sentence:words=Ben+likes+Dora": (
        (3,),
        lambda _: _single(ref.uniform([("Ben", "likes", "Dora"), ("Dora", "likes", "Ben")])),
    ),
}
CASES = [(name, n) for name, (sizes, _) in EXPECTED.items() for n in sizes]
LIST_TASKS = ["copy", "insert_index", "insert_random", "remove_index", "remove_random", "replace_index"]
LIST_TASKS += ["replace_random", "reverse", "shuffle", "shuffle_strict", "sort"]


def contexts_with_truth(name: str, n: int | None):
    """Pairs of a context and its law by the reference."""
    contexts = make_task(name, n).contexts()
    truth = EXPECTED[name][1](n)
    assert len(contexts) == len(truth)
    return list(zip(contexts, truth, strict=True))


def test_the_registry_is_pinned():
    assert list(known_tasks()) == REGISTERED
    assert sorted(name for name, cls in known_tasks().items() if issubclass(cls, ListTask)) == LIST_TASKS
    assert all(cls.name == name for name, cls in known_tasks().items())


@pytest.mark.parametrize(("name", "n"), CASES)
def test_law(name, n):
    pairs = contexts_with_truth(name, n)
    assert sum(context.weight for context, _ in pairs) == 1
    assert len({context.label for context, _ in pairs}) == len(pairs)
    for context, (weight, truth) in pairs:
        pmf = context.law.pmf()
        assert context.weight == weight
        assert dict(pmf) == truth
        assert pmf.is_exact
        assert context.law.n == pmf.n == ref.length(truth)
        assert context.law.tokens == tuple(sorted({v for y in truth for v in y}))


@pytest.mark.parametrize(("name", "n"), CASES)
def test_context_pmfs(name, n):
    task = make_task(name, n)
    assert [(w, dict(pmf)) for w, pmf in context_pmfs(task.contexts())] == EXPECTED[name][1](n)


# --- Conditionals ---------------------------------------------------------------------------------------


def expected_marginals(truth: ref.PMF, tokens, row) -> list[list[float]]:
    """P(y_i | revealed), one-hot where revealed; the one-position marginals where that is impossible."""
    revealed = {i: (tokens[v] if 0 <= v < len(tokens) else object()) for i, v in enumerate(row) if v != MASK}
    law = ref.condition(truth, revealed) or truth
    singles = [ref.marginal(law, (i,)) for i in range(len(row))]
    return [[float(single.get((token,), 0)) for token in tokens] for single in singles]


def states(truth: ref.PMF, tokens, rng: Random, count: int) -> list[list[int]]:
    """Possible and impossible states, from all masked to all revealed."""
    n, out = ref.length(truth), []
    outcomes = list(truth)
    for _ in range(count):
        word = [tokens.index(v) for v in rng.choice(outcomes)]
        if rng.random() < 0.4:
            word[rng.randrange(n)] = rng.randrange(len(tokens))
        if rng.random() < 0.2:
            word = [rng.randrange(len(tokens)) for _ in range(n)]
        hidden = rng.random()
        out.append([MASK if rng.random() < hidden else v for v in word])
    out += [[MASK] * n, [0] * n, [len(tokens)] + [MASK] * (n - 1), [tokens.index(v) for v in outcomes[-1]]]
    return out


@pytest.mark.parametrize(("name", "n"), CASES)
def test_conditionals(name, n):
    rng = Random(f"{name} {n}")
    for context, (_, truth) in contexts_with_truth(name, n):
        law = context.law
        rows = states(truth, law.tokens, rng, 25)
        probs = law.conditional(np.array(rows))
        assert probs.shape == (len(rows), law.n, len(law.tokens))
        assert probs.dtype == np.float64
        wanted = np.array([expected_marginals(truth, law.tokens, row) for row in rows])
        np.testing.assert_allclose(probs, wanted, rtol=0, atol=ROUNDING)
        listed = ListedLaw(law.pmf()).conditional(np.array(rows))
        np.testing.assert_allclose(listed, wanted, rtol=0, atol=ROUNDING)
        assert law.conditional(np.empty((0, law.n), dtype=np.int64)).shape == (0, law.n, len(law.tokens))


@pytest.mark.parametrize("identity", [True, False])
@pytest.mark.parametrize("n", [3, 4])
def test_every_state_of_the_arrangements(n, identity):
    truth = ref.shuffle(n) if identity else ref.shuffle_strict(n)
    rows = list(product(range(-1, n + 1), repeat=n))
    probs = Arrangements(n, identity=identity).conditional(np.array(rows))
    tokens = tuple(range(n))
    wanted = {row: expected_marginals(truth, tokens, row) for row in rows}
    np.testing.assert_allclose(probs, [wanted[row] for row in rows], rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("identity", [True, False])
@pytest.mark.parametrize("n", [25, 200])
def test_arrangements_too_many_to_list(n, identity):
    law = Arrangements(n, identity=identity)
    order = np.roll(np.arange(n), 1)
    rows = np.stack([np.full(n, MASK), np.where(np.arange(n) < n // 2, np.arange(n), MASK), order, order])
    rows[3, : n // 2] = MASK
    probs = law.conditional(rows)
    np.testing.assert_allclose(probs.sum(axis=2), 1, atol=ROUNDING)
    np.testing.assert_allclose(probs[0, 0], 1 / n, atol=1e-20 + 1 / factorial(n - 1))
    np.testing.assert_allclose(probs[1, -1, n // 2 :], 1 / (n - n // 2), atol=1e-9)
    assert (probs[2, np.arange(n), order] == 1).all()
    samples = law.sample(np.random.default_rng(0), 50)
    assert law.contains(samples).all()
    assert not law.contains(np.zeros((1, n), dtype=np.int64)).any()
    assert law.contains(np.arange(n)[None]).tolist() == [identity]


# --- Grading, sampling ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "n"), CASES)
def test_contains(name, n):
    rng = Random(f"contains {name} {n}")
    for context, (_, truth) in contexts_with_truth(name, n):
        tokens = context.law.tokens
        rows = [row for row in states(truth, tokens, rng, 40) if MASK not in row]
        rows += [[tokens.index(v) for v in y] for y in truth]
        rows += [[*row[:-1], len(tokens)] for row in rows[:2]] + [[*row[:-1], MASK] for row in rows[:2]]
        known = {tuple(tokens.index(v) for v in y) for y in truth}
        verdicts = context.law.contains(np.array(rows))
        assert verdicts.dtype == bool
        assert verdicts.tolist() == [tuple(row) in known for row in rows]


@pytest.mark.parametrize(("name", "n"), CASES)
def test_samples_follow_the_law(name, n):
    for context, (_, truth) in contexts_with_truth(name, n):
        tokens = context.law.tokens
        size = max(400, 30 * len(truth))
        rows = context.law.sample(np.random.default_rng(20), size)
        assert rows.shape == (size, ref.length(truth))
        assert context.law.contains(rows).all()
        words, counts = np.unique(rows, axis=0, return_counts=True)
        seen = {tuple(tokens[v] for v in w): int(c) for w, c in zip(words.tolist(), counts, strict=True)}
        assert set(seen) <= set(truth)
        common = [y for y in truth if truth[y] * size >= 5]
        observed, wanted = [seen.get(y, 0) for y in common], [float(truth[y] * size) for y in common]
        rest = size - sum(wanted)
        if rest > 1:
            observed, wanted = [*observed, size - sum(observed)], [*wanted, rest]
        if len(observed) > 1:
            wanted = np.array(wanted) * (sum(observed) / sum(wanted))
            assert stats.chisquare(observed, wanted).pvalue > FAMILY_WISE / 100
        again = context.law.sample(np.random.default_rng(20), size)
        assert (rows == again).all()


def test_no_samples():
    for name in ("shuffle", "shuffle_strict", "replace_random"):
        law = make_task(name, 4).contexts()[0].law
        assert law.sample(np.random.default_rng(0), 0).shape == (0, 4)


@pytest.mark.parametrize("name", LIST_TASKS)
def test_prompts_show_every_item_once(name):
    task = known_tasks()[name](n=5)
    shown = task.input_roles(np.random.default_rng(0), 30)
    assert shown.shape == (30, 5)
    assert (np.sort(shown, axis=1) == np.arange(5)).all()
    assert (shown == np.arange(5)).all() == (name != "sort")
    assert len(task.contexts()) == len(tuple(task.indices()))
    new_appears = any(5 in y for context in task.contexts() for y in context.law.pmf().outcomes)
    assert task.uses_new == new_appears


def test_token_ids_keep_the_order_of_each_alphabet():
    # "the lowest token" must be the same one for the exact decoder (alphabets) and for a sampler (ids)
    pmfs = [
        JointPMF.uniform([(2, 2), (10, "a")]),
        JointPMF.uniform([("b", 1), ("a", 2), ("b", None)]),
        JointPMF.uniform([(10, 9), (9, 100)]),
    ]
    for pmf in pmfs:
        tokens = ListedLaw(pmf).tokens
        for alphabet in pmf.alphabets:
            assert tuple(token for token in tokens if token in alphabet) == alphabet


# --- Known values ---------------------------------------------------------------------------------------


def mean_correlation(name: str, n: int | None):
    parts = [c.weight * total_correlation(c.law.pmf()) for c in make_task(name, n).contexts()]
    return sum(parts, LogNumber())


SURE = ["copy", "replace_index", "reverse", "sort", "insert_index", "remove_index"]


@pytest.mark.parametrize("name", SURE)
@pytest.mark.parametrize("n", [2, 4])
def test_tasks_with_one_answer(name, n):
    assert mean_correlation(name, n) == 0
    result = decode_contexts(make_task(name, n), parse_policy(f"topk:k={n + 1},by=random"), lumped=False)
    assert (result.accuracy, result.kl, result.path_kl, result.steps) == (1, 0, 0, 1)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_shuffle_and_replace_random(n):
    log2 = LogNumber.log2
    assert mean_correlation("shuffle", n) == n * log2(n) - log2(factorial(n))
    assert mean_correlation("replace_random", n) == (n - 1) * (log2(n) - log2(n - 1))
    one_step = parse_policy(f"topk:k={n}")
    shuffle = decode(make_task("shuffle", n).contexts()[0].law.pmf(), one_step)
    replace = decode(make_task("replace_random", n).contexts()[0].law.pmf(), one_step)
    assert shuffle.accuracy == Fraction(factorial(n), n**n)
    assert replace.accuracy == Fraction(n - 1, n) ** (n - 1)
    # the law is uniform on the support: the bound on the accuracy is met
    assert shuffle.kl == -log2(shuffle.accuracy)
    assert replace.kl == -log2(replace.accuracy)


def test_city_names():
    assert mean_correlation("city_names", None) == 1
    result = decode_contexts(make_task("city_names"), parse_policy("topk:k=2"))
    assert (result.accuracy, result.kl, result.steps, result.tokens_per_step) == (HALF, 1, 1, 2)


def test_correlations_of_the_other_tasks():
    log2 = LogNumber.log2
    for n in (2, 3, 5):
        assert mean_correlation("parity", n) == 1
        assert mean_correlation("repeated_bit", n) == n - 1
        # a stationary symmetric chain: n fair bits, one of entropy 1, the others h(3/4) given the one before
        stick = 2 - Fraction(3, 4) * log2(3)
        assert mean_correlation("markov_chain", n) == mean_correlation("tree", n) == (n - 1) * (1 - stick)
    assert mean_correlation("reed_solomon", 4) == 2 * log2(5)
    assert mean_correlation("matching_selector", None) == 2
    assert mean_correlation("latin_square", 2) == 3
    assert mean_correlation("balanced", 4) == 4 - log2(6)
    assert mean_correlation("one_hot_blocks", 4) == 2
    assert mean_correlation("affine_subspace", 6) == 3
    assert dual_total_correlation(make_task("reed_solomon", 4).contexts()[0].law.pmf()) == 2 * log2(5)


def test_sizes_of_the_grids():
    squares = make_task("latin_square", 4).contexts()[0].law.pmf()
    assert (len(squares), squares.n) == (576, 16)
    assert make_task("latin_square", 3).contexts()[0].law.n == 9
    contexts = Sudoku(clues=()).contexts()
    assert [(context.weight, len(context.law.pmf())) for context in contexts] == [(1, 288)]
    assert sorted(len(c.law.pmf()) for c in make_task("sudoku").contexts()) == [3, 3, 6]


@pytest.mark.parametrize("clues", [(0, 5), (0, 1, 6), (3, 12, 10, 5), (0, 1, 2, 3, 8, 13)])
def test_sudoku_clues(clues):
    grids = [y for y, _ in Sudoku(clues=()).contexts()[0].law.pmf()]
    free = [cell for cell in range(16) if cell not in clues]
    truth = ref.uniform(grids)
    contexts = Sudoku(clues=clues).contexts()
    assert sum(context.weight for context in contexts) == 1
    seen = 0
    for context in contexts:
        pattern = dict(zip(sorted(clues), map(int, context.label.removeprefix("clues=")), strict=True))
        given = ref.condition(truth, pattern)
        assert dict(context.law.pmf()) == ref.marginal(given, free)
        symbols = len(set(pattern.values()))
        chance = sum(p for y, p in truth.items() if all(y[i] == v for i, v in pattern.items()))
        assert context.weight == chance * factorial(4) / factorial(4 - symbols)
        seen += len(given) * factorial(4) // factorial(4 - symbols)
    assert seen == 288


# --- Lumped chains --------------------------------------------------------------------------------------

SURE_CASES = [(name, 3) for name in SURE]
LUMPED = [("shuffle", 1), ("shuffle", 3), ("shuffle", 4), ("replace_random", 1), ("replace_random", 4)]
LUMPED += [("replace_random", 5), ("parity", 3), ("parity", 4), ("repeated_bit", 3), ("repeated_bit", 4)]
LUMPED += [("reed_solomon", 3), ("reed_solomon", 4), *SURE_CASES]
LUMPED += [("reed_solomon:dimension=1,order=7", 3), ("reed_solomon:dimension=2,order=3", 3)]
SPECS = {
    "topk:k=1,by=random": ref.topk(1, "random"),
    "topk:k=2,by=random": ref.topk(2, "random"),
    "topk:k=2,block=3": ref.topk(2, "confidence", block=3),
    "topk:k=3,by=entropy,remainder=first": ref.topk(3, "entropy", remainder="first"),
    "topk:k=2,ties=all": ref.topk(2, "confidence", ties="all"),
    "topk:k=2,by=left_to_right": ref.topk(2, "left_to_right"),
    "threshold:gamma=0.5": ref.threshold("0.5"),
    "threshold:gamma=1/2,strict=false": ref.threshold("1/2", strict=False),
    "threshold:gamma=-2,by=left_to_right": ref.threshold(-2, by="left_to_right"),
    "factor:f=1.0": ref.factor(1),
    "factor:f=2,strict=false,ties=lowest": ref.factor(2, strict=False, ties="lowest"),
}


def test_tasks_with_a_lumped_chain():
    found = {name for name, n in CASES if make_task(name, n).chain() is not None}
    assert found == {name for name, _ in LUMPED}


@pytest.mark.parametrize(("name", "n"), LUMPED)
@pytest.mark.parametrize("spec", SPECS)
def test_lumped_tie_interval(name, n, spec):
    chain, policy = make_task(name, n).chain(), parse_policy(spec)
    parts = [(w, [tie_extremes(law, SPECS[spec], f) for f in (min, max)]) for w, law in EXPECTED[name][1](n)]
    truth = tuple(sum((w * ends[side] for w, ends in parts), Fraction(0)) for side in (0, 1))
    try:
        found = tie_interval_lumped(chain, policy)
    except InputError:  # right or refused; refused only where one rule must serve several sets of a code
        assert name.partition(":")[0] in ("parity", "repeated_bit", "reed_solomon")
        assert policy.ties == "random"
    else:
        assert found == truth


def test_a_lumped_decode_does_not_ignore_a_switch():
    task, policy = make_task("shuffle", 4), parse_policy("topk:k=2")
    stop = decode_contexts(task, policy, lumped=False, off_support="stop").steps
    assert stop == Fraction(7, 4)  # after one impossible pair in four runs there is no second step
    with suppress(InputError):  # refused or obeyed
        assert decode_contexts(task, policy, lumped=True, off_support="stop").steps == stop


# --- Wrong input ----------------------------------------------------------------------------------------

BAD = {
    "unknown": (lambda: make_task("shufle", 3), "unknown task 'shufle'; known: affine_subspace, balanced"),
    "no size": (lambda: make_task("shuffle"), "task 'shuffle' needs a size"),
    "zero": (lambda: make_task("shuffle", 0), "n must be a whole number of at least 1, got 0"),
    "negative": (lambda: make_task("copy", -2), "n must be a whole number of at least 1, got -2"),
    "fraction": (lambda: make_task("copy", 2.5), "n must be a whole number of at least 1, got 2.5"),
    "text": (lambda: make_task("copy", "many"), "n must be a finite number.*got 'many'"),
    "nan": (lambda: make_task("copy", float("nan")), "n must be a finite number.*got nan"),
    "too small": (lambda: make_task("remove_random", 1), "remove_random needs n of at least 2, got 1"),
    "strict too small": (
        lambda: make_task("shuffle_strict", 1),
        "shuffle_strict needs n of at least 2, got 1",
    ),
    "fixed size": (lambda: make_task("city_names", 3), "'city_names' has the fixed size n = 2, got n = 3"),
    "odd": (lambda: make_task("balanced", 3).contexts(), "balanced needs an even n, got 3"),
    "no square": (lambda: make_task("one_hot_blocks", 5).contexts(), "needs a square n .*, got 5"),
    "large square": (
        lambda: make_task("latin_square", 5).contexts(),
        "latin_square is listed for n = 2, 3, 4",
    ),
    "clue outside": (lambda: Sudoku(clues=(0, 16)), r"clues must be distinct cells of 0\.\.15.*\[0, 16\]"),
    "clue twice": (lambda: Sudoku(clues=(0, 0)), "clues must be distinct cells"),
    "clue text": (lambda: make_task("sudoku:clues=0+x"), r"clues must be cells joined by \+, .*'0\+x'"),
    "key": (lambda: make_task("tree:stray=1", 3), "task 'tree' has no parameter 'stray'; known: stay"),
    "no key": (lambda: make_task("copy:a=1", 3), "task 'copy' has no parameter 'a'; it takes none"),
    "no value": (lambda: make_task("tree:stay", 3), "task 'tree:stay': 'stay' must have the form key=value"),
    "twice": (lambda: make_task("tree:stay=1,stay=1", 3), "'stay' stands twice"),
    "probability": (lambda: make_task("hmm:right=3/2", 3), r"right must lie in 0\.\.1, got 3/2"),
    "block": (lambda: make_task("one_hot_blocks:block=3", 4), "block must divide n = 4, got 3"),
    "no prime": (lambda: make_task("reed_solomon:order=6", 4), "prime of at least n = 4, such as 5, got 6"),
    "dimension": (lambda: make_task("reed_solomon:dimension=5", 4), "dimension must be at most n = 4, got 5"),
    "no field": (lambda: make_task("affine_subspace:order=6", 4), "order must be a prime power .*, got 6"),
    "all clues": (lambda: Sudoku(clues=range(16)), "clues must be distinct cells"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_input(name):
    make, message = BAD[name]
    with pytest.raises(InputError, match=message):
        make()


def test_a_task_with_parameters_is_named_as_asked():
    assert make_task("tree:stay=0.60", 3).name == "tree:stay=0.60"
    assert make_task("tree:", 3).name == "tree"
    assert make_task("tree:stay=3/5", 3) == make_task("tree:stay=0.6", 3)
    assert find_task("sudoku:clues=0+5+10+15").name == "sudoku:clues=0+5+10+15"


def test_a_fixed_size_may_be_repeated():
    assert make_task("city_names", 2) == make_task("city_names")
    assert make_task("sudoku", 4) == make_task("sudoku")


TOO_LARGE = [
    ("shuffle", 13, r"listing the 13! orders would need about .*the limit is 2 GiB"),
    ("shuffle_strict", 13, r"listing the 13! orders would need about"),
    ("shuffle", 3000, "the limit is 2 GiB"),
    ("parity", 60, r"listing 576460752303423488 outcomes of 60 tokens would need about"),
    ("hmm", 60, "listing 1152921504606846976 outcomes of 60 tokens"),
    ("tree", 60, "listing 1152921504606846976 outcomes of 60 tokens"),
    ("markov_chain", 60, "listing 1152921504606846976 outcomes of 60 tokens"),
    ("bernoulli_walk", 60, "listing 1152921504606846976 outcomes of 60 tokens"),
    ("affine_subspace", 120, "listing 1152921504606846976 outcomes of 120 tokens"),
    ("balanced", 60, "outcomes of 60 tokens would need about"),
    ("one_hot_blocks", 400, "outcomes of 400 tokens would need about"),
    ("reed_solomon", 40, "outcomes of 40 tokens would need about"),
]


@pytest.mark.parametrize(("name", "n", "message"), TOO_LARGE)
def test_too_large_is_said_before_anything_is_allocated(name, n, message):
    tracemalloc.start()
    try:
        with pytest.raises(CostError, match=message):
            make_task(name, n).contexts()[0].law.pmf()
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_contexts_of_a_task_fit_the_table():
    table = subset_entropies(context_pmfs(make_task("insert_index", 3).contexts()))
    assert table.h.tolist() == [0.0] * 16
