"""DDL from a table's portrait, a kind of object each; sql/create.py puts them in order.

The texts come from PostgreSQL, deparsed under an empty search_path: names outside pg_catalog are
qualified. They are to be run with an empty search_path too, or a function of the same name and
nearer argument types in somebody's schema could be taken instead.
"""
