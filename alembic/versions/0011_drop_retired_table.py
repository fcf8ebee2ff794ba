"""Drop the archive of the old table.

Revision ID: 0011
Revises: 0010

Deploy: when nobody will ask for the archive any more.
Locks: programme_membership_retired ACCESS EXCLUSIVE: 50 ms and 20 ms at most.
Undo: creates the archive, empty; the downgrade of 0005 fills it.
"""

from alembic import op

from membership_refactor.plans.programme_membership import SPLIT

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_retired_table(SPLIT)


def downgrade() -> None:
    op.undo_drop_retired_table(SPLIT)
