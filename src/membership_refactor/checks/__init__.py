"""Checks: invariants with a sentence, and SQL that returns the keys of rows that break them."""
