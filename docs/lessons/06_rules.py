# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Lesson 6: Rules
#
# *Fifteen minutes, after [lesson 5](05_copy_replace_shuffle.py).*
#
# Real decoders do not fix their blocks in advance. They look at the marginals and apply a *rule*: take the best
# two, take all above 0.9, and so on. Small differences between rules matter: the score, what happens at a tie,
# `>` or `>=`.

# %%
from itertools import product
from math import prod

import numpy as np
from classroom import checker, slide

import parabounds as pb
from figures import published_rows

check = checker(6)

# %% [markdown]
# ## One state
#
# Five positions are hidden. The model says: position 2 is nearly sure, 0 and 4 are fairly sure, 3 is a close race
# of two tokens, 1 has a leader with four equal followers.

# %%
rows = [
    {"a": "3/4", "b": "1/4"},
    {"a": "1/2", "b": "1/8", "c": "1/8", "d": "1/8", "e": "1/8"},
    {"a": "19/20", "b": "1/20"},
    {"a": "11/20", "b": "9/20"},
    {"a": "3/4", "b": "1/4"},
]
singles = [pb.pmf({(token,): p for token, p in row.items()}).marginals()[0] for row in rows]
state = pb.pmf(
    {answer: prod(singles[i][token] for i, token in enumerate(answer)) for answer in product(*singles)}
)
for position, marginal in state.marginals().items():
    print(position, "confidence", float(max(marginal.values())))

# %% [markdown]
# ## Five rules
#
# - `topk:k=2,by=left_to_right`: the two leftmost.
# - `topk:k=2`: the two most confident.
# - `threshold:gamma=0.75`: every confidence above 0.75; if there is none, the best one.
# - `threshold:gamma=0.75,strict=false`: the same with "at least".
# - `eb:gamma=2`: from the lowest entropy upwards, while sum minus maximum of the entropies is at most 2 bits.
#
# **Predict.** Write down the positions that each of them takes.

# %%
rules = (
    "topk:k=2,by=left_to_right",
    "topk:k=2",
    "threshold:gamma=0.75",
    "threshold:gamma=0.75,strict=false",
    "eb:gamma=2",
)
runs = [state.trace(rule) for rule in rules]
for rule, run in zip(rules, runs, strict=True):
    print(f"{rule}: {run.explain(1).partition('. It costs')[0]}.")

# %%
figure, ax = slide()
taken = np.array([[position in step.chosen for position in range(5)] for step in (run[0] for run in runs)])
ax.imshow(0.6 * taken, cmap="Blues", vmin=0, vmax=1.2, aspect="auto")
for row, step in enumerate(run[0] for run in runs):
    for position in range(5):
        tie = position in step.ties
        text = "taken" if position in step.chosen else "-"
        ax.text(position, row, text + (" (tie)" if tie else ""), ha="center", va="center", fontsize=11)
best = [max(marginal.values()) for marginal in state.marginals().values()]
ax.set_xticks(range(5), [f"{i}\nconfidence {float(p):.2f}" for i, p in enumerate(best)])
ax.set_yticks(range(5), [rule.replace(",", ",\n") for rule in rules])
ax.grid(visible=False)
ax.set_title("One state, five rules, five choices")

# %% [markdown]
# Five rules, five different sets. Two details to notice:
#
# - **Ties.** Positions 0 and 4 have the same confidence, and one place is left. A die decides; other code takes
#   the lower index. On symmetric tasks this happens in every step.
# - **Strict or not.** 0.75 is not above 0.75. The text of Fast-dLLM says "above", its first code compares with
#   "at least".

# %% [markdown]
# ## Ties of tokens
#
# At temperature 0 a position takes its most probable token. On Shuffle all tokens tie at first.
#
# **Predict.** Five items, two at a time, temperature 0. If each position breaks ties with its own die? If all
# take the first token of the vocabulary?

# %%
shuffle = pb.task("shuffle", n=5)
for ties in ("random", "lowest"):
    done = shuffle.decode("topk:k=2", temperature=0, greedy_ties=ties)
    print(f"five items, ties {ties}: accuracy {float(done.accuracy)}")

