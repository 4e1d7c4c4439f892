# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Lesson 4: Which blocks
#
# *Fifteen minutes, after [lesson 3](03_theorem_1.py).*
#
# For a given order of blocks the loss is $L_T$. Now choose the blocks. The least loss of T blocks is written
# $L^*_T$. There are very many ways to choose, but the best one is a shortest path, and more steps never cost more
# (Theorem 2).

# %%
from itertools import combinations, pairwise, product
from math import comb

from classroom import checker, slide

import parabounds as pb
from theory import conditional_entropy, step_bound

check = checker(4)

# %% [markdown]
# ## A trip
#
# A trip goes from one place to another, four tokens in all: positions 0 and 1 name the first place, 2 and 3 the
# second. The two places are independent, and each is one of three.

# %%
places = [("New", "York"), ("New", "Delhi"), ("Mexico", "City")]
trips = pb.pmf([(*start, *goal) for start in places for goal in places])
print(len(trips.pmf.outcomes), "trips")

# %% [markdown]
# **Predict.** Two steps, two tokens each. Which pairs should go together: (0, 1) and (2, 3), from left to right?
# Or another choice?

# %%
for blocks in ("0,1|2,3", "0,2|1,3", "1,3|0,2", "0,3|1,2"):
    print(blocks, "loses", round(float(trips.bounds(blocks).partition_bound), 4), "bits")

# %% [markdown]
# From left to right is the worst: "New" and "York" depend on each other, and are drawn at once. One token of
# *each* place costs nothing, since the places are independent. Blocks should hold tokens that do not need each
# other.

# %% [markdown]
# ## A shortest path
#
# How many choices are there? Every step adds a block to the set of known positions. So an order of blocks is a
# path from the empty set to the full set, and the cost of an arrow from A to B is the total correlation of the
# new tokens given A. It depends on A and B alone, not on how A was reached.
#
# **Predict.** Four positions have 16 sets. How many arrows?

# %%
positions = range(4)
sets = [frozenset(chosen) for size in range(5) for chosen in combinations(positions, size)]
arrows = [(a, b) for a in sets for b in sets if a < b]
print(len(sets), "sets,", len(arrows), "arrows")


def cost(a, b):
    """Return C(new tokens | a), in bits."""
    new, known = sorted(b - a), sorted(a)
    singles = [conditional_entropy(trips, [i], known) for i in new]
    return sum(singles[1:], singles[0]) - conditional_entropy(trips, new, known)


costs = {(a, b): cost(a, b) for a, b in arrows}

# %% [markdown]
# Bellman's equation: the least loss of reaching B in T steps is the least, over A, of reaching A in T - 1 steps
# plus the arrow. With $2^n$ sets it takes $3^n$ arrows a step, instead of all orders one by one.

# %%
empty, full = sets[0], sets[-1]
best = {empty: (trips.bounds().total_correlation * 0, [])}
found = []
for _steps in positions:
    after = {}
    for a, (lost, path) in best.items():
        for b in sets:
            if a < b and (b not in after or lost + costs[a, b] < after[b][0]):
                after[b] = (lost + costs[a, b], [*path, b])
    best = after
    found.append(best[full])
print([round(float(lost), 4) for lost, _ in found])
print(
    "the same as bounds():",
    [lost for lost, _ in found] == [trips.bounds().at(steps) for steps in range(1, 5)],
)

# %% [markdown]
# Ten lines are the whole algorithm, and they agree exactly with the toolkit. Here is the lattice of sets, with
# the best path of two steps.

# %%
figure, ax = slide()
where = {}
for size in range(5):
    row = [s for s in sets if len(s) == size]
    where |= {s: (i - (len(row) - 1) / 2, size) for i, s in enumerate(row)}
for a, b in arrows:
    if len(b) - len(a) == 1:
        ax.plot(*zip(where[a], where[b], strict=True), color="#dddddd", linewidth=0.8, zorder=1)
left_to_right = [empty, frozenset({0, 1}), full]
shown = (
    ([empty, *found[1][1]], "#0072B2", "best two steps", "-"),
    (left_to_right, "#D55E00", "left to right", "--"),
)
for path, colour, label, dashes in shown:
    lost = sum(float(costs[a, b]) for a, b in pairwise(path))
    points = list(zip(*(where[s] for s in path), strict=True))
    ax.plot(*points, dashes, color=colour, linewidth=3, label=f"{label}: {lost:.3g} bits", zorder=2)
for s, (x, y) in where.items():
    ax.text(
        x, y, "".join(map(str, sorted(s))) or "none", ha="center", va="center", zorder=3,
        bbox={"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": "#888888"},
    )  # fmt: skip
ax.set(
    xticks=[],
    yticks=positions,
    ylim=(-0.4, 4.4),
    ylabel="known positions",
    title="Orders of blocks are paths through the sets",
)
ax.set_yticks(range(5))
ax.grid(visible=False)
ax.legend(loc="upper left")

# %% [markdown]
# ## Theorem 2: more steps never cost more
#
# > **Proof.** Take a block with two tokens or more and split it into A, then B. The tokens of B are now drawn given
# > A, which saves $\sum_{b \in B} I(b; A\,|\,\text{before})$ bits, and information is never negative. ∎
#
# **Predict.** Which of the four steps of the trip are useless?

# %%
trips.bounds().plot()
print(trips.bounds().verdict)

# %% [markdown]
# Two steps lose nothing, so two of four are *free*: this task can be decoded at two tokens a step by a decoder
# that knows which tokens to pair. Shuffle is the opposite: each step that is saved costs something.

# %%
shuffle = pb.task("shuffle", n=5)
print([round(float(bits), 3) for bits in shuffle.bounds().optimal_bound])
print(shuffle.bounds().verdict)

# %% [markdown]
# ## How many orders there are
#
# Into T blocks, in order: $\sum_k (-1)^k \binom{T}{k} (T - k)^n$, the number of ways to give n positions T step
# numbers so that none is left out.


# %%
def orders(n, steps):
    return sum((-1) ** k * comb(steps, k) * (steps - k) ** n for k in range(steps + 1))


for n in (5, 10, 20):
    print(n, "positions:", sum(orders(n, steps) for steps in range(1, n + 1)), "orders, but", 2**n, "sets")

# %% [markdown]
# All of them, for the trip: 75 orders, the least of each number of blocks taken by brute force.

# %%
least = {}
for order in product(positions, repeat=4):
    blocks = [[i for i in positions if order[i] == t] for t in range(max(order) + 1)]
    if all(blocks):
        lost = step_bound(trips, blocks)
        least[len(blocks)] = min(lost, least.get(len(blocks), lost))
print([round(float(least[steps]), 4) for steps in (1, 2, 3, 4)])

# %% [markdown]
# ## Exercises
#
# **1.** In how many ways can *four* positions be decoded in exactly *two* steps?

# %%
check(1, ...)

# %% [markdown]
# **2.** Shuffle of four items: $L^*_1, L^*_2, L^*_3, L^*_4$. (A list.)

# %%
check(2, ...)

# %% [markdown]
# **3.** A tour of three independent places, six tokens, each place as above. What is the least number of steps
# that lose nothing?

# %%
check(3, ...)

# %% [markdown]
# **What to remember.** Put into one block what does not need each other. The best blocks are a shortest path over
# sets. Next: [tasks whose loss has a formula](05_copy_replace_shuffle.py).
