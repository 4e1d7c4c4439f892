"""The claims of the paper that are tested again: one function and one entry each, in a module for each theme.

`known.CLAIMS` is the list, `page.build_page` writes it down; `figures/paper/claims.py` runs it.
"""
