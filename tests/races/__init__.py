"""Attacks on the live copy and on the two-way capture, and what they end in."""
