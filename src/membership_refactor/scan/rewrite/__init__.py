"""Write the form of a statement for the split structure, as edits of its text."""
