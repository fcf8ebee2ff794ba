"""Statements for the split structure, as edits of the text."""
