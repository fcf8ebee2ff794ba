"""Copy the wide table, and keep the copy equal to it.

Revision ID: 0003
Revises: 0002

Deploy: Before the code that reads curriculum_membership.
Locks: programme_membership SHARE ROW EXCLUSIVE twice and, with curriculum_membership, ACCESS
    EXCLUSIVE once; each table that it refers to SHARE ROW EXCLUSIVE once. Each is waited for 50 ms,
    held 20 ms at most, and tried again.
Undo: Drops the copy. No data is lost, because applications could only write the source.
"""

from membership_refactor import op
from membership_refactor.plans.programme_membership import SPLIT

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.copy_table(SPLIT)


def downgrade() -> None:
    op.undo_copy_table(SPLIT)
