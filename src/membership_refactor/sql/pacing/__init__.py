"""SQL and constants that pace the work: who is in the way, and how fast to go."""
