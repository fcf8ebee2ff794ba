"""Single removals of protection: each has to make a named test fail."""
