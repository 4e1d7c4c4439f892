"""LoPA: look one token ahead along several branches and go on from the most confident one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

from theory._checks import InputError, choice, positive_int
from theory.arithmetic import EXACT, TIE_TOLERANCE, Array
from theory.law import MASK
from theory.policies.board import Board
from theory.policies.policy import RankedPolicy, register
from theory.policies.process import Chance
from theory.policies.ranked import Ranked
from theory.policies.sampled import unmasked

__all__ = ["LoPA"]

_BRANCHES = 1000  # each is a state that the model is asked about


@register("lopa")
@dataclass(frozen=True, kw_only=True)
class LoPA(RankedPolicy):
    """Fill the anchor, add one more token in each of k branches, and keep the branch that is surest of the rest.

    Anchor: every competing position with confidence above gamma, or else the best one. Branch b adds the b-th best
    position that is left. Tokens are drawn once, from the marginals before the anchor, and shared. One batched call
    evaluates the anchor and its branches: the mean confidence over *all* positions still masked, 1 if there are
    none. The highest wins.

    Source: arXiv 2512.16229; ``_generate_enhanced_speculative``, ``_generate_additional_branches`` and
    ``evaluate_branch_confidence`` in ``scale_dream_d2f/scale_dream_d2f.py`` of zhijie-group/LoPA, with the settings of
    its evaluation scripts (branch_topp = 1, selection_conf_alpha = 0, verification_force_base_winner = false); k is
    branching_factor. Usual values: gamma = 0.9, k = 1 to 6. As there, the winner's marginals of that call fill the
    next anchor, a step is one batched call, and a winner that fills what the anchor left open costs one call more,
    in which nothing is decoded. Not modelled: the pipeline of several unfinished blocks of D2F; here blocks are
    decoded one after the other. The released code ranks and evaluates *drawn* tokens at tau > 0; here the ``max``
    probability counts, which is the same at its default tau = 0.

    Means are floats; those within 1e-9 are equal. The rule looks at tokens before it decides, so that Theorem 1 of
    arXiv 2510.04767 does not apply.

    Memory: whether the winner is ahead of its anchor, so that the next call only closes the block.

    Attributes:
        gamma: The threshold of the anchor.
        k: Number of branches besides the anchor.
        strict: Above means ``>`` (the released code) or ``>=``.
        equal: What wins among equal means: the earliest ``branch`` (the released code, which lists the anchor last),
            or the ``anchor``, then the earliest branch.

    Example:
        >>> str(LoPA(gamma=0.9, k=3))
        'lopa:gamma=9/10,k=3'
    """

    example: ClassVar[str] = "lopa:gamma=0.9,k=1"
    source: ClassVar[str] = "LoPA, arXiv 2512.16229"
    formula: ClassVar[str] = (
        "threshold, plus one of the k next if that raises the mean confidence of the rest"
    )
    cost: ClassVar[str] = "k model calls, one batch"
    asks: ClassVar[bool] = True
    gamma: Fraction
    k: int
    strict: bool = True
    equal: str = "branch"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by != "confidence" or self.confidence == "sampled":
            raise InputError(
                "lopa reads the confidence of the most probable token; leave by and confidence out."
            )
        choice(self.strict, "strict", (False, True))
        choice(self.equal, "equal", ("branch", "anchor"))
        self.score_limit("gamma")
        object.__setattr__(self, "k", positive_int(self.k, "k"))
        if self.k > _BRANCHES:
            raise InputError(f"k must be at most {_BRANCHES}, got {self.k}.")

    def start(self, board: Board) -> Board:
        """Return the board with nothing ahead."""
        return board.remember(ahead=board.numbers.xp.zeros_like(board.tokens[:, 0]))

    def step(self, board: Board, chance: Chance) -> Board:
        """Fill the anchor and its branches, evaluate them, and go on from the winner."""
        xp = board.numbers.xp
        view = board.view().within_blocks(self.block)
        pool = view.candidates & (board.memory["ahead"] == 0)[:, None]
        board = board.remember(pool=pool, block=view.group_index)
        board, anchor = self._anchor(board, chance)
        board = board.remember(anchor=anchor, taken=anchor)
        branches = min(self.k, board.tokens.shape[1])
        for branch in range(branches):
            left = board.memory["pool"] & ~board.memory["taken"]
            some = xp.astype(xp.any(left, axis=1), xp.int64)
            board, added = chance.choose(board, self._best(board, left, some))
            board = board.remember(taken=board.memory["taken"] | added, **{f"branch{branch}": added})
        board, drawn = chance.propose(board, board.memory["taken"])
        return self._decided(board, drawn, branches)

    def finished(self, board: Board) -> Array:
        """Return the rows without masks and without a call to come."""
        return unmasked(board) & (board.memory["ahead"] == 0)

    # -- the parts of a step ----------------------------------------------------------------------------------

    def _best(self, board: Board, pool: Array, take: Array) -> Ranked:
        return Ranked(board.view(pool), self.score(board.view()), take, self.ties, least=0)

    def _anchor(self, board: Board, chance: Chance) -> tuple[Board, Array]:
        xp, view, pool = board.numbers.xp, board.view(), board.memory["pool"]
        numbers, scores = view.numbers, self.score(view)
        gamma = numbers.const(self.gamma)
        above = scores > gamma + numbers.tolerance if self.strict else scores >= gamma - numbers.tolerance
        number = xp.sum(xp.astype(xp.astype(above, xp.bool) & pool, xp.int64), axis=1)
        one = xp.astype(xp.any(pool, axis=1), xp.int64)
        return chance.choose(board, self._best(board, pool, xp.where(number > 0, number, one)))

    def _decided(self, board: Board, drawn: Array, branches: int) -> Board:
        """Return the board of the winner."""
        xp, memory, before = board.numbers.xp, board.memory, board.tokens
        anchored = xp.where(memory["anchor"], drawn, before)
        tokens = [xp.where(memory[f"branch{b}"], drawn, anchored) for b in range(branches)]
        tokens = [anchored, *tokens] if self.equal == "anchor" else [*tokens, anchored]
        value = self._value(board, xp.stack(tokens, axis=1))
        tolerance = max(float(board.numbers.tolerance), TIE_TOLERANCE)
        winner, highest = tokens[0], value[:, 0]
        for branch in range(1, branches + 1):
            better = value[:, branch] > highest + tolerance
            winner = xp.where(better[:, None], tokens[branch], winner)
            highest = xp.where(better, value[:, branch], highest)
        # the anchor's block stays open although the winner has filled it
        group = _block_of(board, self.block) == memory["block"][:, None]
        is_open = xp.any(group & (anchored == MASK), axis=1) & ~xp.any(group & (winner == MASK), axis=1)
        names = ("pool", "block", "anchor", "taken", *(f"branch{b}" for b in range(branches)))
        return replace(board, tokens=winner).remember(ahead=xp.astype(is_open, xp.int64)).forget(*names)

    def _value(self, board: Board, tokens: Array) -> Array:
        """Return the mean confidence of the masked positions of K states, floats, shape (B, K)."""
        xp = board.numbers.xp
        probs = board.transform.scores_read(board.oracle.ask(tokens), board.numbers)
        sure = EXACT.floats(xp.max(probs, axis=-1))
        masked = tokens == MASK
        number = xp.astype(xp.sum(xp.astype(masked, xp.int64), axis=2), sure.dtype)
        total = xp.sum(xp.where(masked, sure, xp.zeros_like(sure)), axis=2)
        return xp.where(
            number > 0, total / xp.where(number > 0, number, xp.ones_like(number)), xp.ones_like(number)
        )


def _block_of(board: Board, block: int | None) -> Array:
    """Return the block of every position, shape (B, n)."""
    xp = board.numbers.xp
    index = xp.cumulative_sum(xp.ones_like(board.tokens), axis=1) - 1
    return xp.zeros_like(index) if block is None else index // min(block, 1 << 31)
