"""The command lines, as real processes."""
