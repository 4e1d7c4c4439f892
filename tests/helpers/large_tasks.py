"""The tasks with exact bounds at large n, each at about a thousand positions."""

NINE = {
    "shuffle": 1000,
    "replace_random": 1000,
    "insert_random": 999,
    "remove_random": 1001,
    "bernoulli_walk": 1000,
    "one_hot_blocks": 961,
    "parity": 1000,
    "repeated_bit": 1000,
    "reed_solomon": 1000,
}
