"""The catalog, read: portraits of tables, the server, and what hangs on a table."""
