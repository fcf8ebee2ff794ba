"""Retire the old table; the copy owns name, identity and references.

Revision ID: 0005
Revises: 0004

Deploy: after the last reader and writer of programme_membership has moved to the copy.
Locks: both tables, those that refer to the old one and those that it refers to, ACCESS EXCLUSIVE in
    one short transaction: 50 ms and 20 ms at most.
Undo: brings the archive up to date in batches, under capture, then gives it its name back.
"""

from alembic import op

from membership_refactor.plans.programme_membership import SPLIT

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.retire_source(SPLIT)


def downgrade() -> None:
    op.undo_retire_source(SPLIT)
