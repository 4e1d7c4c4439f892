# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Lesson 9: Train it
#
# *Fifteen minutes, one or two of them for the training, after [lesson 8](08_beyond_partitions.py).*
#
# So far the model was ideal. Now train a real one, small enough for a laptop, and hold it against the exact
# lines. By default this lesson trains its own model, which takes one to two minutes on a processor. With
# `PARABOUNDS_FAST=1` in the environment it loads the weights that are shipped with the toolkit instead; those
# were trained in the same way, on longer lists and two tasks more.

# %%
import os
from math import factorial, log
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from classroom import checker, slide

import models
import parabounds as pb
from figures import clopper_pearson
from models.evaluation.trials import model_trials
from models.predictors.distance_to_ideal import loss_floor, marginal_tv
from models.predictors.recipes import Recipe
from models.training.from_scratch import train
from synthetic import make_task

check = checker(9)
fast = os.environ.get("PARABOUNDS_FAST") == "1"
tasks = {"shuffle": "#D55E00", "replace_random": "#0072B2"}

# %% [markdown]
# ## How small can the loss be?
#
# Training hides a random number of the n answer tokens and minimises the cross-entropy of each hidden token. Even
# the ideal model has a loss: it does not know which of the right answers is meant. Averaged over the number of
# hidden tokens it is exactly $H(Y)/n$ per token, since the mean runs through the chain rule once.
#
# **Predict.** Shuffle of three items: 3! equally likely orders. What is the loss of the ideal model, in nats?

# %%
print("H / n =", log(factorial(3)) / 3, " loss_floor:", loss_floor("shuffle", 3))
print("Replace Random of three:", loss_floor("replace_random", 3))

# %% [markdown]
# A loss of 0.6 nats would look bad on a dashboard. Here it is perfect. Only the part **above the floor** is the
# model's.

# %% [markdown]
# ## Train
#
# A transformer with two layers, width 32, about 29,000 weights; lists of three or four out of 16 words; 4,000
# steps of 64 fresh instances.
#
# **Predict.** How far above the floor will the loss be at the end?

# %%
recipe = Recipe(
    name="lesson",
    items=16,
    shortest=3,
    longest=4,
    tasks={"shuffle": 1.0, "replace_random": 1.0},
    steps=4000,
    batch=64,
)
history = []
if fast:
    model = models.load()
    print("loaded the shipped weights")
else:

    def note(step, loss, floor):
        history.append(loss - floor)
        if step % 1000 == 0:
            print(f"step {step}: {np.mean(history[-200:]):.4f} nats above the floor (mean of 200 steps)")

    with TemporaryDirectory() as folder:
        model = train(recipe, Path(folder), report=note)
print(sum(weights.numel() for weights in model.parameters()), "weights")

# %% [markdown]
# The loss of one batch lies above or below the floor by chance, so look at means. How near are the model's
# marginals to the ideal ones? The mean total variation, over random states of lists of four:

# %%
for name in tasks:
    print(name, round(marginal_tv(model, model.encoding, make_task(name, 4), states=500), 4))

# %% [markdown]
# ## Against the exact line
#
# Decode lists of four, k tokens a step in random order, temperature 1. The lines are exact and know nothing of
# this model.
#
# **Predict.** Will the model's points lie above the lines, on them, or below? At which k is the training to
# blame?

# %%
samples, ks = 600, (1, 2, 3, 4)
exact = {name: [pb.task(name, n=4).decode(f"topk:k={k},by=random").accuracy for k in ks] for name in tasks}
trials = {
    name: [model_trials(model, name, 4, f"topk:k={k},by=random", samples=samples, seed=k) for k in ks]
    for name in tasks
}
for name in tasks:
    for k, line, seen in zip(ks, exact[name], trials[name], strict=True):
        low, high = clopper_pearson(seen.successes, samples)
        print(
            f"{name}, k = {k}: exact {float(line):.3f}, model {seen.successes / samples:.3f} ({low:.3f} to {high:.3f})"
        )

# %%
figure, (left, right) = slide(1, 2)
if history:
    width = 50
    smooth = np.convolve(history, np.ones(width) / width, "valid")
    left.plot(np.arange(width, len(history) + 1), smooth, color="#666666", linewidth=1)
    left.set(xlabel="training step", ylabel="loss above the floor, nats", ylim=(-0.1, 1.0))
    left.axhline(0, color="black", linestyle="--", linewidth=1)
    left.set_title("mean of 50 steps; the floor is 0")
else:
    left.text(0.5, 0.5, "shipped weights:\nnothing was trained here", ha="center", va="center")
    left.set_axis_off()
for name, colour in tasks.items():
    right.plot(ks, [float(p) for p in exact[name]], color=colour, label=f"{name.replace('_', ' ')}, exact")
    share = np.array([seen.successes / samples for seen in trials[name]])
    ends = np.array([clopper_pearson(seen.successes, samples) for seen in trials[name]])
    spread = [share - ends[:, 0], ends[:, 1] - share]
    right.errorbar(
        ks, share, yerr=spread, fmt="s", color=colour, label="trained, 95 % interval", markersize=5
    )
right.set(xlabel="tokens a step, k", ylabel="accuracy", xticks=ks, ylim=(-0.02, 1.04))
right.set_title("lists of four")
right.legend()

# %% [markdown]
# The trained model follows the exact line. Its accuracy falls from about 100 % to below 50 % as k grows, and
# almost nothing of that is the fault of the training. More data, more weights, more steps would not help.

# %% [markdown]
# ## Exercises
#
# **1.** Lists of *four*, both tasks equally often: what is the mean loss of the ideal model per token, in
# **nats**?

# %%
check(1, ...)

# %% [markdown]
# **2.** Some model is right in 339 of 1,000 answers. Give the 95 % interval of Clopper and Pearson. (A list of
# two numbers; `clopper_pearson` is imported above.) Does it hold the exact 3/8 of Shuffle with two tokens a step?

# %%
check(2, ...)

# %% [markdown]
# **3.** That model is right in 33.9 %, an ideal one in 37.5 %. Which share of the wrong answers would be wrong
# with a perfect model as well? (Take the ratio of the two shares of wrong answers.)

# %%
check(3, ...)

# %% [markdown]
# **What to remember.** Compare a model with the ideal one *under the same decoder*, and a loss with its floor.
# Next: [what released decoders really do](10_released_decoders.py).
