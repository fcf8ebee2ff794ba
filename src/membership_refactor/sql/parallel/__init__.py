"""Parallel saving between parent and child, the freeze of deprecated columns, and the way back."""
