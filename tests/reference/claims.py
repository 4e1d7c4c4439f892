"""Every number of the claims from its definition, in Fractions, with the reference decoder."""

from fractions import Fraction
from itertools import combinations, permutations, product
from math import comb, factorial, perm, prod

from tests.helpers.compositions import compositions
from tests.reference import counts
from tests.reference import definitions as ref
from tests.reference import released as rel

HALF = Fraction(1, 2)


def matching_selector():
    pairs = [((1, 2), (3, 4)), ((1, 3), (2, 4)), ((1, 4), (2, 3))]
    return ref.uniform(
        (s, *bits)
        for s in range(3)
        for bits in product((0, 1), repeat=4)
        if all(bits[i - 1] == bits[j - 1] for i, j in pairs[s])
    )


def one_step(pmf, valid=None):
    """The mass of the product of the one-position distributions on the valid answers."""
    singles = [ref.marginal(pmf, (i,)) for i in range(ref.length(pmf))]
    return sum(
        prod(distribution[(v,)] for distribution, v in zip(singles, y, strict=True)) for y in valid or pmf
    )


def fixed_ties(pmf, k, choose):
    """Accuracies of greedy top-k over every order, `choose(tied tokens, rank among the drawn)` naming the token."""
    n, found = ref.length(pmf), []
    for order in permutations(range(n)):
        shown = {}
        for start in range(0, n, k):
            distribution, drawn = ref.condition(pmf, shown), {}
            for rank, i in enumerate(sorted(order[start : start + k])):
                single = {v: p for (v,), p in ref.marginal(distribution, (i,)).items()}
                drawn[i] = choose(sorted(v for v, p in single.items() if p == max(single.values())), rank)
            shown |= drawn
            if not ref.condition(pmf, shown):
                break
        found.append(Fraction(len(shown) == n and bool(ref.condition(pmf, shown))))
    return found


def lowest(tied, _rank):
    return tied[0]


def in_turn(tied, rank):
    return tied[rank % len(tied)]


def shuffle_sizes(sizes):
    """The chance that independent uniform draws of the items left never agree, batch by batch."""
    left, value = sum(sizes), Fraction(1)
    for size in sizes:
        value *= Fraction(perm(left, size), left**size)
        left -= size
    return value


def replace_sizes(sizes):
    """No new item before a batch, then exactly one in it."""
    left, absent, value = sum(sizes), Fraction(1), Fraction(0)
    for size in sizes:
        share = Fraction(1, left)
        value += absent * size * share * (1 - share) ** (size - 1)
        absent *= (1 - share) ** size
        left -= size
    return value


def batch_form(sizes):
    return ref.scale(ref.log2_form(shuffle_sizes(sizes)), -1)


def best_form(n, parts):
    return ref.scale(ref.log2_form(max(map(shuffle_sizes, compositions(n, parts)))), -1)


def counter_example(n):
    """Words with at most a single one; each one has a probability between 1/(n+1) and 101/100 of it."""
    fail = Fraction(201, 200) / (n + 1)
    words = [tuple(int(i == j) for i in range(n)) for j in range(-1, n)]
    return fail, dict(zip(words, [1 - n * fail] + [fail] * n, strict=True))


def variation(pmf, n, fail):
    words = product((0, 1), repeat=n)
    return sum(abs(pmf.get(w, 0) - fail ** sum(w) * (1 - fail) ** (n - sum(w))) for w in words) / 2


