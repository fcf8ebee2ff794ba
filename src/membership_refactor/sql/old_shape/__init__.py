"""The view of the old shape: its text, how a read of it is noted, and how others leave it alone."""
