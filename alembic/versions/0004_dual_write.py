"""Let either table be written; the other follows in the same transaction.

Revision ID: 0004
Revises: 0003

Deploy: before the code that writes curriculum_membership.
Locks: both tables SHARE ROW EXCLUSIVE, then curriculum_membership ACCESS EXCLUSIVE: 50 ms and
    20 ms at most.
Undo: closes the copy to writers again; what they wrote is in both tables.
"""

from alembic import op

from membership_refactor.plans.programme_membership import SPLIT

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.dual_write(SPLIT)


def downgrade() -> None:
    op.undo_dual_write(SPLIT)
