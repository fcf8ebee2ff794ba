"""Freeze the deprecated columns of curriculum_membership.

Revision ID: 0009
Revises: 0008

Deploy: After the last reader and writer of the deprecated columns has moved to
    programme_membership.
Locks: Both tables SHARE ROW EXCLUSIVE, then ACCESS EXCLUSIVE, and once each table that the
    deprecated columns refer to: waited for 50 ms, held 20 ms at most.
Undo: Refreshes the columns from programme_membership in batches while writes are captured, then
    keeps both equal again. If your own triggers stand on a table, each batch (about 20 ms) holds
    SHARE ROW EXCLUSIVE on it, and all its writers wait.
"""

from membership_refactor import op
from membership_refactor.plans.programme_membership import SPLIT

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.stop_parallel_save(SPLIT)


def downgrade() -> None:
    op.undo_stop_parallel_save(SPLIT)
