# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Lesson 2: Total correlation
#
# *Fifteen minutes, after [lesson 1](01_new_city.py).*
#
# "New City" showed that something is lost if tokens are drawn at once. Here is how much: one number that depends
# on the distribution alone, not on the model and not on the dice.

# %%
from classroom import checker, slide

import parabounds as pb
from theory import dual_total_correlation, entropy, kl_divergence, product_of_marginals, total_correlation

check = checker(2)
cities = pb.pmf([("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")])

# %% [markdown]
# ## How far is Q from P?
#
# The **KL divergence** $D(P\|Q) = \sum_y P(y)\log_2\frac{P(y)}{Q(y)}$ is the mean number of bits by which Q is
# more surprised by a true answer than P is. It is zero if and only if Q = P, and infinite if Q never writes some
# true answer.
#
# **Predict.** In lesson 1 every city had P = 1/4, and one step wrote it with Q = 1/8. What is the divergence?

# %%
print("KL:", float(cities.decode("topk:k=2").kl), "bits")

# %% [markdown]
# One bit: each true answer is half as probable as it should be, and $\log_2 2 = 1$. It is the bit that lesson 0
# lost by not looking at the first word.

# %% [markdown]
# ## The same bit, three times
#
# One step writes the **product of the marginals**. So its divergence is that of P from the product of its own
# marginals:

# %%
print(
    "KL(P || product of its marginals):", float(kl_divergence(cities, product_of_marginals(cities))), "bits"
)

# %% [markdown]
# This is the **total correlation**. Write out the logarithm of the product and it becomes a sum of entropies, $C
# = \sum_i H(y_i) - H(y)$: what the tokens would surprise one by one, minus what they surprise together.
#
# **Predict.** For the cities: the entropy of one position, of the other, of both?

# %%
print(
    "first:",
    float(entropy(cities, [0])),
    "second:",
    float(entropy(cities, [1])),
    "both:",
    float(entropy(cities)),
)
print("total correlation:", float(total_correlation(cities)))

# %% [markdown]
# ## Three ways to depend
#
# - **Parity**: four bits whose sum is even, otherwise free.
# - **Copies**: one fair bit, written four times.
# - **Shuffle**: four items in any order.
#
# **Predict.** Rank them by total correlation. Which is the worst to draw in one step?

# %%
tasks = {
    "parity": pb.task("parity", n=4),
    "copies": pb.task("repeated_bit", n=4),
    "shuffle": pb.task("shuffle", n=4),
}
for name, task in tasks.items():
    print(f"{name}: {float(total_correlation(task)):.3f} bits")

# %% [markdown]
# Parity looks strict: one wrong bit ruins it. But it costs one bit only, since three of the four bits are truly
# free. Of the copies three out of four bits are bound.
#
# **Predict.** In parity, how strongly do *two* of the four bits depend on each other? And three?

# %%
parity = tasks["parity"]
for size in (2, 3, 4):
    print(size, "of the bits:", float(total_correlation(parity, range(size))), "bits")

# %% [markdown]
# Not at all, until the last one. Whoever looks at pairs of tokens sees a perfectly independent distribution.
# Dependence of many tokens need not show in any few of them.

# %% [markdown]
# ## The other side: dual total correlation
#
# $D = H(y) - \sum_i H(y_i\,|\,\text{all others})$ asks the opposite question: how much of the entropy is
# *shared*, that is, not private to one token? If no token has anything private, D is the whole entropy.

# %%
figure, ax = slide()
measures = {
    "entropy H": entropy,
    "total correlation C": total_correlation,
    "dual total correlation D": dual_total_correlation,
}
colours, hatches = ("#999999", "#D55E00", "#0072B2"), ("", "", "//")
for k, (label, measure) in enumerate(measures.items()):
    values = [float(measure(task)) for task in tasks.values()]
    bars = ax.bar(
        [i + 0.27 * (k - 1) for i in range(3)], values, 0.25, color=colours[k], hatch=hatches[k], label=label
    )
    ax.bar_label(bars, fmt="%.3g", padding=2)
ax.set_xticks(range(3), [f"{name}, n = 4" for name in tasks])
ax.set(ylabel="bits", ylim=(0, 5.6), title="C is the price of one step. Parity and copies are opposites.")
ax.legend(loc="upper center", ncols=3)

# %% [markdown]
# Parity: C = 1, D = 3. Copies: C = 3, D = 1. Roughly, C is small if most tokens are free and one is bound; D is
# small if few coins decide everything. C is the loss of *one* step. D will matter for how many steps are worth
# their price.

# %% [markdown]
# ## Exercises
#
# **1.** Parity of six bits: the total correlation of a pair, and of all six. (A list of two numbers.)

# %%
check(1, ...)

# %% [markdown]
# **2.** One fair bit, written six times: its total correlation?

# %%
check(2, ...)

# %% [markdown]
# **3.** Shuffle of three items, all at once: its total correlation, in bits?

# %%
check(3, ...)

# %% [markdown]
# **What to remember.** The least loss of one step is the total correlation, $\sum_i H(y_i) - H(y)$. Next:
# [several steps, and a proof](03_theorem_1.py).
