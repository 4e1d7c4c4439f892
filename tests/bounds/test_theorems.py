"""The theorems, one by one: checks that no other file has.

Everything here is decided in Fractions or exact numbers, against definitions written with
``tests/reference/definitions.py``. Where the other statements are checked stands in ``docs/statements.md``.
"""

from fractions import Fraction
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.comparison import same
from tests.helpers.draws import examples
from tests.helpers.strategies import ordered_partitions, rules, targets
from tests.reference import definitions as ref
from theory.bounds.accuracy.divergence import accuracy_excess, accuracy_floor
from theory.bounds.partitions.contexts import bounds_by_context
from theory.bounds.partitions.step_bounds import optimal_bounds, step_bound
from theory.decoding.decoder import decode
from theory.decoding.output import output_distribution
from theory.distributions.distribution import Context, ListedDistribution
from theory.information.curves.curve import information_curve
from theory.information.measures import kl_divergence
from theory.information.subsets.builder import subset_entropies
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.frontier import frontier
from theory.optima.adaptive.state_graph import state_graph
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.optima.mixtures.output_distributions import partition_distribution
from theory.policies import parse_policy

SMALL = targets([(2, 2), (3, 2), (2, 2, 2), (3, 1, 2)])


# --- Theorem 1: any model -------------------------------------------------------------------------------


def random_model(distribution: ref.PMF, seed: int, ideal: bool):
    """A model: context and position to a distribution over tokens, positive on every token of that position."""

    def answer(context: dict, i: int) -> dict:
        rng = Random(f"{seed} {sorted(context.items(), key=repr)} {i}")
        part = {v: p for (v,), p in ref.marginal(ref.condition(distribution, context), (i,)).items()}
        if ideal or rng.random() < 0.3:
            return part
        tokens = sorted({y[i] for y in distribution}, key=repr)
        weights = [rng.randint(1, 5) for _ in tokens]
        return {v: Fraction(w, sum(weights)) for v, w in zip(tokens, weights, strict=True)}

    return answer


@given(target=SMALL, data=st.data(), seed=st.integers(0, 10**6), ideal=st.booleans())
def test_theorem_1_any_model_pays_the_bound_and_its_own_errors(target, data, seed, ideal):
    """Theorem 1 of arXiv 2510.04767: D(P || Q) >= L_T for every factorised T-step model.

    The excess is Pythagorean: ``D(P || Q) - L_T = sum_t sum_{i in S_t} E D(P(y_i | y_<t) || q_i(. | y_<t))``, zero
    iff the model is ideal in every context that occurs.
    """
    distribution, partition = target.distribution, data.draw(ordered_partitions(target.n))
    model = random_model(distribution, seed, ideal)
    q: dict = dict.fromkeys(distribution, Fraction(1))
    excess: list = []
    for t, block in enumerate(partition):
        before = sum(partition[:t], ())
        for y in distribution:
            for i in block:
                q[y] *= model({j: y[j] for j in before}, i)[y[i]]
        for values, weight in ref.marginal(distribution, before).items():
            context = dict(zip(before, values, strict=True))
            for i in block:
                truth = ref.marginal(ref.condition(distribution, context), (i,))
                asked = {(v,): p for v, p in model(context, i).items()}
                excess.append(ref.scale(ref.kl_exact(truth, asked), weight))
    bound = step_bound(subset_entropies(target.exact), partition)
    kl = LogNumber(ref.kl_exact(distribution, q))
    assert kl == bound + LogNumber(ref.add(*excess)) >= bound
    assert (kl == bound) == (not any(excess))
    if ideal:
        assert kl == bound
        assert q == partition_distribution(target.exact, partition)


# --- Theorem 2: the split identity ----------------------------------------------------------------------


@given(
    target=targets([(2, 2, 2), (3, 1, 2), (2, 2, 2, 2)], kinds=("dense", "skewed", "sparse")), data=st.data()
)
def test_theorem_2_what_a_split_saves(target, data):
    """Theorem 2 of arXiv 2510.04767: splitting a block into A then B never costs.

    It saves ``sum_{b in B} I(y_b ; y_A | y_C)``, C revealed before: exactly what B learns from A, and zero iff no
    token of B depends on A given C. Splitting again and again, any refinement is at most as costly.
    """
    partition = data.draw(ordered_partitions(target.n).filter(lambda p: any(len(block) > 1 for block in p)))
    t = data.draw(st.sampled_from([t for t, block in enumerate(partition) if len(block) > 1]))
    cut = data.draw(st.integers(1, len(partition[t]) - 1))
    before, a, b = sum(partition[:t], ()), partition[t][:cut], partition[t][cut:]
    finer = (*partition[:t], a, b, *partition[t + 1 :])
    learnt = [
        ref.kl_exact(joint, {(*x, *y): p[x] * r[y] for x in p for y in r})
        for b_i in b
        for _, part in ref.contexts(target.distribution, before)
        for joint, p, r in [[ref.marginal(part, s) for s in ((b_i, *a), (b_i,), a)]]
    ]
    weights = [w for _ in b for w, _ in ref.contexts(target.distribution, before)]
    saved = ref.add(*(ref.scale(form, w) for form, w in zip(learnt, weights, strict=True)))
    table = subset_entropies(target.exact)
    assert same(step_bound(table, partition) - step_bound(table, finer), saved)
    assert ref.sign(saved) >= 0
    assert (ref.sign(saved) == 0) == all(ref.sign(form) == 0 for form in learnt)


