"""Proposes a plan for a wide table: which columns depend on which, measured on its rows."""
