"""Retire the old table, and give its identity and its references to the copy.

Revision ID: 0005
Revises: 0004

Deploy: After the last reader and writer of programme_membership has moved to the copy.
Locks: Both tables, those that refer to the old one and those that it refers to, ACCESS EXCLUSIVE in
    one short transaction: waited for 50 ms, held 20 ms at most.
Undo: Brings the old table up to date in batches while writes are captured, then gives it its name
    back.
"""

from membership_refactor import op
from membership_refactor.plans.programme_membership import SPLIT

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.retire_source(SPLIT)


def downgrade() -> None:
    op.undo_retire_source(SPLIT)
