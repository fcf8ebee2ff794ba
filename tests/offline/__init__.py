"""Scripts for psql, run on real databases."""
