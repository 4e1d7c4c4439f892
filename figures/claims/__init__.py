"""Claims of the paper that are tested again, in a module for each theme.

`known.CLAIMS` is the list, `page.build_page` makes its page; `figures/paper/claims.py` runs it.
"""
