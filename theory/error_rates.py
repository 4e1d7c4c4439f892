r"""Error rates of a decoder in the terms of Feng et al. (arXiv 2502.09622): sequences and tokens.

- *Sequence error rate*: ``SER = 1 - Q(V)``, the probability that an answer is not in the language V, the support of P.
- *Token error rate*, a perplexity: ``log2 TER = E_P[-(1/|x|) log2 Q(x)]``. For answers of one length n this is
  ``(H(P) + D(P || Q)) / n``, because ``E_P[-log2 Q] = H(P) + D(P || Q)``; its least value, at Q = P, is ``H(P) / n``.

``SER <= 1 - 2^-KL``: accuracy is at least ``2^-KL`` (:mod:`theory.accuracy`). So a small token error bounds the
sequence error, ``SER <= 1 - 2^(H(P) - n log2 TER)``, but only with n in the exponent. Unit: bits for each token.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf

from theory.accuracy import OutputLaw, forward_kl
from theory.arithmetic import Number
from theory.correlation import Bits, entropy
from theory.pmf import JointPMF

__all__ = ["sequence_error_rate", "token_error_rate"]


def sequence_error_rate(pmf: JointPMF, law: OutputLaw) -> Number:
    """Return ``SER = 1 - Q(V)``, V the support of ``pmf``; exact for an exact law.

    Example:
        >>> from theory.pmf import JointPMF
        >>> from theory.correlation import product_of_marginals
        >>> equal = JointPMF.uniform([(0, 0), (1, 1)])
        >>> sequence_error_rate(equal, dict(product_of_marginals(equal)))
        Fraction(1, 2)
    """
    return 1 - sum((law.get(y, Fraction(0)) for y in pmf.outcomes), Fraction(0))


def token_error_rate(pmf: JointPMF, law: OutputLaw) -> Bits:
    """Return ``log2 TER = (H(P) + D(P || Q)) / n`` in bits for each token; infinite where Q misses an outcome.

    Example:
        >>> from theory.pmf import JointPMF
        >>> from theory.correlation import product_of_marginals
        >>> equal = JointPMF.uniform([(0, 0), (1, 1)])
        >>> token_error_rate(equal, dict(equal)), token_error_rate(equal, dict(product_of_marginals(equal)))
        (LogNumber('1/2 log2(2)'), LogNumber('log2(2)'))
    """
    kl, own = forward_kl(pmf, law), entropy(pmf)
    if kl == inf:
        return inf
    if isinstance(kl, float) or isinstance(own, float):
        return (float(own) + float(kl)) / pmf.n
    return (own + kl) / pmf.n
