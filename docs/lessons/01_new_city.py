# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Lesson 1: New City
#
# *Ten minutes, after [lesson 0](00_what_a_masked_model_sees.py).*
#
# A diffusion language model is fast because it writes several tokens in one step. Each of them is drawn from its
# own marginal, independently. This lesson shows what goes wrong then, with a model that makes no error at all.

# %%
from classroom import checker, slide

import parabounds as pb
from theory import output_distribution

check = checker(1)
cities = pb.pmf([("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")])

# %% [markdown]
# ## Two words at once
#
# The model is ideal: its marginals are exactly right. The first word is "New" with probability 1/2, the second is
# "City" with probability 1/2. A *decoder* that fills both positions in one step draws them independently.
#
# **Predict.** How often does it write one of the four real cities? And what does it write otherwise?

# %%
one_step = cities.decode("topk:k=2")  # the two best positions in each step: here, both
print("accuracy:", one_step.accuracy, "in", one_step.steps, "step")

# %% [markdown]
# Half of the time. The model was perfect, so the other half is the fault of decoding alone. These are the cities
# that do not exist, each with its exact probability:

# %%
for answer, probability in one_step.wrong():
    print(*answer, probability)

# %% [markdown]
# "New City" is the most probable answer of all that this decoder gives.

# %% [markdown]
# ## P beside Q
#
# Call the language P, and what the decoder writes Q. Here are both, over all sentences that either of them can
# write.

# %%
q = output_distribution(cities, "topk:k=2")
possible = set(cities.pmf.outcomes)
answers = sorted(q, key=lambda answer: (answer not in possible, -q[answer], answer))
figure, ax = slide()
places = range(len(answers))
ax.barh(
    [i - 0.2 for i in places], [cities.pmf.probability(a) for a in answers], 0.38, color="#0072B2", label="P"
)
wrong = [answer not in possible for answer in answers]
for i, answer in enumerate(answers):
    ax.barh(
        i + 0.2, q[answer], 0.38, color="#D55E00" if wrong[i] else "#56B4E9", hatch="//" if wrong[i] else ""
    )
    if wrong[i]:
        ax.text(float(q[answer]) + 0.004, i + 0.2, "impossible", va="center", color="#A04000")
ax.barh(0, 0, color="#56B4E9", label="Q, one step, possible")
ax.barh(0, 0, color="#D55E00", hatch="//", label="Q, one step, impossible")
ax.set_yticks(places, [" ".join(answer) for answer in answers])
ax.invert_yaxis()
ax.set(xlabel="probability", xlim=(0, 0.3), title="The model is perfect. Drawing both words at once is not.")
ax.legend()

# %% [markdown]
# ## Always the best token?
#
# Perhaps the dice are to blame. At **temperature 0** each position takes its most probable token, and nothing is
# random.
#
# **Predict.** How often is the answer right now?

# %%
greedy = cities.decode("topk:k=2", temperature=0)
print("accuracy:", greedy.accuracy)
print(greedy.wrong())

# %% [markdown]
# Never. Each of the two tokens is the best one at its place, and together they are "New City", every time. The
# most probable tokens need not be the most probable sentence.

# %% [markdown]
# ## One word at a time
#
# **Predict.** The decoder writes one word, asks the model again, and writes the other. How often is it right?

# %%
two_steps = cities.decode("topk:k=1")
print("accuracy:", two_steps.accuracy, "in", two_steps.steps, "steps")

# %% [markdown]
# Always, and it writes each city as often as P does. One run, step by step:

# %%
run = cities.trace("topk:k=1,by=left_to_right", along=("New", "York"))
for step in (1, 2):
    print(run.explain(step))

# %% [markdown]
# So that is the trade. One step: half of the answers are wrong. Two steps: none. A real model writes hundreds of
# tokens, and one token a step is what its users wanted to avoid. How much must be paid for how many steps is a
# question with an exact answer, and the next lesson has its unit.

# %% [markdown]
# ## Exercises

# %%
six = pb.pmf(
    [
        ("New", "York"),
        ("New", "Orleans"),
        ("New", "Delhi"),
        ("New", "Haven"),
        ("Mexico", "City"),
        ("Panama", "City"),
    ]
)

# %% [markdown]
# **1.** Six cities, equally likely, both words at once, temperature 1. What is the accuracy?

# %%
check(1, ...)

# %% [markdown]
# **2.** With what probability does it write "New City"?

# %%
check(2, ...)

# %% [markdown]
# **3.** At temperature 0 it always writes the same. What? (A text.)

# %%
check(3, ...)

# %% [markdown]
# **What to remember.** Tokens drawn in one step do not know of each other. A perfect model does not help. Next:
# [how much is lost, in bits](02_total_correlation.py).
