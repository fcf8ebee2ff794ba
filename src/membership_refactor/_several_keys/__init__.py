"""Several external keys for one enrollment: an optional chain with a version table of its own."""
