"""Numbers of derivations of a grammar by symbol and width, and the least likely one.

A symbol derives w words by a rule ``A -> B C`` and a split of w into u and w - u, or by one word at w = 1.
Every sum here runs over the pairs (rule, u), from short widths to long ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import inf, log2

from theory.distributions.parametric.grammar_rules import Binary, Rules
from theory.limits import Budget

__all__ = ["Derivations"]

_RULE, _LIMIT = 1e-5, 10  # seconds of a rule at one of n^2 spans; at most, n = 200 with twenty rules

_Sentences = dict[tuple[str, ...], Fraction]


@dataclass(frozen=True, eq=False)
class Derivations:
    """The derivations of at most n words.

    Attributes:
        rules: A grammar; the probabilities of a symbol need not sum to one.
        n: The greatest width.

    Example:
        >>> from theory.distributions.parametric.grammar_rules import read_rules
        >>> made = Derivations(read_rules({"S": {"S S": "1/2", "x": "1/2"}}), 4)
        >>> [made.number("S", width) for width in (1, 2, 3, 4)]  # Catalan numbers
        [1, 1, 2, 5]
        >>> made.sentences("S", 2), made.largest_cost("S")
        ({('x', 'x'): Fraction(1, 8)}, 7.0)
    """

    rules: Rules
    n: int

    @cached_property
    def _by_symbol(self) -> dict[str, list[Binary]]:
        out: dict[str, list[Binary]] = {symbol: [] for symbol in self.rules.symbols}
        for rule in self.rules.binary:
            out[rule.head].append(rule)
        return out

    @cached_property
    def _counts(self) -> list[dict[str, int]]:
        """Numbers of derivations by width, at index width - 1."""
        work = self.n * self.n * len(self.rules.binary)
        what = f"the derivations of {self.n} words"
        Budget(what, "use fewer words", limit=_LIMIT).require(work, _RULE)
        counts = [{symbol: len(self.rules.words[symbol]) for symbol in self.rules.symbols}]
        for width in range(2, self.n + 1):
            counts.append(
                {
                    symbol: sum(
                        counts[u - 1][rule.left] * counts[width - u - 1][rule.right]
                        for rule in self._by_symbol[symbol]
                        for u in range(1, width)
                    )
                    for symbol in self.rules.symbols
                }
            )
        return counts

    def number(self, symbol: str, width: int) -> int:
        """Return in how many ways a symbol derives ``width`` words.

        Raises:
            CostError: If there are too many words and rules to count.
        """
        return self._counts[width - 1][symbol]

    def splits(self, symbol: str, width: int) -> list[tuple[Binary, int]]:
        """Return the rules of a symbol with the widths of their left part that can yield ``width`` words."""
        return [
            (rule, u)
            for rule in self._by_symbol[symbol]
            for u in range(1, width)
            if self.number(rule.left, u) and self.number(rule.right, width - u)
        ]

    def sentences(self, symbol: str, width: int) -> _Sentences:
        """Return what a symbol yields in ``width`` words, with the exact weight summed over derivations."""
        return self._sentences(symbol, width, {})

    def _sentences(self, symbol: str, width: int, known: dict[tuple[str, int], _Sentences]) -> _Sentences:
        if (symbol, width) in known:
            return known[symbol, width]
        out: _Sentences = {}
        if width == 1:
            out = {(word,): p for word, p in self.rules.words[symbol].items()}
        else:
            for rule, u in self.splits(symbol, width):
                right = self._sentences(rule.right, width - u, known)
                for first, p in self._sentences(rule.left, u, known).items():
                    for second, q in right.items():
                        out[first + second] = out.get(first + second, Fraction(0)) + rule.probability * p * q
        known[symbol, width] = out
        return out

    def largest_cost(self, symbol: str) -> float:
        """Return ``-log2`` of the weight of the least likely derivation of n words; ``-inf`` if there is none."""
        words = self.rules.words
        least = [{a: max((-log2(p) for p in words[a].values()), default=-inf) for a in self.rules.symbols}]
        for width in range(2, self.n + 1):
            best = dict.fromkeys(self.rules.symbols, -inf)
            for rule in self.rules.binary:
                cost = max(
                    least[u - 1][rule.left] + least[width - u - 1][rule.right] for u in range(1, width)
                )
                best[rule.head] = max(best[rule.head], cost - log2(rule.probability))
            least.append(best)
        return least[-1][symbol]
