"""Drop the deprecated columns.

Revision ID: 0010
Revises: 0009

Deploy: in a release of its own, after the code that stopped writing them.
Locks: curriculum_membership ACCESS EXCLUSIVE once for each index that goes and once for the ALTER:
    50 ms and 20 ms at most.
Undo: adds the columns, empty; the downgrade of 0009 fills them. Their indexes are built
    concurrently.
"""

from alembic import op

from membership_refactor.plans.programme_membership import SPLIT

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_deprecated_columns(SPLIT)


def downgrade() -> None:
    op.undo_drop_deprecated_columns(SPLIT)
