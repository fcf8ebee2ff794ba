"""Reading the catalog: portraits of tables, their dependents, and the server."""
