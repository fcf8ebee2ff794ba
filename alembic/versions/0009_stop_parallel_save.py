"""Freeze the deprecated columns of curriculum_membership.

Revision ID: 0009
Revises: 0008

Deploy: after the last reader and writer of the deprecated columns has moved to the parent.
Locks: both tables SHARE ROW EXCLUSIVE, then ACCESS EXCLUSIVE, and once each table that the
    deprecated columns refer to: 50 ms and 20 ms at most.
Undo: refreshes the columns from the parents in batches, under capture, then saves in parallel
    again.
"""

from alembic import op

from membership_refactor.plans.programme_membership import SPLIT

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.stop_parallel_save(SPLIT)


def downgrade() -> None:
    op.undo_stop_parallel_save(SPLIT)
