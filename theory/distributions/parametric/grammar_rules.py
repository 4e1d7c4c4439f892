"""Rules of a grammar in Chomsky normal form, read from plain dictionaries and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from theory.distributions.parametric.parameters import rounded, shares
from theory.validation import InputError, exact_fraction, shown

__all__ = ["Binary", "Rules", "containing", "read_rules"]


_MOST_WORDS = 6  # 4^6 pairs of sets for each rule


@dataclass(frozen=True)
class Binary:
    """The rule ``head -> left right``."""

    head: str
    left: str
    right: str
    probability: Fraction


@dataclass(frozen=True, kw_only=True)
class Rules:
    """A grammar.

    Attributes:
        symbols: All symbols, in the order given.
        binary: Rules with two symbols on the right.
        words: The words of each symbol with their probabilities.
    """

    symbols: tuple[str, ...]
    binary: tuple[Binary, ...]
    words: dict[str, dict[str, Fraction]]


def read_rules(rules: Any, *, normalise: bool = False) -> Rules:
    """Return the rules of a dictionary of dictionaries.

    Args:
        rules: Symbol to right-hand side to probability; the probabilities of a symbol sum to one. A list of right-hand
            sides makes them equally likely. Floats may miss one by their rounding, which is divided out.
        normalise: Divide the probabilities of each symbol by their sum.

    Raises:
        InputError: If a right-hand side is neither two symbols nor one word, or probabilities do not sum to one.

    Example:
        >>> rules = read_rules({"S": ["A A"], "A": {"x": "1/3", "y": "2/3"}})
        >>> rules.binary[0].probability, rules.words["A"]["y"]
        (Fraction(1, 1), Fraction(2, 3))
    """
    if not isinstance(rules, Mapping) or not rules:
        raise InputError('rules must be an object such as {"S": {"NP VP": 1}, ...}.')
    binary: list[Binary] = []
    words: dict[str, dict[str, Fraction]] = {}
    for head, sides in rules.items():
        if not isinstance(head, str) or len(head.split()) != 1:
            raise InputError(f"a symbol must be one word, got {shown(head)}.")
        words[head] = {}
        for side, probability in _sides(head, sides, normalise).items():
            parts = side.split()
            if len(parts) == 2 and all(part in rules for part in parts):
                binary.append(Binary(head, parts[0], parts[1], probability))
            elif len(parts) == 1 and parts[0] not in rules:
                words[head][side] = probability  # kept unchanged, spaces included
            else:
                raise InputError(
                    f"rule {head!r} -> {side!r}: the right-hand side must be two symbols or one word (Chomsky "
                    "normal form); symbols are the left-hand sides of rules."
                )
    return Rules(symbols=tuple(rules), binary=tuple(binary), words=words)


def _sides(head: str, sides: Any, normalise: bool) -> dict[str, Fraction]:
    if isinstance(sides, (list, tuple)):
        if not sides or not all(isinstance(side, str) for side in sides) or len(set(sides)) < len(sides):
            raise InputError(f"rules of {head!r} must be distinct texts, got {shown(list(sides))}.")
        return dict.fromkeys(sides, Fraction(1, len(sides)))
    if not isinstance(sides, Mapping) or not sides:
        raise InputError(f"rules of {head!r} must be an object of right-hand sides, got {shown(sides)}.")
    values = {str(side): exact_fraction(p, f"rule {head!r} -> {side!r}") for side, p in sides.items()}
    if (least := min(values, key=lambda side: values[side])) and values[least] < 0:
        raise InputError(f"rule {head!r} -> {least!r} has a negative probability: {values[least]}.")
    name = f"probabilities of the rules of {head!r}"
    summed = shares(list(values.values()), name, normalise or rounded(list(sides.values())))
    return {side: p for side, p in zip(values, summed, strict=True) if p}


def containing(rules: Rules, words: Sequence[str]) -> tuple[Rules, dict[str, str]]:
    """Return the grammar of the sentences that contain every one of ``words``, in any order and anywhere.

    A symbol is split by the set of words that its yield contains, ``A -> B C`` by the unions of the sets of B and C.
    The weights of a split symbol no longer sum to one; together with a length they still define a distribution.

    Args:
        rules: A grammar.
        words: At most six words.

    Returns:
        The grammar and the symbol of each old symbol whose yields contain all words.

    Example:
        >>> rules, starts = containing(read_rules({"S": ["A A"], "A": ["x", "y"]}), ["x"])
        >>> len(rules.binary), starts["S"]
        (4, 'S{x}')
    """
    chosen = tuple(dict.fromkeys(words))
    known = {word for shown in rules.words.values() for word in shown}
    for word in chosen:
        if word not in known:
            raise InputError(f"{word!r} is no word of the grammar.")
    if len(chosen) > _MOST_WORDS:
        raise InputError(f"words must be at most {_MOST_WORDS}, got {len(chosen)}.")
    sets = range(1 << len(chosen))
    bit = {word: 1 << j for j, word in enumerate(chosen)}

    def named(symbol: str, held: int) -> str:
        return symbol + "{" + ",".join(word for word in chosen if held & bit[word]) + "}"

    binary = [
        Binary(named(rule.head, a | b), named(rule.left, a), named(rule.right, b), rule.probability)
        for rule in rules.binary
        for a in sets
        for b in sets
    ]
    shown = {
        named(symbol, held): {w: p for w, p in rules.words[symbol].items() if bit.get(w, 0) == held}
        for symbol in rules.symbols
        for held in sets
    }
    full = {symbol: named(symbol, len(sets) - 1) for symbol in rules.symbols}
    return Rules(symbols=tuple(shown), binary=tuple(binary), words=shown), full
