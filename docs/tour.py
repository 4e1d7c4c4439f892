# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Parallel decoding in ten minutes
#
# A diffusion language model fills in several tokens at once, each drawn on its own. What does that cost? Everything
# here is exact: the model is the ideal one, which knows every conditional probability.

# %%
import parabounds as pb

shuffle = pb.task("shuffle", n=4)  # answer with a list of four items in any order
shuffle

# %% [markdown]
# **Bounds.** No decoder that fills in fixed blocks loses less than `L*_T` bits in T steps.

# %%
bounds = shuffle.bounds()
bounds

# %%
print(bounds.verdict)
print("two steps lose", bounds.at(2), "bits")
bounds.plot()

# %% [markdown]
# **A policy** is a specification, `name:key=value`. Two tokens a step, the most confident first:

# %%
decode = shuffle.decode("topk:k=2")
decode

# %%
print(decode.accuracy, decode.kl)
decode.wrong(top=3)  # impossible answers, with their probabilities

# %% [markdown]
# **Several policies** beside the optimum of all that look at the tokens:

# %%
replace = pb.task("replace_random", n=4)  # replace one item, which one is free, by a new one
comparison = replace.compare(["topk:k=1", "topk:k=2", "topk:k=4", "threshold:gamma=0.9", "factor:f=1"])
comparison

# %%
comparison.plot()

# %% [markdown]
# **One run, step by step.** Along the answer 3, 1, 0, 2 the costs of the steps add up to `log2 P(y) / Q_w(y)`.

# %%
run = shuffle.trace("topk:k=2", along=(3, 1, 0, 2))
for t in range(1, len(run) + 1):
    print(run.explain(t))
run

# %% [markdown]
# **What the model sees** after the first token:

# %%
cities = pb.pmf([("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")])
cities.plot_marginals({0: "New"})

# %% [markdown]
# **The best schedule, frontier and policy.**

# %%
replace.schedule()

# %%
replace.frontier().plot()

# %%
replace.policy(steps=2)

# %% [markdown]
# **Your own task**: `pb.load("places.json")` reads a file, `pb.pmf` takes a mapping, rows or arrays, and `pb.task` any
# object that has `contexts()`. Every result has `to_dataframe()` (with pandas) and `plot(ax)`, and its entries are
# attributes, exact where they can be.

# %%
weighted = pb.pmf([("New", "York"), ("New", "Delhi"), ("Mexico", "City")], [2, 1, 1])
weighted.bounds().total_correlation

# %% [markdown]
# **Samples** in place of a distribution give estimates with intervals.

# %%
pb.samples([("a", "b")] * 6 + [("b", "a")] * 4).bounds()

# %% [markdown]
# Why all this is so: eleven lessons with exercises, in `docs/lessons`, from `00_what_a_masked_model_sees.py` on.
