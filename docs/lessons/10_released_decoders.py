# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Lesson 10: What released decoders really do
#
# *Fifteen minutes, after [lesson 9](09_train_it.py).*
#
# "Eight steps" is a setting. What a decoder does with it is decided by a line of code that rounds. Five public
# implementations round in five ways, and with a *perfect* model they score from 22 % to 79 % at the same setting.
# Before a GPU is used, look.

# %%
from itertools import accumulate

from classroom import checker, slide

import parabounds as pb
from synthetic.parallelbench import bench_task
from synthetic.parallelbench.ceilings import ceiling
from theory import parse_policy

check = checker(10)

# %% [markdown]
# ## Ten tokens, eight steps
#
# **Predict.** Ten hidden tokens and eight calls of the model. How would *you* spread the tokens over the calls?
# Which call should take two?

# %%
libraries = {
    "LLaDA": "llada:steps=8",
    "MDPO": "maskgit:steps=8",
    "dLLM": "dllm:steps=8",
    "Dream": "dream:steps=8",
    "Dream, origin": "ancestral:steps=8",
}
audits = {name: pb.audit(rule, masked=10) for name, rule in libraries.items()}
for name, audit in audits.items():
    print(f"{name:13}", [round(float(tokens), 2) for tokens in audit.tokens_per_call])

# %% [markdown]
# LLaDA gives the two extra tokens to the first calls. Dream truncates, and the last call takes what is left,
# three at once. dLLM and MDPO round in the middle. Dream's mode `origin` reveals each token by chance, so its
# numbers are means: some calls take three, some none.

# %% [markdown]
# ## What that costs
#
# Shuffle of ten items, a perfect model, the same eight calls.
#
# **Predict.** Late tokens know more. Is it better to take the pairs early or late?

# %%
scores = {}
for name in ("LLaDA", "MDPO", "dLLM", "Dream"):
    audit = pb.audit(libraries[name], masked=10, task="shuffle")
    scores[name] = audit.accuracy
    print(
        f"{name:13} accuracy {float(audit.accuracy):.4f}, KL {float(audit.kl):.3f} bits, {audit.model_calls} calls"
    )

# %% [markdown]
# Early. Two of ten items clash with probability 1/10, two of the last two with probability 1/2. Taking the last
# three at once is right in 2 of 9 cases. The setting is the same, the model is the same, and the score falls from
# 79 % to 22 %.

# %%
figure, ax = slide()
styles = {"LLaDA": "-", "MDPO": "--", "dLLM": "-.", "Dream": "-", "Dream, origin": ":"}
colours = ("#0072B2", "#CC79A7", "#009E73", "#D55E00", "#777777")
for (name, audit), colour in zip(audits.items(), colours, strict=True):
    total = [0, *accumulate(float(tokens) for tokens in audit.tokens_per_call)]
    label = f"{name}: {100 * float(scores[name]):.3g} %" if name in scores else f"{name}: a mean over runs"
    ax.plot(range(len(total)), total, styles[name], color=colour, marker="o", markersize=5, label=label)
ax.set(xlabel="model calls", ylabel="tokens decoded", xticks=range(9), yticks=range(0, 11, 2))
ax.set_title("One setting, five public schedules. Percent: a perfect model on Shuffle of ten")
ax.legend(loc="upper left")

# %% [markdown]
# ## Steps that do nothing
#
# **Predict.** Dream with 20 steps for 10 tokens. How many of the calls decode nothing?

# %%
print(pb.audit("dream:steps=20", masked=10))
pb.audit("dream:steps=20", "llada:steps=20", masked=10)

# %% [markdown]
# More steps than tokens are calls that are paid for and do nothing. "Steps" in a table of results need not be
# calls, and calls need not be tokens. `parabounds audit --rule dream --steps 20 --masked 10` prints this in a
# shell.

# %% [markdown]
# ## ParallelBench: what a perfect model scores
#
# In this benchmark a list of people is written in 32 tokens: a person takes two name tokens and two for
# punctuation. The names of a person determine each other; punctuation is certain. Which tokens meet in one step
# depends on the **block length**.
#
# **Predict.** Shuffle, two tokens a step, random order. A block of two, of four, of eight tokens: which is the
# worst?

# %%
for block in (2, 4, 8, 32):
    rule = parse_policy(f"topk:k=2,by=random,block={block}")
    print(f"block {block:2}: {100 * float(ceiling(bench_task('shuffle'), rule).accuracy):.1f} %")

# %% [markdown]
# A block of four holds one whole person, so both names are often drawn at once. The dip that the paper shows for
# real models at blocks of four is there for a perfect one. It is the layout, not the model.
#
# And the rounding again: two tokens a step from left to right pair a name with punctuation, which costs nothing.
# Dream's schedule for 16 steps begins 2, 1, and from then on its pairs are the two names of a person.

# %%
for text in ("topk:k=2,by=left_to_right", "dream:steps=16,by=left_to_right,eps=0"):
    found = ceiling(bench_task("shuffle"), parse_policy(text))
    print(f"{text}: {100 * float(found.accuracy):.1f} %, {float(found.tokens_per_step):.3g} tokens a step")

# %% [markdown]
# Both are "two tokens per step, left to right". So, of a published score, subtract from 100 % first what a
# perfect model would lose with this decoder, this layout and this block length. What remains is the model's.
# [More](../parallelbench.md).

# %% [markdown]
# ## Exercises
#
# **1.** Dream, *ten* steps for ten tokens, Shuffle: "one token per step". What is the accuracy of a perfect
# model?

# %%
check(1, ...)

# %% [markdown]
# **2.** LLaDA, *four* steps for ten tokens, Shuffle. The accuracy of a perfect model?

# %%
check(2, ...)

# %% [markdown]
# **3.** The factor rule takes the largest m with (m + 1)(1 - c) < f, c the m-th largest confidence. Fast-dLLM's
# released code is `factor:f=1,variant=released`. What is its accuracy on Shuffle of *ten* items? (Only the last
# pair decides.)

# %%
check(3, ...)

# %% [markdown]
# **What to remember.** Report calls and tokens per call, not settings; and a perfect model's score beside the
# real one. This was the last lesson: take a distribution of your own and do it again, [here is
# how](../your_task.md).
