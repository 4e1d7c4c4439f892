# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Lesson 0: What a masked model sees
#
# *Ten minutes. You need probability; you do not need to know a diffusion model.*
#
# A masked language model fills gaps. It reads a sequence in which some tokens are hidden and returns, for
# **every** hidden position, a probability for every token. This lesson is about those numbers: marginals, what
# happens to them when a token becomes known, and the unit in which we count, the bit.
#
# Each cell has one idea. Where it says **Predict**, write a number down before you run the next cell.

# %%
from math import log2

from classroom import checker, slide

import parabounds as pb

check = checker(0)

# %% [markdown]
# ## A language of four sentences
#
# Its sentences have two words each, and all four are equally likely.

# %%
cities = pb.pmf([("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")])
for city in cities.pmf.outcomes:
    print(*city, cities.pmf.probability(city))

# %% [markdown]
# ## Both words hidden
#
# The *ideal model* knows this language perfectly. Asked about a hidden position, it returns the **marginal**: the
# share of the sentences that have this token there.
#
# **Predict.** Both words are hidden. What does it say of the first word? And of the second?

# %%
for position, marginal in cities.marginals().items():
    print(position, {token: str(p) for token, p in marginal.items()})

# %% [markdown]
# "New" begins two of four sentences and "City" ends two of four: one half each. The model answers about each
# position **on its own**. Nothing in these two lists says that "New" and "City" do not go together.

# %% [markdown]
# ## One word becomes known
#
# **Predict.** Somebody writes "Mexico" in the first position. What does the model say of the second now?

# %%
print({token: str(p) for token, p in cities.marginals({0: "Mexico"})[1].items()})

# %% [markdown]
# Conditioning keeps the sentences that agree with what is known, and takes shares among those. Here is the whole
# change in one picture.

# %%
figure, (before, after) = slide(1, 2, sharey=True)
cities.plot_marginals(ax=before)
before.set_title("both words hidden")
cities.plot_marginals({0: "Mexico"}, ax=after)
after.set_title('"Mexico" is known')
after.set_ylabel("")
for number in (*before.texts, *after.texts):
    number.set_fontsize(12)
figure.suptitle("What the ideal model returns: one column of probabilities for each position")

# %% [markdown]
# A row is a token, a column a position, and every column sums to 1. On the right the second column has one entry:
# "City", with probability 1. The model is sure since only one sentence is left.

# %% [markdown]
# ## Bits
#
# The **surprise** of something with probability p is $-\log_2 p$ bits. A fair coin shows heads: one bit.
# Something certain: no bit.
#
# **Predict.** How many bits is "New York", one of four equally likely sentences?

# %%
print("New York, all at once:", -log2(cities.pmf.probability(("New", "York"))), "bits")

# %% [markdown]
# Surprise adds up along the words, if each word is judged **given the words before it**: $P(\text{New York}) =
# P(\text{New})\,P(\text{York given New})$, and a logarithm turns the product into a sum.

# %%
first = cities.marginals()[0]["New"]
second = cities.marginals({0: "New"})[1]["York"]
print(-log2(first), "+", -log2(second), "=", -log2(first * second), "bits")

# %% [markdown]
# **Predict.** Now judge the second word *without* looking at the first. Is the sum larger or smaller?

# %%
alone = cities.marginals()[1]["York"]
print(-log2(first), "+", -log2(alone), "=", -log2(first * alone), "bits")

# %% [markdown]
# One bit more. That bit is what is lost by not looking, and the rest of the course is about it: when it is lost,
# how much of it must be lost, and who claims to have saved it.
#
# The **entropy** of a distribution is its mean surprise. For our four sentences each has 2 bits, so the mean is
# 2.

# %%
print("entropy:", float(cities.bounds().entropy), "bits")

# %% [markdown]
# ## Exercises
#
# Another language: its sentences are not equally likely. Work on paper first. Numbers may be exact (`"3/8"`) or
# have three digits; `check` says right, or gives a hint.

# %%
weighted = pb.pmf(
    {("New", "York"): "1/2", ("New", "Delhi"): "1/8", ("Mexico", "City"): "1/4", ("Panama", "City"): "1/8"}
)

# %% [markdown]
# **1.** Both words are hidden. What is the probability of "New" in the first position?

# %%
check(1, ...)

# %% [markdown]
# **2.** "Mexico" is known. What is the probability of "City" in the second position?

# %%
check(2, ...)

# %% [markdown]
# **3.** How many bits of surprise has the whole sentence "New York"?

# %%
check(3, ...)

# %% [markdown]
# **What to remember.** A masked model returns one distribution for each hidden position, given what is known. It
# says nothing about hidden positions *together*. Next: [what happens if two are filled at once](01_new_city.py).
