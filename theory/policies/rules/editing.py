"""Token editing (LLaDA2.1), with tokens replaced where another has become more probable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

from theory.numbers.arithmetic import Array
from theory.policies.as_process import gathered
from theory.policies.board import Board
from theory.policies.policy import Rule, register
from theory.policies.process import Chance
from theory.policies.ranked import Ranked
from theory.policies.remasking import block_of, fillable
from theory.validation import bounded, choice, positive_int

__all__ = ["Editing"]


@register("editing")
@dataclass(frozen=True, kw_only=True)
class Editing(Rule):
    """Draw a token at every position of the block, decoded ones included, and write those that are sure enough.

    A mask takes its token where its probability is above ``gamma``, at least the ``floor`` best. A decoded token is
    replaced where another one was drawn with a probability above ``edit``. All of this reads the same call. A block
    without masks is looked at again until a call replaces nothing, or for ``post`` calls; these calls count.

    The released code reads a decoded position from a model that sees its token; the ideal model is then certain, and
    replaces nothing. So ``committed=left_out`` asks for it with the token masked, ``seen`` takes the certain answer.

    Source: LLaDA2.1; ``LLaDA21Sampler`` in ``dllm/pipelines/llada21/sampler.py`` of ZHZisZZ/dllm (ca17675).
    ``LLaDA2Pipeline`` of huggingface/diffusers (0f2e62af) has a schedule in place of ``floor``; ``JointThreshold`` in
    ``srt/dllm/algorithm/joint_threshold.py`` of sgl-project/sglang (17d57211) makes one more call after ``post`` ones.
    Usual values: gamma = 0.95, edit = 0.9, post = 16, B = 32 (dllm); gamma = 0.5, edit = 0 (SGLang). Above temperature
    0 dllm reads the tempered probability: ``scored=after``.

    State: the number of the block, and the calls made since it was full.

    Attributes:
        gamma: A mask takes its token above it.
        edit: A decoded token is replaced above it.
        post: The most calls on a full block.
        floor: At least so many masks take their tokens.
        committed: ``left_out`` or ``seen``.
        block: Block length; ``None`` for a single block.
        ties: Equal probabilities: ``random`` or ``lowest`` index first.

    Example:
        >>> Editing().gamma, str(Editing(edit="0.6", post=4))
        (Fraction(19, 20), 'editing:edit=3/5,post=4')
    """

    example: ClassVar[str] = "editing"
    source: ClassVar[str] = "LLaDA2.1; ZHZisZZ/dllm pipelines/llada21/sampler.py"
    release: ClassVar[str] = (
        "default: ZHZisZZ/dllm ca17675, LLaDA21Sampler, and huggingface/diffusers 0f2e62af with as many "
        "steps as positions; `gamma=0.5,edit=0`: sgl-project/sglang 17d57211, JointThreshold, but for one "
        "call where `post` runs out"
    )
    formula: ClassVar[str] = "masks with c > gamma, else the best; decoded tokens where another has p > edit"
    cost: ClassVar[str] = "n questions to the model"
    asks: ClassVar[bool] = True
    doubts: ClassVar[bool] = True
    gamma: Fraction = Fraction(19, 20)
    edit: Fraction = Fraction(9, 10)
    post: int = 16
    floor: int = 1
    committed: str = "left_out"
    block: int | None = None
    ties: str = "random"

    def __post_init__(self) -> None:
        choice(self.committed, "committed", ("left_out", "seen"))
        choice(self.ties, "ties", ("random", "lowest"))
        for name in ("gamma", "edit"):
            object.__setattr__(self, name, bounded(getattr(self, name), name, 0, 1))
        object.__setattr__(self, "floor", positive_int(self.floor, "floor"))
        object.__setattr__(self, "post", positive_int(self.post, "post", at_most=4096))
        if self.block is not None:
            object.__setattr__(self, "block", positive_int(self.block, "block"))

    def start(self, board: Board) -> Board:
        """Return the board at its first block."""
        none = board.numbers.xp.zeros_like(board.tokens[:, 0])
        return board.remember(current=none, calls=none)

    def step(self, board: Board, chance: Chance) -> Board:
        """Draw, take, replace; go on to the next block if this one is done."""
        board = self._edited(self._drawn(board, chance), chance)
        board, chosen = self._taken(board, chance)
        memory = board.memory
        board = board.write(chosen, memory["drawn"]).write(memory["edits"], memory["new"])
        return self._turned(board).forget("open", "others", "edits", "drawn", "score", "new")

    def finished(self, board: Board) -> Array:
        """Return the rows after the last block."""
        n = board.tokens.shape[1]
        return board.memory["current"] >= -(-n // (self.block or n))

    def _drawn(self, board: Board, chance: Chance) -> Board:
        """Draw a token at every mask of the block, and remember what the model says of the decoded ones."""
        inside = block_of(board, self.block)[None, :] == board.memory["current"][:, None]
        others = board.left_out() if self.committed == "left_out" else board.probs
        decoded = inside & ~board.masked & fillable(board)
        board = board.remember(open=inside & board.masked, decoded=decoded, others=others)
        board, drawn = chance.propose(board, board.memory["open"])
        return board.remember(drawn=drawn, score=gathered(board.view().probs, drawn, board))

    def _edited(self, board: Board, chance: Chance) -> Board:
        """Draw at the decoded positions where a token may be sure enough, and remember which are replaced."""
        xp, numbers = board.numbers.xp, board.numbers
        scores = board.transform.scores_read(board.memory["others"], numbers)
        may = board.memory["decoded"] & self._above(xp.max(scores, axis=-1), self.edit, board)
        if not bool(xp.any(may)):  # the usual case: nothing to draw
            return board.remember(edits=may, new=board.tokens).forget("decoded")
        asked, new = chance.propose(replace(board, probs=board.memory["others"]), may)
        scores = asked.transform.scores_read(asked.probs, numbers)
        sure = self._above(gathered(scores, new, asked), self.edit, asked)
        return asked.remember(edits=(new >= 0) & sure & (new != asked.tokens), new=new).forget("decoded")

    def _above(self, values: Array, bar: Fraction, board: Board) -> Array:
        numbers = board.view().numbers
        return numbers.xp.astype(values > numbers.const(bar) + numbers.tolerance, numbers.xp.bool)

    def _taken(self, board: Board, chance: Chance) -> tuple[Board, Array]:
        """Choose the masks that take their tokens."""
        xp, score = board.numbers.xp, board.memory["score"]
        view = board.view(board.memory["open"])
        take = xp.sum(xp.astype(self._above(score, self.gamma, board) & view.candidates, xp.int64), axis=1)
        floor = min(self.floor, 1 << 31)
        least = xp.where(view.left < floor, view.left, xp.zeros_like(view.left) + floor)
        take = xp.where(take < least, least, take)
        return chance.choose(board, Ranked(view, score, take, self.ties, least=0))

    def _turned(self, board: Board) -> Board:
        """Count the calls on a full block, and go on where nothing was replaced or they are spent."""
        xp, memory = board.numbers.xp, board.memory
        was_full = ~xp.any(memory["open"], axis=1)
        calls = memory["calls"] + xp.astype(was_full, xp.int64)
        done = was_full & (~xp.any(memory["edits"], axis=1) | (calls >= self.post))
        current = memory["current"]
        return board.remember(
            current=xp.where(done, current + 1, current), calls=xp.where(done, xp.zeros_like(calls), calls)
        )
