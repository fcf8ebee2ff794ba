"""SQL of unique identities: finding duplicates, constraints, indexes, and the merge record."""
