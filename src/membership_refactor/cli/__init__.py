"""membership-refactor: Alembic's own command line with more verbs."""

from membership_refactor.cli.main import main

__all__ = ["main"]
