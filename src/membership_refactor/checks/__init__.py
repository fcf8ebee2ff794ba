"""The invariants: a sentence, and SQL that returns the keys that break it."""
