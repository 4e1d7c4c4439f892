"""Every distribution of the registered tasks, written a second time and slowly."""

from fractions import Fraction
from itertools import accumulate, pairwise, permutations, product
from math import factorial, prod
from random import Random

from synthetic import make_task
from tests.reference import definitions as ref
from theory.distributions.outcomes import MASK

HALF = Fraction(1, 2)


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
    distribution = {}
    for bits in product((0, 1), repeat=n):
        steps = [stay if bits[i] == bits[parent(i)] else 1 - stay for i in range(1, n)]
        distribution[bits] = HALF * prod(steps)
    return {bits: p for bits, p in distribution.items() if p}


def _hidden(n: int, stay=Fraction(3, 4), right=Fraction(3, 4)) -> ref.PMF:
    """The sum over all hidden chains."""
    distribution = {}
    for bits in product((0, 1), repeat=n):
        total = Fraction(0)
        for hidden, p in _sticky(n, lambda i: i - 1, stay).items():
            total += p * prod(right if h == b else 1 - right for h, b in zip(hidden, bits, strict=True))
        distribution[bits] = total
    return {bits: p for bits, p in distribution.items() if p}


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
    """Grids that start with 0 1 2 3; the first cell of the third row distinguishes the contexts."""
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
    distribution = {}
    for choices, share in patterns:
        for y in product(*choices):
            distribution[y] = share / prod(map(len, choices))
    total = sum(distribution.values())
    return {y: p / total for y, p in distribution.items()}


def _single(distribution) -> list[tuple[Fraction, ref.PMF]]:
    return [(Fraction(1), distribution)]


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
    """Pairs of a context and its distribution by the reference."""
    contexts = make_task(name, n).contexts()
    truth = EXPECTED[name][1](n)
    assert len(contexts) == len(truth)
    return list(zip(contexts, truth, strict=True))


def expected_marginals(truth: ref.PMF, tokens, row) -> list[list[float]]:
    """P(y_i | revealed), one-hot where revealed; the one-position marginals where that is impossible."""
    revealed = {i: (tokens[v] if 0 <= v < len(tokens) else object()) for i, v in enumerate(row) if v != MASK}
    distribution = ref.condition(truth, revealed) or truth
    singles = [ref.marginal(distribution, (i,)) for i in range(len(row))]
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


SURE = ["copy", "replace_index", "reverse", "sort", "insert_index", "remove_index"]
