r"""The ideal model of a listed distribution whose tokens were replaced by noise.

Forward process: every token is kept with probability a, the *signal*, and otherwise replaced by a symbol drawn from
fixed *shares* p, all positions independently: ``q_a(x|v) = a 1[x = v] + (1 - a) p(x)``. Uniform diffusion has equal
shares; masked diffusion has p(mask) = 1. At two signals a <= b the noisier x follows from the other z by the same
kernel with a/b: ``q_{a/b}(x|z)``.

Given the noisy sequence x, with P the distribution of the clean sequence y:

- *Posterior* ``P(y_i = v | x)``, proportional to ``sum_{y : y_i = v} P(y) prod_j q_a(x_j | y_j)``.
- *Leave-one-out posterior* ``m_i(v) = P(y_i = v | x_j, j != i)``, the same without the factor j = i. So
  ``P(y_i = v | x)`` is proportional to ``m_i(v) q_a(x_i | v)``; for uniform noise over S tokens the two differ by one
  factor ``1 + S a / (1 - a)`` at the token ``v = x_i``.

**Theorem** (leave-one-out form; Gourevitch et al., arXiv 2605.22765; Dmitriev, Huang and Wei, arXiv 2608.23554; the
proof below is our own). For a < b and x of positive probability, the true probability of the symbol z at position
i at signal b, given all of x at signal a, is

    ``r_i(z|x) = q_{a/b}(x_i|z) [b m_i(z) + (1 - b) p(z)] / [a m_i(x_i) + (1 - a) p(x_i)]``.

*Proof.* The positions are replaced independently given y, so the other x_j and the pair (z_i, x_i) are independent
given y_i. By Bayes, ``P(z_i = z | x)`` is proportional to ``P(x_i | z_i = z) P(z_i = z | x_j, j != i)``, and the last
factor is ``sum_v m_i(v) q_b(z|v) = b m_i(z) + (1 - b) p(z)``. Summed over z the product is ``sum_v m_i(v) q_a(x_i|v) =
a m_i(x_i) + (1 - a) p(x_i)``, because ``sum_z q_{a/b}(x|z) q_b(z|v) = q_a(x|v)``. []

Released samplers compute ``r_i`` with a prediction w of the clean token in the place of ``m_i``. **Corollary.** With
noise of positive shares the result is the true transition only if ``w = m_i``. *Proof.* Every
``q_{a/b}(x_i|z)`` is positive, so ``b w(z) + (1 - b) p(z) = c (b m_i(z) + (1 - b) p(z))`` for all z; summed over z,
c = 1. [] The posterior ``w = P(y_i|x)`` counts the token x_i twice; it equals ``m_i`` only if a = 0 or ``m_i(x_i)``
is 0 or 1. Under masking nothing is lost: at a mask q_a(mask|.) is constant, so that posterior and m_i are equal, and
a token stays what it is.

Symbols: 0 .. m-1 are the tokens of ``ListedDistribution(pmf)``; a further one, if any, is the mask, or stands for all
tokens of a larger vocabulary that no outcome has (they are exchangeable, so one symbol with their common share is
exact). Sequences that have probability zero under the noise have the one-position marginals of P, as after impossible
tokens elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device
from numpy.typing import NDArray

from theory.distributions.distribution import ListedDistribution
from theory.distributions.given import PMFLike, as_pmf
from theory.numbers.rationals import to_fmpq
from theory.validation import InputError, exact_fraction, positive_int

__all__ = ["ENTRIES", "Noise", "NoisyModel", "checked_signal", "left_out_from_posterior"]

ENTRIES = 1 << 21  # sequences times outcomes times positions in one batch


@dataclass(frozen=True)
class Noise:
    """The shares of the symbols that replace a token.

    Attributes:
        shares: p, rational, at least 0, sum 1; the m tokens first, then at most one further symbol.

    Example:
        >>> Noise.uniform(3).shares
        (Fraction(1, 3), Fraction(1, 3), Fraction(1, 3))
        >>> Noise.uniform(3, vocabulary=32).shares[-1], Noise.masking(3).shares[-1]
        (Fraction(29, 32), Fraction(1, 1))
    """

    shares: tuple[Fraction, ...]

    def __post_init__(self) -> None:
        shares = tuple(exact_fraction(share, "a share of the noise") for share in self.shares)
        if not shares or min(shares) < 0 or sum(shares) != 1:
            raise InputError(
                f"shares of noise must be at least 0 and sum to 1, got {[str(s) for s in shares]}."
            )
        object.__setattr__(self, "shares", shares)

    @classmethod
    def uniform(cls, tokens: int, vocabulary: int | None = None) -> Noise:
        """Return equal shares of a vocabulary that has the tokens of a distribution, and others if it is larger."""
        count = positive_int(tokens, "tokens")
        size = count if vocabulary is None else positive_int(vocabulary, "vocabulary")
        if size < count:
            raise InputError(f"vocabulary must have at least the {count} tokens that occur, got {size}.")
        rest = (Fraction(size - count, size),) if size > count else ()
        return cls((Fraction(1, size),) * count + rest)

    @classmethod
    def masking(cls, tokens: int) -> Noise:
        """Return the noise of masked diffusion: every replaced token becomes the mask, symbol number ``tokens``."""
        return cls((Fraction(0),) * positive_int(tokens, "tokens") + (Fraction(1),))


class NoisyModel:
    """The posteriors of clean tokens given noisy sequences, exact or in float64.

    Args:
        pmf: The distribution of the clean sequence.
        noise: The noise; uniform over the tokens that occur by default.
        floats: Compute in float64 although the pmf is exact; a float pmf is always computed in float64.

    Example:
        >>> model = NoisyModel(["ab", "ba"])
        >>> noisy = np.array([[0, 0]])
        >>> model.posterior(noisy, "1/2").tolist()
        [[[1/2, 1/2], [1/2, 1/2]]]
        >>> model.left_out(noisy, "1/2").tolist()
        [[[1/4, 3/4], [1/4, 3/4]]]
    """

    def __init__(self, pmf: PMFLike, noise: Noise | None = None, *, floats: bool = False) -> None:
        self.pmf = as_pmf(pmf)
        self.exact = self.pmf.is_exact and not floats
        listed = ListedDistribution(self.pmf)
        self.ids, self.tokens = listed.ids, listed.tokens
        self.noise = Noise.uniform(len(self.tokens)) if noise is None else noise
        if len(self.noise.shares) - len(self.tokens) not in (0, 1):
            raise InputError(
                f"noise must have a share for each of the {len(self.tokens)} tokens, and at most one more, got "
                f"{len(self.noise.shares)}."
            )
        self._eye = np.eye(len(self.tokens), dtype=np.int64)[self.ids]  # (N, n, m)
        self._weights = self._numbers(self.pmf.probabilities) if self.exact else self.pmf.floats()
        self.marginals = np.stack(
            [self._weights @ self._eye[:, i] for i in range(self.n)]
        )  # of P, shape (n, m)

    @property
    def n(self) -> int:
        """The number of positions."""
        return self.pmf.n

    @property
    def symbols(self) -> int:
        """The number of symbols of a noisy sequence."""
        return len(self.noise.shares)

    def kernel(self, signal: Fraction) -> NDArray[Any]:
        """Return ``q_a(x|z)`` of all symbols, ``[x, z]``."""
        size = self.symbols
        return self._numbers(
            [
                signal * (x == z) + (1 - signal) * self.noise.shares[x]
                for x in range(size)
                for z in range(size)
            ]
        ).reshape(size, size)

    def posterior(self, noisy: NDArray[np.int64], signal: Any) -> NDArray[Any]:
        """Return ``P(y_i = v | x)``.

        Args:
            noisy: Symbols, shape (B, n).
            signal: a, in [0, 1): a rational, or a float read as the decimal that is written.

        Returns:
            Rationals (``fmpq``) or float64, shape (B, n, m).
        """
        return self._answers(noisy, signal, left_out=False)

    def left_out(self, noisy: NDArray[np.int64], signal: Any) -> NDArray[Any]:
        """Return ``P(y_i = v | x_j, j != i)``; arguments and result as of :meth:`posterior`."""
        return self._answers(noisy, signal, left_out=True)

    def _answers(self, noisy: NDArray[np.int64], signal: Any, *, left_out: bool) -> NDArray[Any]:
        rows = self._checked(noisy)
        kernel = self.kernel(checked_signal(signal))
        out = np.empty((len(rows), self.n, len(self.tokens)), dtype=self._weights.dtype)
        size = max(1, ENTRIES // (len(self.ids) * self.n))
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            factors = kernel[part[:, None, :], self.ids[None]]  # (B, N, n)
            for i in range(self.n):
                kept = [j for j in range(self.n) if j != i or not left_out]
                likelihood = factors[:, :, kept].prod(axis=2) if kept else np.ones_like(factors[:, :, 0])
                sums = (likelihood * self._weights) @ self._eye[:, i]
                total = sums.sum(axis=1)
                possible = np.asarray(total != 0, dtype=bool)
                out[start : start + size, i] = self.marginals[i]
                out[start + np.flatnonzero(possible), i] = sums[possible] / total[possible][:, None]
        return out

    def _checked(self, noisy: NDArray[np.int64]) -> NDArray[np.int64]:
        rows = np.asarray(noisy)
        if rows.ndim != 2 or rows.shape[1] != self.n or rows.dtype.kind not in "iu":
            raise InputError(f"noisy sequences must be integers of shape (B, {self.n}), got {rows.shape}.")
        if rows.size and (rows.min() < 0 or rows.max() >= self.symbols):
            raise InputError(
                f"symbols of noisy sequences must lie in 0..{self.symbols - 1}, got {rows.min()}..{rows.max()}."
            )
        return rows

    def _numbers(self, values: Any) -> NDArray[Any]:
        """Return exact values as an array of ``fmpq``, or rounded to float64."""
        if not self.exact:
            return np.array([float(value) for value in values], dtype=np.float64)
        out = np.empty(len(values), dtype=object)
        out[:] = [to_fmpq(value) for value in values]
        return out


def checked_signal(signal: Any) -> Fraction:
    """Return a signal as a rational in [0, 1).

    Raises:
        InputError: Outside; at 1 nothing is noisy, and impossible sequences have no posterior.
    """
    value = exact_fraction(signal, "signal")
    if not 0 <= value < 1:
        raise InputError(f"a signal must be at least 0 and below 1, got {signal}.")
    return value


def left_out_from_posterior(posterior: Any, noisy: Any, signal: float, vocabulary: int) -> Any:
    """Return the leave-one-out posterior of a model that predicts the posterior under uniform noise.

    ``m_i(v)`` is proportional to ``P(y_i = v | x) / (1 + S a / (1 - a) 1[v = x_i])``.

    Args:
        posterior: ``P(y_i = v | x)``, an array of numpy or torch, shape (..., V).
        noisy: The symbols x_i, integers below V, shape (...).
        signal: a, in [0, 1).
        vocabulary: S, the number of tokens that the noise is uniform over.

    Example:
        >>> left_out_from_posterior(np.array([0.5, 0.5]), np.array(0), 0.5, 2).tolist()
        [0.25, 0.75]
    """
    tokens = array_namespace(posterior).arange(posterior.shape[-1], device=device(posterior))
    extra = vocabulary * signal / (1 - signal)
    weights = posterior / (1 + extra * (noisy[..., None] == tokens))
    return weights / weights.sum(-1)[..., None]
