"""Copy the wide table, and let the copy follow every write.

Revision ID: 0003
Revises: 0002

Deploy: before the code that reads curriculum_membership.
Locks: programme_membership SHARE ROW EXCLUSIVE twice and, with curriculum_membership, ACCESS
    EXCLUSIVE once, and each table that it refers to SHARE ROW EXCLUSIVE once: waited for 50 ms,
    held 20 ms at most, tried again.
Undo: drops the copy; no data is lost, nobody but the source has been written.
"""

from alembic import op

from membership_refactor.plans.programme_membership import SPLIT

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.copy_table(SPLIT)


def downgrade() -> None:
    op.undo_copy_table(SPLIT)
