# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Lesson 8: Beyond partitions
#
# *Fifteen minutes, after [lesson 7](07_accuracy_is_not_kl.py).*
#
# $L^*_T$ is the least loss of T *fixed* blocks. Two kinds of decoders are not fixed: those that draw their order
# by chance, and those that look at the tokens before they choose. Both can lose less. "No decoder does better
# than $L^*_T$" is therefore not a theorem, and here are the counterexamples.

# %%
from classroom import checker, slide

import parabounds as pb
from theory import optimal_mixture

check = checker(8)

# %% [markdown]
# ## A mixture of orders
#
# Replace Random, four items, three steps. Every fixed order of blocks errs in its own way. Draw the order by
# chance, and the *outputs* mix: errors of one order are diluted by the others, and KL is convex.
#
# **Predict.** Can a mixture of orders lose less than the best of them? Can it lose more than the worst?

# %%
replace = pb.task("replace_random", n=4)
bounds = replace.bounds(adaptive=True, randomized=True)
print("best fixed blocks:", [round(float(bits), 4) for bits in bounds.optimal_bound])
print("best mixture:     ", [round(float(bits), 4) for bits in bounds.randomized_bound])

# %% [markdown]
# Less than the best fixed blocks, in two steps and in three. A measurement of random unmasking below $L^*_T$ is
# therefore no error of measurement. This is the best mixture of three steps:

# %%
mixture = optimal_mixture(replace, 3)
for blocks, weight in mixture.weights.items():
    print(weight, "of the time:", blocks)
print("proven optimal:", mixture.is_optimal)

# %% [markdown]
# Two orders, half of the time each. Where the first errs most, in its pair, the second takes single tokens.

# %% [markdown]
# (With the order written down beside the answer nothing is gained: the *path* divergence is at least $L^*_T$.
# Chance helps only those who forget how it fell.)

# %% [markdown]
# ## Looking at the tokens
#
# The **matching selector**: the first token says which of three pairings holds, then four bits follow, equal in
# pairs. Twelve equally likely answers.

# %%
selector = pb.task("matching_selector")
selector.plot_marginals({0: 0})
for first in (0, 1):
    print(
        "selector",
        first,
        "bit 1 is 1:",
        {i: {t: str(p) for t, p in m.items()} for i, m in selector.marginals({0: first, 1: 1}).items()},
    )

# %% [markdown]
# Whoever reads the selector knows which two bits are independent, draws one of each pair, then the other two for
# nothing.
#
# **Predict.** In how many steps does that lose nothing? And a decoder with fixed blocks?

# %%
bounds = selector.bounds(adaptive=True, randomized=True)
for name in ("optimal_bound", "randomized_bound", "adaptive_bound"):
    print(f"{name:17}", ["nothing" if bits == 0 else "something" for bits in bounds[name]])
print(selector.policy(steps=3).policies[0]["tree"])

# %% [markdown]
# Three steps against four. With three steps the best fixed blocks lose bits, the best mixture loses fewer, and
# the policy loses none. In symbols $V_3 < L^*_3$: Theorem 2 of the paper holds for fixed blocks, and does not
# bound decoders that look.

# %%
figure, ax = slide()
steps = range(1, 6)
series = (
    ("optimal_bound", "fixed blocks, $L^*_T$", "#0072B2", "o", 9),
    ("randomized_bound", "mixtures of fixed blocks", "#009E73", "^", 8),
    ("adaptive_bound", "policies that look, $V_T$", "#D55E00", "s", 6),
)
inset = ax.inset_axes((0.5, 0.32, 0.47, 0.4))
for key, label, colour, mark, size in series:
    bits = [float(x) for x in bounds[key]]
    for where in (ax, inset):
        where.plot(steps, bits, marker=mark, markersize=size, color=colour, label=label)
inset.set(xlim=(2.7, 4.3), ylim=(-0.005, 0.05), xticks=[3, 4], title="enlarged: T = 3")
ax.set(xlabel="steps T", ylabel="least loss, bits", xticks=[*steps], ylim=(-0.05, 2.1))
ax.set_title("Matching selector: fixed blocks are not the last word")
ax.legend(loc="upper right")

# %% [markdown]
# ## Often looking does not help
#
# Insert Random: a new item in one of the n + 1 gaps of a list.
#
# **Predict.** Whether the new item has come tells a decoder where to go on. Does $V_T < L^*_T$ hold here as well?

# %%
for n in (3, 4, 5):
    bounds = pb.task("insert_random", n=n).bounds(adaptive=True)
    print(
        n, [round(float(b), 4) for b in bounds.optimal_bound], bounds.adaptive_bound == bounds.optimal_bound
    )

# %% [markdown]
# No: equal, exactly. Looking helps where a token changes **which** tokens depend on each other, not merely how
# much.

# %% [markdown]
# ## log n
#
# Look at the zeros of these lists. Insert Random has n + 1 positions, but loses nothing long before n + 1 steps:
# ask for the position in the middle, and you know in which half the new item is. That is bisection, and it
# doubles with each step.

# %%
for n in (3, 4, 5, 6):
    lost = pb.task("insert_random", n=n).bounds().optimal_bound
    fewest = next(t for t, bits in enumerate(lost, start=1) if bits == 0)
    print(f"{n + 1} positions: {fewest} steps lose nothing")

# %% [markdown]
# Shuffle has no such luck: without loss it takes n steps. Parallel decoding can be exponentially faster than one
# by one, or not faster at all. It depends on the task, and one number, such as "tokens per step", cannot say
# which.
#
# ## Expected steps
#
# A policy that looks may also stop early. The *frontier* is the least loss at each expected number of steps, over
# all of them.

# %%
replace.frontier().plot()
print(replace.frontier())

# %% [markdown]
# ## Exercises
#
# **1.** Replace Random, *three* items, two steps: how many bits does the best mixture lose?

# %%
check(1, ...)

# %% [markdown]
# **2.** Matching selector, three steps: by how many bits is $V_3$ below $L^*_3$?

# %%
check(2, ...)

# %% [markdown]
# **3.** Insert Random of eight items (nine positions): how many steps are enough to lose nothing? Guess first.

# %%
check(3, ...)

# %% [markdown]
# **What to remember.** $V_T \le L^*_T$, sometimes strictly; mixtures too may lose less than $L^*_T$. Next: [train
# a model and hold it against all this](09_train_it.py).
