"""Certified brackets of ``L*_T`` where 2^n sets are too many (``docs/brackets.md``)."""
