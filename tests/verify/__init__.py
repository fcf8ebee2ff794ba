"""Verify and repair, with corruption planted on purpose."""
