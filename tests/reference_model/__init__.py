"""An independent model of a split: plain Python, written from the rules and not from the SQL."""
