"""Realistic data and live writers: the refactoring shown on a server of its own."""
