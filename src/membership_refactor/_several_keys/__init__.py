"""Several external keys per enrollment: an optional chain with its own version table."""
