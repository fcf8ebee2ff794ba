"""The private build of a table in batches, beside a change log."""
