"""English sentences of n words from a small probabilistic grammar of 60 words.

Subject and verb agree in number ("every dog sleeps", "these dogs sleep"), so words drawn at once can disagree. The
distribution conditions the grammar on the length; whether an outcome is grammatical is decided exactly, by parsing. It
works at any n: conditionals come from inside-outside charts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from synthetic.plain import PlainTask
from synthetic.task import register
from theory.distributions.distribution import Context
from theory.distributions.parametric.grammar import GrammarDistribution
from theory.distributions.pmf import JointPMF

__all__ = ["RULES", "WordsToSentence"]


def _words(text: str, share: str) -> dict[str, Fraction]:
    """Return the words, equally likely, with total probability ``share``."""
    listed = text.split()
    return dict.fromkeys(listed, Fraction(share) / len(listed))


NAMES = "Anna Ben Carla Dora"
RULES: dict[str, dict[str, Any]] = {
    "S": {"One Does": "1/2", "Many Do": "1/2"},
    "One": {"D1 N1": "1/2", **_words(NAMES, "1/4"), "One Near": "1/8", "One Who1": "1/8"},
    "Many": {"D2 N2": "3/4", "One Also": "1/8", "Many Near": "1/8"},
    "Any": {"D1 N1": "3/8", "D2 N2": "3/8", **_words(NAMES, "1/4")},
    "Does": {
        **_words("sleeps runs sings waits", "1/3"),
        "V1 Any": "1/3",
        "Does Adv": "1/6",
        "Does Near": "1/6",
    },
    "Do": {**_words("sleep run sing wait", "1/3"), "V2 Any": "1/3", "Do Adv": "1/6", "Do Near": "1/6"},
    "V1": _words("sees likes follows finds", "1"),
    "V2": _words("see like follow find", "1"),
    "D1": _words("the a every this", "1"),
    "D2": _words("the some these many", "1"),
    "N1": {"Adj N1": "1/4", **_words("cat dog bird fox child teacher poet ship", "3/4")},
    "N2": {"Adj N2": "1/4", **_words("cats dogs birds foxes children teachers poets ships", "3/4")},
    "Adj": _words("red small quiet happy clever tall young", "1"),
    "Adv": _words("slowly often today loudly", "1"),
    "Near": {"P Any": "1"},
    "P": _words("near with behind under", "1"),
    "Who1": {"That Does": "1"},
    "That": {"that": "1"},
    "Also": {"And One": "1"},
    "And": {"and": "1"},
}


@register("words_to_sentence")
@dataclass(frozen=True, kw_only=True)
class WordsToSentence(PlainTask):
    """Sentences of n words.

    Attributes:
        n: The number of words.
        words: Words that the sentence must contain, anywhere; as text joined by ``+``.

    Example:
        >>> WordsToSentence(n=3, words=("Ben", "likes", "Dora")).pmf().outcomes
        (('Ben', 'likes', 'Dora'), ('Dora', 'likes', 'Ben'))
    """

    words: tuple[str, ...] | str = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        words = self.words.split("+") if isinstance(self.words, str) else self.words
        object.__setattr__(self, "words", tuple(words))

    def distribution(self) -> GrammarDistribution:
        """Return the distribution; ``distribution().contains`` is the check of grammaticality, the words included."""
        return GrammarDistribution(n=self.n, rules=RULES, start="S", words=tuple(self.words))

    def is_sentence(self, words: Sequence[str]) -> bool:
        """Return whether n words are a sentence of the grammar.

        Example:
            >>> task = WordsToSentence(n=3)
            >>> task.is_sentence("these dogs sleep".split()), task.is_sentence("these dogs sleeps".split())
            (True, False)
        """
        distribution = self.distribution()
        place = {word: j for j, word in enumerate(distribution.tokens)}
        ids = np.array([[place.get(word, -1) for word in words]])
        return len(words) == self.n and bool(distribution.contains(ids)[0])

    def pmf(self) -> JointPMF:
        """Return the sentences as a list."""
        return self.distribution().pmf()

    def contexts(self) -> tuple[Context, ...]:
        """Return the single context."""
        return (Context(weight=Fraction(1), distribution=self.distribution()),)
