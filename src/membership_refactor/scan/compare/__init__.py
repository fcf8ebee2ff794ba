"""Run the old and the new form of a statement on the same rows and compare the results."""
