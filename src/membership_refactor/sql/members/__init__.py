"""Partitions that come and go while the chain stands: known, followed, taken out."""
