"""Create the new, empty programme_membership and record what is written.

Revision ID: 0006
Revises: 0005

Deploy: after nobody means the old table by its name any more.
Locks: curriculum_membership SHARE ROW EXCLUSIVE: 50 ms and 20 ms at most.
Undo: drops the empty table.
"""

from alembic import op

from membership_refactor.plans.programme_membership import SPLIT

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_parent(SPLIT)


def downgrade() -> None:
    op.undo_create_parent(SPLIT)
