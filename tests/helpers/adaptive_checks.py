"""Every deterministic policy by enumeration, for comparison with adaptive optima."""

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import combinations, product

from tests.helpers.strategies import Target
from tests.reference import definitions as ref
from theory.decoding.decoder import decode
from theory.distributions.pmf import JointPMF
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.frontier import frontier
from theory.optima.adaptive.policy_table import AdaptivePolicy
from theory.optima.adaptive.serial_depth import serial_depth
from theory.optima.adaptive.state_graph import state_graph
from theory.optima.adaptive.step_cap import adaptive_bounds

HALF = Fraction(1, 2)
Point = tuple[Fraction, tuple, int]  # E_P steps, KL as the items of a form, greatest number of steps


def every_policy(distribution: ref.PMF, masked: frozenset | None = None) -> frozenset[Point]:
    """(E_P steps, KL, worst case) of every deterministic policy from a state on, by its conditional distribution."""
    masked = frozenset(range(ref.length(distribution))) if masked is None else masked
    if not masked:
        return frozenset({(Fraction(0), (), 0)})
    found = set()
    for block in subsets(masked):
        cost = ref.total_correlation(distribution, block)
        branches = [
            (p, every_policy(part, masked - set(block))) for p, part in ref.contexts(distribution, block)
        ]
        for choice in product(*(ends for _, ends in branches)):
            weighed = list(zip([p for p, _ in branches], choice, strict=True))
            steps = 1 + sum(p * steps for p, (steps, _, _) in weighed)
            kl = ref.add(cost, *(ref.scale(dict(kl), p) for p, (_, kl, _) in weighed))
            found.add((steps, tuple(sorted(kl.items())), 1 + max(worst for _, (_, _, worst) in weighed)))
    return frozenset(found)


def subsets(positions) -> Iterator[tuple[int, ...]]:
    for size in range(1, len(positions) + 1):
        yield from combinations(sorted(positions), size)


@cache
def difference(left: tuple, right: tuple) -> int:
    return ref.sign(ref.sub(dict(left), dict(right)))


def lowest(points) -> Point:
    """The least KL, then the fewest steps."""
    best = None
    for point in sorted(points, key=lambda p: p[0]):
        if best is None or difference(point[1], best[1]) < 0:
            best = point
    return best


def hull(points) -> list[tuple[Fraction, tuple]]:
    """The lower convex hull from the leftmost to the lowest point, by gift wrapping with exact comparisons."""
    here = min(p[0] for p in points)
    current = lowest(p for p in points if p[0] == here)[:2]
    end = lowest(points)[:2]
    vertices = [current]
    while current != end:
        best = None
        for steps, kl, _ in points:
            if steps <= current[0]:
                continue
            slope = ref.scale(ref.sub(dict(kl), dict(current[1])), 1 / (steps - current[0]))
            order = -1 if best is None else ref.sign(ref.sub(slope, best[0]))
            if order < 0 or (order == 0 and steps > best[1][0]):  # the far end of an edge
                best = slope, (steps, kl)
        current = best[1]
        vertices.append(current)
    return vertices


def as_form(number: LogNumber) -> tuple:
    return tuple(sorted(number.terms.items()))


def check_brute_force(target: Target) -> None:
    points = every_policy(target.distribution)
    graph = state_graph(target.exact)
    bounds, edge, depth = adaptive_bounds(graph), frontier(graph), serial_depth(graph)
    for t in range(1, target.n + 1):
        steps, kl, _ = lowest(p for p in points if p[2] <= t)
        assert as_form(bounds.values[t - 1]) == kl
        assert (
            bounds.steps_under_data[t - 1] == min(p[0] for p in points if p[2] <= t and p[1] == kl) == steps
        )
    assert [(v.steps_under_data, as_form(v.kl)) for v in edge.vertices] == hull(points)
    assert depth.expected == min(p[0] for p in points if p[1] == ())
    assert depth.worst_case == min(p[2] for p in points if p[1] == ())


def check_decodes(pmf: JointPMF, policy: AdaptivePolicy, kl, steps) -> None:
    result = decode(pmf, policy)
    assert result.kl == result.path_kl == policy.kl == kl
    assert result.steps_under_data == policy.steps_under_data == steps
    assert result.steps == policy.steps


def matching_selector() -> Iterator[tuple[int, ...]]:
    """s picks one of the three perfect matchings of four bits; matched bits are equal."""
    matchings = [((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))]
    for s, pairs in enumerate(matchings):
        for values in product((0, 1), repeat=2):
            bits = [0] * 4
            for (i, j), value in zip(pairs, values, strict=True):
                bits[i] = bits[j] = value
            yield (s, *bits)
