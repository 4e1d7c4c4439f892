"""The decoder settings of the paper's benchmark, as specifications of rules.

For an output of L positions, every block length b = 1, 2, 4, .., L:

- top-k by random, confidence, margin and entropy with k = 1, 2, 4, .., b;
- the threshold gamma = 0.5, 0.6, .., 1, with ``>=`` as released;
- the factor f = 0.7, 1, 1.3, 1.6, 1.9.

With 32 positions these are 150 settings, with 64 they are 189: 2,823 for ten tasks and seven. Left-to-right top-k is
the setting b = k. Source: arXiv 2510.04767, Appendix D, and the configurations of its repository (72de8f7).
"""

from __future__ import annotations

from theory.validation import positive_int

__all__ = ["FACTORS", "GAMMAS", "RANKINGS", "paper_settings"]

RANKINGS = ("random", "confidence", "margin", "entropy")
GAMMAS = ("1", "0.9", "0.8", "0.7", "0.6", "0.5")
FACTORS = ("0.7", "1", "1.3", "1.6", "1.9")


def paper_settings(length: int) -> list[str]:
    """Return the settings for an output of ``length`` positions, a power of two.

    Example:
        >>> 10 * len(paper_settings(32)) + 7 * len(paper_settings(64))
        2823
        >>> paper_settings(1)[0]
        'topk:k=1,by=random'
    """
    powers = [1 << j for j in range(positive_int(length, "length").bit_length())]
    found: list[str] = []
    for block in powers:
        within = "" if block == length else f",block={block}"
        found += [f"topk:k={k},by={by}{within}" for by in RANKINGS for k in powers if k <= block]
        found += [f"threshold:gamma={gamma},strict=false{within}" for gamma in GAMMAS]
        found += [f"factor:f={factor},variant=released{within}" for factor in FACTORS]
    return found