# --- Theorem 3: contexts --------------------------------------------------------------------------------


@settings(max_examples=examples(5))
@given(
    parts=st.lists(st.tuples(st.integers(1, 5), targets([(2, 2, 2)])), min_size=2, max_size=3),
    repeated=st.booleans(),
)
def test_theorem_3_a_partition_for_each_context(parts, repeated):
    """Theorem 3 of arXiv 2510.04767: the minimum inside the expectation over contexts is at most that outside.

    By definition ``sum_x P(x) min_S L_T(S | x) <= min_S sum_x P(x) L_T(S | x)``; equal if all contexts are one
    distribution.
    """
    parts = [(w, parts[0][1]) for w, _ in parts] if repeated else parts
    total = sum(w for w, _ in parts)
    weighted = [(Fraction(w, total), target) for w, target in parts]
    inside = bounds_by_context(
        [Context(weight=w, distribution=ListedDistribution(t.exact)) for w, t in weighted]
    )
    outside = optimal_bounds(subset_entropies([(w, t.exact) for w, t in weighted])).values
    assert inside is not None
    for steps, (mean_of_minima, minimum_of_means) in enumerate(zip(inside, outside, strict=True), start=1):
        minima = [ref.scale(ref.optimal_bound(t.distribution, steps)[0], w) for w, t in weighted]
        assert same(mean_of_minima, ref.add(*minima))
        assert mean_of_minima <= minimum_of_means
        assert not repeated or mean_of_minima == minimum_of_means


# --- Data processing ------------------------------------------------------------------------------------


@given(target=SMALL, data=st.data(), keep=st.integers(1, 9))
def test_accuracy_is_at_least_two_to_minus_kl_and_equal_iff_q_given_v_is_p(target, data, keep):
    """``Q(V) >= 2^-D(P||Q)``: data processing to the event V. Equality iff Q restricted to V is proportional to P.

    Both sides of the equivalence are met: the distribution of a partition, and P itself scaled down.
    """
    scaled = {y: p * Fraction(keep, 9) for y, p in target.distribution.items()}
    assert accuracy_excess(target.exact, scaled) == 0
    assert accuracy_floor(LogNumber(ref.kl_exact(target.distribution, scaled))) == Fraction(keep, 9)
    distribution = partition_distribution(target.exact, data.draw(ordered_partitions(target.n)))
    accuracy = sum(distribution.values())
    given_v = {y: q / accuracy for y, q in distribution.items()}
    excess = LogNumber(ref.kl_exact(target.distribution, distribution)) + LogNumber.log2(accuracy)
    assert excess >= 0
    assert (excess == 0) == (given_v == target.distribution)


# --- Adaptive policies: Theorem 1 along every path ------------------------------------------------------


def pathwise(distribution: ref.PMF, choose):
    """Yield for every outcome its path costs ``log2 [P(y_S | y_C) / prod_i P(y_i | y_C)]``, block by block."""
    for y in distribution:
        revealed, costs = {}, []
        while len(revealed) < len(y):
            part = ref.condition(distribution, revealed)
            masked = tuple(i for i in range(len(y)) if i not in revealed)
            block = choose(part, revealed, masked)
            joint = ref.marginal(part, block)[tuple(y[i] for i in block)]
            alone = Fraction(1)
            for i in block:
                alone *= ref.marginal(part, (i,))[(y[i],)]
            costs.append(ref.log2_form(joint / alone))
            revealed = revealed | {i: y[i] for i in block}
        yield y, costs


def check_pathwise(target, choose, distribution, kl) -> None:
    mean = []
    for y, costs in pathwise(target.distribution, choose):
        assert ref.sub(ref.log2_form(target.distribution[y] / distribution[y]), ref.add(*costs)) == {}
        mean.append(ref.scale(ref.add(*costs), target.distribution[y]))
    assert same(kl, ref.add(*mean))


