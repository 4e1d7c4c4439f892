"""Markov chain of real words, from counts in a package (extra ``text``).

The package ``essential-generators`` has counts of which word followed which, for 298,693 pairs of English words.
Restricted to the most frequent words they give a bigram chain with an exact distribution: ``P(next | word)`` is a ratio
of counts, and unseen pairs are impossible. It is not a model of English, but its dependence between neighbours is that
of real text.

    parabounds bounds synthetic.text:WordBigrams -n 20
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any, ClassVar

from theory.distributions.distribution import Context
from theory.distributions.parametric.markov import MarkovDistribution
from theory.validation import InputError, positive_int

__all__ = ["WordBigrams", "bigram_distribution", "shipped_bigrams"]

Bigrams = Mapping[tuple[str, str], int]


@cache
def shipped_bigrams() -> Bigrams:
    """Return how often one lower-case word follows another in the counts of ``essential-generators``.

    Raises:
        InputError: If the package is not installed.
    """
    try:
        file = resources.files("essential_generators") / "markov_textgen.json"
        entries = json.loads(file.read_text(encoding="utf-8"))
    except (ImportError, OSError):
        raise InputError(
            "word counts need essential-generators; install it with: python -m pip install 'parabounds[text]'."
        ) from None
    return _bigrams(entries.values())


def _bigrams(entries: Iterable[Mapping[str, Any]]) -> Bigrams:
    """Return pair counts of entries that give for a pair ``left right`` the shares of the next word and a total."""
    counts: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        right, total = entry["right"], entry["total"]
        for word, share in zip(entry["transitions"], entry["weights"], strict=True):
            if right.isalpha() and word.isalpha():
                counts[right.lower(), word.lower()] += round(share * total)
    return counts


def bigram_distribution(counts: Bigrams, n: int, words: int) -> MarkovDistribution:
    """Return the Markov chain of n of the most frequent words, with probabilities proportional to counts.

    Words that are never followed by another of them are dropped, so fewer than ``words`` may remain.

    Example:
        >>> counts = {("a", "b"): 3, ("b", "a"): 2, ("b", "b"): 1, ("b", "c"): 1}
        >>> distribution = bigram_distribution(counts, n=2, words=3)
        >>> distribution.tokens, distribution.pmf().probability(("b", "a"))
        (('a', 'b'), Fraction(1, 3))
    """
    frequency: Counter[str] = Counter()
    for (first, _), count in counts.items():
        frequency[first] += count
    common = sorted(frequency, key=lambda word: (-frequency[word], word))[: positive_int(words, "words")]
    kept: set[str] = set(common)
    while True:
        followed = {a for (a, b), count in counts.items() if count and a in kept and b in kept}
        if followed == kept:
            break
        kept = followed
    if not kept:
        raise InputError(f"no word of the {words} most frequent follows another; use more words.")
    tokens = tuple(sorted(kept))
    transition = [[counts.get((a, b), 0) for b in tokens] for a in tokens]
    return MarkovDistribution.from_counts([sum(line) for line in transition], transition, n=n, tokens=tokens)


@dataclass(frozen=True, kw_only=True)
class WordBigrams:
    """A task of n consecutive words of real text.

    Attributes:
        n: The number of words.
        words: How many of the most frequent words to keep.
    """

    name: ClassVar[str] = "word_bigrams"
    n: int
    words: int = 60

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", positive_int(self.n, "n"))

    def distribution(self) -> MarkovDistribution:
        """Return the distribution."""
        return bigram_distribution(shipped_bigrams(), self.n, self.words)

    def contexts(self) -> tuple[Context, ...]:
        """Return the single context."""
        return (Context(weight=Fraction(1), distribution=self.distribution()),)

    def chain(self) -> None:
        """No lumped chain is needed."""
        return
