"""Triggers that carry what is written to one table over to the other, or refuse it."""
