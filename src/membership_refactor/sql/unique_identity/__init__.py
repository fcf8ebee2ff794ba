"""The SQL of unique identities, as text: finding trouble, constraints, indexes, merge records."""
