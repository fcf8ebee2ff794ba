"""Make sure that the legacy tables exist.

Revision ID: 0001
Revises:

Deploy: before everything else.
Locks: creating tables locks nothing in use; tables that are there are compared and left as they
    are.
Undo: drops the tables that it created, if they are empty; adopted ones stay.
"""

from alembic import op

from membership_refactor.plans.programme_membership import SPLIT

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.legacy_baseline(SPLIT)


def downgrade() -> None:
    op.undo_legacy_baseline(SPLIT)