def expected():
    """Every number of every claim, from definitions."""
    replace4, shuffle3, shuffle4 = ref.replace_random(4), ref.shuffle(3), ref.shuffle(4)
    strict = {3: ref.shuffle_strict(3), 4: ref.shuffle_strict(4)}
    pairs, out = [(0, 1), (2, 3)], {}

    for name, pmf in (("Replace Random", replace4), ("Shuffle", shuffle4)):
        out["theorem-1", f"L_2 of {name}, n = 4, two pairs"] = ref.step_bound(pmf, pairs)
        fixed = ref.decode(pmf, ref.topk(2, "left_to_right"))
        out["theorem-1", f"KL of the ideal model on {name}, n = 4, two pairs"] = fixed.kl_exact

    for k in (2, 3):
        run = ref.decode(replace4, ref.topk(k, "random"))
        out["random-order", f"KL of random top-{k}"] = run.kl_exact
        out["random-order", f"KL of random top-{k} along the path"] = run.path_kl_exact
    out["random-order", "L_2 of two pairs"] = ref.step_bound(replace4, pairs)
    out["random-order", "L*_2"] = ref.optimal_bound(replace4, 2)[0]
    # no mixture is more accurate than its best part, and KL >= -log2 accuracy; a random order attains it
    most = max(replace_sizes(sizes) for sizes in compositions(4, 2))
    out["random-order", "least KL of a random two-step partition"] = ref.scale(ref.log2_form(most), -1)

    selector, replace5 = matching_selector(), ref.replace_random(5)
    margin = ref.decode(selector, ref.topk(2, "margin", ties="lowest"))
    out["adaptive-rules", "matching selector: L*_3"] = ref.optimal_bound(selector, 3)[0]
    out["adaptive-rules", "matching selector: KL of margin top-2 (three steps)"] = margin.kl_exact
    out["adaptive-rules", "matching selector: V_3"] = margin.kl_exact  # zero, and no KL is below zero
    out["adaptive-rules", "matching selector: its steps"] = margin.steps
    rule = ref.decode(replace5, ref.threshold("9/10"))
    out["adaptive-rules", "Replace Random, n = 5: L*_4"] = ref.optimal_bound(replace5, 4)[0]
    out["adaptive-rules", "Replace Random, n = 5: KL of threshold 9/10 along the path"] = rule.path_kl_exact
    out["adaptive-rules", "Replace Random, n = 5: its mean number of steps"] = rule.steps
    out["adaptive-rules", "Replace Random, n = 5: L*_5"] = {}  # one by one
    # the new item is drawn first, second, ..., fifth, equally often; what is left then goes at once
    out["adaptive-rules", "Replace Random, n = 5: how often it takes five"] = Fraction(2, 5)

    lengths = [2, 5, 4, 4, 5, 5, 4] + [4] * 24 + [3] * 12
    out["theorem-2", "distributions tested"] = len(lengths)
    # T blocks of n positions have n - T prefixes to split off; one best partition for each T
    out["theorem-2", "splits tested"] = sum(comb(n, 2) for n in lengths)
    out["theorem-2", "Shuffle, n = 3: L_2 of a pair, then a single token"] = ref.step_bound(
        shuffle3, [(0, 1), (2,)]
    )
    out["theorem-2", "Shuffle, n = 3: L_2 of a single token, then a pair"] = ref.step_bound(
        shuffle3, [(0,), (1, 2)]
    )

    # eps_*(1/2) with k = 4: 1/2 [sum_{B=2,3} (B-1) log2((B+1)/(B-1)) + 3 log2(1/(4/2 - 1))]
    out["two-per-step", "limit of the best n/2 steps"] = ref.scale(
        ref.add(ref.log2_form(3), ref.scale(ref.log2_form(2), 2)), HALF
    )
    for n in (6, 8):
        out["two-per-step", f"n = {n}: pairs"] = batch_form([2] * (n // 2))
        out["two-per-step", f"n = {n}: best {n // 2} steps"] = best_form(n, n // 2)

    name = "greedy-or-sampling"
    out[name, "n = 4, k = 2: sampling"] = ref.decode(shuffle4, ref.topk(2, "random")).accuracy
    greedy = {
        ties: ref.decode(shuffle4, ref.topk(2, "random"), 0, ties).accuracy for ties in ("random", "lowest")
    }
    out[name, "n = 4, k = 2: greedy, independent random ties"] = greedy["random"]
    out[name, "n = 4, k = 2: greedy, lowest token"] = greedy["lowest"]
    out[name, "n = 4, k = 2: greedy, worst fixed tie rule"] = max(fixed_ties(shuffle4, 2, lowest))
    out[name, "n = 4, k = 2: greedy, best fixed tie rule"] = min(fixed_ties(shuffle4, 2, in_turn))

    name = "k-divides-n"
    for n, k, last, first in ((5, 4, (4, 1), (3, 2)), (8, 5, (5, 3), (4, 4))):
        out[name, f"Shuffle, n = {n}, k = {k}, temperature 1: remainder last"] = shuffle_sizes(last)
        out[name, f"Shuffle, n = {n}, k = {k}, temperature 1: remainder first"] = shuffle_sizes(first)
    for tau, remainder in product((0, 1), ("last", "first")):
        run = ref.decode(replace4, ref.topk(3, "random", remainder=remainder), tau)
        out[name, f"Replace Random, n = 4, k = 3, temperature {tau}: remainder {remainder}"] = run.accuracy

    name = "greedy-replace"
    for n, k in ((6, 2), (6, 3), (5, 2), (4, 3), (7, 5)):
        out[name, f"n = {n}, k = {k}"] = ref.decode(
            ref.replace_random(n), ref.topk(k, "left_to_right"), 0
        ).accuracy
    replace6 = ref.replace_random(6)
    by_position = ref.topk(2, "left_to_right")
    out[name, "n = 6, k = 2, lowest token"] = ref.decode(replace6, by_position, 0, "lowest").accuracy
    out[name, "n = 6, k = 2, worst fixed tie rule"] = max(fixed_ties(replace6, 2, lowest))
    out[name, "n = 6, k = 2, best fixed tie rule"] = min(fixed_ties(replace6, 2, in_turn))

    for k in (6, 3, 2, 1):
        out["sampled-replace", f"n = 6, k = {k}"] = ref.decode(
            replace6, ref.topk(k, "left_to_right")
        ).accuracy
    out["sampled-replace", "n = 20, k = 2"] = replace_sizes([2] * 10)

    name = "shuffle-threshold"
    for m, gamma in ((1, "1/2"), (2, "1/3"), (3, "1/4"), (4, "1/5")):
        out[name, f"n = 8, > {gamma}: accuracy"] = shuffle_sizes([1] * (8 - m) + [m])
        out[name, f"n = 8, > {gamma}: steps"] = 8 - m + 1
    out[name, "n = 8, >= 1/2: accuracy"] = shuffle_sizes([1] * 6 + [2])

    for gamma, (strict_, sign) in product(("4/5", "5/6"), ((True, ">"), (False, ">="))):
        run = ref.decode(replace6, ref.threshold(gamma, strict=strict_), 0)
        out["replace-threshold", f"n = 6, {sign} {gamma}"] = run.accuracy

    for ties in ("random", "lowest", "all"):
        run = ref.decode(shuffle4, ref.threshold("9/10", ties=ties))
        out["fallback", f"n = 4, gamma = 0.9, ties {ties}: accuracy"] = run.accuracy
        out["fallback", f"n = 4, gamma = 0.9, ties {ties}: steps"] = run.steps

    name = "confidence-theorem"
    for n in (2, 3):
        eps = Fraction(99, 100) / (n + 1)
        # the rival has at most the chance of one failure, the mode at least 1 - n eps (union bound)
        out[name, f"n = {n}: worst lead of another answer, eps = 99/100 of 1/(n+1)"] = eps - (1 - n * eps)
        fail, distribution = counter_example(n)
        lead = max(distribution.values()) - distribution[(0,) * n]
        out[name, f"n = {n}: its lead in the counter-example, eps = 101/100 of 1/(n+1)"] = lead
        out[name, f"n = {n}: total variation there, over 1 - c"] = variation(distribution, n, fail) / fail

    name = "inevitable-loss"
    out[name, "Shuffle, n = 4: one step of the ideal model"] = one_step(shuffle4)
    out[name, "Shuffle, n = 4: one step that always writes one order"] = 1
    out[name, "its KL"] = "inf"
    assert ref.kl_exact(shuffle4, {(0, 1, 2, 3): Fraction(1)}) is None
    out[name, "Replace Random, n = 4: one step of the ideal model"] = one_step(replace4)
    out[name, "Replace Random, n = 4: one step that always replaces the first"] = 1
    out[name, "Remove Random, n = 5: greedy, one step"] = ref.decode(
        ref.remove_random(5), ref.topk(4, "left_to_right"), 0
    ).accuracy
    for title, pmf in (("Shuffle", shuffle4), ("Replace Random", replace4)):
        # a rectangle with two answers has two that differ at one position only
        apart = min(sum(a != b for a, b in zip(x, y, strict=True)) for x, y in combinations(pmf, 2))
        assert apart > 1
        out[name, f"{title}, n = 4: answers of a one-step decoder that is never wrong"] = 1

    name = "benchmark-shuffle"
    for n, pmf in ((3, shuffle3), (4, shuffle4)):
        out[name, f"n = {n}: C, all orders"] = ref.total_correlation(pmf)
        out[name, f"n = {n}: C, input order excluded"] = ref.total_correlation(strict[n])
        out[name, f"n = {n}: one step, all orders"] = one_step(pmf)
        out[name, f"n = {n}: one step, input order excluded"] = one_step(strict[n])
        graded = Fraction(factorial(n) - 1, factorial(n))
        out[name, f"n = {n}: one by one from all orders, graded by the benchmark"] = graded

    name = "impossible-contexts"
    for off in ("marginal", "uniform", "stop"):
        run = ref.decode(replace4, ref.factor(1), off_support=off)
        out[name, f"Replace Random, n = 4, factor 1: steps, {off}"] = run.steps
        out[name, "Replace Random, n = 4, factor 1: accuracy"] = run.accuracy
    out[name, "pairs of task and rule tested"] = 4 * 5

    name = "distinct-items"
    for text in ("A B C D", "A A B C", "A A B B", "A A A B"):
        pmf = ref.uniform(set(permutations(text.split())))
        out[name, f"Shuffle of {text}: C"] = ref.total_correlation(pmf)
        out[name, f"Shuffle of {text}: one-step accuracy"] = one_step(pmf)
    for new in ("F", "A"):
        pmf = ref.uniform(tuple(new if i == j else "ABCD"[j] for j in range(4)) for i in range(4))
        out[name, f"Replace Random, A B C D with {new}: C"] = ref.total_correlation(pmf)
        out[name, f"Replace Random, A B C D with {new}: one-step accuracy"] = one_step(pmf)
    return out | schedules() | sampled() | factors() | squares()


def schedules():
    out, name = {}, "realised-steps"
    for task, accuracy in (("Shuffle", shuffle_sizes), ("Replace Random", replace_sizes)):
        for k, steps in ((1, 10), (2, 5)):
            where = f"{task}, n = 10, T = {steps}"
            out[name, f"{where}: k = {k}"] = out[name, f"{where}: LLaDA"] = accuracy([k] * steps)
            sizes = [size for size in rel.dream_sizes(10, steps) if size]
            assert sum(sizes) == 10
            # at eps = 0 the idle call, if any, is another one
            out[name, f"{where}: Dream"] = out[name, f"{where}: Dream, eps = 0"] = accuracy(sizes)
    unequal = sum(rel.dream_sizes(n, steps) != [n // steps] * steps for n, steps in rel.PAIRS)
    out[name, "pairs (n, T), T divides n, n <= 64"] = sum(64 // d for d in range(1, 65))
    out[name, "of these with unequal sizes: LLaDA"] = 0
    out[name, "of these with unequal sizes: Dream"] = unequal
    return out


def sampled():
    out, name, title = {}, "sampled-confidence", "Replace Random"
    for n, k in ((4, 2), (4, 3), (6, 2), (6, 3)):
        sizes = [min(k, n - start) for start in range(0, n, k)]
        out[name, f"{title}, n = {n}, k = {k}: largest probability"] = replace_sizes(sizes)
        out[name, f"{title}, n = {n}, k = {k}: drawn token"] = rel.drawn_accuracy(ref.replace_random(n), k)
    replace4, insert3 = ref.replace_random(4), ref.insert_random(3)
    out[name, f"{title}, n = 4, k = 3: KL, drawn token"] = ref.kl_exact(
        replace4, rel.drawn_distribution(replace4, 3)
    )
    # no mixture is more accurate than its best part, and KL >= -log2 accuracy; a random order attains it
    most = max(replace_sizes(sizes) for sizes in compositions(4, 2))
    least = ref.scale(ref.log2_form(most), -1)
    out[name, f"{title}, n = 4: least KL of a random two-step partition"] = least
    where = "Insert Random, n = 3, one token per step: KL"
    out[name, f"{where}, largest probability"] = ref.decode(insert3, ref.topk(1, "confidence")).kl_exact
    out[name, f"{where}, drawn token"] = ref.kl_exact(insert3, rel.drawn_distribution(insert3, 1))
    return out


def factors():
    out, name, replace6 = {}, "released-factor", ref.replace_random(6)
    for f in ("0.7", "1.0"):
        for label, sizes in (("printed", [1] * 6), ("released", [1] * 4 + [2])):
            # m tokens of confidence 1/m: rank 2 has 3 (1 - 1/m) >= 3/2 > f, and is the last one at m = 2
            out[name, f"Shuffle, n = 6, f = {f}: accuracy, {label}"] = shuffle_sizes(sizes)
            out[name, f"Shuffle, n = 6, f = {f}: steps, {label}"] = len(sizes)
        for label, rule in (("printed", ref.factor(f)), ("released", counts.released_factor(f))):
            run = ref.decode(replace6, rule)
            out[name, f"Replace Random, n = 6, f = {f}: accuracy, {label}"] = run.accuracy
            out[name, f"Replace Random, n = 6, f = {f}: steps, {label}"] = run.steps
    equality = ref.decode(replace6, ref.factor(1, strict=False)).accuracy
    out[name, "Replace Random, n = 6, f = 1.0: accuracy, printed with <= for <"] = equality
    return out


def squares():
    out, name = {}, "latin-squares"
    for n in (2, 3, 4):
        for label, grids in (("made", rel.made_squares(n)), ("accepted", rel.accepted_squares(n))):
            out[name, f"n = {n}: squares {label}"] = len(grids)
            pmf = ref.uniform(grids)
            out[name, f"n = {n}: C, squares {label}"] = ref.total_correlation(pmf)
            if n == 4:
                out[name, f"n = 4: one-step accuracy, squares {label}"] = one_step(pmf)
    every = set().union(*(rel.made_squares(4, symbols) for symbols in permutations(range(4))))
    out[name, "n = 4: squares made from the symbols in any order"] = len(every)
    return out
