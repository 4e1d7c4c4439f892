"""Every tolerance of the tests: its unit, its reason and the worst deviation seen."""

# Bits, or a probability: a float64 sum of at most 81 terms, four conditionals deep. Worst seen: below 3e-15.
ROUNDING = 1e-12

# Bits: float tables take the first partition within 1e-9 of the best in each of at most 4 blocks.
NEAR_OPTIMAL = 1e-8

# One false alarm in a million whole runs: the level that all statistical tests of a module share.
FAMILY_WISE = 1e-6

# Decimal digits of entropies that are compared with exact numbers of 200-bit weights to 100 places.
DIGITS = 120

# Bits: a larger proven error would be useless for an ordinary pmf. Worst seen in tests: 3e-13.
USEFUL = 1e-9
