"""An Alembic project as the engine sees it: its plans, and the revisions that run their steps."""
