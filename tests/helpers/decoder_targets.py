"""Temperatures, ways to fill a pmf, and small reference tasks for the tests of the exact decoder."""

from hypothesis import strategies as st

from tests.reference import definitions as ref

FEW = ("dense", "skewed", "sparse")
temperatures = st.sampled_from([0, 1])
TASKS = {
    "shuffle": ref.shuffle(4),
    "strict": ref.shuffle_strict(4),
    "replace": ref.replace_random(4),
    "insert": ref.insert_random(3),
    "remove": ref.remove_random(5),
    "cities": ref.city_names(),
    "parity": ref.parity(4),
    "repeated": ref.repeated_bit(4),
}
