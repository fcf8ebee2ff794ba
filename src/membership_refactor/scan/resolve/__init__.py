"""From names in a statement to columns of the plan's tables."""
