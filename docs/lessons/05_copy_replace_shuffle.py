# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Lesson 5: Copy, replace, shuffle
#
# *Fifteen minutes, after [lesson 4](04_which_blocks.py).*
#
# ParallelBench asks models to do small things with a list: copy it, replace an item, shuffle it. Each is easy one
# token at a time. Their total correlations have closed forms (Table 1 of the paper), and they grow in three
# different ways.

# %%
from math import comb, factorial, log2

import sympy
from classroom import checker, slide

import parabounds as pb
from theory.information.closed_forms import closed_form, evaluate

check = checker(5)

# %% [markdown]
# ## Three tasks
#
# The input is a list of n items. The answer is
#
# - **Copy**: the list itself.
# - **Replace Random**: the list with one item, which one is free, replaced by a given new item.
# - **Shuffle**: the items in any order.
#
# **Predict.** All three are decoded in one step by an ideal model. Which gets worse as the list grows? Which does
# not?

# %%
names = ("copy", "replace_random", "shuffle")
for n in (2, 4, 6, 8):
    print(n, {name: round(float(pb.task(name, n=n).bounds().total_correlation), 3) for name in names})

# %% [markdown]
# ## Copy: zero
#
# The answer is certain. There is no entropy, so there is nothing to lose: any decoder copies in one step.

# %% [markdown]
# ## Shuffle: by hand
#
# Each position is uniform over n items, so the entropies of single positions add up to $n\log_2 n$. Together
# there are $n!$ equally likely orders. Hence
# $$C_{\text{shuffle}}(n) = n\log_2 n - \log_2 n!\,.$$

# %%
form = closed_form("shuffle", "total_correlation")
print(form.expression)
for n in (4, 6):
    exact = pb.task("shuffle", n=n).bounds().total_correlation
    print(n, "formula", round(n * log2(n) - log2(factorial(n)), 6), "from all orders", round(float(exact), 6))
    assert evaluate(form, n=n) == exact  # as exact numbers, not nearly

# %% [markdown]
# ## Replace Random: by hand
#
# The new item stands at each position with probability 1/n; otherwise the position keeps its item. One position
# therefore has the entropy $h = \frac1n\log_2 n + \frac{n-1}{n}\log_2\frac{n}{n-1}$, and all together have
# $\log_2 n$. Subtract:
# $$C_{\text{replace}}(n) = n h - \log_2 n = (n-1)\log_2\frac{n}{n-1}.$$
#
# **Predict.** As n grows: does this vanish, converge, or grow without bound?

# %%
n = sympy.Symbol("n", positive=True)
replace = (n - 1) * sympy.log(n / (n - 1), 2)
limit = sympy.limit(replace, n, sympy.oo)
print("limit:", limit, "=", sympy.N(limit, 5), "bits")

# %% [markdown]
# It converges to $\log_2 e = 1.4427$ bits: whoever replaces one item of a million in one step is right with
# probability 1/e, hardly less than with a hundred. For Shuffle the same constant is the price of **each token**:

# %%
shuffle = n * sympy.log(n, 2) - sympy.loggamma(n + 1) / sympy.log(2)
rate = sympy.limit(sympy.log(n, 2) - (n * sympy.log(n) - n) / (n * sympy.log(2)), n, sympy.oo)  # Stirling
print("C/n at n = 10, 1000, 100000:", [round(float(shuffle.subs(n, m) / m), 4) for m in (10, 1000, 100000)])
print("limit of C/n:", sympy.simplify(rate), "=", sympy.N(rate, 5))

# %%
figure, ax = slide()
sizes = [*range(2, 33)]
styles = {
    "shuffle": ("#D55E00", "-", "Shuffle: 1.4427 bits a token"),
    "replace_random": ("#0072B2", "--", "Replace Random: 1.4427 bits in all"),
    "copy": ("#009E73", ":", "Copy: nothing"),
}
for name, (colour, dashes, label) in styles.items():
    form = closed_form(name, "total_correlation")
    ax.plot(
        sizes, [float(evaluate(form, n=m)) for m in sizes], dashes, color=colour, linewidth=2.4, label=label
    )
    listed = [2, 4, 6, 8]
    points = [float(pb.task(name, n=m).bounds().total_correlation) for m in listed]
    ax.plot(listed, points, "o", color=colour, markerfacecolor="white", markersize=7)
ax.plot([], [], "o", color="black", markerfacecolor="white", label="from all answers, listed")
ax.axhline(log2(2.718281828459045), color="#0072B2", linewidth=0.8, alpha=0.6)
ax.set(xlabel="length n of the list", ylabel="total correlation, bits", ylim=(-1, 45))
ax.set_title("One step: flat, bounded, linear")
ax.legend(loc="upper left")

# %% [markdown]
# ## Bits and accuracy
#
# For these tasks all possible answers are equally likely, also under Q. Then the accuracy of one step is exactly
# $2^{-C}$.
#
# **Predict.** Shuffle of ten items in one step: better or worse than one in a thousand?

# %%
for m in (4, 10, 16):
    decode = pb.task("shuffle", n=m).decode(f"topk:k={m}")
    print(m, "items: accuracy", float(decode.accuracy), " 2^-KL", 2 ** -float(decode.kl))

# %% [markdown]
# ## Two tokens a step
#
# Shuffle, two at a time, has a closed form as well (Section 4 of the paper): $L = \log_2\frac{n!!}{(n-1)!!}$. For
# even n that is $n - \log_2\binom{n}{n/2}$, and it still grows without bound, though slowly.

# %%
for m in (4, 8, 16):
    lost = pb.task("shuffle", n=m).decode("topk:k=2,by=random").kl
    print(m, "items:", round(float(lost), 4), "bits; formula", round(m - log2(comb(m, m // 2)), 4))

# %% [markdown]
# Table 1 of the paper, with all ten operations: `parabounds figures table1`. The proofs: [closed
# forms](../closed_forms.md).

# %% [markdown]
# ## Exercises
#
# **1.** Two lists of n items; in each, one item is replaced, independently. All is decoded in one step. To what
# does the total correlation converge as n grows, in bits?

# %%
check(1, ...)

# %% [markdown]
# **2.** Shuffle of five items in one step: what is the accuracy of an ideal model?

# %%
check(2, ...)

# %% [markdown]
# **3.** Insert Random puts a new item into one of the n + 1 gaps of a list; the answer has one position for each
# gap. What is its total correlation for n = 6, in bits? (Position i holds the new item for gap i, item i - 1 for
# the i gaps before it, and item i for the n - i gaps after it.)

# %%
check(3, ...)

# %% [markdown]
# **What to remember.** How fast the loss grows with n is a property of the task: 0, 1.44 bits in all, 1.44 bits a
# token. Next: [rules that decide while they decode](06_rules.py).
