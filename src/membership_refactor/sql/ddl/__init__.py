"""DDL from a table's portrait, one file for each kind of object; ``create.py`` puts them in order.

PostgreSQL printed the texts with an empty search_path, so names outside pg_catalog are qualified.
Run them with an empty search_path too. Otherwise PostgreSQL could pick a function of the same name
with closer argument types from another schema.
"""
