"""Tests of the benchmark: that its figures are computed, not what they are."""
