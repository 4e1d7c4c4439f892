"""ReMDM rule, ancestral sampling that may mask tokens again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

from theory.numbers.arithmetic import Array
from theory.policies.as_process import gathered
from theory.policies.policy import Rule, register
from theory.policies.process import Chance
from theory.policies.remasking import block_of, fillable, real_zeros, zeros
from theory.policies.rules.scheduled import checked_eps
from theory.policies.run_batch import RunBatch
from theory.validation import InputError, choice, exact_fraction, positive_int

__all__ = ["ReMDM"]

VARIANTS = ("cap", "rescale", "conf", "loop")
FINAL = ("argmax", "sample")


@register("remdm")
@dataclass(frozen=True, kw_only=True)
class ReMDM(Rule):
    """In every step a masked position is drawn with one probability, a revealed one is masked with another.

    With ``alpha_t = 1 - t`` on the grid ``t_j = 1 - j (1 - eps) / T`` and ``s = t_(j+1)``, each position by
    itself: a masked one gets a token with probability ``(alpha_s - (1 - sigma) alpha_t) / (1 - alpha_t)``; a
    revealed one is masked with probability ``sigma``. After T steps the positions still masked are filled in
    one more call, which is not counted if nothing is masked.

    With ``block=L`` the blocks of L positions are decoded from the left, each with T steps of its own and its last
    call; all others wait, and a finished block is never masked again. The calls of the blocks add up, T or T + 1 each:
    a block starts right after the one before, not at a fixed step as in ``remdm_llada`` and the schedules. The released
    code has no blocks.

    With ``most = min(1, (1 - alpha_s) / alpha_t)``, sigma of each variant is

    - ``cap``: ``min(eta, most)``;
    - ``rescale``: ``eta most``;
    - ``conf``: ``eta most`` times the share of the position (below); a masked position has sigma 0;
    - ``loop``: 0 while ``t > t_on``, and while ``t <= t_off``; ``eta`` between, at constant alpha.

    ``conf``: the shares are the softmax (base e) over the revealed positions (of the block) of minus the
    probability that the token had when it was drawn.

    ``loop`` stretches time: alpha goes from 0 to ``alpha_on`` while ``t > t_on``, stays at ``held``, and goes
    from ``alpha_on`` to 1 while ``t <= t_off``. A probability above 1 (a coarse grid across ``t_on``, or a
    large ``eta``) counts as 1: in the released code a negative weight never wins the draw.

    Elsewhere: ``mdlm`` ancestral sampling is ``eta=0``. Source: arXiv 2503.00307, Sections 3 and 4;
    ``diffusion.py`` of kuleshov-group/remdm (``_ddpm_caching_update``, ``_sample``), here in exact arithmetic
    instead of float32 (``conf`` keeps its probabilities in bfloat16 there). Usual values: T = 128 to 4096,
    eta = 0.008 to 0.04 (cap), 0.015 (rescale), 1 (conf: the released form has no eta), loop with eta = 0.02,
    t_on = 0.55, t_off = 0.05, alpha_on = 0.9. The released code skips the call after a step that changed no
    token of the batch; here it is counted. Its nucleus filter is ``top_p`` with ``nucleus=drop``, and
    ``scored=after``.

    Memory: the number of the step; for ``conf`` the probability of each revealed token of the block when it was
    drawn.

    Attributes:
        steps: T.
        eta: Strength of remasking, in [0, 1].
        variant: ``cap``, ``rescale``, ``conf`` or ``loop``. The distribution of ``conf`` is irrational: floats with
            errors.
        eps: End of the time grid.
        t_on: ``loop`` remasks from this time on.
        t_off: ``loop`` remasks down to this time.
        alpha_on: Share of revealed positions at ``t_on``.
        held: alpha between them; ``None`` is ``alpha_on``, as in the paper and in the released code since its
            commit bb56057 (8 March 2025). Before, it was always 0.9.
        final: The last call takes the most probable token (``argmax``, as released; ties by ``greedy_ties``),
            or draws like every other (``sample``).
        block: Block length; ``None`` for a single block.

    Example:
        >>> ReMDM(steps=2, eta="0.1", eps=0).rates(1)
        (Fraction(1, 1), Fraction(0, 1))
        >>> ReMDM(steps=4, eta="0.1", eps=0, variant="rescale").rates(1)  # alpha 1/4 -> 1/2, most = 1
        (Fraction(11, 30), Fraction(1, 10))
    """

    example: ClassVar[str] = "remdm:steps=2,eta=1/5,variant=rescale"
    source: ClassVar[str] = "arXiv 2503.00307; kuleshov-group/remdm diffusion.py"
    release: ClassVar[str] = (
        "default and all variants: kuleshov-group/remdm f830d65; `eta=0`: kuleshov-group/mdlm c112c52"
    )
    formula: ClassVar[str] = (
        "masked -> token w.p. (a_s - (1-sigma) a_t) / (1 - a_t); revealed -> mask w.p. sigma"
    )
    cost: ClassVar[str] = "n V"
    clocked: ClassVar[bool] = True
    steps: int
    eta: Fraction
    variant: str = "cap"
    eps: Fraction = Fraction(1, 10**5)
    t_on: Fraction = Fraction(11, 20)
    t_off: Fraction = Fraction(1, 20)
    alpha_on: Fraction = Fraction(9, 10)
    held: Fraction | None = None
    final: str = "argmax"
    block: int | None = None

    def __post_init__(self) -> None:
        choice(self.variant, "variant", VARIANTS)
        choice(self.final, "final", FINAL)
        object.__setattr__(self, "steps", positive_int(self.steps, "steps", at_most=4096))
        object.__setattr__(self, "eps", checked_eps(self.eps))
        for name in ("eta", "t_on", "t_off", "alpha_on"):
            value = exact_fraction(getattr(self, name), name)
            if not 0 <= value <= 1:
                raise InputError(f"{name} must lie in 0..1, got {getattr(self, name)}.")
            object.__setattr__(self, name, value)
        if not self.t_off <= self.t_on < 1:
            raise InputError(f"t_off <= t_on < 1 must hold, got t_off={self.t_off}, t_on={self.t_on}.")
        object.__setattr__(self, "alpha_on", _inside(self.alpha_on, "alpha_on"))
        if self.held is not None:
            object.__setattr__(self, "held", _inside(self.held, "held"))
        if self.block is not None:
            object.__setattr__(self, "block", positive_int(self.block, "block"))
        if self.variant == "conf":
            object.__setattr__(self, "rational", False)

    def rates(self, step: int) -> tuple[Fraction, Fraction]:
        """Return the probabilities of step 0 .. T-1: masked gets a token, revealed is masked.

        For ``conf`` the second one is shared by the revealed positions.
        """
        dt = (1 - self.eps) / self.steps
        t = 1 - step * dt
        if self.variant == "loop":
            return self._loop(t, dt)
        now, after = 1 - t, 1 - t + dt  # alpha_t, alpha_s
        most = min(Fraction(1), (1 - after) / now) if now else Fraction(1)
        sigma = min(self.eta, most) if self.variant == "cap" else self.eta * most
        own = 0 if self.variant == "conf" else sigma
        return (after - (1 - own) * now) / (1 - now), sigma

    def _loop(self, t: Fraction, dt: Fraction) -> tuple[Fraction, Fraction]:
        one = Fraction(1)
        if t > self.t_on:
            slope = self.alpha_on / (1 - self.t_on)
            now, after = (1 - t) * slope, (1 - t + dt) * slope
            return min(one, (after - now) / (1 - now)), Fraction(0)
        if t <= self.t_off:
            return dt / t, Fraction(0)
        held = self.alpha_on if self.held is None else self.held
        return min(one, self.eta * held / (1 - held)), self.eta

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch with the clock and, for ``conf``, its memory.

        The clock counts T + 1 ticks a block, the last one for the last call even if it is not made.
        """
        batch = batch.remember(clock=batch.numbers.xp.zeros_like(batch.tokens[:, 0]))
        return batch.remember(drawn_with=real_zeros(batch)) if self.variant == "conf" else batch

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Flip a coin at every position, then draw the tokens; or make the last call of the block."""
        xp = batch.numbers.xp
        block, tick = self._place(batch)
        last = (tick == self.steps)[:, None]
        inside = block_of(batch, self.block)[None, :] == block[:, None]
        # rows may split, so their data is stored in the batch
        batch = batch.remember(fill=batch.masked & inside & last, inside=inside)
        if bool(xp.any(~last)):
            batch = self._stepped(batch, chance, self._probabilities(batch, inside, tick))
        if bool(xp.any(batch.memory["fill"])):
            batch = self._filled(batch, chance)
        return self._ticked(batch)

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows after the last block."""
        n = batch.tokens.shape[1]
        return batch.memory["clock"] >= -(-n // (self.block or n)) * (self.steps + 1)

    def _place(self, batch: RunBatch) -> tuple[Array, Array]:
        """Return the block and the tick in it, each of shape (B,)."""
        clock, ticks = batch.memory["clock"], self.steps + 1
        return clock // ticks, clock % ticks

    def _ticked(self, batch: RunBatch) -> RunBatch:
        """Return the batch one tick later; a block without masks skips its last call."""
        xp, inside = batch.numbers.xp, batch.memory["inside"]
        batch = batch.remember(clock=batch.memory["clock"] + 1)
        _, tick = self._place(batch)
        over = (tick == self.steps) & ~xp.any(batch.masked & inside, axis=1)
        batch = batch.remember(clock=batch.memory["clock"] + xp.astype(over, xp.int64)).forget(
            "fill", "inside"
        )
        if self.variant == "conf":  # a finished block is not read again; dropping it merges states
            block, _ = self._place(batch)
            here = block_of(batch, self.block)[None, :] == block[:, None]
            batch = batch.remember(drawn_with=xp.where(here, batch.memory["drawn_with"], real_zeros(batch)))
        return batch

    def _stepped(self, batch: RunBatch, chance: Chance, probability: Array) -> RunBatch:
        """Change each position with its probability: masked ones get a token, revealed ones are masked."""
        batch, change = chance.flip(batch, probability)
        batch = batch.remember(hidden=change & ~batch.masked)
        batch, drawn = chance.propose(batch, change & batch.masked)
        hidden, shown = batch.memory["hidden"], drawn >= 0
        if self.variant == "conf":
            xp, kept = batch.numbers.xp, batch.memory["drawn_with"]
            kept = xp.where(shown, gathered(batch.view().reals[0], drawn, batch), kept)
            batch = batch.remember(drawn_with=xp.where(hidden, real_zeros(batch), kept))
        return batch.write(shown, drawn).remask(hidden).forget("hidden")

    def _probabilities(self, batch: RunBatch, inside: Array, tick: Array) -> Array:
        """Return the probability that a position changes, shape (B, n); 0 outside the block and in a last call."""
        numbers, xp = batch.rates or batch.numbers, batch.numbers.xp
        nothing = zeros(batch) if batch.rates is None else xp.zeros_like(batch.tokens) * numbers.const(0)
        shown = hidden = nothing
        for step in set(tick.tolist()) - {self.steps}:  # few distinct values
            reveal, sigma = self.rates(step)
            now = inside & (tick == step)[:, None]
            shown = xp.where(now, nothing + numbers.const(reveal), shown)
            hidden = xp.where(now, nothing + numbers.const(sigma), hidden)
        masked = batch.masked
        revealed = ~masked & fillable(batch) & inside
        if self.variant == "conf":
            weight = xp.where(revealed, xp.exp(-batch.memory["drawn_with"]), nothing)
            total = xp.sum(weight, axis=1)[:, None]
            several = (
                xp.sum(xp.astype(revealed, xp.int64), axis=1)[:, None] > 1
            )  # a single one has exactly all
            hidden = hidden * xp.where(
                several, weight / xp.where(several, total, xp.ones_like(total)), nothing + 1
            )
        return xp.where(masked, shown, xp.where(revealed, hidden, nothing))

    def _filled(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Fill the positions that are still masked in the last call of a block."""
        usual = batch.transform
        if self.final == "argmax":
            batch = replace(batch, transform=replace(usual, temperature=Fraction(0)))
        batch, drawn = chance.propose(batch, batch.memory["fill"])
        return replace(batch.write(drawn >= 0, drawn), transform=usual)


def _inside(value: object, name: str) -> Fraction:
    """Return a share below 1 as an exact number."""
    share = exact_fraction(value, name)
    if not 0 <= share < 1:
        raise InputError(f"{name} must be at least 0 and below 1, got {value}.")
    return share
