"""Evidence: who still reads or writes the old structure, and what their statements become."""
