"""Turn SQL text with comments, wrappers, macros and templates into text that parses."""
