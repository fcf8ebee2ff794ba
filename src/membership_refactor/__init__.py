"""A live PostgreSQL table is split as a chain of Alembic revisions, and nothing is lost."""

__version__ = "0.1.0"
