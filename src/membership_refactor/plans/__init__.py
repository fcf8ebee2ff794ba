"""The plans that ship."""
