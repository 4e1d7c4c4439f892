# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Lesson 3: Theorem 1
#
# *Fifteen minutes, after [lesson 2](02_total_correlation.py).*
#
# One step loses the total correlation. What do several steps lose? Theorem 1 of ParallelBench ([arXiv
# 2510.04767](https://arxiv.org/abs/2510.04767)) answers for every fixed order of blocks, and says that no model
# does better. We prove it in three lines, then by computation.

# %%
from itertools import product
from math import prod

import numpy as np
from classroom import checker, slide

import parabounds as pb
from theory import JointPMF, kl_divergence, total_correlation

check = checker(3)
cities = pb.pmf([("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")])

# %% [markdown]
# ## One step, any model
#
# So far the model was ideal. Another model may return other distributions $Q_1, Q_2$ for the two words. In one
# step it writes the product $Q_1 Q_2$.
#
# **Predict.** Could some wrong pair $Q_1, Q_2$ come closer to P than the right marginals do?
#
# Let us try a hundred. Each draws its two distributions at random; the divergence is computed from its
# definition, exactly.

# %%
rng = np.random.default_rng(0)
tokens = [[*cities.marginals()[i]] for i in range(2)]


def model(weights):
    """Return the product distribution of a model with these weights of tokens."""
    answers = [*product(*tokens)]
    found = [prod(int(weights[i][tokens[i].index(answer[i])]) for i in range(2)) for answer in answers]
    return JointPMF.from_weights(answers, found)


models = [model([rng.integers(1, 20, size=3) for _ in range(2)]) for _ in range(100)]
excess = [kl_divergence(cities, q) - total_correlation(cities) for q in models]
print("smallest excess over C:", min(map(float, excess)), "bits; all above zero:", all(x > 0 for x in excess))

# %% [markdown]
# None. And the excess has a formula: it is the divergence of the model's marginals from the true ones, position
# by position.
#
# > **Proof.** Insert the product of the true marginals into the logarithm: $D(P\|\prod Q_i) = \sum_y
# > P(y)\log\frac{P(y)}{\prod P_i(y_i)} + \sum_i\sum_y P(y)\log\frac{P_i(y_i)}{Q_i(y_i)} = C + \sum_i D(P_i\|Q_i)$.
# > A divergence is never negative, and zero only for $Q_i = P_i$. ∎
#
# Now check it: the formula and the definition have to agree exactly, not nearly.


# %%
def divergence_of_marginals(q):
    return sum(
        (kl_divergence(dict(cities.pmf.marginal([i])), dict(q.marginal([i]))) for i in range(2)),
        start=total_correlation(cities) * 0,
    )


print(
    "equal, exactly, in all 100:",
    all(x == divergence_of_marginals(q) for x, q in zip(excess, models, strict=True)),
)

# %%
figure, ax = slide()
ax.scatter(
    [0],
    [float(total_correlation(cities))],
    s=130,
    color="#0072B2",
    marker="*",
    zorder=4,
    label="the true marginals",
)
ax.scatter(
    [float(divergence_of_marginals(q)) for q in models],
    [float(kl_divergence(cities, q)) for q in models],
    s=26, color="#D55E00", label="100 other models",
)  # fmt: skip
top = max(map(float, excess))
ax.plot([0, top], [1, 1 + top], color="#999999", linewidth=1, zorder=1, label="C + error of the model")
ax.axhline(1, color="#0072B2", linestyle="--", linewidth=1.2)
ax.text(0.99 * top, 1.03, "C = 1 bit: no model goes below", ha="right", color="#0072B2", va="bottom")
ax.set(
    xlabel="error of the model: sum of $D(P_i||Q_i)$, bits",
    ylabel="KL(P || Q), bits",
    ylim=(0, None),
    xlim=(-0.05, None),
)
ax.set_title("A loss has two parts: what the step loses, what the model loses")
ax.legend(loc="upper left")

# %% [markdown]
# This splits every measured loss in two. Training can remove the horizontal part. It cannot remove the bit below
# the line: that one belongs to the *decoder*.

# %% [markdown]
# ## Several steps
#
# Decode the blocks $S_1, \ldots, S_T$ one after the other, each block in parallel. Block t is drawn given all
# that came before, so the argument holds for each block, on average over what was revealed:
# $$L_T = \sum_t C(S_t\,|\,S_1, \ldots, S_{t-1}).$$
#
# **Theorem 1.** For this order of blocks $D(P\|Q) \ge L_T$ whatever the model, with equality for the ideal model.
#
# Replace Random replaces one of four items, which one is free, by a new item.
#
# **Predict.** Two pairs, or three items and then one: which loses less?

# %%
replace = pb.task("replace_random", n=4)
for blocks in ("0,1|2,3", "0,1,2|3", "0|1,2,3"):
    print(blocks, "loses", float(replace.bounds(blocks).partition_bound), "bits")

# %% [markdown]
# Three, then one. The order of sizes matters: after three tokens the fourth is certain, while the first token
# says little.

# %% [markdown]
# ## Proof by computation
#
# Theorem 1 claims an equality for the ideal model. So decode, and compare. For each way to cut four positions
# into consecutive blocks: the divergence of what the decoder writes, from its definition, and $L_T$ from
# entropies.

# %%
for cuts in product([False, True], repeat=3):
    ends = [i + 1 for i, cut in enumerate(cuts) if cut] + [4]
    blocks = [range(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    partition = "|".join(",".join(map(str, block)) for block in blocks)
    sizes = "+".join(str(len(block)) for block in blocks)
    kl = replace.decode(f"sizes:sizes={sizes},by=left_to_right").kl
    bound = replace.bounds(partition).partition_bound
    print(
        f"{partition:8} KL {float(kl):.4f}  L_T {float(bound):.4f}  {'equal' if kl == bound else 'NOT EQUAL'}"
    )

# %% [markdown]
# ## Exercises
#
# **1.** The four cities of above, in one step. A model says of the first word: New, Mexico, Panama, 1/3 each. Of
# the second word it is right. What is KL(P || Q), in bits?

# %%
check(1, ...)

# %% [markdown]
# **2.** Shuffle of four items, two at a time (2 + 2). What is $L_2$?

# %%
check(2, ...)

# %% [markdown]
# **3.** Shuffle of four items: how many bits more does 1 + 3 lose than 3 + 1?

# %%
check(3, ...)

# %% [markdown]
# **What to remember.** Loss = $L_T$ of the blocks + error of the model. Only the second can be trained away.
# Next: [which blocks to take](04_which_blocks.py).
