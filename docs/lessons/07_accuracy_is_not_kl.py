# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Lesson 7: Accuracy is not KL
#
# *Twelve minutes, after [lesson 6](06_rules.py).*
#
# Benchmarks count right answers. The bounds count bits of $D(P\|Q)$. One of them limits the other, in one
# direction only. A decoder can be always right and yet write a wrong distribution.

# %%
from math import log2

from classroom import checker, slide

import parabounds as pb
from theory import output_distribution

check = checker(7)

# %% [markdown]
# ## A floor
#
# Let $Q(V)$ be the accuracy: the probability that Q writes a possible answer. Then
# $$\text{accuracy} \ge 2^{-D(P\|Q)}.$$
#
# > **Proof.** Q restricted to V and divided by Q(V) is a distribution Q'. Then $D(P\|Q) = D(P\|Q') - \log_2 Q(V)
# > \ge -\log_2 Q(V)$. ∎
#
# So few bits guarantee many right answers. The rest, $D(P\|Q')$, is what is wrong **among the right answers**:
# some come too often, some too rarely.
#
# **Predict.** Four cities in one step: D = 1 bit, accuracy 1/2. Where is the rest here?

# %%
cities = pb.pmf([("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")])
done = cities.decode("topk:k=2")
print("KL", float(done.kl), " -log2(accuracy)", -log2(done.accuracy))

# %% [markdown]
# Nowhere: all four come equally often. Now a language whose three cities are not alike:

# %%
three = pb.pmf({("New", "York"): "1/3", ("New", "Delhi"): "1/3", ("Mexico", "City"): "1/3"})
done = three.decode("topk:k=2")
print("KL", round(float(done.kl), 4), " -log2(accuracy)", round(-log2(done.accuracy), 4))
print(
    {
        " ".join(a): str(p)
        for a, p in output_distribution(three, "topk:k=2").items()
        if a in three.pmf.outcomes
    }
)

# %% [markdown]
# Mexico City comes half as often as each of the others, so there is a rest.

# %% [markdown]
# ## Always right, never varied
#
# Remove Random: a list of five items with one of them removed, which one is free. One step, temperature 0.
#
# **Predict.** Accuracy? KL?

# %%
remove = pb.task("remove_random", n=5)
greedy = remove.decode("topk:k=4", temperature=0)
print("accuracy", greedy.accuracy, " KL", greedy.kl)
print({answer: str(p) for answer, p in output_distribution(remove, "topk:k=4", temperature=0).items() if p})

# %% [markdown]
# Always right, since it always removes the middle item; and infinitely far from P, since it never writes the four
# other answers. An accuracy table shows 100 %. A user who asks for a random removal gets the same one each time.

# %% [markdown]
# ## Many decoders in one plane

# %%
figure, ax = slide()
grid = [0.02 * i for i in range(161)]
ax.plot(grid, [2**-x for x in grid], color="black", linewidth=1.5, label="floor: $2^{-KL}$")
ax.fill_between(grid, 0, [2**-x for x in grid], color="#dddddd", alpha=0.7, linewidth=0)
ax.text(0.25, 0.25, "impossible", color="#555555", fontsize=13)
tasks = {
    "Shuffle, 5": (pb.task("shuffle", n=5), "#D55E00", "o"),
    "Insert Random, 5": (pb.task("insert_random", n=5), "#0072B2", "s"),
    "selector": (pb.task("matching_selector"), "#009E73", "^"),
    "three cities": (three, "#CC79A7", "D"),
}
rules = ("topk:k=1", "topk:k=2", "topk:k=3", "threshold:gamma=0.5", "threshold:gamma=0.3", "factor:f=1.5")
for name, (task, colour, mark) in tasks.items():
    decodes = [task.decode(rule, temperature=tau) for rule in rules for tau in (1, "1/2")]
    points = [(float(d.kl), float(d.accuracy)) for d in decodes if float(d.kl) < 3.2]
    assert all(accuracy >= 2**-kl - 1e-12 for kl, accuracy in points)  # the floor holds
    ax.plot(*zip(*points, strict=True), mark, color=colour, label=name, markersize=8, alpha=0.8)
ax.set(xlabel="KL(P || Q), bits", ylabel="accuracy", ylim=(0, 1.04), xlim=(-0.05, 3.2))
ax.set_title("Few bits force a high accuracy. A high accuracy forces nothing")
ax.legend(loc="upper right", bbox_to_anchor=(1, 0.93))

# %% [markdown]
# Nothing lies below the curve. Shuffle at temperature 1 lies *on* it: what it gets right, it gets right evenly.
# Points far above the curve with accuracy 1 are decoders that are always right and not varied enough.

# %% [markdown]
# ## The selector
#
# A first token says which of three pairings holds; four bits follow, equal in pairs. Twelve equally likely
# answers.

# %%
selector = pb.task("matching_selector")
print("entropy", float(selector.bounds().entropy), " one step loses", float(selector.bounds().at(1)))
for rule in ("topk:k=1", "topk:k=2", "topk:k=5"):
    done = selector.decode(rule)
    print(
        f"{rule}: accuracy {float(done.accuracy):.4f}, KL {float(done.kl):.4f}, {float(done.steps):g} steps"
    )

# %% [markdown]
# ## Which number should you report?
#
# - If any right answer will do (a proof, a program), accuracy is the goal. Low temperature trades variety for it.
# - If you sample (data, stories, games), report the divergence or the entropy as well: accuracy does not see
#   repetition.
# - A bound on KL is a bound on accuracy; a bound on accuracy is no bound on KL.

# %% [markdown]
# ## Exercises

# %%
weighted = pb.pmf(
    {("New", "York"): "1/2", ("New", "Delhi"): "1/8", ("Mexico", "City"): "1/4", ("Panama", "City"): "1/8"}
)

# %% [markdown]
# **1.** These weighted cities in one step, temperature 1: what accuracy does the floor $2^{-KL}$ guarantee?

# %%
check(1, ...)

# %% [markdown]
# **2.** Four equally likely cities, and a decoder that always writes "New York". Its accuracy and its KL
# divergence? (A list of two.)

# %%
check(2, ...)

# %% [markdown]
# **3.** The selector with three tokens a step (`topk:k=3`) is always right. How many bits does it lose
# nevertheless?

# %%
check(3, ...)

# %% [markdown]
# **What to remember.** accuracy $\ge 2^{-KL}$, and not the other way round. Next: [decoders that beat every fixed
# order](08_beyond_partitions.py).
