"""Text that is not SQL yet: placeholders, macros and holes."""