@given(
    target=SMALL, rule=rules(by=("confidence", "margin", "entropy", "left_to_right"), ties=("lowest", "all"))
)
def test_pathwise_identity_of_every_policy_without_random_choices(target, rule):
    """Wen, Liang, Lu (arXiv 2608.25505), Theorem 1: ``log2 P(y)/Q(y) = sum_t log2 [P(y_S|y_C) / prod P(y_i|y_C)]``.

    It holds outcome by outcome, the blocks chosen from the tokens seen; its mean over P
    is ``D(P||Q) = E sum_t C(S_t | y_C)``.
    """

    def choose(part, _revealed, masked):
        marginals = {i: {v: p for (v,), p in ref.marginal(part, (i,)).items()} for i in masked}
        (block,) = rule.select(marginals, masked, target.n)
        return tuple(sorted(block))

    policy = parse_policy(rule.spec)
    check_pathwise(target, choose, output_distribution(target.exact, policy), decode(target.exact, policy).kl)


@given(target=targets([(2, 2), (2, 2, 2), (3, 1, 2)], kinds=("dense", "sparse")))
@settings(max_examples=examples(6))
def test_pathwise_identity_of_optimal_adaptive_policies(target):
    """The same for the policies on the frontier of (steps, KL): their cost is the mean of their path costs."""
    graph = state_graph(target.exact)
    policies = [vertex.policy for vertex in frontier(graph).vertices]
    policies += [adaptive_bounds(graph).policy(t) for t in range(1, target.n + 1)]
    for policy in policies:
        blocks = {frozenset(row["revealed"].items()): tuple(row["block"]) for row in policy.rows()}

        def choose(_part, revealed, _masked, blocks=blocks):
            return blocks[frozenset(revealed.items())]

        check_pathwise(target, choose, output_distribution(target.exact, policy), policy.kl)


# --- Random orders --------------------------------------------------------------------------------------


@given(target=targets([(2, 2), (3, 2), (2, 2, 2), (2, 2, 2, 2)], kinds=("dense", "skewed", "sparse")))
def test_han_by_the_information_curve(target):
    """Han (1978): ``0 = Z_1 <= ... <= Z_n``, hence ``h_j / j`` falls; ``TC <= (n - 1) Z_n``, ``DTC >= Z_n``.

    ``TC = sum Z_j`` and ``DTC = n Z_n - sum Z_j`` (Chen, Cong, Li, Lemma 8), so both follow from monotonicity alone.
    """
    curve, n = information_curve(subset_entropies(target.exact)), target.n
    assert curve.z[0] == 0
    assert all(before <= after for before, after in pairwise(curve.z))
    assert all(a / j >= b / (j + 1) for j, (a, b) in enumerate(pairwise(curve.means[1:]), start=1))
    assert curve.total_correlation == sum(curve.z, LogNumber()) <= (n - 1) * curve.z[-1]
    assert curve.dual_total_correlation == n * curve.z[-1] - sum(curve.z, LogNumber()) >= curve.z[-1]


@given(
    target=targets([(2, 2), (2, 2, 2)], kinds=("dense", "sparse")),
    weights=st.lists(st.integers(1, 5), min_size=6),
)
def test_a_random_order_is_at_most_the_mean_of_its_orders(target, weights):
    """Convexity of the divergence in its second argument: ``D(P || sum w_S Q^S) <= sum w_S D(P || Q^S)``.

    With equality iff all distributions with positive weight agree on the support of P.
    """
    partitions = list(ref.ordered_partitions(target.n, 2))[: len(weights)]
    shares = [Fraction(w, sum(weights[: len(partitions)])) for w in weights[: len(partitions)]]
    distributions = [partition_distribution(target.exact, partition) for partition in partitions]
    mixed = {
        y: sum(w * distribution[y] for w, distribution in zip(shares, distributions, strict=True))
        for y in target.distribution
    }
    mean = ref.add(
        *(
            ref.scale(ref.kl_exact(target.distribution, distribution), w)
            for w, distribution in zip(shares, distributions, strict=True)
        )
    )
    gap = ref.sub(mean, ref.kl_exact(target.distribution, mixed))
    assert ref.sign(gap) >= 0
    assert (ref.sign(gap) == 0) == all(distribution == distributions[0] for distribution in distributions)


# --- The chain rule behind all of them ------------------------------------------------------------------


@given(pair=st.sampled_from([(2, 2), (3, 2), (2, 2, 2)]).flatmap(lambda s: st.tuples(*[targets([s])] * 2)))
def test_gibbs_inequality_and_its_equality(pair):
    """``D(P || Q) >= 0``, zero iff P = Q: the inequality that Theorems 1 to 3 rest on."""
    p, q = pair
    value = kl_divergence(p.exact, q.exact)
    assert value >= 0
    assert (value == 0) == (p.distribution == q.distribution)
