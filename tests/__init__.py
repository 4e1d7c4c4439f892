"""Tests of parabounds."""