# %% [markdown]
# A real model breaks ties by tiny biases, the same at every position: "lowest" is nearer to the truth. With it
# two positions of one step always take the same item.

# %% [markdown]
# ## Figure 2 of the paper
#
# We have all that its main figure needs: exact accuracies for lists of 6 to 16 items and for thresholds. Crosses
# are the published measurements of a fine-tuned LLaDA 1.5.
#
# **Predict.** Two tokens a step, longer and longer lists. Does the accuracy rise or fall on Shuffle? On Replace
# Random?

# %%
published = published_rows("figure2")
figure, axes = slide(1, 3)
lengths = range(6, 17)
colours = {"1": "#009E73", "2": "#0072B2", "n": "#D55E00"}
for ax, panel, name in ((axes[0], "a", "shuffle"), (axes[1], "c", "replace_random")):
    for k, colour in colours.items():
        exact = [
            pb.task(name, n=n).decode(f"topk:k={n if k == 'n' else k},by=random").accuracy for n in lengths
        ]
        ax.plot(lengths, [100 * float(p) for p in exact], color=colour, label=f"k = {k}")
        dots = [row for row in published if row["panel"] == panel and row["k"] == k]
        ax.plot(
            [int(row["n"]) for row in dots],
            [float(row["accuracy_percent"]) for row in dots],
            "x",
            color=colour,
        )
    ax.set(xlabel="n", title=f"{name.replace('_', ' ')}, top-k", ylim=(-3, 103))
    ax.set_xticks([6, 8, 10, 12, 14, 16])
    ax.legend(loc="center right")
axes[0].set_ylabel("accuracy, %")
gammas = ("0.5", "0.6", "0.7", "0.8", "0.9", "0.99")
for name, colour in (("shuffle", "#CC79A7"), ("replace_random", "#E69F00")):
    for strict, dashes in (("true", "-"), ("false", ":")):
        task = pb.task(name, n=10)
        exact = [
            task.decode(f"threshold:gamma={gamma},strict={strict}", temperature=0).accuracy
            for gamma in gammas
        ]
        sign = ">" if strict == "true" else "$\\geq$"
        label = f"{name.partition('_')[0]}, {sign}"
        axes[2].plot(
            [*map(float, gammas)], [100 * float(p) for p in exact], dashes, color=colour, label=label
        )
    dots = [row for row in published if row["panel"] == "e" and row["task"] == name]
    axes[2].plot(
        [float(row["gamma"]) for row in dots],
        [float(row["accuracy_percent"]) for row in dots],
        "x",
        color=colour,
    )
axes[2].set(xlabel="threshold", title="n = 10, threshold", ylim=(-3, 103))
axes[2].legend(loc="center left")
figure.suptitle("Lines: a perfect model, exactly. Crosses: published measurements")

# %% [markdown]
# Shuffle falls, Replace Random rises (with teeth: an odd list ends with a single token). With more positions the
# one new item rarely meets another draw. In the right panel look at 0.5 and 0.9, where confidences *equal* the
# threshold: 1/2 for the last two items of a Shuffle, 9/10 for every position of a Replace Random of ten. `>` and
# `>=` are two different decoders there.

# %% [markdown]
# ## Exercises
#
# **1.** Replace Random, four items, temperature 1. All confidences are 3/4 at first. What is the accuracy of
# `threshold:gamma=0.75,strict=false`?

# %%
check(1, ...)

# %% [markdown]
# **2.** Replace Random, four items, two tokens a step by confidence, temperature 0, ties at random. What is the
# accuracy?

# %%
check(2, ...)

# %% [markdown]
# **3.** Shuffle, *four* items, two a step, temperature 0: by how much does the accuracy with random ties exceed
# the one with lowest ties?

# %%
check(3, ...)

# %% [markdown]
# **What to remember.** A rule is a score, a number, a tie rule and a comparison sign. Say all four. Next:
# [accuracy and KL are not the same](07_accuracy_is_not_kl.py).
