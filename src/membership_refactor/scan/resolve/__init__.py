"""Bind every name of a statement to the table and column that it means."""
